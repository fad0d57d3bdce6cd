package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// depend.go is about the order of containers: who may start, who may stop,
// and who waits in vain.

// ready tells whether all that a container needs is there.
func (s *Sandbox) ready(c *Container) bool {
	for _, n := range s.needsOf(c) {
		if !s.met(n) {
			return false
		}
	}
	return true
}

// needsOf are a container's needs: those that are written, and those that
// follow from the order of init containers.
func (s *Sandbox) needsOf(c *Container) []Need {
	needs := slices.Clip(c.Needs)
	if c.Ephemeral {
		return needs
	}
	for i := range s.Spec.Containers {
		o := &s.Spec.Containers[i]
		switch {
		case o.Name == c.Name && c.Init:
			return needs
		case o.Sidecar():
			needs = append(needs, Need{o.Name, Start})
		case o.Init:
			needs = append(needs, Need{o.Name, Success})
		}
	}
	return needs
}

// heldByHook: containers are started in their order, and while the action
// after the first start of one is under way, those behind it wait, as with a
// kubelet.
func (s *Sandbox) heldByHook(c *Container) bool {
	for i := range s.Spec.Containers {
		o, os := &s.Spec.Containers[i], &s.Status.Containers[i]
		if o.Name == c.Name {
			return false
		}
		if o.PostStart == nil || !o.isMain() || !c.isMain() || os.Attempt > 0 || os.PostStarted {
			continue
		}
		if runs(os) || !hasRun(os) && os.State != ContainerStopped && os.Trouble == "" && s.ready(o) {
			return true
		}
	}
	return false
}

func (s *Sandbox) met(n Need) bool {
	_, cs := s.container(n.Container)
	return cs != nil && slices.Contains(cs.Satisfied, n.Condition)
}

// hopeless finds a container that waits for what can never be, and says why.
func (s *Sandbox) hopeless() (*ContainerStatus, string) {
	for i := range s.Spec.Containers {
		c, cs := &s.Spec.Containers[i], &s.Status.Containers[i]
		if hasRun(cs) || cs.State == ContainerStopped || c.Ephemeral {
			continue
		}
		if s.circular(c, nil) {
			return cs, "TaskDependencyError: Task dependencies cannot be resolved, taskArn: " + s.Spec.Owner
		}
		for _, n := range s.needsOf(c) {
			if _, on := s.container(n.Container); !s.met(n) && gone(on) {
				return cs, fmt.Sprintf("TaskDependencyError: container %s waits for condition %s of container %s, which ended %s",
					c.Name, n.Condition, n.Container, ending(on))
			}
		}
	}
	return nil, ""
}

// ending says how a container ended.
func ending(cs *ContainerStatus) string {
	switch {
	case cs.ExitCode != nil:
		return fmt.Sprintf("with exit code %d", *cs.ExitCode)
	case cs.Reason != "":
		return "with " + cs.Reason
	}
	return "without having run"
}

// circular tells whether a container needs itself, or one that is not there.
func (s *Sandbox) circular(c *Container, path []string) bool {
	if slices.Contains(path, c.Name) {
		return true
	}
	for _, n := range s.needsOf(c) {
		on, _ := s.container(n.Container)
		if on == nil || s.circular(on, append(slices.Clone(path), c.Name)) {
			return true
		}
	}
	return false
}

// overdue finds a container that others wait for longer than its StartTimeout
// allows; else it tells how long until the first one will be, 0 for none.
func (s *Sandbox) overdue(now time.Time) (late *ContainerStatus, reason string, until time.Duration) {
	for i := range s.Spec.Containers {
		if hasRun(&s.Status.Containers[i]) {
			continue
		}
		for _, n := range s.needsOf(&s.Spec.Containers[i]) {
			on, cs := s.container(n.Container)
			if on == nil || on.StartTimeout <= 0 || cs.StartedAt.IsZero() || s.met(n) {
				continue
			}
			left := cs.StartedAt.Add(on.StartTimeout).Sub(now)
			if left <= 0 {
				return cs, fmt.Sprintf("ContainerRuntimeTimeoutError: Could not transition to %s; timed out after waiting %v",
					strings.ToLower(string(n.Condition)), on.StartTimeout), 0
			}
			until = soonest(until, left)
		}
	}
	return nil, "", until
}

// needs tells whether container a needs container b, directly or by way of
// others.
func (s *Sandbox) needs(a *Container, b string, seen []string) bool {
	if slices.Contains(seen, a.Name) {
		return false
	}
	for _, n := range s.needsOf(a) {
		if n.Container == b {
			return true
		}
		if on, _ := s.container(n.Container); on != nil && s.needs(on, b, append(seen, a.Name)) {
			return true
		}
	}
	return false
}

// stoppable lists the running containers that no running one needs.
func (s *Sandbox) stoppable() []string {
	var names []string
	for i := range s.Spec.Containers {
		if !runs(&s.Status.Containers[i]) {
			continue
		}
		name, held := s.Spec.Containers[i].Name, false
		for j := range s.Spec.Containers {
			if j != i && runs(&s.Status.Containers[j]) && s.needs(&s.Spec.Containers[j], name, nil) && !s.needs(&s.Spec.Containers[i], s.Spec.Containers[j].Name, nil) {
				held = true
			}
		}
		if !held {
			names = append(names, name)
		}
	}
	return names
}

// allStarted tells whether all that must start has started, and all that must
// end before has ended well.
func (s *Sandbox) allStarted() bool {
	for i := range s.Spec.Containers {
		c, cs := &s.Spec.Containers[i], &s.Status.Containers[i]
		switch {
		case c.Ephemeral:
		case c.Sidecar() && !slices.Contains(cs.Satisfied, Start):
			return false
		case c.Init && !c.Sidecar() && !slices.Contains(cs.Satisfied, Success):
			return false
		case !hasRun(cs):
			return false
		case c.PostStart != nil && !cs.PostStarted && runs(cs):
			return false
		}
	}
	return true
}

// soonest is the smaller of two waits, of which 0 is none.
func soonest(a, b time.Duration) time.Duration {
	switch {
	case a <= 0:
		return b
	case b <= 0:
		return a
	}
	return min(a, b)
}
