package docker

import (
	"context"
	"slices"
	"sync"
)

// How ready sandboxes go: with their pool, for those who have no address, or
// because somebody has ended them.

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
	r.removeAllWarm(ctx, r.endPool(p))
}

// removeAllWarm removes several at once: each takes the Engine some tenths of a
// second.
func (r *Runtime) removeAllWarm(ctx context.Context, all []*box) {
	var removals sync.WaitGroup
	for _, b := range all {
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
	r.removeAllWarm(ctx, surplus)
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
// for it.
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
