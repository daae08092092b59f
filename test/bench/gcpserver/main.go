// gcpserver: a go-control-plane ADS server (SotW and delta) with S services x E endpoints, for benchmarks.
//
//	--cache snapshot: SnapshotCache, ADS mode, per-type versions; --nodes shared (one snapshot) | per-node (one a node id)
//	--cache linear:   MuxCache of one LinearCache a type
//
// Admin (HTTP): POST /eds?name=CLUSTER&token=IP   changes the first endpoint's address of one CLA
//
//	POST /route?name=ROUTE&token=/x   puts a route with that prefix first in one virtual host
//	GET  /stats
//	GET  /memory   bytes in use on the heap after a full collection
//
// With --namespaces the folder of --load has a folder for each namespace. A node gets what is in that of its own, which stands in
// its id (sidecar~IP~NAME.NAMESPACE~DOMAIN); the linear cache is then one for each type and namespace. Resources that are
// equal in several namespaces are held once.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	router "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	cache "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	resource "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	server "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var (
	addr   = flag.String("addr", "127.0.0.1:18600", "ADS")
	admin  = flag.String("admin", "127.0.0.1:18601", "admin HTTP (also /debug/pprof)")
	S      = flag.Int("services", 1000, "services")
	E      = flag.Int("endpoints", 10, "endpoints a service")
	load   = flag.String("load", "", "serve the resources saved by xdsload --save DIR instead of synthetic ones")
	kind   = flag.String("cache", "snapshot", "snapshot | linear")
	nodes  = flag.String("nodes", "shared", "snapshot cache: shared | per-node")
	oneVer = flag.Bool("one-version", false, "snapshot cache: one version for all types (the naive NewSnapshot use)")
	order  = flag.Bool("ordered", true, "sotw.WithOrderedADS")
	perNs  = flag.Bool("namespaces", false, "--load has a folder for each namespace")
)

func anyOf(m proto.Message) *anypb.Any { a, err := anypb.New(m); check(err); return a }
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
func ads() *core.ConfigSource {
	return &core.ConfigSource{ResourceApiVersion: core.ApiVersion_V3, ConfigSourceSpecifier: &core.ConfigSource_Ads{Ads: &core.AggregatedConfigSource{}}}
}

func ep(ip string, port uint32) *endpoint.LbEndpoint {
	return &endpoint.LbEndpoint{LoadBalancingWeight: wrapperspb.UInt32(1), HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{
		Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{Address: ip, PortSpecifier: &core.SocketAddress_PortValue{PortValue: port}}}}}}}
}

// res[typeURL][name]
func synth() map[string]map[string]types.Resource {
	r := map[string]map[string]types.Resource{resource.ClusterType: {}, resource.EndpointType: {}, resource.ListenerType: {}, resource.RouteType: {}}
	rc := &route.RouteConfiguration{Name: "80", ValidateClusters: wrapperspb.Bool(false)}
	for i := 0; i < *S; i++ {
		host := fmt.Sprintf("svc-%04d.bench.svc.cluster.local", i)
		cn := "outbound|80||" + host
		r[resource.ClusterType][cn] = &cluster.Cluster{Name: cn, ConnectTimeout: durationpb.New(10 * time.Second),
			ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_EDS},
			EdsClusterConfig:     &cluster.Cluster_EdsClusterConfig{EdsConfig: ads(), ServiceName: cn},
			LbPolicy:             cluster.Cluster_LEAST_REQUEST,
			CircuitBreakers: &cluster.CircuitBreakers{Thresholds: []*cluster.CircuitBreakers_Thresholds{{MaxConnections: wrapperspb.UInt32(4294967295),
				MaxPendingRequests: wrapperspb.UInt32(4294967295), MaxRequests: wrapperspb.UInt32(4294967295), MaxRetries: wrapperspb.UInt32(4294967295), TrackRemaining: true}}},
			CommonLbConfig: &cluster.Cluster_CommonLbConfig{}}
		l := &endpoint.LocalityLbEndpoints{Locality: &core.Locality{}, LoadBalancingWeight: wrapperspb.UInt32(uint32(*E))}
		for j := 0; j < *E; j++ {
			k := i**E + j
			l.LbEndpoints = append(l.LbEndpoints, ep(fmt.Sprintf("10.%d.%d.%d", 1+k/62500, (k/250)%250, k%250+1), 8080))
		}
		r[resource.EndpointType][cn] = &endpoint.ClusterLoadAssignment{ClusterName: cn, Endpoints: []*endpoint.LocalityLbEndpoints{l}}
		short := fmt.Sprintf("svc-%04d", i)
		rc.VirtualHosts = append(rc.VirtualHosts, &route.VirtualHost{Name: host + ":80",
			Domains: []string{host, host + ":80", short + ".bench", short + ".bench:80", short + ".bench.svc", short + ".bench.svc:80"},
			Routes: []*route.Route{{Name: "default", Match: &route.RouteMatch{PathSpecifier: &route.RouteMatch_Prefix{Prefix: "/"}},
				Action: &route.Route_Route{Route: &route.RouteAction{ClusterSpecifier: &route.RouteAction_Cluster{Cluster: cn}, Timeout: durationpb.New(0),
					RetryPolicy: &route.RetryPolicy{RetryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", NumRetries: wrapperspb.UInt32(2), RetriableStatusCodes: []uint32{503}}}}}}})
	}
	r[resource.RouteType]["80"] = rc
	m := &hcm.HttpConnectionManager{StatPrefix: "outbound_0.0.0.0_80", RouteSpecifier: &hcm.HttpConnectionManager_Rds{Rds: &hcm.Rds{ConfigSource: ads(), RouteConfigName: "80"}},
		HttpFilters: []*hcm.HttpFilter{{Name: "envoy.filters.http.router", ConfigType: &hcm.HttpFilter_TypedConfig{TypedConfig: anyOf(&router.Router{})}}}}
	r[resource.ListenerType]["0.0.0.0_80"] = &listener.Listener{Name: "0.0.0.0_80",
		Address:      &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{Address: "0.0.0.0", PortSpecifier: &core.SocketAddress_PortValue{PortValue: 80}}}},
		FilterChains: []*listener.FilterChain{{Filters: []*listener.Filter{{Name: "envoy.filters.network.http_connection_manager", ConfigType: &listener.Filter_TypedConfig{TypedConfig: anyOf(m)}}}}}}
	return r
}

// equal: resources by their bytes.
var equal = map[string]types.Resource{}

func loaded(dir string) map[string]map[string]types.Resource {
	r := map[string]map[string]types.Resource{}
	for f, t := range map[string]string{"cds": resource.ClusterType, "eds": resource.EndpointType, "lds": resource.ListenerType, "rds": resource.RouteType} {
		b, err := os.ReadFile(dir + "/" + f + ".pb")
		check(err)
		d := &discovery.DiscoveryResponse{}
		check(proto.Unmarshal(b, d))
		r[t] = map[string]types.Resource{}
		for _, a := range d.Resources {
			if m := equal[string(a.Value)]; m != nil {
				r[t][cache.GetResourceName(m)] = m
				continue
			}
			var m types.Resource
			switch f {
			case "cds":
				m = &cluster.Cluster{}
			case "eds":
				m = &endpoint.ClusterLoadAssignment{}
			case "lds":
				m = &listener.Listener{}
			case "rds":
				m = &route.RouteConfiguration{}
			}
			check(proto.Unmarshal(a.Value, m))
			r[t][cache.GetResourceName(m)] = m
			if *perNs {
				equal[string(a.Value)] = m
			}
		}
	}
	return r
}

// group: nodes that get the same resources; all of them, or with --namespaces those of a namespace.
type group struct {
	id  string
	res map[string]map[string]types.Resource
	ver map[string]int
	lin map[string]*cache.LinearCache
	cur *cache.Snapshot
}

func newGroup(id string, res map[string]map[string]types.Resource) *group {
	g := &group{id: id, res: res, ver: map[string]int{}, lin: map[string]*cache.LinearCache{}}
	for t := range rtypes {
		g.ver[t] = 1
	}
	return g
}

// groupID: the group of a node.
func groupID(n *core.Node) string {
	if !*perNs {
		return "all"
	}
	parts := strings.Split(n.GetId(), "~")
	if len(parts) < 3 {
		return ""
	}
	_, ns, _ := strings.Cut(parts[2], ".")
	return ns
}

type groupHash struct{}

func (groupHash) ID(n *core.Node) string { return groupID(n) }

var (
	mu       sync.Mutex
	groups   = map[string]*group{}
	snapC    cache.SnapshotCache
	nodeSet  = map[string]bool{}
	rtypes   = map[string]types.ResponseType{resource.ClusterType: types.Cluster, resource.EndpointType: types.Endpoint, resource.ListenerType: types.Listener, resource.RouteType: types.Route}
	lastPush time.Duration
)

func (g *group) items(t string) cache.Resources {
	items := make([]types.Resource, 0, len(g.res[t]))
	for _, m := range g.res[t] {
		items = append(items, m)
	}
	return cache.NewResources("v"+strconv.Itoa(g.ver[t]), items)
}

func (g *group) snapshot() *cache.Snapshot {
	s := &cache.Snapshot{}
	for t, k := range rtypes {
		s.Resources[k] = g.items(t)
	}
	return s
}

// change: one resource of one type is new in every group that has it.
func change(t, name string, make func(types.Resource) types.Resource) bool {
	t0 := time.Now()
	found := false
	for _, g := range groups {
		if m, ok := g.res[t][name]; ok {
			g.changed(t, name, make(m))
			found = true
		}
	}
	lastPush = time.Since(t0)
	return found
}

func (g *group) changed(t, name string, m types.Resource) {
	g.res[t][name] = m
	if *kind == "linear" {
		check(g.lin[t].UpdateResource(name, m))
		return
	}
	if *oneVer {
		for x := range rtypes {
			g.ver[x]++
		}
	} else {
		g.ver[t]++
	}
	if *oneVer || g.cur == nil {
		g.cur = g.snapshot()
	} else { // only the changed type is rebuilt
		s := &cache.Snapshot{Resources: g.cur.Resources}
		s.Resources[rtypes[t]] = g.items(t)
		g.cur = s
	}
	if *nodes == "shared" {
		check(snapC.SetSnapshot(context.Background(), g.id, g.cur))
	} else {
		for id := range nodeSet {
			check(snapC.SetSnapshot(context.Background(), id, g.cur))
		}
	}
}

func main() {
	flag.Parse()
	switch {
	case *perNs:
		entries, err := os.ReadDir(*load)
		check(err)
		for _, e := range entries {
			groups[e.Name()] = newGroup(e.Name(), loaded(*load+"/"+e.Name()))
		}
	case *load != "":
		groups["all"] = newGroup("all", loaded(*load))
	default:
		groups["all"] = newGroup("all", synth())
	}
	equal = nil // held by the groups
	for _, g := range groups {
		for t := range rtypes {
			n := 0
			for _, m := range g.res[t] {
				n += proto.Size(m)
			}
			log.Printf("%s, %s: %d resources, %d bytes", g.id, t, len(g.res[t]), n)
		}
	}
	var c cache.Cache
	cb := server.CallbackFuncs{}
	if *kind == "linear" {
		m := &cache.MuxCache{Classify: func(r *cache.Request) string { return groupID(r.Node) + " " + r.TypeUrl }, ClassifyDelta: func(r *cache.DeltaRequest) string { return groupID(r.Node) + " " + r.TypeUrl }, Caches: map[string]cache.Cache{}}
		for _, g := range groups {
			for t := range rtypes {
				g.lin[t] = cache.NewLinearCache(t, cache.WithInitialResources(g.res[t]))
				m.Caches[g.id+" "+t] = g.lin[t]
			}
		}
		c = m
	} else {
		if *nodes == "shared" {
			snapC = cache.NewSnapshotCache(true, groupHash{}, nil)
			for _, g := range groups {
				g.cur = g.snapshot()
				check(snapC.SetSnapshot(context.Background(), g.id, g.cur))
			}
		} else {
			snapC = cache.NewSnapshotCache(true, cache.IDHash{}, nil)
			all := groups["all"]
			all.cur = all.snapshot()
			add := func(n *core.Node) {
				if n == nil || n.Id == "" {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if !nodeSet[n.Id] {
					nodeSet[n.Id] = true
					check(snapC.SetSnapshot(context.Background(), n.Id, all.cur))
				}
			}
			cb.StreamRequestFunc = func(_ int64, r *discovery.DiscoveryRequest) error { add(r.Node); return nil }
			cb.StreamDeltaRequestFunc = func(_ int64, r *discovery.DeltaDiscoveryRequest) error { add(r.Node); return nil }
		}
		c = snapC
	}
	ctx := context.Background()
	var srv server.Server
	if *order {
		srv = server.NewServer(ctx, c, cb, sotw.WithOrderedADS())
	} else {
		srv = server.NewServer(ctx, c, cb)
	}
	g := grpc.NewServer(grpc.MaxConcurrentStreams(1000000), grpc.MaxRecvMsgSize(64<<20),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}))
	discovery.RegisterAggregatedDiscoveryServiceServer(g, srv)
	l, err := net.Listen("tcp", *addr)
	check(err)
	http.HandleFunc("/eds", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		found := change(resource.EndpointType, r.FormValue("name"), func(m types.Resource) types.Resource {
			x := proto.Clone(m).(*endpoint.ClusterLoadAssignment)
			x.Endpoints[0].LbEndpoints[0].GetEndpoint().Address.GetSocketAddress().Address = r.FormValue("token")
			return x
		})
		answer(w, found)
	})
	http.HandleFunc("/route", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		found := change(resource.RouteType, r.FormValue("name"), func(m types.Resource) types.Resource {
			x := proto.Clone(m).(*route.RouteConfiguration)
			vh := x.VirtualHosts[len(x.VirtualHosts)/2]
			nr := proto.Clone(vh.Routes[len(vh.Routes)-1]).(*route.Route)
			nr.Match.PathSpecifier = &route.RouteMatch_Prefix{Prefix: r.FormValue("token")}
			vh.Routes = append([]*route.Route{nr}, vh.Routes[len(vh.Routes)-1])
			return x
		})
		answer(w, found)
	})
	http.HandleFunc("/stats", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		versions := map[string]any{}
		for id, g := range groups {
			versions[id] = g.ver
		}
		json.NewEncoder(w).Encode(map[string]any{"versions": versions})
	})
	http.HandleFunc("/memory", func(w http.ResponseWriter, r *http.Request) {
		runtime.GC()
		runtime.GC() // what finalizers let go
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprintln(w, m.HeapAlloc)
	})
	go func() { check(http.ListenAndServe(*admin, nil)) }()
	log.Printf("serving %s cache (%s) on %s", *kind, *nodes, *addr)
	check(g.Serve(l))
}

func answer(w http.ResponseWriter, found bool) {
	if !found {
		http.Error(w, "no such resource", 404)
		return
	}
	fmt.Fprintln(w, lastPush)
}
