package reconcile

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// Loop calls one Controller. Make it with New, run it once with Run.
type Loop struct {
	st    *store.Store
	c     Controller
	o     Options
	begun time.Time
	wake  chan struct{} // capacity 1: there is something to dispatch
	calls sync.WaitGroup

	mu      sync.Mutex
	q       queue
	running int
	sweeps  []*sweep
}

// New prepares a Loop. Keys may be touched before it runs.
func New(st *store.Store, c Controller, o Options) *Loop {
	return &Loop{
		st: st, c: c, o: o.withDefaults(), begun: time.Now(), wake: make(chan struct{}, 1),
		q: queue{keys: map[string]*entry{}},
	}
}

// Run makes a Loop and runs it.
func Run(ctx context.Context, st *store.Store, c Controller, o Options) error {
	return New(st, c, o).Run(ctx)
}

// Touch queues a key from outside. Like a hint, it does not interrupt.
func (l *Loop) Touch(key string) {
	l.mu.Lock()
	l.q.touch(key)
	l.mu.Unlock()
	l.poke()
}

// Run works until ctx ends or the store is closed, and returns the error of
// that after every call in flight has returned; their contexts are cancelled.
func (l *Loop) Run(ctx context.Context) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var sources sync.WaitGroup
	sources.Go(func() {
		if err := l.feed(inner); err != nil {
			cancel(err)
		}
	})
	if l.o.List != nil {
		sources.Go(func() { l.resync(inner) })
	}
	if l.o.Hints != nil {
		sources.Go(func() { l.hints(inner) })
	}
	l.dispatch(inner)
	l.calls.Wait()
	sources.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.Cause(inner)
}

func (l *Loop) now() time.Duration { return time.Since(l.begun) }

func (l *Loop) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// dispatch starts calls as keys become ready, until ctx ends.
func (l *Loop) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		if next, ok := l.start(ctx); ok {
			timer.Reset(max(next-l.now(), 0))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// start starts what may be started now and returns when to look again.
func (l *Loop) start(ctx context.Context) (next time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	next, ok = l.q.expire(now)
	if at, more := l.sweep(now); more && (!ok || at < next) {
		next, ok = at, true
	}
	for {
		e, callCtx := l.take(ctx)
		if e == nil {
			return next, ok
		}
		l.calls.Go(func() { l.work(ctx, callCtx, e) })
	}
}

// take begins a call of the next ready key, if there may be one more; nil: not
// now. The mutex is held.
func (l *Loop) take(ctx context.Context) (*entry, context.Context) {
	if ctx.Err() != nil || l.o.Limit > 0 && l.running >= l.o.Limit {
		return nil, nil
	}
	e := l.q.pop()
	if e == nil {
		return nil, nil
	}
	c := &call{loop: l, key: e.key, visit: e.visit}
	e.visit = false
	ctx, c.cancel = context.WithCancel(store.WithOrigin(ctx, c))
	e.call = c
	l.running++
	return e, ctx
}

// work makes one call after the other for as long as keys are ready: a
// goroutine that goes on has its stack already.
func (l *Loop) work(ctx, callCtx context.Context, e *entry) {
	for e != nil {
		l.run(callCtx, e)
		l.mu.Lock()
		e, callCtx = l.take(ctx)
		l.mu.Unlock()
	}
}

// Aside does what waits for something else than the processor and the store. A
// call of the controller that is within it does not count for Options.Limit.
func (l *Loop) Aside(f func()) {
	l.mu.Lock()
	l.running--
	more := l.q.waiting()
	l.mu.Unlock()
	if more {
		l.poke()
	}
	defer func() {
		l.mu.Lock()
		l.running++
		l.mu.Unlock()
	}()
	f()
}

// sweep queues the keys of the sweeps under way.
func (l *Loop) sweep(now time.Duration) (next time.Duration, ok bool) {
	left := l.sweeps[:0]
	for _, s := range l.sweeps {
		for _, key := range s.due(now) {
			if s.idle && l.o.Unchanged != nil {
				l.q.visit(key)
			} else {
				l.q.touch(key)
			}
		}
		at, more := s.next(now)
		if !more {
			continue
		}
		left = append(left, s)
		if !ok || at < next {
			next, ok = at, true
		}
	}
	clear(l.sweeps[len(left):])
	l.sweeps = left
	return next, ok
}

// run makes one call and files its answer, however the controller ends.
func (l *Loop) run(ctx context.Context, e *entry) {
	again, err := time.Duration(0), errExited
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c := e.call
		c.cancel()
		e.call = nil
		l.running--
		l.file(c, e, again, err)
		l.q.forget(e)
		if errors.Is(err, errExited) || l.q.first(e) {
			l.poke()
		}
	}()
	again, err = l.guarded(ctx, e)
}

// file queues the key for when it is to be called again.
func (l *Loop) file(c *call, e *entry, again time.Duration, err error) {
	switch {
	case errors.Is(err, store.ErrStale), err != nil && c.interrupted && errors.Is(err, context.Canceled):
		l.q.push(e)
		return
	case err != nil:
		e.tries++
		wait := l.o.Backoff(e.tries)
		l.q.set(e, l.now()+wait)
		if !c.dirty { // what it wrote itself does not cut the wait short
			c.ownDirty = false
		}
		l.report(e, wait, err)
	default:
		e.tries = 0
		if again > 0 {
			l.q.set(e, l.now()+again)
		}
	}
	switch {
	case c.dirty || err == nil && again < 0:
		l.q.push(e)
	case c.ownDirty:
		l.q.pushOwn(e)
	}
}

// report logs a failure; errors travel no further.
func (l *Loop) report(e *entry, wait time.Duration, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, store.ErrClosed) {
		return // the end of the loop
	}
	event := l.o.Log.Warn()
	var p *panicError
	if errors.As(err, &p) {
		event = l.o.Log.Error().Bytes("stack", p.stack)
	}
	event.Err(err).Str("controller", l.o.Name).Str("key", e.key).Int("tries", e.tries).Dur("retry", wait).Msg("reconcile")
}

// panicError is a panic of a controller.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("controller panicked: %v", p.value) }

var errExited = errors.New("controller ended its goroutine")

// guarded calls the controller and makes a panic an error.
func (l *Loop) guarded(ctx context.Context, e *entry) (again time.Duration, err error) {
	defer func() {
		if v := recover(); v != nil {
			again, err = 0, &panicError{v, debug.Stack()}
		}
	}()
	if e.call.visit {
		if l.o.Unchanged(ctx, e.key) {
			return 0, nil
		}
		l.mu.Lock()
		l.q.clear(e) // from here on a call like any other
		l.mu.Unlock()
	}
	return l.c.Reconcile(ctx, e.key)
}
