package sandbox_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

const (
	allStatuses = "PROVISIONING PENDING ACTIVATING RUNNING DEACTIVATING STOPPING DEPROVISIONING STOPPED"
	essential   = "Essential container in task exited"
)

func TestTaskPassesAllStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		began := time.Now()
		b.create(spec(1, "FAKE_PULL_FOR=2s FAKE_START_AFTER=1s FAKE_RUN_FOR=10s FAKE_EXIT=3"))
		s := b.wait(1, sandbox.Stopped)
		b.wantStatuses(1, allStatuses)
		b.wantStop(s, "EssentialContainerExited", essential)
		c := s.Status.Containers[0]
		if c.ExitCode == nil || *c.ExitCode != 3 || c.State != sandbox.ContainerStopped || c.ImageDigest == "" || c.RuntimeID == "" {
			t.Errorf("%+v", c)
		}
		for what, at := range map[string]struct {
			got  time.Time
			want time.Duration
		}{
			"ConnectivityAt":     {s.Status.ConnectivityAt, 0},
			"PullStartedAt":      {s.Status.PullStartedAt, 0},
			"PullStoppedAt":      {s.Status.PullStoppedAt, 2 * time.Second},
			"StartedAt":          {s.Status.StartedAt, 3 * time.Second},
			"StoppingAt":         {s.Status.StoppingAt, 13 * time.Second},
			"ExecutionStoppedAt": {s.Status.ExecutionStoppedAt, 13 * time.Second},
			"StoppedAt":          {s.Status.StoppedAt, 13 * time.Second},
		} {
			if !at.got.Equal(began.Add(at.want)) {
				t.Errorf("%s is %v after the beginning, want %v", what, at.got.Sub(began), at.want)
			}
		}
		if n := len(b.history(1)); n > 13 {
			t.Errorf("%d commits for one life", n)
		}
		if ids, err := b.rt.List(t.Context()); err != nil || len(ids) > 0 {
			t.Errorf("left behind: %v, %v", ids, err)
		}
	})
}
