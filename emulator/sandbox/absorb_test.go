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
