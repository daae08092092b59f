// Wire format: the raw codec of the streams and the few fields of messages that are picked out.

package main

import (
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	tCDS = iota
	tEDS
	tLDS
	tRDS
	nTypes
)

var typeURLs = [nTypes]string{
	"type.googleapis.com/envoy.config.cluster.v3.Cluster",
	"type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
	"type.googleapis.com/envoy.config.listener.v3.Listener",
	"type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
}
var typeNames = [nTypes]string{"cds", "eds", "lds", "rds"}

func typeIdx(url []byte) int {
	for i := range typeURLs {
		if string(url) == typeURLs[i] {
			return i
		}
	}
	return -1
}

type frame struct {
	out []byte     // to send
	in  mem.Buffer // received
}
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.(*frame).out)}, nil
}
func (rawCodec) Unmarshal(d mem.BufferSlice, v any) error {
	v.(*frame).in = d.MaterializeToBuffer(mem.DefaultBufferPool())
	return nil
}

// fields calls f for each length-delimited field (b) or varint (v) of a message.
func fields(m []byte, f func(num protowire.Number, b []byte, v uint64)) bool {
	for len(m) > 0 {
		num, typ, k := protowire.ConsumeTag(m)
		if k < 0 {
			return false
		}
		m = m[k:]
		switch typ {
		case protowire.BytesType:
			b, k := protowire.ConsumeBytes(m)
			if k < 0 {
				return false
			}
			f(num, b, 0)
			m = m[k:]
		case protowire.VarintType:
			v, k := protowire.ConsumeVarint(m)
			if k < 0 {
				return false
			}
			f(num, nil, v)
			m = m[k:]
		default:
			k := protowire.ConsumeFieldValue(num, typ, m)
			if k < 0 {
				return false
			}
			m = m[k:]
		}
	}
	return true
}

// first returns the first length-delimited field num of m.
func first(m []byte, want protowire.Number) []byte {
	for len(m) > 0 {
		num, typ, k := protowire.ConsumeTag(m)
		if k < 0 {
			return nil
		}
		m = m[k:]
		if num == want && typ == protowire.BytesType {
			b, _ := protowire.ConsumeBytes(m)
			return b
		}
		k = protowire.ConsumeFieldValue(num, typ, m)
		if k < 0 {
			return nil
		}
		m = m[k:]
	}
	return nil
}

// edsName: the EDS service name of a Cluster, or nil when it is not of type EDS.
func edsName(c []byte) []byte {
	var name, svc []byte
	var typ uint64
	fields(c, func(num protowire.Number, b []byte, v uint64) {
		switch num {
		case 1:
			name = b
		case 2:
			typ = v
		case 3:
			svc = first(b, 2)
		}
	})
	if typ != 3 {
		return nil
	}
	if len(svc) > 0 {
		return svc
	}
	return name
}

const hcmURL = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

// rdsNames calls f with each RDS route name of a Listener.
func rdsNames(l []byte, f func([]byte)) {
	fc := func(b []byte) { // FilterChain
		fields(b, func(num protowire.Number, flt []byte, _ uint64) {
			if num != 3 { // filters
				return
			}
			anyb := first(flt, 4)
			if anyb == nil || string(first(anyb, 1)) != hcmURL {
				return
			}
			hcm := first(anyb, 2)
			if rds := first(hcm, 3); rds != nil {
				if nm := first(rds, 2); len(nm) > 0 {
					f(nm)
				}
			}
		})
	}
	fields(l, func(num protowire.Number, b []byte, _ uint64) {
		if num == 3 || num == 25 {
			fc(b)
		}
	})
}
