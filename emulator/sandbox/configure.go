package sandbox

import (
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// configure.go is about containers whose owner is asked before each attempt
// what it is started with, as a kubelet reads ConfigMaps and Secrets anew
// before each. The question is in the record (ContainerStatus.Asking), and so
// is the answer; whoever watches the feed sees the one and gives the other.
// Images come first: one that cannot be pulled is not asked about.
//
// Decision: the engine does not call its owner, which may be another process
// that is away for a while. What is asked stays asked, siblings go on, and a
// crash of either side loses nothing.

// Configuration is an owner's answer for one attempt of a container with Asks.
type Configuration struct {
	Attempt int
	// Container is what the attempt is started with. What says who it is, where
	// it stands and how much it has stays as it was: Name, Pull, Init, Ephemeral,
	// Essential, Target, Needs, Asks, Told and its resources. Another image is
	// pulled first; "" leaves the one that there is.
	Container Container
	// Trouble and Text are why that cannot be told at the moment, in the
	// kubelet's words; of Container only the image counts then, and the
	// container waits until it is told.
	Trouble, Text string
}

// Configure answers what an attempt of a container is started with, in the
// owner's transaction, which must not write into what it gives any more. It may
// be answered before it is asked, and again as long as the attempt has not
// begun. An answer for an attempt that has, or that there will not be, changes
// nothing and is no error. store.ErrNotFound when there is no such container.
func Configure(tx *store.Tx, id, name string, a Configuration) error {
	was, revision, err := Sandboxes.Peek(tx, id)
	if err != nil {
		return err
	}
	n := was.clone()
	c, cs := n.container(name)
	if c == nil {
		return fmt.Errorf("sandbox %s: container %s: %w", id, name, store.ErrNotFound)
	}
	if !c.Asks || was.Desired.Stopped || a.Attempt != cs.next() || gone(cs) || runs(cs) {
		return nil
	}
	n.Spec.Containers = slices.Clone(n.Spec.Containers)
	c, cs = n.container(name)
	anotherImage := a.Container.Image != "" && a.Container.Image != c.Image
	if anotherImage {
		c.Image = a.Container.Image
		cs.imageChanged()
	}
	switch {
	case a.Trouble == "":
		c.replace(a.Container)
		if err := n.Spec.check(); err != nil {
			return err
		}
		cs.Told, cs.Asking = a.Attempt+1, false
	case cs.Asking:
		cs.Trouble, cs.TroubleText = a.Trouble, a.Text
		cs.Tries++
	case !anotherImage:
		return nil
	}
	n.Status.Version++
	return Sandboxes.ReplaceShared(tx, id, revision, n)
}

// replace gives a container another configuration.
func (c *Container) replace(by Container) {
	by.Name, by.Image, by.Pull = c.Name, c.Image, c.Pull
	by.Init, by.Ephemeral, by.Essential, by.Target = c.Init, c.Ephemeral, c.Essential, c.Target
	by.Needs, by.Asks, by.Told, by.Resizes = c.Needs, c.Asks, c.Told, c.Resizes
	by.setResources(c.Resources())
	*c = by
}

// imageChanged has the image looked for anew, and forgets what was wrong with
// the one before.
func (cs *ContainerStatus) imageChanged() {
	cs.endTrouble()
	cs.Asking, cs.Fetched, cs.Refetch = false, 0, true
	if cs.State == ContainerPulled {
		cs.State = ContainerPulling
	}
}

// next is the attempt that would be begun now.
func (cs *ContainerStatus) next() int {
	if cs.State == ContainerStopped {
		return cs.Attempt + 1
	}
	return cs.Attempt
}

// told tells whether it is known what the next attempt is started with.
func (cs *ContainerStatus) told(c *Container) bool { return !c.Asks || cs.Told > cs.next() }

// ask asks for what could be started but for that.
func (s *Sandbox) ask(v view, now time.Time) {
	for i := range s.Spec.Containers {
		c, cs := &s.Spec.Containers[i], &s.Status.Containers[i]
		if !cs.told(c) && s.due(c, cs, v, now) {
			cs.Asking = true
		}
	}
}
