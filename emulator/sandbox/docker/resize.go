package docker

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Resize implements [sandbox.Resizer]. The Engine leaves alone what is 0, so
// that a limit can be changed and never taken away.
func (r *Runtime) Resize(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) error {
	unlock, err := r.enter(ctx, s.ID)
	if err != nil {
		return err
	}
	defer unlock()
	b := r.box(s.ID)
	if b == nil {
		return errNoSandbox
	}
	all, err := r.attemptsOf(ctx, s.ID, c.Name)
	if err != nil {
		return err
	}
	r.mu.Lock()
	top := ceiling{}
	if b.ceiling != nil {
		top = *b.ceiling
	}
	r.mu.Unlock()
	// The kernel takes no share of a group that is larger than the group: so the
	// group grows before its parts and shrinks after them.
	failed := r.writeCeiling(ctx, s, b, top)
	want := resources(s, c, top)
	for _, a := range all {
		if a.summary.State != container.StateRunning {
			continue
		}
		_, err := r.daemon.ContainerUpdate(ctx, a.summary.ID, client.ContainerUpdateOptions{Resources: &container.Resources{
			CPUShares: want.CPUShares, NanoCPUs: want.NanoCPUs, Memory: want.Memory, MemorySwap: want.MemorySwap, MemoryReservation: want.MemoryReservation,
		}})
		if err != nil {
			return fmt.Errorf("container %s: %s", c.Name, strings.TrimPrefix(err.Error(), "Error response from daemon: "))
		}
	}
	if failed != nil {
		return r.writeCeiling(ctx, s, b, top)
	}
	return nil
}

// writeCeiling gives the group around a sandbox's containers its size.
func (r *Runtime) writeCeiling(ctx context.Context, s *sandbox.Spec, b *box, top ceiling) error {
	l := r.linkOf(b)
	if !top.group || l == nil {
		return nil
	}
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return err
	}
	t, err := l.get(ctx)
	if err != nil {
		return err
	}
	_, err = t.CgroupCreate(ctx, limits(cgroupPath(s.ID, f.systemd), s.Size))
	return err
}
