package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
)

// life is one process of a control plane and what goes on around it.
type life struct {
	*plane
	config  link.Config
	process *process
	client  *link.ChildClient
	unwell  chan string   // why it has to be ended; the first one counts
	ready   chan struct{} // closed when it is READY
	once    sync.Once
	free    func() // gives back the right to start

	since time.Time // READY
}

// life runs the control plane once. again tells that it ended because another
// version is wanted.
func (p *plane) life(ctx context.Context) (e end, again bool) {
	program, err := findProgram(p.planes.config.Program)
	if err != nil {
		return end{why: err.Error(), hopeless: true}, false
	}
	free, err := p.mayStart(ctx)
	if err != nil {
		return end{why: err.Error(), program: program}, errors.Is(err, errOtherVersion)
	}
	defer free()
	c, err := p.prepare(ctx)
	if err != nil {
		return end{why: "the control plane cannot be started: " + err.Error(), program: program}, false
	}
	ctx, cancel := context.WithCancel(ctx)
	var around sync.WaitGroup
	defer around.Wait()
	defer cancel()
	if err := p.serve(ctx, &around); err != nil {
		return end{why: "the control plane cannot be started: " + err.Error(), program: program}, false
	}
	l := &life{plane: p, config: c, unwell: make(chan string, 1), ready: make(chan struct{}), free: free}
	if l.process, err = startProcess(program, p.place, c, p.output); err != nil {
		return end{why: "neargate-kube cannot be started: " + err.Error(), program: program}, false
	}
	l.client = link.DialChild(c.ChildSocket)
	defer l.client.Close()
	p.setClient(l.client)
	defer p.setClient(nil)
	p.change(func(s *link.Status) { s.Progress = "starting neargate-kube" })
	around.Go(func() { l.follow(ctx) })
	around.Go(func() { l.tell(ctx) })
	around.Go(func() { l.check(ctx) })
	how, again := l.wait(ctx)
	cancel()
	around.Wait()
	e = end{why: how, program: program}
	if !l.since.IsZero() {
		e.ready, e.readyFor = true, time.Since(l.since)
	}
	return e, again
}

// mayStart waits until not too many control planes start at the same time.
func (p *plane) mayStart(ctx context.Context) (free func(), err error) {
	select {
	case p.planes.starts <- struct{}{}:
		return sync.OnceFunc(func() { <-p.planes.starts }), nil
	default:
	}
	p.change(func(s *link.Status) { s.Progress = "waiting for other control planes that start" })
	select {
	case p.planes.starts <- struct{}{}:
		return sync.OnceFunc(func() { <-p.planes.starts }), nil
	case <-p.wake:
		return nil, errOtherVersion
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve answers the control plane until ctx ends.
func (p *plane) serve(ctx context.Context, around *sync.WaitGroup) error {
	for _, socket := range []string{p.place.childSocket(), p.place.parentSocket()} {
		if err := os.RemoveAll(socket); err != nil { // nobody shall take an earlier life's for this one's
			return err
		}
	}
	listener, err := link.Listen(p.place.parentSocket())
	if err != nil {
		return err
	}
	around.Go(func() {
		if err := link.Serve(ctx, listener, link.ServeParent(p.parent)); err != nil {
			p.log.Error().Err(err).Msg("the control plane is no longer answered")
		}
	})
	return nil
}

// wait waits for the end of the process, or ends it, and tells how it came.
func (l *life) wait(ctx context.Context) (why string, again bool) {
	pace := l.planes.config.Pace
	select {
	case <-l.process.ended:
		why := told(l.process.how(), l.output.last())
		select {
		case better := <-l.unwell: // it has told itself why
			why = better
		default:
		}
		return why, false
	case why := <-l.unwell:
		l.process.stop(pace.Stop)
		return why, false
	case <-l.wake:
		l.process.stop(pace.Stop)
		return errOtherVersion.Error(), true
	case <-ctx.Done():
		l.process.stop(pace.Stop)
		return ctx.Err().Error(), false
	}
}

func (l *life) isUnwell(why string) {
	select {
	case l.unwell <- why:
	default: // there is a reason already
	}
}

// retry is how long to wait when the child does not answer what it should.
const retry = 250 * time.Millisecond

// follow takes the status over from the child.
func (l *life) follow(ctx context.Context) {
	pace := l.planes.config.Pace
	mute := time.AfterFunc(pace.Speak, func() {
		l.isUnwell(told(fmt.Sprintf("has told nothing within %v of its start", pace.Speak), l.output.last()))
	})
	defer mute.Stop()
	late := time.AfterFunc(pace.Start, func() {
		l.isUnwell(fmt.Sprintf("neargate-kube was not ready within %v: %s", pace.Start, l.now().Progress))
	})
	defer late.Stop()
	for ctx.Err() == nil {
		for s, err := range l.client.Watch(ctx) {
			if err != nil {
				break
			}
			mute.Stop()
			l.heard(s, late)
		}
		if !pause(ctx, retry) {
			return
		}
	}
}

// heard takes a status. That the control plane has failed is this side's to
// say: what it tells then is why this life ends.
func (l *life) heard(s link.Status, late *time.Timer) {
	if s.Phase == link.Failed {
		l.isUnwell(s.Error)
		return
	}
	if err := l.keep(s); err != nil {
		l.isUnwell("what has to outlive the control plane cannot be written down: " + err.Error())
		return
	}
	if s.Phase == link.Ready {
		l.once.Do(func() {
			late.Stop()
			l.since = time.Now()
			l.free()
			close(l.ready)
			l.log.Info().Str("address", s.Address).Msg("control plane is ready")
		})
	}
	l.change(func(was *link.Status) {
		if l.plane.config.Version != l.config.Version {
			return // it is about to be replaced
		}
		if s.Address == "" { // not yet: it will be the one that it was
			s.Address, s.CA = was.Address, was.CA
		}
		*was = s
	})
}

// tell brings the settings to the child whenever there are others.
func (l *life) tell(ctx context.Context) {
	told := l.config.Settings.Revision
	for {
		s, changed := l.settings()
		if s.Revision != told {
			if err := l.client.Configure(ctx, s); err != nil {
				if !pause(ctx, retry) {
					return
				}
				continue
			}
			told = s.Revision
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// check asks the API server now and then for something that costs it nothing.
func (l *life) check(ctx context.Context) {
	select {
	case <-l.ready:
	case <-ctx.Done():
		return
	}
	pace := l.planes.config.Pace
	for misses, wait := 0, pace.Check; pause(ctx, wait); {
		asked := time.Now()
		err := l.answers(ctx, pace.Answer)
		wait = max(pace.Check-time.Since(asked), 0)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			if misses > 0 {
				l.change(func(s *link.Status) { s.Error = "" })
			}
			misses = 0
		default:
			misses++
			l.log.Warn().Err(err).Int("times", misses).Msg("control plane does not answer")
			l.change(func(s *link.Status) { s.Error = silent(misses, err) })
			if misses == maxMisses {
				l.isUnwell(fmt.Sprintf("neargate-kube has not answered %d times: %v", misses, err))
				return
			}
		}
	}
}

func (l *life) answers(ctx context.Context, most time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	_, err := l.client.Keys(ctx)
	return err
}

// pause waits; false when ctx ends meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
