// Clients that stop reading: while the gate is closed no connection takes anything more from its socket.

package main

import "sync"

type gate struct {
	mu     sync.Mutex
	opened chan struct{} // nil while the gate is open
}

var reading gate

// stop closes the gate. A read that waits for the socket already still returns, with one buffer at most.
func (g *gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened = make(chan struct{})
	}
}

func (g *gate) start() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}

// wait returns once the gate is open.
func (g *gate) wait() {
	for {
		g.mu.Lock()
		opened := g.opened
		g.mu.Unlock()
		if opened == nil {
			return
		}
		<-opened
	}
}
