package store

import (
	"context"
	"sync"
)

// turns hands the right to write from one goroutine to the next, in the order
// in which they came.
type turns struct {
	mu      sync.Mutex
	held    bool
	closed  bool
	waiting []chan struct{} // capacity 1 each
}

// enter waits for the turn. After an error the turn is not held.
func (t *turns) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return ErrClosed
	}
	if !t.held {
		t.held = true
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{}, 1)
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		return t.withdraw(ctx, mine)
	}
}

// withdraw leaves the queue. Where the turn has come in the same moment it is
// kept, and the caller's own look at ctx ends it.
func (t *turns) withdraw(ctx context.Context, mine chan struct{}) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, w := range t.waiting {
		if w == mine {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	<-mine
	return nil
}

// pass gives the turn to the next in the queue and says whether there was one;
// if not, the turn is still the caller's.
func (t *turns) pass() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		return false
	}
	t.waiting[0] <- struct{}{}
	t.waiting[0] = nil
	t.waiting = t.waiting[1:]
	return true
}

// leave gives the turn up.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.held = false
		t.waiting = nil
		return
	}
	t.waiting[0] <- struct{}{}
	t.waiting[0] = nil
	t.waiting = t.waiting[1:]
}

// close lets nobody queue any more. Who waits already still gets a turn.
// It reports whether this was the first call.
func (t *turns) close() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.closed
	t.closed = true
	return first
}

// shut waits, after close, for everybody who was in the queue.
func (t *turns) shut() {
	t.mu.Lock()
	if !t.held {
		t.held = true
		t.mu.Unlock()
		return
	}
	mine := make(chan struct{}, 1)
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	<-mine
}
