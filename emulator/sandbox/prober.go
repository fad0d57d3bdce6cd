package sandbox

import (
	"context"
	"strings"
	"sync"
	"time"
)

// prober.go runs the probes of running containers, beside Reconcile. Their
// verdicts are kept in memory; a new one makes the sandbox be looked at.

// probed is what the probes of a container's attempt say.
type probed struct {
	attempt int
	health  Health // "" until there is a verdict
	since   time.Time
	output  string
	exit    int
	started bool   // the startup probe has passed
	kill    string // why the container is to be killed
	note    string // why a probe cannot be run

	failures Failures
}

// probers are those of all sandboxes.
type probers struct {
	e  *Engine
	mu sync.Mutex
	m  map[string]map[string]*prober // by sandbox, by container
}

// prober is that of one attempt of a container.
type prober struct {
	probed
	cancel context.CancelFunc
}

func newProbers(e *Engine) *probers {
	return &probers{e: e, m: map[string]map[string]*prober{}}
}

// tend starts and ends probers so that they fit what runs, and tells what
// they have found.
func (p *probers) tend(s *Sandbox, v *view) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v.probes = map[string]*probed{}
	for i := range s.Spec.Containers {
		c := &s.Spec.Containers[i]
		if c.Health == nil && c.Startup == nil && c.Liveness == nil {
			continue
		}
		o, there := v.Containers[c.Name]
		p.fit(s, i, o, there && o.State == ContainerRunning && s.Status.Containers[i].posted(c) && !s.Status.Falling)
		if r := p.m[s.Spec.ID][c.Name]; r != nil {
			copied := r.probed
			v.probes[c.Name] = &copied
			if r.note != "" {
				v.notes = merged(v.notes, c.Name+": probe", c.Name+": probe "+r.note)
			}
		}
	}
}

func merged(m map[string]string, key, text string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[key] = text
	return m
}

// fit makes sure that a container has a prober of its attempt, or none.
func (p *probers) fit(s *Sandbox, i int, o ObservedContainer, wanted bool) {
	id, name := s.Spec.ID, s.Spec.Containers[i].Name
	old := p.m[id][name]
	if old != nil && (!wanted || old.attempt != o.Attempt) {
		old.cancel()
		delete(p.m[id], name)
		old = nil
	}
	if !wanted || old != nil {
		return
	}
	ctx, cancel := context.WithCancel(p.e.life)
	r := &prober{probed: probed{attempt: o.Attempt}, cancel: cancel}
	if p.m[id] == nil {
		p.m[id] = map[string]*prober{}
	}
	p.m[id][name] = r
	known := tally{}
	if cs := &s.Status.Containers[i]; cs.Attempt == o.Attempt {
		r.started, r.failures = cs.Started, cs.Failures
		known = remembered(cs.Health)
	}
	w := &watch{p: p, r: r, s: s.clone(), c: &s.Spec.Containers[i], since: o.StartedAt}
	p.e.aside.Go(func() { w.run(ctx, known) })
}

// drop ends the probers of a sandbox.
func (p *probers) drop(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.m[id] {
		r.cancel()
	}
	delete(p.m, id)
}

// watch is one attempt of a container that is being probed.
type watch struct {
	p     *probers
	r     *prober
	s     *Sandbox // as it was when it began: specification and address
	c     *Container
	since time.Time
}

// run asks until ctx ends: first the startup probe alone, then the others.
func (w *watch) run(ctx context.Context, known tally) {
	if w.c.Startup != nil && !w.r.started {
		if !w.startup(ctx) {
			return
		}
	}
	var wg sync.WaitGroup
	if w.c.Liveness != nil {
		wg.Go(func() { w.liveness(ctx) })
	}
	if w.c.Health != nil {
		wg.Go(func() { w.health(ctx, known) })
	}
	wg.Wait()
}

// What the reason begins with for which a probe has a container killed.
const (
	failedStartup  = "Container failed startup probe: "
	failedLiveness = "Container failed liveness probe: "
)

// killer is the probe that has a container killed; nil when none has.
func (cs *ContainerStatus) killer(c *Container) *Probe {
	switch {
	case strings.HasPrefix(cs.Reason, failedStartup):
		return c.Startup
	case strings.HasPrefix(cs.Reason, failedLiveness):
		return c.Liveness
	}
	return nil
}

// startup reports whether the container has come up.
func (w *watch) startup(ctx context.Context) (passed bool) {
	count := w.counting(func(f *Failures) *Failed { return &f.Startup })
	w.repeat(ctx, w.c.Startup, tally{}, func(t tally, out tried) bool {
		count(out, t.failed)
		switch {
		case t.passed || out.unable:
			passed = true
			w.tell(func(r *probed) { r.started = true })
		case t.failed:
			w.tell(func(r *probed) { r.kill = failedStartup + out.failure })
		}
		return !passed && !t.failed
	})
	return passed
}

func (w *watch) liveness(ctx context.Context) {
	count := w.counting(func(f *Failures) *Failed { return &f.Liveness })
	w.repeat(ctx, w.c.Liveness, tally{passed: true}, func(t tally, out tried) bool {
		count(out, t.failed)
		if t.failed {
			w.tell(func(r *probed) { r.kill = failedLiveness + out.failure })
		}
		return !t.failed
	})
}

func (w *watch) health(ctx context.Context, last tally) {
	said := last.health()
	count := w.counting(func(f *Failures) *Failed { return &f.Readiness })
	w.repeat(ctx, w.c.Health, last, func(t tally, out tried) bool {
		h := t.health()
		count(out, h != said)
		if h != said {
			said = h
			w.tell(func(r *probed) {
				r.health, r.since, r.output, r.exit = h, now(), out.output, out.exit
			})
		}
		return true
	})
}

// repeat asks at the probe's interval and passes each tally on, until that
// says no or ctx ends. What cannot be asked is told once, and not again.
func (w *watch) repeat(ctx context.Context, p *Probe, t tally, each func(tally, tried) bool) {
	timer := time.NewTimer(time.Until(w.since.Add(p.Delay)))
	defer timer.Stop()
	interval := max(p.Interval, time.Second)
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		timer.Reset(interval)
		out := w.ask(ctx, p, interval)
		if ctx.Err() != nil {
			return
		}
		if out.unable {
			w.tell(func(r *probed) { r.note = out.failure })
			each(t, out)
			return
		}
		t = t.count(p, out.failure == "", time.Since(w.since))
		if !each(t, out) {
			return
		}
	}
}

// ask does the action once, within its time.
func (w *watch) ask(ctx context.Context, p *Probe, interval time.Duration) tried {
	limit := p.Timeout
	if limit <= 0 {
		limit = interval
	}
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out := w.p.e.try(inner, w.s, w.c, &p.Action)
	if inner.Err() != nil && ctx.Err() == nil {
		return w.overtime(&p.Action, limit, out)
	}
	return out
}

// tell changes what the probes say, and has the sandbox looked at.
func (w *watch) tell(change func(*probed)) {
	w.p.mu.Lock()
	change(&w.r.probed)
	w.p.mu.Unlock()
	w.p.e.loop.Touch(w.s.Spec.ID)
}
