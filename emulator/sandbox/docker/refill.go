package docker

import (
	"context"
	"time"
)

// What is missing is made when starts have paused: making a sandbox costs the
// Engine several times what a start costs it. Under starts without a pause it
// is made after all.
const (
	refillPause = 400 * time.Millisecond
	refillLimit = 6 * time.Second
)

// refill lets the pool of a kind make what it lacks when starts pause.
func (r *Runtime) refill(k kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.warm[k.key()]
	if p == nil || p.ended {
		return
	}
	if p.since.IsZero() {
		p.since = time.Now()
	}
	p.wait()
}

// wait lets a pause begin anew; Runtime.mu is held.
func (p *pool) wait() {
	p.later.Reset(max(0, min(refillPause, refillLimit-time.Since(p.since))))
}

// underWay says that something is being started for somebody, until done is
// called: the pools have no pause yet.
func (r *Runtime) underWay() (done func()) {
	r.count(1)
	return func() { r.count(-1) }
}

func (r *Runtime) count(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starting += n
	for _, p := range r.warm {
		if !p.since.IsZero() {
			p.wait()
		}
	}
}

// refillNow is called when starts have paused.
func (r *Runtime) refillNow(p *pool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.starting > 0 && time.Since(p.since) < refillLimit {
		p.wait()
		return
	}
	p.since = time.Time{}
	r.fill(p)
}

// spareAddresses of a subnet are not taken by warm sandboxes: they are for
// tasks. Where it is looked at first the network may not be there yet; what
// holds is claim's look.
const spareAddresses = 8

// fill starts making what is missing; Runtime.mu is held.
func (r *Runtime) fill(p *pool) {
	if v := r.vpcLocked(p.kind.vpc); v.id != "" && v.free(v.subnet(p.kind.wanted)) <= spareAddresses {
		return
	}
	for len(p.ready)+p.making < p.want && !p.ended {
		p.makers.Add(1)
		if !r.background(func(ctx context.Context) {
			defer p.makers.Done()
			r.prepare(ctx, p)
		}) {
			p.makers.Done()
			return
		}
		p.making++
	}
}

func (r *Runtime) prepare(ctx context.Context, p *pool) {
	r.mu.Lock()
	wish, kind, ended := p.wish, p.kind, p.ended
	r.mu.Unlock()
	if ended || ctx.Err() != nil {
		return
	}
	// Nobody would look for a container with this name, so the Engine's answer
	// is waited for even when the process is about to end.
	mctx, cancel := cleanup(ctx)
	defer cancel()
	b, err := r.makeBox(mctx, wish, kind.wanted, boxWish{name: r.names.warm(unique()), keeps: kind.keeps, spared: spareAddresses}, r.makeBoxAt)
	if err == nil && kind.keeps {
		if err := r.locate(mctx, b); err != nil {
			r.log.Debug().Err(err).Msg("what a warm sandbox will need is to be asked for later")
		}
	}
	r.mu.Lock()
	p.making--
	keep := err == nil && ctx.Err() == nil && !p.ended
	if keep {
		p.ready = append(p.ready, b)
	}
	r.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			r.log.Debug().Err(err).Str("subnet", kind.subnet).Msg("no warm sandbox could be made")
		}
		return
	}
	if !keep {
		cctx, cancel := cleanup(ctx)
		defer cancel()
		r.removeWarm(cctx, b)
	}
}
