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
	// lookEvery is how often it is looked whether anybody asks for anything,
	// and after quietLooks times without, the memory goes.
	lookEvery  = 5 * time.Second
	quietLooks = 3
	// worthwhile is by how much the program's mapped pages have grown then.
	worthwhile = 1 << 20
)

func (q *quiet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.requests.Add(1)
	q.next.ServeHTTP(w, r)
}

// run works until ctx ends.
func (q *quiet) run(ctx context.Context) {
	if !sleep(ctx, startUp) {
		return
	}
	debug.FreeOSMemory()
	forgetPages()
	seen, calm, mapped := q.requests.Load(), 0, int64(0)
	for sleep(ctx, lookEvery) {
		n, now := q.requests.Load(), mappedBytes()
		switch calm++; {
		case n != seen:
			seen, calm = n, 0
		case calm == quietLooks:
			debug.FreeOSMemory()
		case mapped == 0: // what has come back at once is needed
			mapped = now
		case calm > quietLooks && now > mapped+worthwhile:
			forgetPages()
			mapped = 0
		}
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
