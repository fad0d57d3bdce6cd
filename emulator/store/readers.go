package store

import (
	"context"
	"runtime"
	"sync"
)

// readers lends connections for reading. The one used last is lent first,
// since its cache is warm; more are opened only when they are needed at once.
type readers struct {
	open  func() (*conn, error)
	slots chan struct{} // one per connection that may be lent at once
	done  chan struct{} // closed with the store

	mu   sync.Mutex
	idle []*conn
}

// readerCount is how many transactions read at once: reading is bound by the
// processor, and each connection has a cache of its own.
func readerCount() int { return min(max(4, runtime.GOMAXPROCS(0)), 16) }

func newReaders(n int, done chan struct{}, open func() (*conn, error)) *readers {
	return &readers{open: open, slots: make(chan struct{}, n), done: done}
}

// take waits for a free connection.
func (r *readers) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-r.done:
		return nil, ErrClosed
	default:
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.done:
		return nil, ErrClosed
	}
	if c := r.pop(); c != nil {
		return c, nil
	}
	c, err := r.open()
	if err != nil {
		<-r.slots
		return nil, err
	}
	return c, nil
}

func (r *readers) pop() *conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.idle)
	if n == 0 {
		return nil
	}
	c := r.idle[n-1]
	r.idle = r.idle[:n-1]
	return c
}

func (r *readers) give(c *conn) {
	r.mu.Lock()
	r.idle = append(r.idle, c)
	r.mu.Unlock()
	<-r.slots
}

// drain waits until nothing is lent and returns every connection. The slots
// stay taken.
func (r *readers) drain() []*conn {
	for range cap(r.slots) {
		r.slots <- struct{}{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.idle
}
