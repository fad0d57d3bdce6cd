package fake

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Options of a runtime.
type Options struct {
	// State is the backend; nil makes an empty one.
	State *State
}

// Runtime implements sandbox.Runtime and all its optional abilities.
type Runtime struct{ *State }

// New makes a runtime.
func New(o Options) *Runtime {
	if o.State == nil {
		o.State = NewState()
	}
	return &Runtime{o.State}
}

var _ interface {
	sandbox.Runtime
	sandbox.Reserver
	sandbox.Logs
	sandbox.Exec
	sandbox.Attach
	sandbox.Dial
	sandbox.StatsReader
	sandbox.FileWriter
	sandbox.ProgressTeller
	sandbox.ServiceNetwork
} = (*Runtime)(nil)

// Up takes an address for the sandbox, and notes its volumes.
func (r *Runtime) Up(ctx context.Context, s *sandbox.Spec) (sandbox.Address, error) {
	if err := ctx.Err(); err != nil {
		return sandbox.Address{}, err
	}
	for i := range s.Containers {
		p, err := parse(&s.Containers[i])
		if err != nil {
			return sandbox.Address{}, err
		}
		if p.networkError != "" {
			return sandbox.Address{}, &sandbox.StopError{Code: failedToStart, Reason: p.networkError}
		}
	}
	if err := r.enter("Up"); err != nil {
		return sandbox.Address{}, err
	}
	defer r.mu.Unlock()
	if b := r.boxes[s.ID]; b != nil {
		b.keep(s.Volumes)
		return b.address, nil
	}
	p, err := r.reserve(s)
	if err != nil {
		return sandbox.Address{}, err
	}
	delete(r.reserved, s.ID)
	b := &box{place: p, id: s.ID, since: stamp(), containers: map[string]*container{}, volumes: map[string]*volume{}}
	b.keep(s.Volumes)
	r.boxes[s.ID] = b
	r.tell(s.ID)
	return p.address, nil
}

// Reserve takes the address that Up will find.
func (r *Runtime) Reserve(ctx context.Context, s *sandbox.Spec) (sandbox.Address, error) {
	if err := ctx.Err(); err != nil {
		return sandbox.Address{}, err
	}
	if err := r.enter("Reserve"); err != nil {
		return sandbox.Address{}, err
	}
	defer r.mu.Unlock()
	p, err := r.reserve(s)
	return p.address, err
}

func (st *State) reserve(s *sandbox.Spec) (place, error) {
	if b := st.boxes[s.ID]; b != nil {
		return b.place, nil
	}
	if p, ok := st.reserved[s.ID]; ok {
		return p, nil
	}
	a, sub, err := st.address(s)
	if err != nil {
		return place{}, err
	}
	st.reserved[s.ID] = place{a, sub}
	return st.reserved[s.ID], nil
}

// Down forgets the sandbox and ends what runs in it.
func (r *Runtime) Down(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.enter("Down"); err != nil {
		return err
	}
	defer r.mu.Unlock()
	r.remove(id)
	return nil
}

// Inspect tells what is there.
func (r *Runtime) Inspect(ctx context.Context, id string) (sandbox.Observed, error) {
	if err := ctx.Err(); err != nil {
		return sandbox.Observed{}, err
	}
	if err := r.enter("Inspect"); err != nil {
		return sandbox.Observed{}, err
	}
	defer r.mu.Unlock()
	b := r.boxes[id]
	if b == nil {
		return sandbox.Observed{}, nil
	}
	o := sandbox.Observed{Up: true, Address: b.address, OOMKills: b.oomKills, Containers: make(map[string]sandbox.ObservedContainer, len(b.containers))}
	for name, c := range b.containers {
		o.Containers[name] = c.ObservedContainer
	}
	return o, nil
}

// List names all sandboxes.
func (r *Runtime) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := r.enter("List"); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	ids := slices.AppendSeq(slices.Collect(maps.Keys(r.boxes)), maps.Keys(r.reserved))
	slices.Sort(ids)
	return ids, nil
}

// Events tells of every change.
func (r *Runtime) Events(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		w := &watcher{dirty: map[string]struct{}{}, some: make(chan struct{}, 1)}
		r.mu.Lock()
		r.watchers[w] = struct{}{}
		r.mu.Unlock()
		defer func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.watchers, w)
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.some:
			}
			r.mu.Lock()
			ids := w.dirty
			w.dirty = map[string]struct{}{}
			r.mu.Unlock()
			for id := range ids {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// watcher is one who listens to Events.
type watcher struct {
	dirty map[string]struct{}
	some  chan struct{}
}

func (w *watcher) add(id string) {
	w.dirty[id] = struct{}{}
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
