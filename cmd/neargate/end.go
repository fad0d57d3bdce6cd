package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// end.go ends the HTTP server without keeping whoever ends it waiting.

// farewell is how long requests that have been taken may still last: streams
// end with the server's context, at once, and answers take milliseconds.
const farewell = time.Second

// arrivals are the connections on which nobody has asked for anything yet:
// browsers and pools open some ahead. The package http waits for them as for
// those that are being answered.
type arrivals struct {
	mu    sync.Mutex
	ended bool
	all   map[net.Conn]struct{}
}

// see is a server's ConnState.
func (a *arrivals) see(c net.Conn, s http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case s != http.StateNew:
		delete(a.all, c)
	case a.ended:
		c.Close()
	default:
		if a.all == nil {
			a.all = map[net.Conn]struct{}{}
		}
		a.all[c] = struct{}{}
	}
}

func (a *arrivals) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	for c := range a.all {
		c.Close()
	}
}

// endServer lets arrivals go first, then waits for what has been asked, and cuts
// what lasts longer than patience.
func endServer(s *http.Server, a *arrivals, patience time.Duration) error {
	a.end()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		return s.Close()
	}
	return nil
}
