package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// patience.go is about containers that cannot be had or started, in sandboxes
// that do not end for it: each waits by itself, in a kubelet's rhythm, and
// keeps no other one from anything.

// The waits between tries: those of pulls are doubled up to the last, all
// others stay.
const (
	firstPatience = 10 * time.Second
	lastPatience  = 5 * time.Minute
)

// patient tells whether a container's errors are waited out.
func (s *Sandbox) patient(c *Container) bool { return s.Spec.Patient || c.Ephemeral }

// forbear turns an error that would end another sandbox into a wait, if this
// container's errors are waited out. What may pass stays an error.
func forbear(s *Sandbox, c *Container, trouble string, err error) (effect, error) {
	var fatal *StopError
	if !errors.As(err, &fatal) || !s.patient(c) {
		return nil, err
	}
	return func(s *Sandbox, now time.Time) {
		_, cs := s.container(c.Name)
		s.wait(cs, trouble, fatal, now)
		cs.Told = min(cs.Told, cs.next()) // what it was started with may be what was wrong
	}, nil
}

// wait notes a failed try, and when the next one is.
func (s *Sandbox) wait(cs *ContainerStatus, trouble string, err *StopError, now time.Time) {
	if err.Trouble != "" {
		trouble = err.Trouble
	}
	cs.Trouble, cs.TroubleText = trouble, err.text()
	cs.Tries++
	cs.TryAt = now.Add(patience(trouble, cs.Tries))
}

func (e *StopError) text() string {
	if e.Text != "" {
		return e.Text
	}
	return e.Reason
}

// patience is the wait after so many failed tries.
func patience(trouble string, tries int) time.Duration {
	if trouble != TroublePull && trouble != TroubleBackOff {
		return firstPatience
	}
	return min(firstPatience<<min(max(tries-1, 0), 10), lastPatience)
}

// startFailed tells whether an error is one of a container that was made and
// could not be started, which is an end of it where errors are waited out.
func startFailed(s *Sandbox, c *Container, err error) bool {
	var fatal *StopError
	return s.patient(c) && errors.As(err, &fatal) && fatal.Trouble == TroubleRun
}

// unstarted takes in that a start failed for good: an attempt that has ended,
// and its restart policy says what comes next.
func (s *Sandbox) unstarted(name string, attempt int, err error, now time.Time) {
	var fatal *StopError
	if !errors.As(err, &fatal) {
		return
	}
	c, cs := s.container(name)
	if attempt > cs.Attempt {
		cs.begin(attempt)
	}
	code := ExitStartError
	cs.State, cs.ExitCode, cs.FinishedAt = ContainerStopped, &code, now
	cs.Reason, cs.Message = ReasonStartError, fatal.text()
	cs.endTrouble()
	if !s.Desired.Stopped && c.Restart.again(code, 0) {
		cs.restart(&c.Restart)
		cs.Trouble, cs.TroubleText = TroubleRun, fatal.text()
	}
}

// endTrouble: what was waited for is there.
func (cs *ContainerStatus) endTrouble() {
	cs.Trouble, cs.TroubleText, cs.Tries, cs.TryAt = "", "", 0, time.Time{}
}

// backsOffAt is when a failure is no longer told as such but as the wait for
// the next try: after half of it. Zero when there is nothing to change.
func (cs *ContainerStatus) backsOffAt() time.Time {
	switch cs.Trouble {
	case TroublePull:
		return cs.TryAt.Add(-patience(cs.Trouble, cs.Tries) / 2)
	case TroubleRun:
		return cs.FinishedAt.Add(cs.RestartAt.Sub(cs.FinishedAt) / 2)
	}
	return time.Time{}
}

// backOff tells waits as such, once it is time.
func (s *Sandbox) backOff(now time.Time) {
	for i := range s.Status.Containers {
		cs := &s.Status.Containers[i]
		if at := cs.backsOffAt(); at.IsZero() || now.Before(at) {
			continue
		}
		if cs.Trouble == TroubleRun {
			cs.endTrouble()
			continue
		}
		cs.TroubleText = fmt.Sprintf("Back-off pulling image %q: %s: %s", s.Spec.Containers[i].Image, cs.Trouble, cs.TroubleText)
		cs.Trouble = TroubleBackOff
	}
}
