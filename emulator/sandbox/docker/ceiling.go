package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// The size of a sandbox as one control group around all its containers. PID 1
// makes it, because the Engine limits single containers only.

// ceiling is what is known of a sandbox's limits.
type ceiling struct {
	group  bool // the group exists; else each container is limited by itself
	parent string
	notes  []string
}

// cgroupParent is how the Engine is told the group.
func cgroupParent(id string, systemd bool) string {
	if systemd {
		return "neargate-" + id + ".slice"
	}
	return "/neargate/" + id
}

// cgroupPath is the same group's place in the kernel's tree. A dash in a slice's
// name stands for a level.
func cgroupPath(id string, systemd bool) string {
	if systemd {
		return "/neargate.slice/neargate-" + id + ".slice"
	}
	return "/neargate/" + id
}

// cgroupOf is the place of a container's own group within that of its sandbox.
func cgroupOf(id, container string, systemd bool) string {
	if systemd {
		return cgroupPath(id, systemd) + "/docker-" + container + ".scope"
	}
	return cgroupPath(id, systemd) + "/" + container
}

const cfsPeriod = 100_000 // microseconds, the kernel's default

// limits of a size. One CPU unit is 1/1024 of a processor.
func limits(path string, s sandbox.Size) tunnel.Cgroup {
	g := tunnel.Cgroup{Path: path, MemoryBytes: s.Memory}
	if s.CPU > 0 {
		g.CPUPeriod = cfsPeriod
		g.CPUQuota = max(s.CPU*cfsPeriod/1024, 1000) // the kernel's minimum
		g.CPUShares = max(s.CPU, 2)
	}
	return g
}

// raiseCeiling makes the group and its limits. Where it cannot be had, the
// containers are limited one by one, and notes say so.
func (r *Runtime) raiseCeiling(ctx context.Context, s *sandbox.Spec, b *box) error {
	r.mu.Lock()
	known := b.ceiling != nil
	r.mu.Unlock()
	if known {
		return nil
	}
	c, err := r.makeCeiling(ctx, s, b)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.ceiling = c
	return nil
}

func (r *Runtime) makeCeiling(ctx context.Context, s *sandbox.Spec, b *box) (*ceiling, error) {
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return nil, err
	}
	if !f.grouping() {
		return &ceiling{notes: []string{"limits hold for each container by itself, not for the task as a whole: root in a container has no rights over the host's control groups"}}, nil
	}
	l := r.linkOf(b)
	if l == nil {
		return nil, errNoSandbox
	}
	t, err := l.get(ctx)
	if err != nil {
		return nil, err
	}
	state, err := t.CgroupCreate(ctx, limits(cgroupPath(s.ID, f.systemd), s.Size))
	if temporary(ctx, err) {
		return nil, fmt.Errorf("ceiling: %w", err)
	}
	if err != nil {
		return &ceiling{notes: []string{"limits hold for each container by itself, not for the task as a whole: " + err.Error()}}, nil
	}
	return &ceiling{group: true, parent: cgroupParent(s.ID, f.systemd), notes: state.Warnings}, nil
}

// temporary: the question was not answered, so it is asked again later.
func temporary(ctx context.Context, err error) bool {
	if err == nil {
		return false
	}
	if ctx.Err() != nil {
		return true
	}
	e, ok := errors.AsType[*tunnel.Error](err)
	return !ok || e.Kind == tunnel.Lost || e.Kind == tunnel.Canceled || e.Kind == tunnel.Timeout || e.Kind == tunnel.Busy
}

// renewCeiling writes the limits again after a container has been started:
// systemd makes the slice its own with the first unit in it, and sets it to
// what it believes, which is no limit.
func (r *Runtime) renewCeiling(ctx context.Context, s *sandbox.Spec, b *box) error {
	f, err := r.daemon.facts(ctx)
	if err != nil || !f.systemd {
		return err
	}
	r.mu.Lock()
	group := b.ceiling != nil && b.ceiling.group
	l := b.link
	r.mu.Unlock()
	if !group || l == nil {
		return nil
	}
	t, err := l.get(ctx)
	if err != nil {
		return err
	}
	_, err = t.CgroupCreate(ctx, limits(cgroupPath(s.ID, true), s.Size))
	return err
}

// dropCeiling removes the group through any sandbox whose tunnel is up, its
// own first.
func (r *Runtime) dropCeiling(ctx context.Context, id string, own *link) error {
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return err
	}
	if !f.grouping() {
		return nil
	}
	t := r.anySession(own)
	if t == nil {
		// Nobody is left to ask. Groups without processes hold no resources,
		// and one of the same name will not be made again.
		r.log.Debug().Str("sandbox", id).Msg("its control group stays, empty: no sandbox is up to remove it")
		return nil
	}
	err = t.CgroupRemove(ctx, cgroupPath(id, f.systemd))
	if e, ok := errors.AsType[*tunnel.Error](err); ok && (e.Kind == tunnel.Denied || e.Kind == tunnel.Invalid || e.Kind == tunnel.Other) {
		r.log.Debug().Err(err).Str("sandbox", id).Msg("control group cannot be removed")
		return nil
	}
	return err
}

// oomKills counts what the kernel killed in the sandbox, 0 while it cannot be
// asked.
func (r *Runtime) oomKills(ctx context.Context, b *box) int {
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return 0
	}
	l := r.linkOf(b)
	if l == nil {
		return 0
	}
	t := l.now()
	if t == nil {
		return 0
	}
	s, err := t.CgroupStats(ctx, cgroupPath(b.id(), f.systemd))
	if err != nil {
		return 0 // no such group, or no rights to it: then there is no ceiling
	}
	// On cgroup v1 the kernel forgets a container's kills with its group;
	// what remains is that the sandbox's own group was exhausted.
	return int(max(s.OOMKills, s.OOMs))
}

func (r *Runtime) anySession(own *link) *tunnel.Session {
	if own != nil && own.now() != nil {
		return own.now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.boxes {
		if b.link != nil && b.link.now() != nil {
			return b.link.now()
		}
	}
	for _, p := range r.warm {
		for _, b := range p.ready {
			if b.link != nil && b.link.now() != nil {
				return b.link.now()
			}
		}
	}
	return nil
}
