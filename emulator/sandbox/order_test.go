package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

func needs(c *sandbox.Container, condition sandbox.Condition, on ...string) {
	for _, name := range on {
		c.Needs = append(c.Needs, sandbox.Need{Container: name, Condition: condition})
	}
}

func startedAfter(s *sandbox.Sandbox) []time.Duration {
	var all []time.Duration
	for _, c := range s.Status.Containers {
		all = append(all, c.StartedAt.Sub(s.CreatedAt))
	}
	return all
}

func TestStartOrder(t *testing.T) {
	probe := &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Interval: 5 * time.Second, Delay: 5 * time.Second, Failures: 3}
	for name, c := range map[string]struct {
		condition sandbox.Condition
		env       string
		health    *sandbox.Probe
		want      time.Duration // when the second one starts
	}{
		"START":    {sandbox.Start, "FAKE_START_AFTER=3s", nil, 3 * time.Second},
		"COMPLETE": {sandbox.Exited, "FAKE_RUN_FOR=7s FAKE_EXIT=5", nil, 7 * time.Second},
		"SUCCESS":  {sandbox.Success, "FAKE_RUN_FOR=7s", nil, 7 * time.Second},
		"HEALTHY":  {sandbox.Healthy, "FAKE_HEALTHY_AFTER=12s", probe, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				p := spec(1, c.env, "")
				p.Containers[0].Essential, p.Containers[0].Health = false, c.health
				needs(&p.Containers[1], c.condition, "a")
				b.create(p)
				s := b.wait(1, sandbox.Running)
				if got := startedAfter(s); got[1] != c.want || s.Status.StartedAt.Sub(s.CreatedAt) != c.want {
					b.Errorf("started after %v, want %v; RUNNING after %v", got, c.want, s.Status.StartedAt.Sub(s.CreatedAt))
				}
			})
		})
	}
}

func TestIndependentContainersStartTogether(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, "FAKE_PULL_FOR=4s FAKE_START_AFTER=3s", "FAKE_PULL_FOR=5s FAKE_START_AFTER=3s"))
		s := b.wait(1, sandbox.Running)
		if got := startedAfter(s); !slices.Equal(got, []time.Duration{8 * time.Second, 8 * time.Second}) {
			b.Errorf("started after %v", got)
		}
	})
}

func TestWaitingInVain(t *testing.T) {
	probe := &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Interval: 5 * time.Second, Failures: 3}
	for name, c := range map[string]struct {
		change  func(p *sandbox.Spec)
		env     string
		took    time.Duration
		blamed  string
		message string
	}{
		"SUCCESS that failed": {func(p *sandbox.Spec) { needs(&p.Containers[1], sandbox.Success, "a") }, "FAKE_RUN_FOR=3s FAKE_EXIT=2", 3 * time.Second, "b",
			"TaskDependencyError: container b waits for condition SUCCESS of container a, which ended with exit code 2"},
		"HEALTHY that ended": {func(p *sandbox.Spec) {
			needs(&p.Containers[1], sandbox.Healthy, "a")
			p.Containers[0].Health = probe
		}, "FAKE_HEALTHY_AFTER=1h FAKE_RUN_FOR=4s", 4 * time.Second, "b",
			"TaskDependencyError: container b waits for condition HEALTHY of container a, which ended with exit code 0"},
		"COMPLETE too late": {func(p *sandbox.Spec) {
			needs(&p.Containers[1], sandbox.Exited, "a")
			p.Containers[0].StartTimeout = 2 * time.Minute
		}, "", 2 * time.Minute, "a", "ContainerRuntimeTimeoutError: Could not transition to complete; timed out after waiting 2m0s"},
		"a circle": {func(p *sandbox.Spec) {
			needs(&p.Containers[1], sandbox.Start, "a")
			needs(&p.Containers[0], sandbox.Start, "b")
		}, "", 0, "a", "TaskDependencyError: Task dependencies cannot be resolved, taskArn: arn:aws:ecs:us-east-1:000000000000:task/c/" + id(1)},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				p := spec(1, c.env, "")
				p.Containers[0].Essential = false
				c.change(&p)
				began := time.Now()
				b.create(p)
				s := b.wait(1, sandbox.Stopped)
				b.wantStop(s, "TaskFailedToStart", "Task failed to start")
				b.wantStatuses(1, "PROVISIONING PENDING STOPPING DEPROVISIONING STOPPED")
				for _, cs := range s.Status.Containers {
					if cs.Name == c.blamed && cs.Reason != c.message {
						b.Errorf("%s says %q, want %q", cs.Name, cs.Reason, c.message)
					}
				}
				if took := time.Since(began); took != c.took {
					b.Errorf("it took %v, want %v", took, c.took)
				}
			})
		})
	}
}

func TestInitContainers(t *testing.T) {
	two := func(env string) sandbox.Spec {
		p := spec(1, env, "FAKE_RUN_FOR=1m")
		p.Steps = 2
		p.Containers[0].Essential, p.Containers[0].Init = false, true
		p.Containers[1].Essential = false
		needs(&p.Containers[1], sandbox.Success, "a")
		return p
	}
	t.Run("ends well", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(two("FAKE_RUN_FOR=9s"))
			if s := b.wait(1, sandbox.Running); s.Status.StartedAt.Sub(s.CreatedAt) != 9*time.Second {
				b.Error(b.dump(1))
			}
		})
	})
	t.Run("fails", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(two("FAKE_EXIT=3"))
			b.wantStop(b.wait(1, sandbox.Stopped), "TaskFailedToStart", "Init container a ended with exit code 3")
		})
	})
	t.Run("is tried again", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			p := two("FAKE_EXIT=3")
			p.Containers[0].Restart = sandbox.Restart{Policy: sandbox.RestartOnFailure, Fresh: true, Backoff: 10 * time.Second, MaxBackoff: time.Minute}
			b.create(p)
			<-time.After(15 * time.Second)
			if s := b.get(1); sandbox.LastStatus(s) != sandbox.Pending || s.Status.Containers[0].Attempt != 2 || s.Status.Containers[1].State != sandbox.ContainerPulled {
				b.Error(b.dump(1))
			}
		})
	})
}

func TestStopOrder(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := spec(1, "FAKE_STOP_FOR=1s", "FAKE_STOP_FOR=2s", "FAKE_STOP_FOR=4s", "FAKE_STOP_FOR=8s")
		needs(&p.Containers[1], sandbox.Start, "a")
		needs(&p.Containers[2], sandbox.Start, "b")
		b.create(p)
		b.wait(1, sandbox.Running)
		began := time.Now()
		b.stopTask(1)
		s := b.wait(1, sandbox.Stopped)
		var ends []string
		for _, c := range s.Status.Containers {
			ends = append(ends, c.FinishedAt.Sub(began).String())
		}
		// c and d at once; only when both have ended, b; then a.
		if got := strings.Join(ends, " "); got != "11s 10s 4s 8s" {
			b.Errorf("ended after %s", got)
		}
	})
}
