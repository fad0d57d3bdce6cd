package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/neargate/neargate/emulator/store"
)

// open.go is about sandboxes that are made before their containers are known,
// and about containers that come later.

// ErrStopping is why nothing can be added to a sandbox any more.
var ErrStopping = errors.New("the sandbox is to stop")

// ErrOpen is why a container cannot be added to a sandbox that has none yet.
var ErrOpen = errors.New("the sandbox waits for its containers")

// Completion gives an open sandbox what it lacks. Lists are appended to those
// of the specification, labels are laid over its own.
type Completion struct {
	Containers []Container
	Volumes    []Volume          `json:",omitempty"`
	Registries []Registry        `json:",omitempty"`
	Labels     map[string]string `json:",omitempty"`
}

// Complete makes an open sandbox whole, in the owner's transaction, which must
// not write into what the completion points to any more. The result is checked
// as by Create. One that is complete already stays as it is, and that is no
// error; so does one that is to stop, because nothing of it would ever be
// started. store.ErrNotFound when there is none.
func Complete(tx *store.Tx, id string, c Completion) error {
	was, revision, err := Sandboxes.Peek(tx, id)
	if err != nil {
		return err
	}
	if !was.Spec.Open || was.Desired.Stopped {
		return nil
	}
	n := was.clone()
	p := &n.Spec
	p.Open = false
	p.Containers = slices.Concat(p.Containers, c.Containers)
	p.Volumes = slices.Concat(p.Volumes, c.Volumes)
	p.Registries = slices.Concat(p.Registries, c.Registries)
	p.Labels = maps.Clone(p.Labels)
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	maps.Copy(p.Labels, c.Labels)
	if err := p.check(); err != nil {
		return err
	}
	n.Status.Containers = pending(p.Containers)
	n.Status.Version++
	return Sandboxes.ReplaceShared(tx, id, revision, n)
}

// AddContainer adds an ephemeral container to a sandbox that is not to stop,
// in the owner's transaction. It is never restarted, and neither its start nor
// its end means anything to the others or to the sandbox. One that is there
// already, by name, stays as it is, and that is no error. Otherwise
// ErrStopping, ErrOpen or store.ErrNotFound tell why it cannot be added.
func AddContainer(tx *store.Tx, id string, c Container) error {
	was, revision, err := Sandboxes.Peek(tx, id)
	if err != nil {
		return err
	}
	if there, _ := was.container(c.Name); there != nil {
		return nil
	}
	switch {
	case was.Desired.Stopped || was.IsStopped():
		return fmt.Errorf("sandbox %s: %w", id, ErrStopping)
	case was.Spec.Open:
		return fmt.Errorf("sandbox %s: %w", id, ErrOpen)
	}
	c.Ephemeral, c.Essential, c.Init, c.Needs, c.Restart = true, false, false, nil, Restart{}
	n := was.clone()
	n.Spec.Containers = append(slices.Clip(n.Spec.Containers), c)
	if err := n.Spec.check(); err != nil {
		return err
	}
	n.Status.Containers = append(n.Status.Containers, pending([]Container{c})...)
	n.Status.Version++
	return Sandboxes.ReplaceShared(tx, id, revision, n)
}

// pending are the statuses of containers that nothing was done for.
func pending(all []Container) []ContainerStatus {
	var statuses []ContainerStatus
	for i := range all {
		cs := ContainerStatus{Name: all[i].Name, State: ContainerPending, Health: HealthUnknown}
		if all[i].Asks && all[i].Told {
			cs.Told = 1
		}
		statuses = append(statuses, cs)
	}
	return statuses
}
