package sandbox

import (
	"testing"
	"time"
)

// TestEndsNotBeforeStart: Docker notes the start of a container after it has
// started it, and the end as the kernel told it, so that a short life may seem
// to end first.
func TestEndsNotBeforeStart(t *testing.T) {
	s := row{2, false, false, []ContainerStatus{is(ContainerCreated)}, nil}.sandbox()
	v := sees(s, func(v *view) {
		v.Containers["a"] = ObservedContainer{State: ContainerStopped, StartedAt: t0, FinishedAt: t0.Add(-5 * time.Millisecond), ExitCode: 3}
	})
	cs := next(s, v, t0).after.Status.Containers[0]
	if cs.State != ContainerStopped || !cs.StartedAt.Equal(t0) || !cs.FinishedAt.Equal(t0) {
		t.Errorf("it is %s, from %s to %s", cs.State, cs.StartedAt, cs.FinishedAt)
	}
}

// TestExecutionStopsAfterStart: a container may end after it was seen running
// and before the sandbox is called RUNNING.
func TestExecutionStopsAfterStart(t *testing.T) {
	cs := ended(0)
	s := row{2, true, true, []ContainerStatus{cs}, nil}.sandbox()
	s.Status.StartedAt = cs.FinishedAt.Add(time.Second)
	got := next(s, sees(s, nil), t0.Add(2*time.Second)).after
	if got.Status.Height != 1 || !got.Status.ExecutionStoppedAt.Equal(s.Status.StartedAt) {
		t.Errorf("height %d, started at %s, execution stopped at %s", got.Status.Height, s.Status.StartedAt, got.Status.ExecutionStoppedAt)
	}
}
