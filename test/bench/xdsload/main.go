// xdsload: a low-overhead ADS load client. N sidecar-like streams (SotW or delta), Envoy's order
// CDS(*) -> EDS(names from CDS) -> LDS(*) -> RDS(names from LDS), with correct ACKs.
// Messages travel as raw bytes: the codec hands the wire bytes over and only the few fields that are
// needed are picked out with protowire (no proto.Unmarshal on the hot path).
//
// stdout: one JSON object a line:
//
//	{"event":"connected"...}   all streams open
//	{"event":"configured"...}  all streams have their first full configuration (with the storm report)
//	{"event":"marker"...}      all streams have received the armed marker
//	{"event":"armed"|"report"|"paused"|"resumed"}  answers to the commands
//	{"event":"final"...}       totals at the end
//	{"event":"error"|"timeout"} instead, and a status that is not 0
//
// stdin (with --control): "arm TYPE NAME TOKEN" | "report" | "pause" | "resume" | "quit"
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

var (
	addr        = flag.String("addr", "127.0.0.1:15010", "ADS address (plaintext h2c)")
	n           = flag.Int("n", 10, "number of concurrent streams")
	conns       = flag.Int("conns", 0, "number of HTTP/2 connections; 0: one per stream")
	delta       = flag.Bool("delta", false, "incremental xDS (DeltaAggregatedResources)")
	nodeIDTmpl  = flag.String("node-id", "sidecar~{ip}~pod-{i}.{ns}~{ns}.svc.cluster.local", "node id template: {i} index, {ip} 10.b.c.d, {ns} namespace")
	namespaces  = flag.Int("namespaces", 0, "streams are of so many namespaces in turn, ns-000 and on; 0: all of default")
	firstNs     = flag.Int("first-namespace", 0, "with --namespaces: the number of the first one")
	nodeCluster = flag.String("node-cluster", "bench.default", "node cluster")
	meta        = flag.String("meta", `{"NAMESPACE":"{ns}","CLUSTER_ID":"Kubernetes","ISTIO_VERSION":"1.30.3","MESH_ID":"cluster.local","INSTANCE_IPS":"{ip}","SERVICE_ACCOUNT":"default","LABELS":{"app":"client"},"NAME":"pod-{i}"}`, "node metadata JSON template; empty: none")
	subset      = flag.Int("eds-subset", 0, "subscribe to only the first K EDS names (sorted); 0: all")
	edsFile     = flag.String("eds-names", "", "file with EDS names, one a line, instead of those from CDS")
	ramp        = flag.Float64("ramp", 0, "streams started per second; 0: all at once")
	preconnect  = flag.Bool("preconnect", false, "finish TCP+HTTP/2 set-up of all connections before the clock starts")
	watch       = flag.Duration("watch", 0, "stay connected this long after all are configured (with --control: until quit)")
	control     = flag.Bool("control", false, "read commands on stdin")
	timeout     = flag.Duration("timeout", 300*time.Second, "give up on the first full configuration after this")
	markerType  = flag.String("marker-type", "", "arm at the start: cds|eds|lds|rds")
	markerRes   = flag.String("marker-resource", "", "arm at the start: resource name")
	markerTok   = flag.String("marker-token", "", "arm at the start: bytes that the resource body must contain (empty: any)")
	markerN     = flag.Int("marker-count", 1, "re-arm the same marker this many times")
	pushLog     = flag.String("push-log", "", "write each received push of the watch phase to this file (CSV: stream,type,unix_ns,bytes,resources,names)")
	maxNames    = flag.Int("push-names", 8, "record names for pushes of at most this many resources")
	validate    = flag.Bool("validate", false, "fully unmarshal every resource (slow; to check the server)")
	window      = flag.Int("window", 16<<20, "HTTP/2 initial stream window (Envoy: 16 MiB); connection gets 1.5x")
	retry       = flag.Bool("retry", true, "reopen a failed stream like Envoy: jittered exponential back-off, 500 ms base, 30 s at most")
	save        = flag.String("save", "", "stream 0 saves its first SotW response of each type to DIR/{cds,eds,lds,rds}.pb (for gcpserver --load)")
	dump        = flag.String("dump", "", "stream 0 writes the bodies of its first messages to DIR (with --validate: checks)")
)

type countConn struct{ net.Conn }

func (c countConn) Read(b []byte) (int, error) {
	reading.wait()
	k, err := c.Conn.Read(b)
	rxTCP.Add(int64(k))
	return k, err
}
func (c countConn) Write(b []byte) (int, error) {
	k, err := c.Conn.Write(b)
	txTCP.Add(int64(k))
	return k, err
}

func cpuSec() float64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}

func totals(cs []*client) map[string]any {
	out := map[string]any{}
	for t := 0; t < nTypes; t++ {
		var b, m, r int64
		for _, c := range cs {
			b += c.bytes[t]
			m += c.msgs[t]
			r += c.res[t]
		}
		out[typeNames[t]] = map[string]int64{"bytes": b, "messages": m, "resources": r}
	}
	var tb, tm int64
	for _, c := range cs {
		tb += c.txBytes
		tm += c.txMsgs
	}
	out["sent"] = map[string]int64{"bytes": tb, "messages": tm}
	out["retries"] = nRetries.Load()
	if e := lastErr.Load(); e != nil {
		out["last_error"] = e
	}
	out["tcp_rx_bytes"] = rxTCP.Load()
	out["tcp_tx_bytes"] = txTCP.Load()
	return out
}

func main() {
	flag.Parse()
	debug.SetGCPercent(400)
	if *edsFile != "" {
		b, err := os.ReadFile(*edsFile)
		if err != nil {
			log.Fatal(err)
		}
		fixed = &nameList{names: strings.Fields(string(b))}
		sort.Strings(fixed.names)
		fixed.encode()
	}
	if *conns <= 0 || *conns > *n {
		*conns = *n
	}
	ccs := make([]*grpc.ClientConn, *conns)
	for i := range ccs {
		cc, err := grpc.NewClient("passthrough:///"+*addr,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithInitialWindowSize(int32(*window)), grpc.WithInitialConnWindowSize(int32(*window+*window/2)),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30), grpc.MaxCallSendMsgSize(1<<30)),
			grpc.WithSharedWriteBuffer(true), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
			grpc.WithContextDialer(func(ctx context.Context, a string) (net.Conn, error) {
				var d net.Dialer
				k, err := d.DialContext(ctx, "tcp", a)
				if err != nil {
					return nil, err
				}
				return countConn{k}, nil
			}))
		if err != nil {
			log.Fatal(err)
		}
		ccs[i] = cc
	}
	cs := make([]*client, *n)
	for i := range cs {
		ip := fmt.Sprintf("10.%d.%d.%d", 200+i/65025, (i/255)%255, i%255+1)
		ns := "default"
		if *namespaces > 0 {
			ns = fmt.Sprintf("ns-%03d", *firstNs+i%*namespaces)
		}
		rep := strings.NewReplacer("{i}", strconv.Itoa(i), "{ip}", ip, "{ns}", ns)
		nd := &core.Node{Id: rep.Replace(*nodeIDTmpl), Cluster: *nodeCluster, UserAgentName: "envoy"}
		if *meta != "" {
			nd.Metadata = &structpb.Struct{}
			if err := nd.Metadata.UnmarshalJSON([]byte(rep.Replace(*meta))); err != nil {
				log.Fatal(err)
			}
		}
		b, err := proto.Marshal(nd)
		if err != nil {
			log.Fatal(err)
		}
		cs[i] = &client{i: i, node: b}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if *preconnect {
		for _, cc := range ccs {
			cc.Connect()
		}
		for _, cc := range ccs {
			for st := cc.GetState(); st.String() != "READY"; st = cc.GetState() {
				cc.WaitForStateChange(ctx, st)
			}
		}
		emit(map[string]any{"event": "connected", "connections": len(ccs)})
	}
	if *markerType != "" {
		for t, x := range typeNames {
			if x == *markerType {
				arm(t, *markerRes, *markerTok, *markerN)
			}
		}
	}
	cpu0 := cpuSec()
	t0 := time.Now()
	var wg sync.WaitGroup
	for i, c := range cs {
		if *ramp > 0 {
			time.Sleep(time.Until(t0.Add(time.Duration(float64(i) / *ramp * 1e9))))
		}
		wg.Add(1)
		go func(c *client, cc *grpc.ClientConn) {
			defer wg.Done()
			for k := 0; ; k++ {
				err := c.run(ctx, cc)
				if err == nil || ctx.Err() != nil {
					return
				}
				if !*retry {
					select {
					case fail <- fmt.Errorf("stream %d: %w", c.i, err):
					default:
					}
					return
				}
				nRetries.Add(1)
				lastErr.Store(err.Error())
				top := 500 * time.Millisecond << min(k, 6)
				if top > 30*time.Second {
					top = 30 * time.Second
				}
				time.Sleep(time.Duration(rand.Int64N(int64(top))))
				c.sub = [nTypes]subState{}
				c.sentNode = false
			}
		}(c, ccs[i%len(ccs)])
	}
	select {
	case <-allDone:
	case err := <-fail:
		emit(map[string]any{"event": "error", "error": err.Error(), "configured": nConfigured.Load()})
		os.Exit(1)
	case <-time.After(*timeout):
		st := map[string]int{}
		for _, c := range cs {
			for t := 0; t < nTypes; t++ {
				if c.sub[t].done {
					st[typeNames[t]]++
				}
			}
		}
		emit(map[string]any{"event": "timeout", "configured": nConfigured.Load(), "done_by_type": st, "totals": totals(cs)})
		os.Exit(2)
	}
	total := time.Since(t0)
	fromStart := make([]int64, *n)
	own := make([]int64, *n)
	for i, c := range cs {
		fromStart[i] = c.done - t0.UnixNano()
		own[i] = c.done - c.start
	}
	sort.Slice(fromStart, func(i, j int) bool { return fromStart[i] < fromStart[j] })
	sort.Slice(own, func(i, j int) bool { return own[i] < own[j] })
	q := func(a []int64) map[string]float64 {
		return map[string]float64{"p50": ms(a[pct(len(a), 50)]), "p90": ms(a[pct(len(a), 90)]), "p99": ms(a[pct(len(a), 99)]), "max": ms(a[len(a)-1])}
	}
	var msr runtime.MemStats
	runtime.ReadMemStats(&msr)
	mode := "sotw"
	if *delta {
		mode = "delta"
	}
	emit(map[string]any{"event": "configured", "mode": mode, "streams": *n, "connections": len(ccs), "total_ms": ms(total.Nanoseconds()),
		"first_config_ms": q(own), "since_t0_ms": q(fromStart), "t0_ns": t0.UnixNano(), "client_cpu_s": cpuSec() - cpu0, "totals": totals(cs), "eds_names": func() int {
			if cs[0].sub[tEDS].names != nil {
				return len(cs[0].sub[tEDS].names.names)
			}
			return 0
		}(), "rds_names": func() []string {
			if cs[0].sub[tRDS].names != nil {
				return cs[0].sub[tRDS].names.names
			}
			return nil
		}()})

	quit := make(chan struct{})
	if *control {
		go func() {
			defer close(quit)
			sc := bufio.NewScanner(os.Stdin)
			for sc.Scan() {
				f := strings.Fields(sc.Text())
				if len(f) == 0 {
					continue
				}
				switch f[0] {
				case "arm":
					if len(f) < 3 {
						continue
					}
					tok := ""
					if len(f) > 3 {
						tok = f[3]
					}
					for t, x := range typeNames {
						if x == f[1] {
							arm(t, f[2], tok, 1)
							emit(map[string]any{"event": "armed", "seq": markerSeq})
						}
					}
				case "report":
					tot := totals(cs)
					emit(map[string]any{"event": "report", "totals": tot, "client_cpu_s": cpuSec()})
				case "pause":
					reading.stop()
					emit(map[string]any{"event": "paused"})
				case "resume":
					reading.start()
					emit(map[string]any{"event": "resumed"})
				case "quit":
					return
				}
			}
		}()
	} else {
		go func() { time.Sleep(*watch); close(quit) }()
	}
	select {
	case <-quit:
	case err := <-fail:
		emit(map[string]any{"event": "error", "error": err.Error()})
		os.Exit(1)
	}
	fin := map[string]any{"event": "final", "totals": totals(cs), "client_cpu_s": cpuSec()}
	pc := map[string]int{}
	for _, c := range cs {
		for _, p := range c.pushes {
			pc[typeNames[p.typ]]++
		}
	}
	fin["watch_pushes"] = pc
	emit(fin)
	if *pushLog != "" {
		f, err := os.Create(*pushLog)
		if err != nil {
			log.Fatal(err)
		}
		w := bufio.NewWriter(f)
		for _, c := range cs {
			for _, p := range c.pushes {
				fmt.Fprintf(w, "%d,%s,%d,%d,%d,%s\n", c.i, typeNames[p.typ], p.ts, p.bytes, p.res, p.names)
			}
		}
		w.Flush()
		f.Close()
	}
	cancel()
	os.Exit(0)
}
