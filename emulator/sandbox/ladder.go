package sandbox

import (
	"slices"
	"time"
)

// ladder.go computes what a record means; next.go decides what comes next.

// Statuses of a sandbox: a task's lastStatus.
const (
	Provisioning   = "PROVISIONING"
	Pending        = "PENDING"
	Activating     = "ACTIVATING"
	Running        = "RUNNING"
	Deactivating   = "DEACTIVATING"
	Stopping       = "STOPPING"
	Deprovisioning = "DEPROVISIONING"
	Stopped        = "STOPPED"
)

// Stop codes that the sandbox itself gives.
const (
	CodeFailedToStart = "TaskFailedToStart"
	CodeEssential     = "EssentialContainerExited"
	CodeTermination   = "TerminationNotice"
)

// The steps, as heights: a sandbox of that height has the step up.
const (
	stepNetwork    = 1
	stepContainers = 2
	stepTargets    = 3
)

// LastStatus computes a sandbox's status from its height and direction.
func LastStatus(s *Sandbox) string {
	h := s.Status.Height
	if s.Status.Falling {
		return [...]string{Stopped, Deprovisioning, Stopping, Deactivating}[min(max(h, 0), stepTargets)]
	}
	if h >= s.Spec.Steps {
		return Running
	}
	return [...]string{Provisioning, Pending, Activating}[max(h, 0)]
}

// IsStopped tells whether the sandbox has come to its end.
func (s *Sandbox) IsStopped() bool { return s.Status.Falling && s.Status.Height <= 0 }

// TaskHealth computes a task's health from its essential containers that have
// a check: UNHEALTHY if any is, HEALTHY if all are, otherwise UNKNOWN.
func TaskHealth(s *Sandbox) Health {
	sum := HealthUnknown
	unsure := false
	for i, c := range s.Spec.Containers {
		if !c.Essential || c.Health == nil || i >= len(s.Status.Containers) {
			continue
		}
		switch s.Status.Containers[i].Health {
		case HealthUnhealthy:
			return HealthUnhealthy
		case HealthHealthy:
			sum = HealthHealthy
		default:
			unsure = true
		}
	}
	if unsure {
		return HealthUnknown
	}
	return sum
}

// clone copies a record so that the copy can be changed in place.
func (s *Sandbox) clone() *Sandbox {
	n := *s
	n.Status.Notes = slices.Clone(s.Status.Notes)
	n.Status.Containers = slices.Clone(s.Status.Containers)
	for i := range n.Status.Containers {
		n.Status.Containers[i].Satisfied = slices.Clone(n.Status.Containers[i].Satisfied)
	}
	return &n
}

// move changes height and direction.
func (s *Sandbox) move(height int, falling bool, now time.Time) {
	s.Status.Height, s.Status.Falling, s.Status.StepAt = height, falling, now
}

// rise takes one step up. At the top the sandbox is RUNNING.
func (s *Sandbox) rise(now time.Time) {
	s.move(s.Status.Height+1, false, now)
	if s.Status.Height < s.Spec.Steps {
		return
	}
	s.Status.StartedAt = now
	if s.essentialGone() == "" {
		return
	}
	// It was over before it could be said that it runs: the time of the start
	// must not come after the time of the end.
	s.Status.StartedAt = time.Time{}
	for _, cs := range s.Status.Containers {
		if cs.StartedAt.After(s.Status.StartedAt) {
			s.Status.StartedAt = cs.StartedAt
		}
	}
}

// turn begins the way down. The step that was being climbed may be half built
// and comes down too.
func (s *Sandbox) turn(now time.Time) {
	s.move(min(s.Status.Height+1, s.Spec.Steps), true, now)
	s.Status.StoppingAt = s.Desired.At
	if !s.Status.PullStartedAt.IsZero() && s.Status.PullStoppedAt.IsZero() {
		s.Status.PullStoppedAt = now
	}
	s.clearTrouble()
	for i := range s.Status.Containers {
		s.Status.Containers[i].RestartAt = time.Time{}
	}
}

// fall takes one step down.
func (s *Sandbox) fall(now time.Time) {
	s.move(s.Status.Height-1, true, now)
	if s.Status.Height > 0 {
		return
	}
	s.Status.StoppedAt = now
	for i := range s.Status.Containers {
		s.Status.Containers[i].State = ContainerStopped
	}
}

// want makes it wanted that the sandbox stops. The first reason stays.
func (s *Sandbox) want(code, reason string, now time.Time) {
	if s.Desired.Stopped {
		return
	}
	if code == "" {
		code = CodeFailedToStart
	}
	s.Desired.Stopped, s.Desired.Code, s.Desired.Reason, s.Desired.At = true, code, reason, now
	s.Desired.Held = s.Spec.Keep && !s.Spec.Open && s.Status.Height >= stepNetwork && code != CodeTermination
}

// seen notes that the runtime tells again how the sandbox is.
func (s *Sandbox) seen() {
	if !s.Status.UnseenSince.IsZero() {
		s.Status.UnseenSince = time.Time{}
		s.clearTrouble()
	}
}

func (s *Sandbox) clearTrouble() {
	s.Status.Trouble, s.Status.TroubleAt, s.Status.Tries = "", time.Time{}, 0
}

// container finds a container and its status by name.
func (s *Sandbox) container(name string) (*Container, *ContainerStatus) {
	for i := range s.Spec.Containers {
		if s.Spec.Containers[i].Name == name {
			return &s.Spec.Containers[i], &s.Status.Containers[i]
		}
	}
	return nil, nil
}
