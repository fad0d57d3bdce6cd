package store

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// lender lends connections to transactions: take and give for reading, enter
// and leave for writing.
type lender interface {
	take(ctx context.Context) (*conn, error)
	give(c *conn)
	enter(ctx context.Context) (*conn, error)
	leave()
	// drain waits until nothing is lent and returns every connection, the one
	// to be closed last at the end. None is lent after that.
	drain() []*conn
}

// onDisk is a file in write-ahead mode: readers have connections of their own
// and never wait for the writer.
type onDisk struct {
	*readers
	writer *conn
}

func (d *onDisk) enter(context.Context) (*conn, error) { return d.writer, nil }
func (d *onDisk) leave()                               {}

// The last connection to close empties the log into the file.
func (d *onDisk) drain() []*conn { return append(d.readers.drain(), d.writer) }

// inMemory is one connection for all. Many read at once, taking turns only for
// each statement; what is written is written alone, so that a reader sees
// nothing change. Nobody needs SQLite's snapshots then.
type inMemory struct {
	c    *conn
	done chan struct{} // closed with the store
	uses *semaphore.Weighted
}

// everybody is more than will ever read at once.
const everybody = 1 << 30

func newInMemory(c *conn, done chan struct{}) *inMemory {
	c.alone = true
	return &inMemory{c: c, done: done, uses: semaphore.NewWeighted(everybody)}
}

func (m *inMemory) take(ctx context.Context) (*conn, error) { return m.acquire(ctx, 1) }
func (m *inMemory) give(*conn)                              { m.uses.Release(1) }

func (m *inMemory) enter(ctx context.Context) (*conn, error) { return m.acquire(ctx, everybody) }
func (m *inMemory) leave()                                   { m.uses.Release(everybody) }

func (m *inMemory) acquire(ctx context.Context, n int64) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.uses.Acquire(ctx, n); err != nil {
		return nil, err
	}
	select {
	case <-m.done:
		m.uses.Release(n)
		return nil, ErrClosed
	default:
		return m.c, nil
	}
}

func (m *inMemory) drain() []*conn {
	// Cannot fail: the context never ends.
	_ = m.uses.Acquire(context.Background(), everybody)
	m.uses.Release(everybody)
	return []*conn{m.c}
}
