package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// The way up: a sandbox container out of the warm pool or made now, and around
// it volumes, ceiling and public address. Each part knows itself whether it is
// there already.

// Up implements [sandbox.Runtime].
func (r *Runtime) Up(ctx context.Context, s *sandbox.Spec) (sandbox.Address, error) {
	w, err := parseNetwork(s.Network)
	if err != nil {
		return sandbox.Address{}, err
	}
	if err := checkVolumes(s); err != nil {
		return sandbox.Address{}, err
	}
	unlock, err := r.enter(ctx, s.ID)
	if err != nil {
		return sandbox.Address{}, err
	}
	defer unlock()
	b, err := r.obtain(ctx, s, w)
	if err != nil {
		return sandbox.Address{}, err
	}
	if b, err = r.proven(ctx, s, b); err != nil {
		return sandbox.Address{}, err
	}
	if err := r.settle(ctx, s, b); err != nil {
		return sandbox.Address{}, err
	}
	if err := r.makeVolumes(ctx, s, b); err != nil {
		return sandbox.Address{}, err
	}
	if err := r.raiseCeiling(ctx, s, b); err != nil {
		return sandbox.Address{}, err
	}
	r.publish(s, b)
	return r.address(b), nil
}

// obtain returns the sandbox's box with its tunnel up.
func (r *Runtime) obtain(ctx context.Context, s *sandbox.Spec, w wanted) (*box, error) {
	if b := r.box(s.ID); b != nil {
		err := r.revive(ctx, b)
		if err == nil {
			return b, nil
		}
		if given, err := r.unusable(ctx, b, err); !given {
			return nil, err
		}
	}
	b, err := r.take(ctx, s, w)
	if b != nil || err != nil {
		return b, err
	}
	b, err = r.obtainPlace(ctx, s, w, r.makeBoxAt)
	if err != nil {
		return nil, err
	}
	r.assign(b, s.ID)
	return b, nil
}

// take hands out a ready sandbox, nil when there is none that serves s.
func (r *Runtime) take(ctx context.Context, s *sandbox.Spec, w wanted) (*box, error) {
	if fits, err := r.fitsWarm(ctx, s); !fits {
		return nil, err
	}
	k := kindOf(s, w)
	defer r.refill(k) // after this one: it shall not wait for the Engine's other work
	b, err := r.takeWarm(ctx, s, k)
	if b != nil {
		r.beginPause(s, b)
	}
	return b, err
}

// wishOf is what a sandbox container is made for that is made for s alone.
func (r *Runtime) wishOf(s *sandbox.Spec) boxWish {
	return boxWish{name: r.names.sandbox(s.ID), sandbox: s.ID, hostname: s.Hostname, keeps: keeps(s)}
}

func isFull(err error) bool {
	_, full := errors.AsType[*sandbox.StopError](err)
	return full
}

// obtainPlace makes a box for a sandbox.
func (r *Runtime) obtainPlace(ctx context.Context, s *sandbox.Spec, w wanted, at maker) (*box, error) {
	defer r.underWay()()
	wish := r.wishOf(s)
	try := func() (*box, error) { return r.makeBox(ctx, s.Network, w, wish, at) }
	b, err := try()
	if isFull(err) {
		b, err = r.makeRoom(ctx, w, try)
	}
	return b, err
}

// makeRoom tries again in a full subnet, whose warm sandboxes give their
// addresses back. Others who find it full wait for that too.
func (r *Runtime) makeRoom(ctx context.Context, w wanted, try func() (*box, error)) (*box, error) {
	unlock, err := r.locks.lock(ctx, "addresses of "+w.key())
	if err != nil {
		return nil, err
	}
	defer unlock()
	b, err := try()
	if isFull(err) && r.yieldWarm(w) {
		b, err = try()
	}
	return b, err
}

func (r *Runtime) assign(b *box, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.sandbox.Store(&id)
	r.boxes[id] = b
}

// forget drops a box whose container is gone.
func (r *Runtime) forget(b *box) {
	r.mu.Lock()
	if r.boxes[b.id()] == b {
		delete(r.boxes, b.id())
	}
	r.mu.Unlock()
	r.letGo(b)
	r.release(b.place)
	r.options.Addresses.Free(ownerKind + b.id())
}

// revive makes sure that a box is at work; a container that has ended, as
// after a restart of the Engine, is started again with the same address.
func (r *Runtime) revive(ctx context.Context, b *box) error {
	if err := r.began(ctx, b); err != nil {
		return err
	}
	if l := r.linkOf(b); l != nil && l.now() != nil {
		return nil
	}
	c, err := r.daemon.ContainerInspect(ctx, b.container, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	if !c.Container.State.Running {
		return r.launch(ctx, b)
	}
	l := r.linkOf(b)
	if l == nil || l.isEnded() {
		l = r.attach(b, nil)
	}
	_, err = l.get(ctx)
	return err
}

// fitsWarm: of all that a spec wants of the network, only the host name has to
// be known when the sandbox container is made, or there has to be a pause
// container. What is used behind one is told by control groups alone, see
// groupStats.
func (r *Runtime) fitsWarm(ctx context.Context, s *sandbox.Spec) (bool, error) {
	if s.Hostname == "" || r.pauseless.Load() {
		return s.Hostname == "", nil
	}
	f, err := r.daemon.facts(ctx)
	return f.grouping(), err
}

// maxTaken bounds how many addresses may turn out to be somebody else's.
const maxTaken = 16

// maker makes a sandbox container at an address, at work or not yet.
type maker func(ctx context.Context, p place, wish boxWish) (*box, error)

// makeBox makes a sandbox container at an address that nobody else has.
func (r *Runtime) makeBox(ctx context.Context, n sandbox.Network, w wanted, wish boxWish, at maker) (*box, error) {
	for range maxTaken {
		p, err := r.claim(ctx, n, w, wish.spared)
		if err != nil {
			return nil, err
		}
		b, err := at(ctx, p, wish)
		if err == nil {
			return b, nil
		}
		if isTaken(err) {
			r.leave(p)
			continue
		}
		r.release(p)
		return nil, err
	}
	return nil, noAddress(n)
}

// isTaken: the address has another user, whom only the Engine knows.
func isTaken(err error) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), "address already in use")
}

// makeBoxAt makes and starts a sandbox container and waits for its PID 1.
func (r *Runtime) makeBoxAt(ctx context.Context, p place, wish boxWish) (*box, error) {
	b, err := r.createBoxAt(ctx, p, wish)
	if err != nil {
		return nil, err
	}
	if err := r.launch(ctx, b); err != nil {
		r.explainMissing(err, p)
		r.letGo(b)
		ctx, cancel := cleanup(ctx)
		defer cancel()
		return nil, errors.Join(err, r.removeContainer(ctx, b.container))
	}
	return b, nil
}

// createBoxAt makes a sandbox container that does not run yet.
func (r *Runtime) createBoxAt(ctx context.Context, p place, wish boxWish) (*box, error) {
	image, err := r.binary(ctx)
	if err != nil {
		return nil, err
	}
	// What has the name was left by a call whose answer was lost; no box knows
	// it, so it never had a workload.
	id, err := r.createInstead(ctx, r.sandboxContainer(p, wish, image))
	if err != nil {
		r.explainMissing(err, p)
		return nil, fmt.Errorf("sandbox container: %w", err)
	}
	b := newBox(id, p)
	b.hostname = wish.hostname
	if wish.keeps {
		b.kept = r.names.kept(wish.name)
	}
	return b, nil
}

// createInstead makes a container, and removes another one that has its name.
func (r *Runtime) createInstead(ctx context.Context, o client.ContainerCreateOptions) (string, error) {
	id, err := r.daemon.create(ctx, o)
	if !errdefs.IsConflict(err) {
		return id, err
	}
	if err := r.removeContainer(ctx, o.Name); err != nil {
		return "", err
	}
	return r.daemon.create(ctx, o)
}

// explainMissing makes the next try begin further back when the image or the
// network has been removed by somebody.
func (r *Runtime) explainMissing(err error, p place) {
	text := strings.ToLower(err.Error())
	switch {
	case strings.Contains(text, "no such image"):
		r.forgetBinary()
	case strings.Contains(text, "network") && strings.Contains(text, "not found"):
		r.networkLost(p)
	}
}

// launch starts a sandbox container and waits until its PID 1 has greeted.
func (r *Runtime) launch(ctx context.Context, b *box) error {
	r.mu.Lock()
	b.pause.id, b.pause.files = "", nil // it has ended with what ran before
	r.mu.Unlock()
	first, err := r.startAttached(ctx, b.container)
	if err != nil {
		return fmt.Errorf("start of the sandbox container: %w", err)
	}
	_, err = r.attach(b, first).get(ctx)
	return err
}

// startAttached starts a container with PID 1's program and returns its
// streams. Podman attaches to nothing that does not run yet; there they are
// nil, and the tunnel goes through a bridge process from the beginning.
func (r *Runtime) startAttached(ctx context.Context, container string) (*stdio, error) {
	return r.startHeard(ctx, container, r.complain)
}

// startHeard is startAttached with somebody to tell what the program complains
// of.
func (r *Runtime) startHeard(ctx context.Context, container string, complain func(string)) (*stdio, error) {
	var first *stdio
	a, err := r.daemon.ContainerAttach(ctx, container, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	switch {
	case err == nil:
		first = newStdio(a.HijackedResponse, complain)
	case !strings.Contains(err.Error(), "received 409"):
		return nil, err
	}
	if _, err := r.daemon.ContainerStart(ctx, container, client.ContainerStartOptions{}); err != nil {
		if first != nil {
			first.Close()
		}
		return nil, err
	}
	return first, nil
}

// removeContainer removes a container, running or not. What is gone already,
// or on its way, is no error.
func (r *Runtime) removeContainer(ctx context.Context, ref string) error {
	_, err := r.daemon.ContainerRemove(ctx, ref, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	switch {
	case err == nil || errdefs.IsNotFound(err):
		return nil
	case strings.Contains(err.Error(), "already in progress"):
		return r.awaitRemoval(ctx, ref)
	}
	return fmt.Errorf("removing container %s: %w", ref, err)
}

func (r *Runtime) awaitRemoval(ctx context.Context, ref string) error {
	w := r.daemon.ContainerWait(ctx, ref, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case err := <-w.Error:
		if err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		return err
	case <-w.Result:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// complain passes on what the process of a sandbox container says about
// itself.
func (r *Runtime) complain(text string) {
	r.log.Debug().Str("stderr", strings.TrimSpace(text)).Msg("sandbox says")
}
