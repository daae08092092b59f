// One stream, as a sidecar: subscriptions, acknowledgements, what it has received.

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

type push struct {
	typ   uint8
	ts    int64
	bytes int
	res   int
	names string
}
type subState struct {
	version []byte
	nonce   []byte
	names   *nameList
	got     int
	done    bool
	started bool
}
type client struct {
	i          int
	node       []byte // encoded Node
	st         grpc.ClientStream
	sub        [nTypes]subState
	bytes      [nTypes]int64
	msgs       [nTypes]int64
	res        [nTypes]int64
	txBytes    int64
	txMsgs     int64
	start      int64
	done       int64
	sentNode   bool
	pushes     []push
	scratch    [][]byte
	configured bool
}

var (
	nConfigured  atomic.Int64
	allDone      = make(chan struct{})
	fail         = make(chan error, 1)
	rxTCP, txTCP atomic.Int64
	nRetries     atomic.Int64
	lastErr      atomic.Value
)

func (c *client) send(t int, ack bool, names bool) error {
	s := &c.sub[t]
	b := make([]byte, 0, 256+len(c.node)+func() int {
		if s.names != nil {
			return len(s.names.enc)
		}
		return 0
	}())
	if !*delta {
		if len(s.version) > 0 {
			b = protowire.AppendTag(b, 1, protowire.BytesType)
			b = protowire.AppendBytes(b, s.version)
		}
		if !c.sentNode {
			b = protowire.AppendTag(b, 2, protowire.BytesType)
			b = protowire.AppendBytes(b, c.node)
		}
		if s.names != nil {
			b = append(b, s.names.enc...) // field 3, on every request
		}
		b = protowire.AppendTag(b, 4, protowire.BytesType)
		b = protowire.AppendString(b, typeURLs[t])
		if len(s.nonce) > 0 {
			b = protowire.AppendTag(b, 5, protowire.BytesType)
			b = protowire.AppendBytes(b, s.nonce)
		}
	} else {
		if !c.sentNode {
			b = protowire.AppendTag(b, 1, protowire.BytesType)
			b = protowire.AppendBytes(b, c.node)
		}
		b = protowire.AppendTag(b, 2, protowire.BytesType)
		b = protowire.AppendString(b, typeURLs[t])
		if names && s.names != nil {
			b = append(b, s.names.enc...) // resource_names_subscribe is field 3 too
		}
		if ack && len(s.nonce) > 0 {
			b = protowire.AppendTag(b, 6, protowire.BytesType)
			b = protowire.AppendBytes(b, s.nonce)
		}
	}
	c.sentNode = true
	s.started = true
	c.txBytes += int64(len(b))
	c.txMsgs++
	return c.st.SendMsg(&frame{out: b})
}

// resubscribe to a new list of names.
func (c *client) setNames(t int, l *nameList) error {
	s := &c.sub[t]
	if s.names == l {
		return nil
	}
	old := s.names
	s.names = l
	if !*delta || !s.started {
		return c.send(t, true, true)
	}
	// delta: the difference only
	om := map[string]bool{}
	if old != nil {
		for _, x := range old.names {
			om[x] = true
		}
	}
	var b []byte
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	b = protowire.AppendString(b, typeURLs[t])
	for _, x := range l.names {
		if om[x] {
			delete(om, x)
			continue
		}
		b = protowire.AppendTag(b, 3, protowire.BytesType)
		b = protowire.AppendString(b, x)
	}
	for x := range om {
		b = protowire.AppendTag(b, 4, protowire.BytesType)
		b = protowire.AppendString(b, x)
	}
	c.txBytes += int64(len(b))
	c.txMsgs++
	return c.st.SendMsg(&frame{out: b})
}

func (c *client) handle(m []byte) error {
	now := time.Now().UnixNano()
	var version, nonce, turl []byte
	res := c.scratch[:0]
	removed := 0
	ok := true
	if !*delta {
		ok = fields(m, func(num protowire.Number, b []byte, _ uint64) {
			switch num {
			case 1:
				version = b
			case 2:
				res = append(res, b)
			case 4:
				turl = b
			case 5:
				nonce = b
			}
		})
	} else {
		ok = fields(m, func(num protowire.Number, b []byte, _ uint64) {
			switch num {
			case 2:
				res = append(res, b)
			case 4:
				turl = b
			case 5:
				nonce = b
			case 6:
				removed++
			}
		})
	}
	c.scratch = res
	if !ok {
		return fmt.Errorf("stream %d: malformed response", c.i)
	}
	t := typeIdx(turl)
	if t < 0 {
		return nil
	}
	s := &c.sub[t]
	s.version = append(s.version[:0], version...)
	s.nonce = append(s.nonce[:0], nonce...)
	c.bytes[t] += int64(len(m))
	c.msgs[t]++
	c.res[t] += int64(len(res))

	if *save != "" && c.i == 0 && c.msgs[t] == 1 {
		os.WriteFile(fmt.Sprintf("%s/%s.pb", *save, typeNames[t]), m, 0o644)
	}

	body := func(r []byte) []byte { // resource bytes of an Any (SotW) or a Resource (delta)
		if *delta {
			r = first(r, 2)
		}
		return first(r, 2)
	}
	if *validate {
		for _, r := range res {
			var x proto.Message
			switch t {
			case tCDS:
				x = &cluster.Cluster{}
			case tEDS:
				x = &endpoint.ClusterLoadAssignment{}
			case tLDS:
				x = &listener.Listener{}
			case tRDS:
				x = &route.RouteConfiguration{}
			}
			if err := proto.Unmarshal(body(r), x); err != nil {
				return fmt.Errorf("stream %d %s: %v", c.i, typeNames[t], err)
			}
			if *dump != "" && c.i == 0 {
				nm := strings.Map(func(r rune) rune {
					if r == '/' {
						return '_'
					}
					return r
				}, string(first(body(r), 1)))
				os.WriteFile(fmt.Sprintf("%s/%s_%s.txt", *dump, typeNames[t], nm), []byte(fmt.Sprint(x)), 0o644)
			}
		}
	}

	// marker
	if mk := curMarker.Load(); mk != nil && mk.typ == t && atomic.LoadInt64(&mk.at[c.i]) == 0 {
		for _, r := range res {
			bd := body(r)
			if string(first(bd, 1)) == mk.name {
				if len(mk.token) == 0 || bytes.Contains(bd, mk.token) {
					mk.hit(c.i, now)
				}
				break
			}
		}
	}
	if c.configured {
		p := push{typ: uint8(t), ts: now, bytes: len(m), res: len(res)}
		if *pushLog != "" && len(res) <= *maxNames {
			var sb strings.Builder
			for k, r := range res {
				if k > 0 {
					sb.WriteByte(' ')
				}
				sb.Write(first(body(r), 1))
			}
			p.names = sb.String()
		}
		c.pushes = append(c.pushes, p)
	}

	// ACK first, then further subscriptions
	if err := c.send(t, true, false); err != nil {
		return err
	}
	switch t {
	case tCDS:
		// SotW: the full list each time. Delta: names only from the first full answer (additions: merged).
		var names [][]byte
		for _, r := range res {
			if e := edsName(body(r)); e != nil {
				names = append(names, e)
			}
		}
		if *delta && s.done {
			if len(names) > 0 {
				known := c.sub[tEDS].names
				km := map[string]bool{}
				if known != nil {
					for _, x := range known.names {
						km[x] = true
					}
				}
				add := false
				for _, x := range names {
					if !km[string(x)] {
						add = true
					}
				}
				if add && *subset == 0 && fixed == nil {
					for x := range km {
						names = append(names, []byte(x))
					}
					if err := c.setNames(tEDS, intern(names)); err != nil {
						return err
					}
				}
			}
			break
		}
		s.done = true
		l := edsSubset(intern(names))
		if len(l.names) == 0 {
			c.sub[tEDS].done = true
			if !c.sub[tLDS].started {
				if err := c.send(tLDS, false, false); err != nil {
					return err
				}
			}
			break
		}
		if err := c.setNames(tEDS, l); err != nil {
			return err
		}
	case tEDS:
		if !s.done {
			s.got += len(res)
			if s.got >= len(s.names.names) {
				s.done = true
				if !c.sub[tLDS].started {
					if err := c.send(tLDS, false, false); err != nil {
						return err
					}
				}
			}
		}
	case tLDS:
		var names [][]byte
		for _, r := range res {
			rdsNames(body(r), func(b []byte) { names = append(names, b) })
		}
		if *delta && s.done {
			break
		}
		s.done = true
		if len(names) == 0 {
			c.sub[tRDS].done = true
			c.finish(now)
			break
		}
		if err := c.setNames(tRDS, intern(names)); err != nil {
			return err
		}
	case tRDS:
		if !s.done {
			s.got += len(res)
			if s.got >= len(s.names.names) {
				s.done = true
				c.finish(time.Now().UnixNano())
			}
		}
	}
	return nil
}

func (c *client) finish(now int64) {
	if c.configured {
		return
	}
	c.configured = true
	c.done = now
	if nConfigured.Add(1) == int64(*n) {
		close(allDone)
	}
}

func (c *client) run(ctx context.Context, cc *grpc.ClientConn) error {
	method := "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
	if *delta {
		method = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
	}
	if c.start == 0 {
		c.start = time.Now().UnixNano()
	}
	st, err := cc.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodecV2(rawCodec{}))
	if err != nil {
		return err
	}
	c.st = st
	if err := c.send(tCDS, false, false); err != nil {
		return err
	}
	for {
		var f frame
		if err := st.RecvMsg(&f); err != nil {
			return err
		}
		err := c.handle(f.in.ReadOnlyData())
		f.in.Free()
		if err != nil {
			return err
		}
	}
}
