package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// fresh knows the connections on which nothing has been asked yet. Clients open some that they never use; net/http waits
// five seconds for each when it stops, for no request of anybody.
type fresh struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// watch is an http.Server's ConnState.
func (f *fresh) watch(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if state == http.StateNew {
		f.conns[c] = struct{}{}
		return
	}
	delete(f.conns, c)
}

// drop closes them.
func (f *fresh) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close() // nobody has asked anything on it
	}
}

// dropEvery is how often unused connections are looked for while a server stops.
const dropEvery = 20 * time.Millisecond

// stop lets running requests finish within ctx and waits for nothing else.
func (f *fresh) stop(ctx context.Context, s *http.Server) error {
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	tick := time.NewTicker(dropEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			f.drop()
		}
	}
}
