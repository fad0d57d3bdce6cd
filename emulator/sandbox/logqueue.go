package sandbox

import (
	"context"
	"sync"
)

// logQueue lies between the one who reads a container's output and the one
// who writes it to the sink. A full queue makes the reader wait (mode
// blocking: the runtime keeps the output meanwhile) or drops the line (mode
// non-blocking) and counts it.
type logQueue struct {
	limit int  // bytes
	drops bool // when full, instead of waiting

	mu      sync.Mutex
	lines   []LogLine
	size    int
	closed  bool
	dropped int
	some    chan struct{} // capacity 1: there are lines, or the end
	room    chan struct{} // capacity 1: lines were taken
}

// How much the sink is given at once.
const (
	batchLines = 1000
	batchBytes = 256 << 10
)

func newLogQueue(limit int, drops bool) *logQueue {
	return &logQueue{limit: limit, drops: drops, some: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put adds a line and reports whether it was dropped. The error is ctx's.
func (q *logQueue) put(ctx context.Context, l LogLine) (dropped bool, err error) {
	size := len(l.Text) + 32
	for {
		q.mu.Lock()
		fits := q.size+size <= q.limit || len(q.lines) == 0
		switch {
		case fits:
			q.lines = append(q.lines, l)
			q.size += size
		case q.drops:
			q.dropped++
		}
		q.mu.Unlock()
		if fits {
			poke(q.some)
			return false, nil
		}
		if q.drops {
			return true, nil
		}
		select {
		case <-q.room:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// finish says that no line will follow.
func (q *logQueue) finish() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	poke(q.some)
}

// take waits for lines; none and no error is the end. Lines of one moment are
// never parted, because reading is resumed after a moment.
func (q *logQueue) take(ctx context.Context) ([]LogLine, error) {
	for {
		q.mu.Lock()
		batch, closed := q.batch(), q.closed
		q.mu.Unlock()
		if len(batch) > 0 {
			poke(q.room)
			return batch, nil
		}
		if closed {
			return nil, nil
		}
		select {
		case <-q.some:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// batch cuts off what is written at once.
func (q *logQueue) batch() []LogLine {
	n, size := 0, 0
	for n < len(q.lines) {
		full := n >= batchLines || size >= batchBytes
		if full && !q.lines[n].At.Equal(q.lines[n-1].At) {
			break
		}
		size += len(q.lines[n].Text) + 32
		n++
	}
	batch := q.lines[:n:n]
	q.lines = q.lines[n:]
	q.size -= size
	return batch
}

// lost tells how many lines were dropped.
func (q *logQueue) lost() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
