package sandbox

import (
	"context"
	"errors"
	"sync"
	"time"
)

// puller.go pulls the images of containers whose errors are waited out, beside
// Reconcile: while one image takes its minutes, the other containers start,
// are probed and started again.

// pullers are those of all sandboxes.
type pullers struct {
	e  *Engine
	mu sync.Mutex
	m  map[string]map[string]*puller // by sandbox, by container
}

// puller is one try, until its outcome is in the record.
type puller struct {
	tries  int // that had failed before
	cancel context.CancelFunc
	done   *fetched // nil while it goes on
}

// fetched is how a try ended.
type fetched struct {
	tries  int
	digest string
	err    *StopError
}

func newPullers(e *Engine) *pullers {
	return &pullers{e: e, m: map[string]map[string]*puller{}}
}

// tend begins and ends pulls so that they fit the record, and tells what has
// come of them.
func (p *pullers) tend(s *Sandbox, v *view, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range s.Spec.Containers {
		c, cs := &s.Spec.Containers[i], &s.Status.Containers[i]
		if !s.patient(c) {
			continue
		}
		wanted := cs.State == ContainerPulling && !s.Status.Falling && !now.Before(cs.TryAt)
		u := p.fit(s, c, cs, wanted)
		if u != nil && u.done != nil {
			if v.fetched == nil {
				v.fetched = map[string]*fetched{}
			}
			v.fetched[c.Name] = u.done
		}
	}
}

// fit makes sure that there is a pull, or none.
func (p *pullers) fit(s *Sandbox, c *Container, cs *ContainerStatus, wanted bool) *puller {
	id := s.Spec.ID
	u := p.m[id][c.Name]
	if u != nil && (!wanted || u.tries != cs.Tries) {
		u.cancel()
		delete(p.m[id], c.Name)
		u = nil
	}
	if !wanted || u != nil {
		return u
	}
	ctx, cancel := context.WithCancel(p.e.life)
	u = &puller{tries: cs.Tries, cancel: cancel}
	if p.m[id] == nil {
		p.m[id] = map[string]*puller{}
	}
	p.m[id][c.Name] = u
	spec := s.clone().Spec
	p.e.aside.Go(func() { p.run(ctx, u, &spec, c) })
	return u
}

// run pulls. What may pass is tried again at once, and then less and less
// often.
func (p *pullers) run(ctx context.Context, u *puller, s *Spec, c *Container) {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		digest, err := p.e.Config.Runtime.Pull(ctx, s, c)
		var fatal *StopError
		if ctx.Err() != nil {
			return
		}
		if err == nil || errors.As(err, &fatal) {
			p.mu.Lock()
			u.done = &fetched{u.tries, digest, fatal}
			p.mu.Unlock()
			p.e.loop.Touch(s.ID)
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// drop ends the pulls of a sandbox.
func (p *pullers) drop(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.m[id] {
		u.cancel()
	}
	delete(p.m, id)
}

// fetch takes in how a pull ended, once.
func (s *Sandbox) fetch(c *Container, cs *ContainerStatus, f *fetched, now time.Time) {
	switch {
	case f == nil || f.tries != cs.Tries || !unpulled(cs) || now.Before(cs.TryAt):
	case f.err != nil:
		s.wait(cs, TroublePull, f.err, now)
	default:
		cs.State, cs.ImageDigest, cs.Reason = ContainerPulled, f.digest, ""
		cs.endTrouble()
	}
}
