package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator/sandbox"
)

// The first half of a way up whose address is wanted early: a warm sandbox is
// taken, or the sandbox container is made, which fixes the address, and what is
// to be started goes on in the background, where Up finds it.

// starting is a start of a container that nobody waits for yet.
type starting struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when err holds
	err    error
}

// Reserve implements [sandbox.Reserver].
func (r *Runtime) Reserve(ctx context.Context, s *sandbox.Spec) (sandbox.Address, error) {
	w, err := parseNetwork(s.Network)
	if err != nil {
		return sandbox.Address{}, err
	}
	unlock, err := r.enter(ctx, s.ID)
	if err != nil {
		return sandbox.Address{}, err
	}
	defer unlock()
	b := r.box(s.ID)
	if b == nil {
		if b, err = r.take(ctx, s, w); err != nil {
			return sandbox.Address{}, err
		}
	}
	if b == nil {
		if b, err = r.obtainPlace(ctx, s, w, r.reserveBoxAt); err != nil {
			return sandbox.Address{}, err
		}
		r.assign(b, s.ID)
		r.begin(b)
	}
	a := r.address(b)
	a.DNS = nameservers(s.Network)
	return a, nil
}

// errForeign reads like the Engine's own refusal, which would come with the
// start only, when the address has been told.
var errForeign = errors.New("address already in use by somebody else's container")

// reserveBoxAt makes the sandbox container, and makes sure that nobody has its
// address whom only the Engine knows.
func (r *Runtime) reserveBoxAt(ctx context.Context, p place, wish boxWish) (*box, error) {
	g, gctx := errgroup.WithContext(ctx)
	var b *box
	g.Go(func() (err error) {
		b, err = r.createBoxAt(ctx, p, wish)
		return err
	})
	g.Go(func() error { return r.checkFree(gctx, p) })
	err := g.Wait()
	if err == nil {
		return b, nil
	}
	if b == nil {
		return nil, err
	}
	cctx, cancel := cleanup(ctx)
	defer cancel()
	return nil, errors.Join(err, r.removeContainer(cctx, b.container))
}

func (r *Runtime) checkFree(ctx context.Context, p place) error {
	n, err := r.daemon.NetworkInspect(ctx, p.network, client.NetworkInspectOptions{})
	if err != nil {
		r.explainMissing(err, p)
		return fmt.Errorf("network of %s: %w", p.vpc, err)
	}
	for _, e := range n.Network.Containers {
		if e.IPv4Address.Addr() == p.ip {
			return errForeign
		}
	}
	return nil
}

// inBackground lets a start begin.
func (r *Runtime) inBackground(f func(context.Context) error) *starting {
	st := &starting{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(r.life)
	st.cancel = cancel
	run := func(context.Context) {
		defer close(st.done)
		defer cancel()
		st.err = f(ctx)
	}
	if !r.background(run) {
		run(ctx) // at the end of the process, where it fails at once
	}
	return st
}

// wait returns when the start has ended, with its error.
func (st *starting) wait(ctx context.Context) error {
	select {
	case <-st.done:
		return st.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin starts a box's container in the background.
func (r *Runtime) begin(b *box) {
	st := r.inBackground(func(ctx context.Context) error {
		defer r.underWay()()
		var g errgroup.Group
		g.Go(func() error { return r.launch(ctx, b) })
		g.Go(func() error { return r.locate(ctx, b) })
		return g.Wait()
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	b.start = st
}

// locate finds out ahead of time what every workload container will need.
func (r *Runtime) locate(ctx context.Context, b *box) error {
	f, err := r.daemon.facts(ctx)
	if err != nil || f.has("1.45") || !b.keeps() {
		return err
	}
	_, err = r.keptFolder(ctx, b)
	return err
}

// began waits for a start in the background, if there is one, and returns its
// error, once.
func (r *Runtime) began(ctx context.Context, b *box) error {
	r.mu.Lock()
	st := b.start
	r.mu.Unlock()
	if st == nil {
		return nil
	}
	if err := st.wait(ctx); ctx.Err() != nil {
		return err
	}
	r.mu.Lock()
	b.start = nil
	r.mu.Unlock()
	return st.err
}

// endStart ends what starts in the background: the box is not wanted any more.
func (r *Runtime) endStart(ctx context.Context, b *box) error {
	r.mu.Lock()
	all := []*starting{b.start, b.pause.start}
	r.mu.Unlock()
	for _, st := range all {
		if st == nil {
			continue
		}
		st.cancel()
		if err := st.wait(ctx); ctx.Err() != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.start, b.pause.start = nil, nil
	return nil
}

// unusable decides what becomes of a box whose container could not be brought
// to work. It reports whether the box was given up, so that another one can be
// made; otherwise the same one is tried again.
func (r *Runtime) unusable(ctx context.Context, b *box, err error) (bool, error) {
	r.explainMissing(err, b.place)
	taken := isTaken(err)
	if !taken && !errdefs.IsNotFound(err) {
		return false, err
	}
	if err := r.removeContainer(ctx, b.container); err != nil {
		return false, err
	}
	r.forget(b)
	if taken {
		r.leave(b.place)
	}
	return true, nil
}
