package controlplane

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/eks/link"
)

// plane is one cluster's control plane.
type plane struct {
	planes *Planes
	place  place
	parent *parent
	output *output
	log    zerolog.Logger
	wake   chan struct{} // another version is wanted
	cancel context.CancelFunc
	done   chan struct{} // closed when the loop has ended

	mu      sync.Mutex
	config  link.Config   // with the settings of the moment
	changed chan struct{} // closed at the next change of the settings
	status  link.Status
	up      *link.ChildClient // while a process runs
}

func newPlane(p *Planes, c link.Config, at place) *plane {
	log := p.config.Log.With().Str("cluster", c.Name).Logger()
	c.Dir, c.ParentSocket, c.ChildSocket = at.dir, at.parentSocket(), at.childSocket()
	return &plane{
		planes: p, place: at, log: log, config: c,
		parent: newParent(p, at, c.Name),
		output: newOutput(at.log(), log),
		wake:   make(chan struct{}, 1), changed: make(chan struct{}), done: make(chan struct{}),
		status: link.Status{Phase: link.Starting, Progress: "waiting to start"},
	}
}

// want takes another version.
func (p *plane) want(version string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if version == "" || p.config.Version == version {
		return
	}
	p.config.Version = version
	p.status = between(p.status, "", false)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *plane) configure(s link.Settings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Revision == p.config.Settings.Revision {
		return
	}
	p.config.Settings = s
	close(p.changed)
	p.changed = make(chan struct{})
}

// settings are those of the moment; the channel is closed when there are
// others.
func (p *plane) settings() (link.Settings, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config.Settings, p.changed
}

func (p *plane) configNow() link.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config
}

func (p *plane) now() link.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *plane) client() *link.ChildClient {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up
}

func (p *plane) setClient(c *link.ChildClient) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = c
}

// change edits the status, and tells that it did.
func (p *plane) change(edit func(*link.Status)) {
	p.mu.Lock()
	edit(&p.status)
	p.mu.Unlock()
	p.planes.hints.tell(p.config.ARN)
}

// loop starts the control plane anew whenever it ends, until ctx does or it is
// given up.
func (p *plane) loop(ctx context.Context) {
	defer func() {
		p.parent.close()
		p.output.close()
		if err := p.place.tidy(); err != nil {
			p.log.Error().Err(err).Msg("sockets of the control plane are left")
		}
	}()
	var pump sync.WaitGroup
	defer pump.Wait()
	if sink := p.planes.config.Logs; sink != nil {
		lines := newPump(sink, p.config.ARN, p.config.ID, p.log)
		p.output.also = lines.take
		pump.Go(func() { lines.run(ctx) })
	}
	t := tally{everReady: p.wasReady()}
	for {
		e, again := p.life(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case again: // in another version
			t.failures = 0
			continue
		}
		var wait time.Duration
		var giveUp bool
		t, wait, giveUp = t.next(e, p.planes.config.Pace)
		if giveUp && !e.hopeless {
			e.why = gaveUp(e.why, p.config.Name, e.program)
		}
		p.log.Error().Str("why", e.why).Bool("given_up", giveUp).Dur("wait", wait).Msg("control plane has ended")
		p.change(func(s *link.Status) { *s = between(*s, e.why, giveUp) })
		if !p.rest(ctx, wait, giveUp) {
			t.failures = 0
		}
	}
}

// rest waits between two lives, without an end when it is given up. It returns
// false when something else is wanted meanwhile.
func (p *plane) rest(ctx context.Context, wait time.Duration, giveUp bool) bool {
	var over <-chan time.Time
	if !giveUp {
		t := time.NewTimer(wait)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
		return true
	case <-p.wake:
	case <-ctx.Done():
	}
	return false
}

// wasReady tells whether this cluster, and not one of its name before it, has
// ever been READY: its users have its address, so it is never given up.
func (p *plane) wasReady() bool {
	m, err := p.place.recall()
	return err == nil && m.Ready && m.ID == p.config.ID
}

// prepare makes the place for a life: what an earlier one left has ended, what
// is there is this cluster's, and the address is the one that it had.
func (p *plane) prepare(ctx context.Context) (link.Config, error) {
	c := p.configNow()
	if err := endLeftover(ctx, p.place, p.planes.config.Pace.Stop); err != nil {
		return c, err
	}
	m, err := p.place.recall()
	if err != nil {
		return c, err
	}
	if m.ID != "" && m.ID != c.ID { // of a cluster that had the same name
		if err := p.place.remove(); err != nil {
			return c, err
		}
		m = memory{}
	}
	if err := p.place.make(); err != nil {
		return c, err
	}
	c.Listen = "127.0.0.1:0"
	if m.Address != "" {
		c.Listen = m.Address
	}
	m.ARN, m.ID = c.ARN, c.ID
	return c, p.place.remember(m)
}

// keep remembers what has to outlive the process.
func (p *plane) keep(s link.Status) error {
	m, err := p.place.recall()
	if err != nil {
		return err
	}
	was := m
	if s.Address != "" {
		m.Address = s.Address
	}
	m.Ready = m.Ready || s.Phase == link.Ready
	if m == was {
		return nil
	}
	return p.place.remember(m)
}

var errOtherVersion = errors.New("another version is wanted")
