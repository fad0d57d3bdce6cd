package docker

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

// One stream of the Engine's events for the whole process. It invalidates what
// is remembered of containers and wakes whoever listens to Events.

// watch spreads hints to listeners.
type watch struct {
	mu        sync.Mutex
	listeners map[*listener]bool
}

// listener holds hints until they are fetched; the same one twice is one.
type listener struct {
	pending map[string]bool
	order   []string
	wake    chan struct{}
}

// Events implements [sandbox.Runtime].
func (r *Runtime) Events(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		l := r.watch.join()
		defer r.watch.leave(l)
		for {
			for _, id := range r.watch.fetch(l) {
				if ctx.Err() != nil || !yield(id) {
					return
				}
			}
			select {
			case <-l.wake:
			case <-ctx.Done():
				return
			case <-r.life.Done():
				return
			}
		}
	}
}

func (w *watch) join() *listener {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &listener{pending: map[string]bool{}, wake: make(chan struct{}, 1)}
	if w.listeners == nil {
		w.listeners = map[*listener]bool{}
	}
	w.listeners[l] = true
	return l
}

func (w *watch) leave(l *listener) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.listeners, l)
}

func (w *watch) fetch(l *listener) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := l.order
	l.order = nil
	clear(l.pending)
	return ids
}

func (w *watch) tell(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := range w.listeners {
		if !l.pending[id] {
			l.pending[id] = true
			l.order = append(l.order, id)
		}
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// maxWait bounds the time between two tries to reach the Engine.
const maxWait = 3 * time.Second

// syncTimeout is for an Engine that takes connections and answers nothing.
const syncTimeout = time.Minute

// watchEvents reads the events of our containers for as long as r lives.
func (r *Runtime) watchEvents(ctx context.Context) {
	f := r.ours().Add("type", "container").Add("event", "create", "start", "die", "oom", "destroy", "rename")
	before := false
	r.stream(ctx, f, follower{see: r.see, begun: func() error {
		if before {
			r.stale()
		}
		before = true
		ctx, cancel := context.WithTimeout(ctx, syncTimeout)
		defer cancel()
		if err := r.ready(ctx); err != nil {
			return err
		}
		r.watch.tell("") // what happened until now was not seen
		return nil
	}, lost: func() { r.watch.tell("") }}) // whoever looks now learns that the Engine is away
}

// watchImages forgets what references mean when any image changes.
func (r *Runtime) watchImages(ctx context.Context) {
	f := client.Filters{}.Add("type", "image")
	r.stream(ctx, f, follower{
		begun: func() error { r.pulls.trust(true); return nil },
		see:   func(events.Message) { r.pulls.forget() },
		ended: func() { r.pulls.trust(false) },
	})
}

// follower is who reads a stream of events.
type follower struct {
	begun func() error // the stream is up: no event can be missed any more
	see   func(events.Message)
	ended func() // may be nil
	lost  func() // a stream that was up is so no more; may be nil
}

// stream reads events, again and again.
func (r *Runtime) stream(ctx context.Context, f client.Filters, by follower) {
	for wait := time.Duration(0); ctx.Err() == nil; {
		if r.streamOnce(ctx, f, by) {
			wait = 0
			if by.lost != nil {
				by.lost()
			}
		}
		wait = min(max(2*wait, 100*time.Millisecond), maxWait)
		pause(ctx, wait)
	}
}

// streamOnce reports whether the stream was up at all.
func (r *Runtime) streamOnce(ctx context.Context, f client.Filters, by follower) (up bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if by.ended != nil {
		defer by.ended()
	}
	if _, err := r.daemon.facts(ctx); err != nil {
		return false
	}
	stream := r.daemon.Events(ctx, client.EventsListOptions{Filters: f})
	select {
	case err := <-stream.Err:
		r.log.Debug().Err(err).Msg("no events from docker")
		return false
	default:
	}
	if err := by.begun(); err != nil {
		r.log.Debug().Err(err).Msg("docker's state could not be read")
		return false
	}
	for {
		select {
		case m := <-stream.Messages:
			by.see(m)
		case err := <-stream.Err:
			if ctx.Err() == nil {
				r.log.Warn().Err(err).Msg("docker's events ended, trying again")
			}
			return true
		}
	}
}

// see takes in one event of a container of ours.
func (r *Runtime) see(m events.Message) {
	r.mu.Lock()
	delete(r.inspects, m.Actor.ID)
	r.mu.Unlock()
	switch m.Actor.Attributes[labelRole] {
	case roleWorkload:
		r.watch.tell(m.Actor.Attributes[labelSandbox])
	case rolePause:
		if m.Action == events.ActionDie || m.Action == events.ActionDestroy {
			r.lostPause(m.Actor.Attributes[labelSandbox], m.Actor.ID)
		}
	case roleSandbox:
		id := r.names.sandboxOf(m.Actor.Attributes["name"])
		if m.Action == events.ActionDie || m.Action == events.ActionDestroy {
			if id == "" {
				r.lostWarm(m.Actor.ID)
				return
			}
		}
		if id != "" {
			r.watch.tell(id)
		}
	}
}
