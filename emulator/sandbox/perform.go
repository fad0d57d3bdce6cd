package sandbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// perform.go does what next decided. What came of it is a list of effects on
// the record, so that several containers can be worked on at once.

// effect is what something that was done changes in the record.
type effect func(s *Sandbox, now time.Time)

// perform does one action and returns the record as it is after that, and
// when to look again. An error is one that may pass: whatever was achieved is
// found again by the next look.
func (e *Engine) perform(ctx context.Context, s *Sandbox, v view, a action) (*Sandbox, time.Duration, error) {
	var effects []effect
	var again time.Duration
	var err error
	e.loop.Aside(func() { effects, again, err = e.act(ctx, s, a) })
	if err != nil {
		if effects, err = e.verdict(s, a, effects, err); err != nil {
			return nil, 0, err
		}
	}
	if a.verb != rest && a.verb != pull && a.verb != up && a.verb != reserve {
		if v, err = e.look(ctx, s); err != nil {
			return nil, 0, err
		}
	}
	n := s.clone()
	n.clearTrouble()
	for _, f := range effects {
		f(n, now())
	}
	if LastStatus(n) == LastStatus(s) {
		n.settle(v, now())
	} else {
		n.arrive(v, now())
	}
	return n, soonest(soonest(again, a.again), n.timers(v, now())), nil
}

// verdict tells errors that end the sandbox from those that may pass.
func (e *Engine) verdict(s *Sandbox, a action, effects []effect, err error) ([]effect, error) {
	var fatal *StopError
	if !errors.As(err, &fatal) || a.verb == down || a.verb == lower || s.Desired.Stopped {
		return nil, err
	}
	return append(effects, func(s *Sandbox, now time.Time) {
		if _, cs := s.container(fatal.Container); cs != nil {
			cs.Reason = fatal.Reason
		}
		s.want(fatal.Code, fatal.Reason, now)
	}), nil
}

// act chooses by verb.
func (e *Engine) act(ctx context.Context, s *Sandbox, a action) ([]effect, time.Duration, error) {
	switch a.verb {
	case reserve:
		return e.reserve(ctx, s)
	case up:
		return e.up(ctx, s)
	case down:
		if err := e.Config.Runtime.Down(ctx, s.Spec.ID); err != nil {
			return nil, 0, err
		}
		return []effect{(*Sandbox).fall}, 0, nil
	case raise:
		again, err := e.Targets.Up(ctx, s)
		return step(again, err, (*Sandbox).rise)
	case lower:
		again, err := e.Targets.Down(ctx, s)
		return step(again, err, (*Sandbox).fall)
	case pull:
		return e.each(ctx, s, a.containers, e.pull)
	case start:
		return e.each(ctx, s, a.containers, e.start)
	case postStart:
		return e.each(ctx, s, a.containers, e.postStart)
	case resize:
		return e.each(ctx, s, a.containers, e.resize)
	case stop:
		return e.each(ctx, s, a.containers, e.stop)
	}
	return nil, 0, nil
}

// step is a step's effect, once it is done.
func step(again time.Duration, err error, done effect) ([]effect, time.Duration, error) {
	if err != nil || again > 0 {
		return nil, again, err
	}
	return []effect{done}, 0, nil
}

// each does something with several containers at once. The first error that
// can never pass cancels the others; of errors that may pass the first is
// told after all have ended.
func (e *Engine) each(ctx context.Context, s *Sandbox, names []string, do func(context.Context, *Sandbox, *Container, *ContainerStatus) (effect, error)) ([]effect, time.Duration, error) {
	g, inner := errgroup.WithContext(ctx)
	done := make([]effect, len(names))
	passing := make([]error, len(names))
	for i, name := range names {
		c, cs := s.container(name)
		g.Go(func() error {
			f, err := do(inner, s, c, cs)
			done[i] = f
			var fatal *StopError
			if errors.As(err, &fatal) {
				return err
			}
			passing[i] = err
			return nil
		})
	}
	err := g.Wait()
	if i := slices.IndexFunc(passing, func(err error) bool { return err != nil }); err == nil && i >= 0 {
		err = passing[i]
	}
	var effects []effect
	for _, f := range done {
		if f != nil {
			effects = append(effects, f)
		}
	}
	return effects, 0, err
}

// reserve has the address of an open sandbox told before its network is up.
func (e *Engine) reserve(ctx context.Context, s *Sandbox) ([]effect, time.Duration, error) {
	a, err := e.Config.Runtime.(Reserver).Reserve(ctx, &s.Spec)
	if err != nil {
		return nil, 0, err
	}
	return []effect{func(s *Sandbox, _ time.Time) { s.Status.Address = &a }}, 0, nil
}

func (e *Engine) up(ctx context.Context, s *Sandbox) ([]effect, time.Duration, error) {
	images := e.present(ctx, s)
	a, err := e.Config.Runtime.Up(ctx, &s.Spec)
	there := <-images
	if err != nil {
		return nil, 0, err
	}
	open := s.Spec.Open
	return []effect{func(s *Sandbox, now time.Time) {
		if told := s.Status.Address; told != nil && told.IP != a.IP {
			s.moved(told.IP, now)
			return
		}
		s.Status.Bare = open
		s.have(there, now)
		if s.Status.Height > 0 {
			return
		}
		s.Status.Address, s.Status.ConnectivityAt = &a, now
		s.rise(now)
	}}, 0, nil
}

// moved ends a sandbox that could be made at another address only than was
// told: what has the address in its name cannot follow it.
func (s *Sandbox) moved(told string, now time.Time) {
	s.want(CodeFailedToStart, "The address "+told+" was lost before the sandbox was up: somebody else has it", now)
	s.Desired.Held = false
}

func (e *Engine) pull(ctx context.Context, s *Sandbox, c *Container, _ *ContainerStatus) (effect, error) {
	p, err := e.Config.Runtime.Pull(ctx, &s.Spec, c)
	if err != nil {
		return nil, err
	}
	return func(s *Sandbox, _ time.Time) {
		if _, cs := s.container(c.Name); unpulled(cs) {
			cs.pulled(p)
		}
	}, nil
}

// start opens the log stream, resolves the secrets and starts the container,
// in the order in which Fargate does.
func (e *Engine) start(ctx context.Context, s *Sandbox, c *Container, cs *ContainerStatus) (effect, error) {
	attempt := cs.Attempt
	if cs.State == ContainerStopped {
		attempt++
	}
	if err := e.begin(ctx, s, c, attempt); err != nil {
		if startFailed(s, c, err) {
			return func(s *Sandbox, now time.Time) { s.unstarted(c.Name, attempt, err, now) }, nil
		}
		return forbear(s, c, TroubleConfig, at(err, c))
	}
	return nil, nil
}

func (e *Engine) begin(ctx context.Context, s *Sandbox, c *Container, attempt int) error {
	var env []EnvVar
	if len(c.Secrets) > 0 {
		if e.Secrets == nil {
			return &StopError{Container: c.Name, Reason: "ResourceInitializationError: unable to pull secrets or registry auth: there is no source of secrets"}
		}
		var err error
		if env, err = e.Secrets.Resolve(ctx, &s.Spec, c); err != nil {
			return err
		}
	}
	if err := e.pumps.open(ctx, &s.Spec, c); err != nil {
		return err
	}
	return e.Config.Runtime.Start(ctx, &s.Spec, c, attempt, env)
}

// at says which container an error that ends the sandbox befell.
func at(err error, c *Container) error {
	var fatal *StopError
	if errors.As(err, &fatal) && fatal.Container == "" {
		named := *fatal
		named.Container = c.Name
		return &named
	}
	return err
}

// postStart does the action after a start; a container whose action fails is
// stopped, and its restart policy decides what becomes of it.
func (e *Engine) postStart(ctx context.Context, s *Sandbox, c *Container, cs *ContainerStatus) (effect, error) {
	out := e.try(ctx, s, c, c.PostStart)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	reason := ""
	if out.failure != "" && !out.unable {
		reason = "PostStartHookError: " + out.failure
		if err := e.Config.Runtime.Stop(ctx, &s.Spec, c, grace(s, c, cs)); err != nil {
			return nil, err
		}
	}
	return func(s *Sandbox, _ time.Time) {
		_, cs := s.container(c.Name)
		cs.PostStarted, cs.Reason = true, reason
		if out.unable {
			s.note(c.Name+": postStart", c.Name+": postStart: "+out.failure)
		}
	}, nil
}

// stop does the action before a stop, within the grace, then stops.
func (e *Engine) stop(ctx context.Context, s *Sandbox, c *Container, cs *ContainerStatus) (effect, error) {
	left, note := grace(s, c, cs), ""
	if c.PreStop != nil && left > 0 {
		began := time.Now()
		inner, cancel := context.WithTimeout(ctx, left)
		out := e.try(inner, s, c, c.PreStop)
		cancel()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		note = out.failure
		left = max(left-time.Since(began), minGrace)
	}
	if err := e.Config.Runtime.Stop(ctx, &s.Spec, c, left); err != nil {
		return nil, err
	}
	if note == "" {
		return nil, nil
	}
	return func(s *Sandbox, _ time.Time) { s.note(c.Name+": preStop", c.Name+": preStop: "+note) }, nil
}

// The time from the stop signal to the kill where none was asked for, and
// what is left of it at least when the action before took all.
const (
	defaultGrace = 30 * time.Second
	minGrace     = 2 * time.Second
)

// grace is how long a container has to end: as long as who stops the sandbox
// gives it, or the probe that has it killed, else its own. A sidecar, whose turn
// comes after the others, has what they have left of it.
func grace(s *Sandbox, c *Container, cs *ContainerStatus) time.Duration {
	whole := defaultGrace
	killer := cs.killer(c)
	switch {
	case s.Desired.Stopped && s.Desired.Grace != nil:
		whole = *s.Desired.Grace
	case !s.Desired.Stopped && killer != nil && killer.StopTimeout > 0:
		whole = killer.StopTimeout
	case c.StopTimeout > 0:
		whole = c.StopTimeout
	}
	if !s.Desired.Stopped || !c.Sidecar() || whole <= 0 {
		return whole
	}
	return max(whole-time.Since(s.Desired.At), min(whole, minGrace))
}
