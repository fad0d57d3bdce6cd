package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// logpump.go brings the output of containers to the LogSink, beside
// Reconcile.

// pumps are those of all sandboxes.
type pumps struct {
	e  *Engine
	mu sync.Mutex
	m  map[string]map[string]*pump // by sandbox, by container
}

// pump is that of one container. The attempt that it reads changes when the
// container is started again; its stream stays.
type pump struct {
	name    string
	mu      sync.Mutex // guards stream
	stream  LogStream
	attempt int // that is read; -1 before the first
	cancel  context.CancelFunc
	done    chan struct{} // closed when that attempt's output is all written
	ended   time.Time     // when it was noticed that the attempt has ended
	note    string
}

func newPumps(e *Engine) *pumps { return &pumps{e: e, m: map[string]map[string]*pump{}} }

// wanted: the container's output goes somewhere.
func (p *pumps) wanted(c *Container) bool {
	_, can := p.e.Config.Runtime.(Logs)
	return c.Log.Driver != "" && p.e.Logs != nil && can
}

// get finds or makes the pump of a container.
func (p *pumps) get(id, name string) *pump {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m[id] == nil {
		p.m[id] = map[string]*pump{}
	}
	u := p.m[id][name]
	if u == nil {
		u = &pump{name: name, attempt: -1}
		p.m[id][name] = u
	}
	return u
}

// open makes sure that a container has a stream, before it starts.
func (p *pumps) open(ctx context.Context, s *Spec, c *Container) error {
	if !p.wanted(c) {
		return nil
	}
	_, err := p.get(s.ID, c.Name).open(ctx, p.e.Logs, s, c)
	return err
}

func (u *pump) open(ctx context.Context, sink LogSink, s *Spec, c *Container) (LogStream, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stream != nil {
		return u.stream, nil
	}
	stream, err := sink.Open(ctx, s, c)
	u.stream = stream
	return stream, err
}

// tend makes sure that what runs or has run is read, and tells the view what
// is still being read though it has ended, and for how long that is waited
// for.
func (p *pumps) tend(s *Sandbox, v *view) {
	for i := range s.Spec.Containers {
		c := &s.Spec.Containers[i]
		o, there := v.Containers[c.Name]
		if c.Log.Driver != "" && !p.wanted(c) {
			v.notes = merged(v.notes, c.Name+": logs", c.Name+": logs do not reach "+c.Log.Driver+": there is no way to read or to keep them")
		}
		if !there || o.StartedAt.IsZero() || !p.wanted(c) {
			continue
		}
		u := p.get(s.Spec.ID, c.Name)
		p.mu.Lock()
		p.fit(u, s, c, o)
		if left := u.reading(o, p.e.DrainLimit); left > 0 {
			if v.undrained == nil {
				v.undrained = map[string]time.Duration{}
			}
			v.undrained[c.Name] = left
		}
		if u.note != "" {
			v.notes = merged(v.notes, c.Name+": logs", u.note)
		}
		p.mu.Unlock()
	}
}

// fit lets the pump read the attempt that is there.
func (p *pumps) fit(u *pump, s *Sandbox, c *Container, o ObservedContainer) {
	if u.attempt == o.Attempt {
		return
	}
	if u.cancel != nil {
		u.cancel()
	}
	ctx, cancel := context.WithCancel(p.e.life)
	before := u.done
	u.attempt, u.cancel, u.done, u.ended = o.Attempt, cancel, make(chan struct{}), time.Time{}
	f := &flow{p: p, u: u, s: s.clone(), c: c, done: u.done}
	p.e.aside.Go(func() {
		defer close(f.done)
		if before != nil {
			<-before // one at a time writes to the stream
		}
		f.run(ctx)
		p.e.loop.Touch(s.Spec.ID)
	})
}

// reading tells how long an attempt that has ended is still waited for.
func (u *pump) reading(o ObservedContainer, limit time.Duration) time.Duration {
	if o.State != ContainerStopped {
		return 0
	}
	select {
	case <-u.done:
		return 0
	default:
	}
	if u.ended.IsZero() {
		u.ended = time.Now()
	}
	left := limit - time.Since(u.ended)
	if left <= 0 {
		u.note = fmt.Sprintf("%s: logs of the end may be missing: they could not be written within %v", u.name, limit)
	}
	return left
}

// drop ends the pumps of a sandbox and closes their streams.
func (p *pumps) drop(id string) {
	p.mu.Lock()
	all := p.m[id]
	delete(p.m, id)
	p.mu.Unlock()
	for name, u := range all {
		if u.cancel != nil {
			u.cancel()
		}
		p.e.aside.Go(func() {
			if u.done != nil {
				<-u.done
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			if u.stream == nil {
				return
			}
			if err := u.stream.Close(); err != nil {
				p.e.Log.Warn().Err(err).Str("sandbox", id).Str("container", name).Msg("close log stream")
			}
		})
	}
}
