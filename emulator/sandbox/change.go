package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// change.go is about what an owner changes in a container that runs: its
// resources, in place, and everything else by another run.

// Resources are a container's part of its sandbox's size, as in Container.
type Resources struct {
	CPU, CPULimit             int64 `json:",omitempty"` // units
	Memory, MemoryReservation int64 `json:",omitempty"` // bytes
}

// Resources are those that a container is to have.
func (c *Container) Resources() Resources {
	return Resources{c.CPU, c.CPULimit, c.Memory, c.MemoryReservation}
}

func (c *Container) setResources(r Resources) {
	c.CPU, c.CPULimit, c.Memory, c.MemoryReservation = r.CPU, r.CPULimit, r.Memory, r.MemoryReservation
}

// Resize gives a container other resources, in the owner's transaction: at once
// where it runs, else from its next start. ContainerStatus.Resized tells when
// they are in force, ContainerStatus.ResizeTrouble why they are not.
// store.ErrNotFound when there is no such container.
func Resize(tx *store.Tx, id, name string, r Resources) error {
	return change(tx, id, name, func(s *Sandbox, c *Container, cs *ContainerStatus) bool {
		was := c.Resources()
		if was == r {
			return false
		}
		s.Spec.Size.CPU = moved(s.Spec.Size.CPU, was.CPULimit, r.CPULimit)
		s.Spec.Size.Memory = moved(s.Spec.Size.Memory, was.Memory, r.Memory)
		c.setResources(r)
		c.Resizes++
		cs.ResizeTrouble, cs.ResizeAt = "", time.Time{}
		return true
	})
}

// Again has the run of an attempt ended and another one begun, in the owner's
// transaction: whatever the restart policy says and without a backoff, because
// it is the owner who wants the container otherwise than it is. An attempt that
// has ended meanwhile is no error. store.ErrNotFound when there is no such
// container.
func Again(tx *store.Tx, id, name string, attempt int, reason string) error {
	return change(tx, id, name, func(_ *Sandbox, _ *Container, cs *ContainerStatus) bool {
		if cs.Attempt != attempt || !runs(cs) || cs.Ending != "" {
			return false
		}
		cs.Ending = reason
		return true
	})
}

// change changes one container of a sandbox that is not to stop. The container
// that f gets is its own.
func change(tx *store.Tx, id, name string, f func(*Sandbox, *Container, *ContainerStatus) bool) error {
	was, revision, err := Sandboxes.Peek(tx, id)
	if err != nil {
		return err
	}
	n := was.clone()
	n.Spec.Containers = slices.Clone(n.Spec.Containers)
	c, cs := n.container(name)
	switch {
	case c == nil:
		return fmt.Errorf("sandbox %s: container %s: %w", id, name, store.ErrNotFound)
	case was.Desired.Stopped || !f(n, c, cs):
		return nil
	}
	n.Status.Version++
	return Sandboxes.ReplaceShared(tx, id, revision, n)
}

// moved is a ceiling around containers of which one has another limit: as much
// higher or lower. Where either is none, it stays.
func moved(ceiling, was, is int64) int64 {
	if ceiling == 0 || was == 0 || is == 0 {
		return ceiling
	}
	return max(ceiling+is-was, is)
}

// retryResize is the wait after resources could not be given.
const retryResize = 10 * time.Second

// resizable: it runs with other resources than it is to have.
func resizable(c *Container, cs *ContainerStatus, now time.Time) bool {
	return runs(cs) && cs.Resized != c.Resizes && !now.Before(cs.ResizeAt)
}

// resize gives a running container its resources. That it cannot is nobody
// else's matter: it runs on with those that it has.
func (e *Engine) resize(ctx context.Context, s *Sandbox, c *Container, _ *ContainerStatus) (effect, error) {
	err := errors.New("this runtime cannot change what runs")
	if r, ok := e.Config.Runtime.(Resizer); ok {
		err = r.Resize(ctx, &s.Spec, c)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	resizes := c.Resizes
	return func(s *Sandbox, now time.Time) {
		_, cs := s.container(c.Name)
		if err != nil {
			cs.ResizeTrouble, cs.ResizeAt = err.Error(), now.Add(retryResize)
			return
		}
		cs.Resized, cs.ResizeTrouble, cs.ResizeAt = resizes, "", time.Time{}
	}, nil
}
