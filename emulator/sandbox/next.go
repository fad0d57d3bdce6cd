package sandbox

import (
	"fmt"
	"reflect"
	"time"
)

// next.go decides; perform.go does. Nothing here waits, asks or stores.

// verb is what the engine does in one call.
type verb string

const (
	rest      verb = ""           // nothing, but look again
	record    verb = "record"     // commit what has become true
	reserve   verb = "reserve"    // the network's address
	up        verb = "up"         // the network
	pull      verb = "pull"       // images
	start     verb = "start"      // containers
	postStart verb = "post-start" // actions right after a start
	stop      verb = "stop"       // containers
	resize    verb = "resize"     // containers
	raise     verb = "raise"      // targets
	lower     verb = "lower"      // targets
	down      verb = "down"       // the network
)

// action is one thing to do.
type action struct {
	verb       verb
	containers []string      // which ones, for pull, start, postStart and stop
	after      *Sandbox      // what to commit, for record
	again      time.Duration // when to look again at the latest; 0: when something happens
}

// view is what next sees beside the record.
type view struct {
	Observed
	known     bool // Observed holds; false where nothing can be there yet
	probes    map[string]*probed
	fetched   map[string]*fetched      // pulls that have ended
	notes     map[string]string        // beginning of the note → the note
	undrained map[string]time.Duration // containers whose logs are being read, and how long that may still take
	targets   bool                     // there are Targets
	reserves  bool                     // the runtime is a Reserver
	delay     func(step int, rising bool) time.Duration
}

// next decides what to do for a sandbox: to commit what has become true, or,
// when the record says it all, the one thing that brings it further.
func next(s *Sandbox, v view, now time.Time) action {
	n := s.clone()
	n.settle(v, now)
	if !same(s, n) {
		return action{verb: record, after: n}
	}
	a := n.decide(v, now)
	a.again = soonest(a.again, n.timers(v, now))
	return a
}

// same tells whether two records say the same.
func same(a, b *Sandbox) bool {
	return reflect.DeepEqual(a.Status, b.Status) && reflect.DeepEqual(a.Desired, b.Desired)
}

// settle takes in what is seen and what follows from it, up to the next
// change of LastStatus and no further, so that every status is seen in the
// feed.
func (s *Sandbox) settle(v view, now time.Time) {
	s.absorb(v, now)
	switch {
	case s.IsStopped():
	case s.Status.Falling:
		s.settleFalling(v, now)
	default:
		s.settleRising(v, now)
	}
}

// arrive takes in what is seen without changing the status, where it has just
// changed.
func (s *Sandbox) arrive(v view, now time.Time) {
	s.absorb(v, now)
	if s.Status.Height == stepNetwork && !s.Status.Falling && !s.Status.Bare && s.delayed(v, stepContainers, now) == 0 {
		s.beginPulls(now)
	}
}

func (s *Sandbox) settleRising(v view, now time.Time) {
	if s.wantStopped(v, now); s.Desired.Stopped {
		s.turn(now)
		return
	}
	s.backOff(now)
	switch s.Status.Height {
	case stepNetwork:
		if s.Spec.Open || s.Status.Bare {
			return
		}
		if s.allStarted() {
			s.rise(now)
			return
		}
		if s.delayed(v, stepContainers, now) == 0 {
			s.beginPulls(now)
			s.ask(v, now)
		}
	case stepContainers:
		s.beginPulls(now) // of a container that came later
		s.ask(v, now)
		if s.Spec.Steps > stepContainers && (!v.targets || s.essentialGone() != "") && s.delayed(v, stepTargets, now) == 0 {
			s.rise(now)
		}
	}
}

// beginPulls tells that the images are about to be pulled.
func (s *Sandbox) beginPulls(now time.Time) {
	for i := range s.Status.Containers {
		cs := &s.Status.Containers[i]
		if cs.State != ContainerPending {
			continue
		}
		cs.State = ContainerPulling
		if s.Status.PullStartedAt.IsZero() {
			s.Status.PullStartedAt = now
		}
	}
}

// wantStopped finds the reasons for which a sandbox ends by itself.
func (s *Sandbox) wantStopped(v view, now time.Time) {
	if s.Desired.Stopped {
		return
	}
	if s.Status.Height >= stepNetwork && v.known && !v.Up {
		code := CodeFailedToStart
		if s.Status.Height >= s.Spec.Steps {
			code = CodeTermination
		}
		s.want(code, "The network namespace of the task is gone: it was removed from outside", now)
		return
	}
	if s.Status.Height < stepNetwork {
		return
	}
	s.wantStoppedByContainers(now)
}

// wantStoppedByContainers: what began and has ended ends the sandbox, but a
// sandbox whose containers have all started passes RUNNING first, however
// short they ran.
func (s *Sandbox) wantStoppedByContainers(now time.Time) {
	if s.Status.Height < s.Spec.Steps && !s.allStarted() {
		s.wantStoppedWhileStarting(now)
	}
	if s.Status.Height < s.Spec.Steps && s.allStarted() {
		return
	}
	switch {
	case s.essentialGone() != "":
		s.want(CodeEssential, "Essential container in task exited", now)
	case s.allGone():
		s.want(CodeEssential, "All containers have exited", now)
	}
}

func (s *Sandbox) wantStoppedWhileStarting(now time.Time) {
	if s.essentialGone() != "" {
		return // the better reason
	}
	if name := s.initFailed(); name != "" {
		_, cs := s.container(name)
		s.want(CodeFailedToStart, fmt.Sprintf("Init container %s ended %s", name, ending(cs)), now)
		return
	}
	cs, why := s.hopeless()
	if cs == nil {
		cs, why, _ = s.overdue(now)
	}
	if cs != nil {
		cs.Reason = why
		s.want(CodeFailedToStart, "Task failed to start", now)
	}
}

func (s *Sandbox) essentialGone() string {
	for i := range s.Spec.Containers {
		if s.Spec.Containers[i].Essential && gone(&s.Status.Containers[i]) {
			return s.Spec.Containers[i].Name
		}
	}
	return ""
}

func (s *Sandbox) initFailed() string {
	for i := range s.Spec.Containers {
		cs := &s.Status.Containers[i]
		if c := &s.Spec.Containers[i]; c.Init && !c.Sidecar() && gone(cs) && (cs.ExitCode == nil || *cs.ExitCode != 0) {
			return s.Spec.Containers[i].Name
		}
	}
	return ""
}

// allGone: no main container runs or will run, though there are some.
func (s *Sandbox) allGone() bool {
	some := false
	for i := range s.Spec.Containers {
		if !s.Spec.Containers[i].isMain() {
			continue
		}
		if some = true; !gone(&s.Status.Containers[i]) {
			return false
		}
	}
	return some
}

func (s *Sandbox) settleFalling(v view, now time.Time) {
	switch s.Status.Height {
	case stepTargets:
		if !v.targets && s.delayed(v, stepTargets, now) == 0 {
			s.fall(now)
		}
	case stepContainers:
		if v.known && !s.any(runs) && len(v.undrained) == 0 && s.delayed(v, stepContainers, now) == 0 {
			s.containersDown(now)
		}
	}
}

// containersDown ends the step of the containers, of which none runs.
func (s *Sandbox) containersDown(now time.Time) {
	for i := range s.Status.Containers {
		cs := &s.Status.Containers[i]
		cs.State = ContainerStopped
		if cs.FinishedAt.After(s.Status.ExecutionStoppedAt) {
			s.Status.ExecutionStoppedAt = cs.FinishedAt
		}
	}
	if end := s.Status.ExecutionStoppedAt; !end.IsZero() && end.Before(s.Status.StartedAt) {
		s.Status.ExecutionStoppedAt = s.Status.StartedAt // it ended while it was being called RUNNING
	}
	s.fall(now)
}

// decide chooses what to do when the record is up to date.
func (s *Sandbox) decide(v view, now time.Time) action {
	if s.IsStopped() {
		return action{}
	}
	if s.Status.Falling {
		return s.decideFalling(v, now)
	}
	switch s.Status.Height {
	case 0:
		if d := s.delayed(v, stepNetwork, now); d > 0 {
			return action{again: d}
		}
		if s.Spec.Open && v.reserves && s.Status.Address == nil {
			return action{verb: reserve}
		}
		return action{verb: up}
	case stepNetwork:
		if s.Spec.Open {
			return action{}
		}
		if s.Status.Bare {
			return action{verb: up}
		}
	case stepContainers:
		if d := s.delayed(v, stepTargets, now); d > 0 && s.Spec.Steps > stepContainers {
			return action{again: d}
		}
	}
	if a := s.decideContainers(v, now); a.verb != rest || s.Status.Height != stepContainers || s.Spec.Steps <= stepContainers {
		return a
	}
	return action{verb: raise}
}

// decideContainers is about the containers of a sandbox that is to run.
func (s *Sandbox) decideContainers(v view, now time.Time) action {
	if d := s.delayed(v, stepContainers, now); d > 0 && s.Status.Height == stepNetwork {
		return action{again: d}
	}
	for _, choice := range []struct {
		verb verb
		is   func(*Container, *ContainerStatus) bool
	}{
		{stop, func(c *Container, cs *ContainerStatus) bool {
			p := v.probes[c.Name]
			return runs(cs) && (cs.Ending != "" || p != nil && p.attempt == cs.Attempt && p.kill != "")
		}},
		{resize, func(c *Container, cs *ContainerStatus) bool { return resizable(c, cs, now) }},
		{pull, func(c *Container, cs *ContainerStatus) bool {
			return cs.State == ContainerPulling && !s.patient(c) // theirs go on beside, see puller.go
		}},
		{postStart, func(c *Container, cs *ContainerStatus) bool {
			return runs(cs) && c.PostStart != nil && !cs.PostStarted
		}},
		{start, func(c *Container, cs *ContainerStatus) bool { return s.startable(c, cs, v, now) }},
	} {
		if names := s.names(choice.is); len(names) > 0 {
			return action{verb: choice.verb, containers: names}
		}
	}
	return action{}
}

func (s *Sandbox) names(is func(*Container, *ContainerStatus) bool) []string {
	var names []string
	for i := range s.Spec.Containers {
		if is(&s.Spec.Containers[i], &s.Status.Containers[i]) {
			names = append(names, s.Spec.Containers[i].Name)
		}
	}
	return names
}

// startable: it may be started now, for the first time or again.
func (s *Sandbox) startable(c *Container, cs *ContainerStatus, v view, now time.Time) bool {
	return cs.told(c) && s.due(c, cs, v, now)
}

// due: it is a container's turn, if it is known what it is started with.
func (s *Sandbox) due(c *Container, cs *ContainerStatus, v view, now time.Time) bool {
	switch {
	case now.Before(cs.TryAt):
		return false
	case cs.State == ContainerPulled || cs.State == ContainerCreated:
		return s.ready(c) && !s.heldByHook(c)
	case cs.State == ContainerStopped && !cs.RestartAt.IsZero():
		_, reading := v.undrained[c.Name]
		return !now.Before(cs.RestartAt) && !reading && s.fetched(c, cs)
	}
	return false
}

func (s *Sandbox) decideFalling(v view, now time.Time) action {
	if d := s.delayed(v, s.Status.Height, now); d > 0 {
		return action{again: d}
	}
	switch s.Status.Height {
	case stepTargets:
		return action{verb: lower}
	case stepContainers:
		if names := s.stoppable(); len(names) > 0 {
			return action{verb: stop, containers: names}
		}
		return action{}
	}
	if s.Desired.Held {
		return action{}
	}
	return action{verb: down}
}

// delayed tells how long a step still waits for --timing=aws.
func (s *Sandbox) delayed(v view, step int, now time.Time) time.Duration {
	if v.delay == nil {
		return 0
	}
	return max(0, s.Status.StepAt.Add(v.delay(step, !s.Status.Falling)).Sub(now))
}

// timers tells when time alone will change something.
func (s *Sandbox) timers(v view, now time.Time) time.Duration {
	var d time.Duration
	for _, left := range v.undrained {
		d = soonest(d, left)
	}
	if s.Status.Falling {
		return d
	}
	for i := range s.Status.Containers {
		cs := &s.Status.Containers[i]
		for _, at := range []time.Time{cs.RestartAt, cs.TryAt, cs.ResizeAt, cs.backsOffAt()} {
			if at.After(now) {
				d = soonest(d, at.Sub(now))
			}
		}
	}
	_, _, late := s.overdue(now)
	return soonest(d, late)
}
