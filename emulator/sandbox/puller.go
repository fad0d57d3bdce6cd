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
	tries  int    // that had failed before
	image  string // the one that is pulled
	cancel context.CancelFunc
	done   *fetched // nil while it goes on
}

// fetched is how a try ended.
type fetched struct {
	tries int
	name  string // of the image
	image Pulled
	err   *StopError
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
		wanted := !s.Status.Falling && s.fetches(c, cs, now)
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
	if u != nil && (!wanted || u.tries != cs.Tries || u.image != c.Image) {
		u.cancel()
		delete(p.m[id], c.Name)
		u = nil
	}
	if !wanted || u != nil {
		return u
	}
	ctx, cancel := context.WithCancel(p.e.life)
	u = &puller{tries: cs.Tries, image: c.Image, cancel: cancel}
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
		image, err := p.e.Config.Runtime.Pull(ctx, s, c)
		var fatal *StopError
		if ctx.Err() != nil {
			return
		}
		if err == nil || errors.As(err, &fatal) {
			p.mu.Lock()
			u.done = &fetched{u.tries, c.Image, image, fatal}
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
	case f == nil || f.tries != cs.Tries || f.name != c.Image || !s.fetches(c, cs, now):
	case f.err != nil:
		s.wait(cs, TroublePull, f.err, now)
	default:
		cs.pulled(f.image)
	}
}

// pulled takes in which image the next attempt is made of.
func (cs *ContainerStatus) pulled(p Pulled) {
	cs.Fetched, cs.Refetch = cs.next()+1, false
	if cs.ImageDigest, cs.Local = p.Digest, p.Local; unpulled(cs) {
		cs.State, cs.Reason = ContainerPulled, ""
	}
	cs.endTrouble()
}

// fetches tells whether an image is to be looked for now: before the first
// attempt, and, where the policy says always and each attempt is a container of
// its own, before each.
func (s *Sandbox) fetches(c *Container, cs *ContainerStatus, now time.Time) bool {
	switch {
	case now.Before(cs.TryAt):
		return false
	case cs.State == ContainerStopped:
		return !cs.RestartAt.IsZero() && !now.Before(cs.RestartAt) && !s.fetched(c, cs)
	}
	return cs.State == ContainerPulling
}

// fetched tells whether nothing is left to be looked for before the next
// attempt of a container that has ended.
func (s *Sandbox) fetched(c *Container, cs *ContainerStatus) bool {
	return !cs.Refetch && (c.Pull != PullAlways || !c.Restart.Fresh || !s.patient(c) || cs.Fetched > cs.next())
}

// present finds out, beside the way up of a sandbox whose pulls go on aside,
// which images need none. Others, and whatever goes wrong, are left to the
// pulls.
func (e *Engine) present(ctx context.Context, s *Sandbox) <-chan map[string]Pulled {
	found := make(chan map[string]Pulled, 1)
	if !s.Spec.Patient || len(s.Spec.Containers) == 0 {
		found <- nil
		return found
	}
	go func() {
		images := map[string]Pulled{} // by container
		for i := range s.Spec.Containers {
			c := s.Spec.Containers[i]
			if c.Pull == PullAlways {
				continue
			}
			c.Pull = PullNever
			if image, err := e.Config.Runtime.Pull(ctx, &s.Spec, &c); err == nil {
				images[c.Name] = image
			}
		}
		found <- images
	}()
	return found
}

// have takes in which images are there without a pull.
func (s *Sandbox) have(images map[string]Pulled, now time.Time) {
	for i := range s.Status.Containers {
		cs := &s.Status.Containers[i]
		image, ok := images[cs.Name]
		if !ok || cs.State != ContainerPending {
			continue
		}
		cs.pulled(image)
		if s.Status.PullStartedAt.IsZero() {
			s.Status.PullStartedAt = now
		}
	}
}
