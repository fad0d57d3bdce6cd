package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Stop implements [sandbox.Runtime]. The signal is the one that the container
// was made with. The Engine counts the grace in seconds; a part of one is
// rounded up.
func (r *Runtime) Stop(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, grace time.Duration) error {
	if err := r.ready(ctx); err != nil {
		return err
	}
	all, err := r.attemptsOf(ctx, s.ID, c.Name)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.summary.State == container.StateCreated || a.summary.State == container.StateExited {
			continue
		}
		if err := r.stop(ctx, a.summary.ID, grace); err != nil {
			return fmt.Errorf("CannotStopContainerError: %s: %w", c.Name, err)
		}
	}
	return nil
}

func (r *Runtime) stop(ctx context.Context, id string, grace time.Duration) error {
	seconds := int((max(grace, 0) + time.Second - 1) / time.Second)
	_, err := r.daemon.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: &seconds})
	r.mu.Lock()
	delete(r.inspects, id)
	r.mu.Unlock()
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
