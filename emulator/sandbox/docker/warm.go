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
// first use of its subnet by sandboxes of its kind, keeps firstWarm ready, one
// more for each task that found none, falls back to firstWarm a while after the
// last use, and ends some minutes after it. So what has been started at once
// before starts warm the next time. refill.go makes them, cool.go has them go.

const firstWarm = 2

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

func unique() string { return strings.ToLower(rand.Text()[:10]) }
