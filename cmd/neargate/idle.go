package main

import (
	"context"
	"net/http"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// quiet gives memory back when nobody asks for anything: the heap's free pages,
// which the runtime would return in the course of minutes, and the pages of the
// program itself.
//
// Decision: after the start a program of this size has most of its code and
// tables in memory, because many packages have something to prepare, and each
// page touched brings fifteen neighbours along. Mapped out they are still in the
// page cache, and what is needed again costs a soft fault. A server that idles
// in the background of somebody's machine takes 10 MiB less that way. If the
// linker learned to put what runs once together, this could go.
type quiet struct {
	next     http.Handler
	requests atomic.Int64
}

const (
	// startUp is how long a server takes at most until it does only what it is
	// asked.
	startUp = 2 * time.Second
	// quietFor is how long nobody has asked for anything then.
	quietFor = 15 * time.Second
)

func (q *quiet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.requests.Add(1)
	q.next.ServeHTTP(w, r)
}

// run works until ctx ends.
func (q *quiet) run(ctx context.Context) {
	looked, freed := q.requests.Load(), int64(-1)
	for wait := startUp; sleep(ctx, wait); wait = quietFor {
		n := q.requests.Load()
		if n == looked || freed < 0 {
			if n != freed {
				debug.FreeOSMemory()
			}
			freed = n
			forgetPages()
		}
		looked = n
	}
}

// sleep says whether ctx still goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// collectLess lets the heap grow to three times what is in use between
// collections instead of twice.
//
// Decision: in use are a few MiB, and what calls leave behind is many times
// that: with 16 clients collecting took a seventh of the processor, and takes a
// tenth so. When nobody asks for anything the rest goes back. Whoever sets GOGC
// knows better.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}
