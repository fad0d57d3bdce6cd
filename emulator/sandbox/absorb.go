package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// absorb.go takes what was seen into the record. Nothing goes backwards: a
// container that has stopped stays so until a later attempt of it is seen.

// Reasons of containers, in the words of the Amazon ECS agent.
const (
	reasonOOM      = "OutOfMemoryError: Container killed due to memory usage"
	reasonVanished = "ContainerVanishedError: No container matching saved ID found"
)

// absorb takes in all that the view shows.
func (s *Sandbox) absorb(v view, now time.Time) {
	if v.known {
		s.seen()
	}
	for i := range s.Spec.Containers {
		c, cs := &s.Spec.Containers[i], &s.Status.Containers[i]
		if v.known {
			s.see(c, cs, v, now)
		}
		if !s.Status.Falling {
			s.fetch(c, cs, v.fetched[c.Name], now)
		}
		cs.probe(v.probes[c.Name])
		cs.assess(c)
	}
	if v.known && v.Up && v.Address.IP != "" && s.Status.Address == nil {
		a := v.Address
		s.Status.Address = &a
	}
	for _, n := range v.Notes {
		if !slices.Contains(s.Status.Notes, n) {
			s.Status.Notes = append(s.Status.Notes, n)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.notes)) {
		s.note(key, v.notes[key])
	}
	if !s.Status.PullStartedAt.IsZero() && s.Status.PullStoppedAt.IsZero() && !s.any(unpulled) {
		s.Status.PullStoppedAt = now
	}
}

// note keeps a note, in place of the one that begins with key.
func (s *Sandbox) note(key, text string) {
	i := slices.IndexFunc(s.Status.Notes, func(n string) bool { return strings.HasPrefix(n, key) })
	if i < 0 {
		s.Status.Notes = append(s.Status.Notes, text)
		return
	}
	s.Status.Notes[i] = text
}

// any tells whether some container's status is like that.
func (s *Sandbox) any(is func(*ContainerStatus) bool) bool {
	for i := range s.Status.Containers {
		if is(&s.Status.Containers[i]) {
			return true
		}
	}
	return false
}

func unpulled(cs *ContainerStatus) bool {
	return cs.State == ContainerPending || cs.State == ContainerPulling
}

func runs(cs *ContainerStatus) bool { return cs.State == ContainerRunning }

// gone: it has ended and nobody will start it again.
func gone(cs *ContainerStatus) bool {
	return cs.State == ContainerStopped && cs.RestartAt.IsZero()
}

// hasRun: it was started at least once.
// So was one whose start failed for good: that is an end.
func hasRun(cs *ContainerStatus) bool {
	return !cs.StartedAt.IsZero() || cs.LastExit != nil || cs.ExitCode != nil
}

// see takes in what the runtime shows of one container.
func (s *Sandbox) see(c *Container, cs *ContainerStatus, v view, now time.Time) {
	o, there := v.Containers[c.Name]
	switch {
	case !there:
		if cs.State == ContainerCreated || cs.State == ContainerRunning {
			s.vanish(c, cs, now)
		}
		return
	case o.Attempt < cs.Attempt:
		return
	case o.Attempt > cs.Attempt:
		cs.begin(o.Attempt)
	case cs.State == ContainerStopped:
		return
	}
	cs.RuntimeID, cs.CreatedAt = o.RuntimeID, utc(o.CreatedAt)
	if o.ImageDigest != "" {
		cs.ImageDigest = o.ImageDigest
	}
	switch o.State {
	case ContainerCreated:
		if cs.State != ContainerRunning {
			cs.State = ContainerCreated
		}
	case ContainerRunning:
		if cs.State != ContainerRunning {
			cs.Reason = "" // what kept it from running does not any more
			cs.endTrouble()
		}
		cs.State, cs.StartedAt = ContainerRunning, utc(o.StartedAt)
	case ContainerStopped:
		s.exited(c, cs, o, v.OOMKills)
	}
}

// begin makes the status one of a later attempt.
func (cs *ContainerStatus) begin(attempt int) {
	if cs.State == ContainerStopped {
		last := &Exit{OOMKilled: cs.OOMKilled, StartedAt: cs.StartedAt, FinishedAt: cs.FinishedAt, RuntimeID: cs.RuntimeID, Reason: cs.Reason, Message: cs.Message}
		if cs.ExitCode != nil {
			last.Code = *cs.ExitCode
		}
		cs.LastExit = last
	}
	*cs = ContainerStatus{
		Name: cs.Name, State: ContainerPulled, ImageDigest: cs.ImageDigest, Attempt: attempt, Streak: cs.Streak, Told: cs.Told, Fetched: cs.Fetched, Local: cs.Local, Resized: cs.Resized,
		Health: HealthUnknown, Satisfied: cs.Satisfied, LastExit: cs.LastExit,
	}
}

// exited takes in an end and decides whether there will be another attempt.
func (s *Sandbox) exited(c *Container, cs *ContainerStatus, o ObservedContainer, kills int) {
	cs.State, cs.StartedAt, cs.FinishedAt = ContainerStopped, utc(o.StartedAt), utc(o.FinishedAt)
	if cs.FinishedAt.Before(cs.StartedAt) { // Docker says so of one that ends while it is still noting the start
		cs.FinishedAt = cs.StartedAt
	}
	cs.OOMKilled, cs.Message = o.OOMKilled, o.Message
	cs.endTrouble()
	if !s.Status.Falling && o.ExitCode == 137 && kills > s.Status.OOMKills {
		cs.OOMKilled, s.Status.OOMKills = true, kills
	}
	switch {
	case cs.OOMKilled:
		cs.Reason = reasonOOM
	case cs.Reason == "":
		cs.Reason = o.Error
	}
	if cs.StartedAt.IsZero() { // it never ran, whatever code the runtime shows
		return
	}
	code := o.ExitCode
	cs.ExitCode = &code
	if !s.Desired.Stopped && cs.Ending != "" {
		cs.RestartAt = cs.FinishedAt
		return
	}
	if !s.Desired.Stopped && c.Restart.again(code, cs.FinishedAt.Sub(cs.StartedAt)) {
		cs.restart(&c.Restart)
	}
}

// vanish takes in that somebody else removed a container.
func (s *Sandbox) vanish(c *Container, cs *ContainerStatus, now time.Time) {
	cs.State, cs.FinishedAt, cs.Reason = ContainerStopped, now, reasonVanished
	ran := hasRun(cs)
	if ran && !s.Desired.Stopped && c.Restart.Fresh && c.Restart.Policy != RestartNever {
		cs.restart(&c.Restart)
	}
}

// assess computes what follows from a container's state.
func (cs *ContainerStatus) assess(c *Container) {
	if cs.State != ContainerRunning || !cs.posted(c) {
		cs.Started, cs.Ready = false, false
	} else {
		cs.Started = cs.Started || c.Startup == nil
		cs.Ready = cs.Started && (c.Health == nil || cs.Health == HealthHealthy)
	}
	ready := c.Health == nil && c.Startup != nil && cs.Started || c.Health != nil && cs.Ready
	cs.satisfy(Start, hasRun(cs) && (cs.Started || gone(cs)))
	cs.satisfy(Exited, hasRun(cs) && gone(cs))
	cs.satisfy(Success, gone(cs) && cs.ExitCode != nil && *cs.ExitCode == 0)
	cs.satisfy(Healthy, ready)
}

// posted tells whether nothing of the container's start is left to do. Its
// probes wait for that, as kubelet's do.
func (cs *ContainerStatus) posted(c *Container) bool { return c.PostStart == nil || cs.PostStarted }

// satisfy notes that a condition has been met.
func (cs *ContainerStatus) satisfy(condition Condition, met bool) {
	if met && !slices.Contains(cs.Satisfied, condition) {
		cs.Satisfied = append(cs.Satisfied, condition)
		slices.Sort(cs.Satisfied)
	}
}

// probe takes in the outcome of the container's probes, when they are of the
// attempt that runs.
func (cs *ContainerStatus) probe(p *probed) {
	if p == nil || p.attempt != cs.Attempt || cs.State != ContainerRunning {
		return
	}
	cs.Started, cs.Failures = cs.Started || p.started, p.failures
	if p.health != "" && p.health != cs.Health {
		cs.Health, cs.HealthSince, cs.HealthOutput, cs.HealthExit = p.health, utc(p.since), p.output, p.exit
	}
	if p.kill != "" {
		cs.Reason = p.kill
	}
}

// utc makes a time one that survives being stored.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}
