package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Sandboxes that are ready before anybody needs them. A pool begins with the
// first use of its subnet, keeps firstWarm ready, one more for each task that
// found none, and ends some minutes after the last use. So what has been
// started at once before starts warm the next time.

const firstWarm = 2

// What is missing is made when starts have paused: making a sandbox costs the
// Engine several times what a start costs it. Under starts without a pause it
// is made after all.
const (
	refillPause = 400 * time.Millisecond
	refillLimit = 3 * time.Second
)

// pool holds the ready sandboxes of a subnet; it is guarded by Runtime.mu.
type pool struct {
	wish   sandbox.Network // for making more
	at     wanted
	ready  []*box
	making int
	want   int
	idle   *time.Timer // empties the pool
	later  *time.Timer // makes what is missing
	since  time.Time   // when the first of the missing was taken; zero: none is
	ended  bool
	makers sync.WaitGroup
}

func poolKey(w wanted) string { return w.vpc + "/" + w.subnet }

// takeWarm hands out a ready sandbox under its new name, nil when there is
// none.
func (r *Runtime) takeWarm(ctx context.Context, s *sandbox.Spec, w wanted) (*box, error) {
	if r.options.Warm <= 0 {
		return nil, nil
	}
	for {
		b := r.popWarm(s.Network, w)
		if b == nil {
			return nil, nil
		}
		// A name of an unfinished attempt would be in the way; the box is new,
		// so whatever has the name never had a workload.
		_, err := r.daemon.ContainerRename(ctx, b.container, client.ContainerRenameOptions{NewName: r.names.sandbox(s.ID)})
		switch {
		case err == nil:
			r.assign(b, s.ID)
			return b, nil
		case errdefs.IsNotFound(err): // it was removed behind our back
			r.discard(b)
		case errdefs.IsConflict(err):
			r.pushWarm(w, b)
			return nil, r.removeContainer(ctx, r.names.sandbox(s.ID))
		default:
			r.discard(b) // whether it has the new name is unknown
			cctx, cancel := cleanup(ctx)
			defer cancel()
			return nil, errors.Join(fmt.Errorf("taking a warm sandbox: %w", err), r.removeContainer(cctx, b.container))
		}
	}
}

// popWarm takes a ready sandbox whose tunnel is up. A pool that has none is to
// be larger.
func (r *Runtime) popWarm(n sandbox.Network, w wanted) *box {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.poolOf(n, w)
	p.idle.Reset(r.options.WarmFor)
	var b *box
	for i, candidate := range p.ready {
		if candidate.link != nil && candidate.link.now() != nil {
			b = candidate
			p.ready = append(p.ready[:i:i], p.ready[i+1:]...)
			break
		}
	}
	if b == nil {
		p.want = min(p.want+1, r.options.Warm)
	}
	return b
}

// refill lets the subnet's pool make what it lacks when starts pause.
func (r *Runtime) refill(w wanted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.warm[poolKey(w)]
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

// startsGoOn tells the pools that wait for a pause that there is none yet.
func (r *Runtime) startsGoOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
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
	p.since = time.Time{}
	r.fill(p)
}

// poolOf returns the subnet's pool; Runtime.mu is held.
func (r *Runtime) poolOf(n sandbox.Network, w wanted) *pool {
	p := r.warm[poolKey(w)]
	if p == nil {
		p = &pool{at: w, want: min(firstWarm, r.options.Warm)}
		p.idle = time.AfterFunc(r.options.WarmFor, func() { r.background(func(ctx context.Context) { r.cool(ctx, p) }) })
		p.later = time.AfterFunc(refillPause, func() { r.refillNow(p) })
		r.warm[poolKey(w)] = p
	}
	p.wish = n
	p.wish.Public = false
	return p
}

// spareAddresses of a subnet are not taken by warm sandboxes: they are for
// tasks. Where it is looked at first the network may not be there yet; what
// holds is claim's look.
const spareAddresses = 8

// fill starts making what is missing; Runtime.mu is held.
func (r *Runtime) fill(p *pool) {
	if v := r.vpcLocked(p.at.vpc); v.id != "" && v.free(v.subnet(p.at)) <= spareAddresses {
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
	wish, at, ended := p.wish, p.at, p.ended
	r.mu.Unlock()
	if ended || ctx.Err() != nil {
		return
	}
	// Nobody would look for a container with this name, so the Engine's answer
	// is waited for even when the process is about to end.
	mctx, cancel := cleanup(ctx)
	defer cancel()
	b, err := r.makeBox(mctx, wish, at, boxWish{name: r.names.warm(unique()), spared: spareAddresses}, r.makeBoxAt)
	r.mu.Lock()
	p.making--
	keep := err == nil && ctx.Err() == nil && !p.ended
	if keep {
		p.ready = append(p.ready, b)
	}
	r.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			r.log.Debug().Err(err).Str("subnet", at.subnet).Msg("no warm sandbox could be made")
		}
		return
	}
	if !keep {
		cctx, cancel := cleanup(ctx)
		defer cancel()
		r.removeWarm(cctx, b)
	}
}

func (r *Runtime) pushWarm(w wanted, b *box) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.warm[poolKey(w)]; p != nil {
		p.ready = append(p.ready, b)
	}
}

// discard lets go of a warm box that is of no use.
func (r *Runtime) discard(b *box) {
	r.letGo(b)
	r.release(b.place)
}

func (r *Runtime) removeWarm(ctx context.Context, b *box) {
	r.letGo(b)
	if err := r.removeContainer(ctx, b.container); err != nil {
		r.log.Warn().Err(err).Msg("a warm sandbox stays behind") // until the next start
		return
	}
	r.release(b.place)
}

// yieldWarm gives the addresses of warm sandboxes back to a subnet that has
// none left, also of those that are being made, and reports whether there were
// any.
func (r *Runtime) yieldWarm(w wanted) bool {
	r.mu.Lock()
	p := r.warm[poolKey(w)]
	some := p != nil && len(p.ready)+p.making > 0
	r.mu.Unlock()
	if !some {
		return false
	}
	all := r.endPool(p)
	ctx, cancel := cleanup(r.life)
	defer cancel()
	for _, b := range all {
		r.removeWarm(ctx, b)
	}
	return true
}

// cool ends a pool that nobody has used for a while, and the VPC's network if
// that was its last use.
func (r *Runtime) cool(ctx context.Context, p *pool) {
	all := r.endPool(p)
	ctx, cancel := cleanup(ctx)
	defer cancel()
	for _, b := range all {
		r.removeWarm(ctx, b)
	}
	if err := r.dropNetwork(ctx, r.vpcOf(p.at.vpc)); err != nil {
		r.log.Warn().Err(err).Msg("a network stays behind")
	}
}

// endPool returns what was ready in the pool, when nothing is being made any
// more.
func (r *Runtime) endPool(p *pool) []*box {
	r.mu.Lock()
	p.idle.Stop()
	p.later.Stop()
	p.ended = true
	if r.warm[poolKey(p.at)] == p {
		delete(r.warm, poolKey(p.at))
	}
	r.mu.Unlock()
	p.makers.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	all := p.ready
	p.ready = nil
	return all
}

// dropWarm removes all warm sandboxes, at once: whoever ends the server waits
// for it, and each takes the Engine some tenths of a second.
func (r *Runtime) dropWarm(ctx context.Context) error {
	r.mu.Lock()
	var pools []*pool
	for _, p := range r.warm {
		pools = append(pools, p)
	}
	r.mu.Unlock()
	var removals sync.WaitGroup
	for _, p := range pools {
		for _, b := range r.endPool(p) {
			removals.Go(func() { r.removeWarm(ctx, b) })
		}
	}
	removals.Wait()
	return ctx.Err()
}

// lostWarm drops a warm sandbox whose container has ended.
func (r *Runtime) lostWarm(container string) {
	r.mu.Lock()
	var lost *box
	for _, p := range r.warm {
		for i, b := range p.ready {
			if b.container == container {
				lost, p.ready = b, append(p.ready[:i:i], p.ready[i+1:]...)
				break
			}
		}
	}
	r.mu.Unlock()
	if lost == nil {
		return
	}
	r.background(func(ctx context.Context) {
		ctx, cancel := cleanup(ctx)
		defer cancel()
		r.removeWarm(ctx, lost)
	})
}

func unique() string { return strings.ToLower(rand.Text()[:10]) }
