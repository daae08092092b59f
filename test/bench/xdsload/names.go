// Lists of resource names, shared by all streams that subscribe to the same.

package main

import (
	"bytes"
	"hash/maphash"
	"sort"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

type nameList struct {
	names []string // sorted
	enc   []byte   // encoded as repeated field 3 (same number in both request messages)
}

var (
	nlMu   sync.Mutex
	nls    = map[uint64]*nameList{}
	nlSeed = maphash.MakeSeed()
)

func intern(names [][]byte) *nameList {
	sort.Slice(names, func(i, j int) bool { return bytes.Compare(names[i], names[j]) < 0 })
	var h maphash.Hash
	h.SetSeed(nlSeed)
	var prev []byte
	u := names[:0]
	for i, x := range names {
		if i > 0 && bytes.Equal(prev, x) {
			continue
		}
		prev = x
		u = append(u, x)
		h.Write(x)
		h.WriteByte(0)
	}
	if *subset > 0 && len(u) > *subset {
		h.WriteString("subset")
	}
	k := h.Sum64()
	nlMu.Lock()
	defer nlMu.Unlock()
	if l := nls[k]; l != nil {
		return l
	}
	l := &nameList{}
	for _, x := range u {
		l.names = append(l.names, string(x))
	}
	l.encode()
	nls[k] = l
	return l
}
func (l *nameList) encode() {
	l.enc = nil
	for _, x := range l.names {
		l.enc = protowire.AppendTag(l.enc, 3, protowire.BytesType)
		l.enc = protowire.AppendString(l.enc, x)
	}
}

var (
	subMu   sync.Mutex
	subsets = map[*nameList]*nameList{}
	fixed   *nameList
)

func edsSubset(l *nameList) *nameList {
	if fixed != nil {
		return fixed
	}
	if *subset <= 0 || len(l.names) <= *subset {
		return l
	}
	subMu.Lock()
	defer subMu.Unlock()
	if s := subsets[l]; s != nil {
		return s
	}
	s := &nameList{names: l.names[:*subset]}
	s.encode()
	subsets[l] = s
	return s
}
