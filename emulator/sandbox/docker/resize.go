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
	if err := r.ready(ctx); err != nil {
		return err
	}
	unlock, err := r.locks.lock(ctx, s.ID)
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
	return nil
}
