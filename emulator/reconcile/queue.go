package reconcile

import (
	"container/heap"
	"context"
	"time"
)

// queue says which key is to be called when. It has no goroutine and no lock of
// its own; the Loop calls it under its mutex. Times are since the Loop began.
type queue struct {
	keys   map[string]*entry // those that are not idle
	ready  fifo
	own    fifo // those ready for what they wrote themselves: the next step of what has begun
	streak int  // how many of those were taken in a row
	timers timers
}

// A step that follows is taken before what has not begun, so that a crowd comes
// up one after the other and what a step has read is still at hand; but not for
// ever.
const longestStreak = 8

// fifo is first come, first served.
type fifo []*entry

func (f *fifo) pop() *entry {
	e := (*f)[0]
	(*f)[0] = nil
	if *f = (*f)[1:]; len(*f) == 0 {
		*f = nil
	}
	return e
}

// entry is a key that waits, runs, or has failed. An idle key has none.
type entry struct {
	key    string
	queued bool
	visit  bool  // queued for no other reason than a resync
	call   *call // in flight
	tries  int   // failures in a row
	timer  int   // place in timers from 1; 0: none
	at     time.Duration
}

// call is one call in flight.
type call struct {
	loop        *Loop
	key         string
	visit       bool // see entry
	cancel      context.CancelFunc
	dirty       bool // the key must be called again
	ownDirty    bool // only because of what the call itself wrote
	interrupted bool
}

func (q *queue) entry(key string) *entry {
	e := q.keys[key]
	if e == nil {
		e = &entry{key: key}
		q.keys[key] = e
	}
	return e
}

// visit queues a key for a resync.
func (q *queue) visit(key string) {
	if e := q.entry(key); !e.queued && e.call == nil {
		q.push(e)
		e.visit = true
	}
}

// push makes a key ready, once.
func (q *queue) push(e *entry) {
	e.visit = false
	if !e.queued {
		e.queued = true
		q.ready = append(q.ready, e)
	}
}

// pushOwn makes a key ready for what it wrote itself.
func (q *queue) pushOwn(e *entry) {
	e.visit = false
	if !e.queued {
		e.queued = true
		q.own = append(q.own, e)
	}
}

func (q *queue) waiting() bool { return len(q.ready)+len(q.own) > 0 }

// touch queues a key for a hint or a timer.
func (q *queue) touch(key string) {
	e := q.entry(key)
	if e.call != nil {
		e.call.dirty = true
		return
	}
	q.push(e)
}

// changed queues a key whose record changed, and interrupts the call in flight.
func (q *queue) changed(key string) {
	e := q.entry(key)
	if e.call == nil {
		q.push(e)
		return
	}
	e.call.dirty, e.call.interrupted = true, true
	e.call.cancel()
}

// changedItself queues a key for what a call of its own wrote: that is the next
// step's cue, but neither an interruption nor the end of a backoff.
func (q *queue) changedItself(key string) {
	e := q.entry(key)
	switch {
	case e.call != nil:
		e.call.ownDirty = true
	case e.tries == 0:
		q.pushOwn(e)
	}
}

// pop takes the next ready key, with its timer: the call's answer replaces it.
// That of a visit stays, since there may be no call.
func (q *queue) pop() *entry {
	var e *entry
	switch {
	case len(q.own) > 0 && (q.streak < longestStreak || len(q.ready) == 0):
		e = q.own.pop()
		q.streak++
	case len(q.ready) > 0:
		e = q.ready.pop()
		q.streak = 0
	default:
		return nil
	}
	e.queued = false
	if !e.visit {
		q.clear(e)
	}
	return e
}

// set makes the key ready at a time.
func (q *queue) set(e *entry, at time.Duration) {
	q.clear(e)
	e.at = at
	heap.Push(&q.timers, e)
}

func (q *queue) clear(e *entry) {
	if e.timer > 0 {
		heap.Remove(&q.timers, e.timer-1)
	}
}

// first tells whether no other timer ends before the key's.
func (q *queue) first(e *entry) bool { return e.timer == 1 }

// expire makes the keys ready whose time has come, and returns when the next
// one is.
func (q *queue) expire(now time.Duration) (next time.Duration, ok bool) {
	for len(q.timers) > 0 {
		e := q.timers[0]
		if e.at > now {
			return e.at, true
		}
		q.clear(e)
		if e.call != nil {
			e.call.dirty = true // a visit, which has left the timer
			continue
		}
		q.push(e)
	}
	return 0, false
}

// forget drops an entry that has become idle.
func (q *queue) forget(e *entry) {
	if !e.queued && e.call == nil && e.timer == 0 && e.tries == 0 {
		delete(q.keys, e.key)
	}
}

// timers is a heap by time.
type timers []*entry

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at < t[j].at }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].timer, t[j].timer = i+1, j+1
}

func (t *timers) Push(x any) {
	e := x.(*entry)
	*t = append(*t, e)
	e.timer = len(*t)
}

func (t *timers) Pop() any {
	old := *t
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	e.timer = 0
	return e
}
