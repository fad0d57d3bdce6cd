package sandbox

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator/reconcile"
	"github.com/neargate/neargate/emulator/store"
)

// Config of an engine. Store and Runtime are needed; what else is nil is left
// out of the sandboxes' lives.
type Config struct {
	Store   *store.Store
	Runtime Runtime
	Logs    LogSink
	Secrets SecretSource
	Targets Targets
	// Delay inserts waits before each step, for people who test their
	// time-outs (--timing=aws). Steps are 1, 2 and 3.
	Delay func(step int, rising bool) time.Duration
	// Resync is how often everything is looked at without cause; 0: 30 s.
	Resync time.Duration
	// DrainLimit bounds how long the way down waits for the last lines of a
	// container's output; 0: 10 s.
	DrainLimit time.Duration
	// Limit of sandboxes that are worked on at once; 0: 16. It keeps a crowd of
	// new ones from taking the processor and the store from whoever calls an
	// API; sandboxes for which the runtime is at work do not count.
	Limit int
	Log   zerolog.Logger
}

// SecretSource knows the values of secrets. A *StopError says that they can
// never be had (ResourceInitializationError: unable to pull secrets …).
type SecretSource interface {
	Resolve(ctx context.Context, s *Spec, c *Container) ([]EnvVar, error)
}

// Targets is the third step: registering the sandbox's address with whoever
// sends traffic to it. Both ways are idempotent, and Down tolerates what was
// never registered. A positive again says that it takes longer (a target that
// drains) and when to call again.
type Targets interface {
	Up(ctx context.Context, s *Sandbox) (again time.Duration, err error)
	Down(ctx context.Context, s *Sandbox) (again time.Duration, err error)
}

// Engine brings every sandbox to where its record wants it. It is a
// reconcile.Controller over the records of kind "sandbox".
type Engine struct {
	Config
	loop    *reconcile.Loop
	retries retries
	rested  *rested
	pumps   *pumps
	probers *probers
	pullers *pullers
	life    context.Context // of what goes on beside the calls; set by Run
	aside   sync.WaitGroup
}

// by is who the engine is in the change feed.
const by = "controller/sandbox"

// New makes an engine, which does nothing before Run.
func New(c Config) *Engine {
	if c.Resync <= 0 {
		c.Resync = 30 * time.Second
	}
	if c.DrainLimit <= 0 {
		c.DrainLimit = 10 * time.Second
	}
	if c.Limit <= 0 {
		c.Limit = 16
	}
	e := &Engine{Config: c, rested: newRested()}
	e.pumps, e.probers, e.pullers = newPumps(e), newProbers(e), newPullers(e)
	e.loop = reconcile.New(c.Store, e, reconcile.Options{
		Name: "sandbox", Kinds: []string{Sandboxes.Kind()}, Resync: c.Resync, Limit: c.Limit, Log: c.Log,
		List: func(tx *store.Tx) iter.Seq2[string, error] {
			return Sandboxes.Keys(tx, live, live, store.Range{})
		},
		Hints: e.hints, Unchanged: e.unchanged,
	})
	return e
}

// Run works until ctx ends, and returns when everything that it began has
// ended. Sandboxes go on running; the next engine adopts them.
func (e *Engine) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	e.life = ctx
	g.Go(func() error { return e.loop.Run(ctx) })
	g.Go(func() error { return e.prune(ctx) })
	err := g.Wait()
	e.aside.Wait()
	return err
}

// Runtime is what the engine works with: for exec, attach, dial and stats.
func (e *Engine) Runtime() Runtime { return e.Config.Runtime }

// hints passes the runtime's events on. After a gap nothing waits any longer
// for its next try.
func (e *Engine) hints(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		for id := range e.Config.Runtime.Events(ctx) {
			if id == "" {
				e.retries.clear()
			}
			if !yield(id) {
				return
			}
		}
	}
}

// Reconcile looks at one sandbox, does at most one thing, and commits what
// came of it.
func (e *Engine) Reconcile(ctx context.Context, id string) (time.Duration, error) {
	e.rested.wake(id)
	s, revision, err := e.read(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && s.IsStopped() {
		e.forget(id)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if d := e.retries.left(id, s.Desired.Stopped, now()); d > 0 {
		return d, nil
	}
	v, err := e.look(ctx, s)
	if err != nil {
		return e.troubled(ctx, s, revision, false, err)
	}
	a := next(s, v, now())
	after, again := a.after, a.again
	if a.verb != record {
		if after, again, err = e.perform(ctx, s, v, a); err != nil {
			return e.troubled(ctx, s, revision, true, err)
		}
		e.retries.done(id)
	}
	err = e.commit(ctx, s, revision, after)
	if err == nil && a.verb == rest && v.known {
		e.rested.rest(id, &v.Observed)
	}
	return again, err
}

// read looks at a record, which is shared: what changes it works on a clone.
func (e *Engine) read(ctx context.Context, id string) (s *Sandbox, revision int64, err error) {
	err = e.Store.View(ctx, func(tx *store.Tx) error {
		s, revision, err = Sandboxes.Peek(tx, id)
		return err
	})
	return s, revision, err
}

// commit stores what has changed since a revision, if anything has, and gives
// it away: after must not be written into any more.
func (e *Engine) commit(ctx context.Context, was *Sandbox, revision int64, after *Sandbox) error {
	if after == nil || same(was, after) {
		return nil
	}
	after.version(was)
	return e.Store.Update(ctx, by, func(tx *store.Tx) error {
		return Sandboxes.ReplaceShared(tx, was.Spec.ID, revision, after)
	})
}

// forget lets go of what is kept in memory for a sandbox.
func (e *Engine) forget(id string) {
	e.retries.done(id)
	e.rested.wake(id)
	e.pumps.drop(id)
	e.probers.drop(id)
	e.pullers.drop(id)
}

// look sees what there is of a sandbox, and makes sure that its output is
// read and its probes are run.
func (e *Engine) look(ctx context.Context, s *Sandbox) (view, error) {
	_, reserves := e.Config.Runtime.(Reserver)
	v := view{targets: e.Targets != nil, reserves: reserves, delay: e.Delay}
	if s.Status.Height == 0 && !s.Status.Falling {
		return v, nil
	}
	var o Observed
	var err error
	e.loop.Aside(func() { o, err = e.Config.Runtime.Inspect(ctx, s.Spec.ID) })
	if err != nil {
		return v, err
	}
	v.Observed, v.known = o, true
	e.tend(s, &v)
	return v, nil
}

// tend keeps pulls, log pumps and probers in step with the record and with
// what runs, and puts into the view what they have found.
func (e *Engine) tend(s *Sandbox, v *view) {
	if s.Status.Falling && s.Status.Height < stepContainers {
		e.pumps.drop(s.Spec.ID)
		e.probers.drop(s.Spec.ID)
		e.pullers.drop(s.Spec.ID)
		return
	}
	e.pullers.tend(s, v, now())
	e.probers.tend(s, v)
	e.pumps.tend(s, v)
}

// now is the time that goes into records: UTC, to the millisecond.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
