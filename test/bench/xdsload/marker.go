// Markers: when has every stream received a certain resource? And the events on standard output.

package main

import (
	"encoding/json"
	"log"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

type marker struct {
	typ   int
	name  string
	token []byte
	armed int64
	left  atomic.Int64
	at    []int64 // per stream
	seq   int
	again int
}

var curMarker atomic.Pointer[marker]
var markerSeq int

func arm(typ int, name, token string, again int) {
	markerSeq++
	m := &marker{typ: typ, name: name, token: []byte(token), armed: time.Now().UnixNano(), at: make([]int64, *n), seq: markerSeq, again: again}
	m.left.Store(int64(*n))
	curMarker.Store(m)
}

func (m *marker) hit(s int, now int64) {
	if atomic.CompareAndSwapInt64(&m.at[s], 0, now) && m.left.Add(-1) == 0 {
		a := make([]int64, len(m.at))
		copy(a, m.at)
		sort.Slice(a, func(i, j int) bool { return a[i] < a[j] })
		emit(map[string]any{"event": "marker", "seq": m.seq, "type": typeNames[m.typ], "resource": m.name, "token": string(m.token), "streams": len(a),
			"armed_ns": m.armed, "first_ns": a[0], "p50_ns": a[pct(len(a), 50)], "p90_ns": a[pct(len(a), 90)], "p99_ns": a[pct(len(a), 99)], "last_ns": a[len(a)-1],
			"p50_after_first_ms": ms(a[pct(len(a), 50)] - a[0]), "p99_after_first_ms": ms(a[pct(len(a), 99)] - a[0]), "max_after_first_ms": ms(a[len(a)-1] - a[0])})
		if m.again > 1 {
			arm(m.typ, m.name, string(m.token), m.again-1)
		} else {
			curMarker.CompareAndSwap(m, nil)
		}
	}
}

func pct(l, p int) int { // nearest rank
	i := (l*p + 99) / 100
	if i < 1 {
		i = 1
	}
	return i - 1
}
func ms(d int64) float64 { return float64(d/1000) / 1000 }

var outMu sync.Mutex

func emit(v any) {
	outMu.Lock()
	defer outMu.Unlock()
	b, err := json.Marshal(v)
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(append(b, '\n'))
}
