package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Sandboxes that are ready before anybody needs them. A pool begins with the
// first use of its subnet by sandboxes of its kind, keeps firstWarm ready, one more for each task that
// found none, falls back to firstWarm a while after the last use, and ends some
// minutes after it. So what has been started at once before starts warm the next
// time.

const firstWarm = 2

// What is missing is made when starts have paused: making a sandbox costs the
// Engine several times what a start costs it. Under starts without a pause it
// is made after all.
const (
	refillPause = 400 * time.Millisecond
	refillLimit = 6 * time.Second
)

// kind is what ready sandboxes of a pool have in common.
type kind struct {
	wanted
	keeps bool // with a place for volumes, see keeps
}

func kindOf(s *sandbox.Spec, w wanted) kind { return kind{w, keeps(s)} }

func (k kind) key() string { return fmt.Sprintf("%s %t", k.wanted.key(), k.keeps) }

// key of a subnet.
func (w wanted) key() string { return w.vpc + "/" + w.subnet }

// pool holds the ready sandboxes of a kind; it is guarded by Runtime.mu.
type pool struct {
	wish   sandbox.Network // for making more
	kind   kind
	ready  []*box
	making int
	want   int
	idle   *time.Timer // empties the pool
	calm   *time.Timer // makes it as small as it began
	later  *time.Timer // makes what is missing
	since  time.Time   // when the first of the missing was taken; zero: none is
	ended  bool
	makers sync.WaitGroup
}

// takeWarm hands out a ready sandbox under its new name, nil when there is
// none.
func (r *Runtime) takeWarm(ctx context.Context, s *sandbox.Spec, k kind) (*box, error) {
	if r.options.Warm <= 0 {
		return nil, nil
	}
	for {
		b := r.popWarm(s.Network, k)
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
			r.pushWarm(k, b)
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
func (r *Runtime) popWarm(n sandbox.Network, k kind) *box {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.poolOf(n, k)
	p.idle.Reset(r.options.WarmFor)
	p.calm.Reset(r.options.WarmFor / 4)
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

// poolOf returns the pool of a kind; Runtime.mu is held.
func (r *Runtime) poolOf(n sandbox.Network, k kind) *pool {
	p := r.warm[k.key()]
	if p == nil {
		p = &pool{kind: k, want: min(firstWarm, r.options.Warm)}
		p.idle = time.AfterFunc(r.options.WarmFor, func() { r.background(func(ctx context.Context) { r.cool(ctx, p) }) })
		p.calm = time.AfterFunc(r.options.WarmFor/4, func() { r.background(func(ctx context.Context) { r.shrink(ctx, p) }) })
		p.later = time.AfterFunc(refillPause, func() { r.refillNow(p) })
		r.warm[k.key()] = p
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

func (r *Runtime) pushWarm(k kind, b *box) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.warm[k.key()]; p != nil {
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
	if err := r.dropKept(ctx, b); err != nil {
		r.log.Warn().Err(err).Msg("the volume of a warm sandbox stays behind")
	}
	r.release(b.place)
}

// yieldWarm gives the addresses of warm sandboxes back to a subnet that has
// none left, also of those that are being made, and reports whether there were
// any.
func (r *Runtime) yieldWarm(w wanted) bool {
	ctx, cancel := cleanup(r.life)
	defer cancel()
	yielded := false
	for _, keeps := range []bool{false, true} {
		r.mu.Lock()
		p := r.warm[kind{w, keeps}.key()]
		some := p != nil && len(p.ready)+p.making > 0
		r.mu.Unlock()
		if some {
			r.emptyPool(ctx, p)
			yielded = true
		}
	}
	return yielded
}

// emptyPool ends a pool and removes what was ready in it.
func (r *Runtime) emptyPool(ctx context.Context, p *pool) {
	var removals sync.WaitGroup
	for _, b := range r.endPool(p) {
		removals.Go(func() { r.removeWarm(ctx, b) })
	}
	removals.Wait()
}

// cool ends a pool that nobody has used for a while, and the VPC's network if
// that was its last use.
func (r *Runtime) cool(ctx context.Context, p *pool) {
	ctx, cancel := cleanup(ctx)
	defer cancel()
	r.emptyPool(ctx, p)
	if err := r.dropNetwork(ctx, r.vpcOf(p.kind.vpc)); err != nil {
		r.log.Warn().Err(err).Msg("a network stays behind")
	}
}

// shrink makes a pool as small as it began: what was started at once is some
// time ago.
func (r *Runtime) shrink(ctx context.Context, p *pool) {
	ctx, cancel := cleanup(ctx)
	defer cancel()
	r.mu.Lock()
	p.want = min(firstWarm, r.options.Warm)
	surplus := slices.Clone(p.ready[min(p.want, len(p.ready)):])
	p.ready = p.ready[:len(p.ready)-len(surplus)]
	r.mu.Unlock()
	for _, b := range surplus {
		r.removeWarm(ctx, b)
	}
}

// endPool returns what was ready in the pool, when nothing is being made any
// more.
func (r *Runtime) endPool(p *pool) []*box {
	r.mu.Lock()
	p.idle.Stop()
	p.calm.Stop()
	p.later.Stop()
	p.ended = true
	if r.warm[p.kind.key()] == p {
		delete(r.warm, p.kind.key())
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
		removals.Go(func() { r.emptyPool(ctx, p) })
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
