package sandbox_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
)

// scene runs one test in virtual time with an engine on the fake runtime.
func scene(t *testing.T, change func(*sandbox.Config), f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newBench(t, change)) })
}

func TestEndings(t *testing.T) {
	const early = "PROVISIONING PENDING STOPPING DEPROVISIONING STOPPED"
	for name, c := range map[string]struct {
		env, statuses, code, reason, container string
		exit                                   int // -1: none
	}{
		"exit at once":         {"FAKE_EXIT=0", allStatuses, "EssentialContainerExited", essential, "", 0},
		"exit after 10 ms":     {"FAKE_RUN_FOR=10ms FAKE_EXIT=9", allStatuses, "EssentialContainerExited", essential, "", 9},
		"out of memory":        {"FAKE_OOM_AFTER=3s", allStatuses, "EssentialContainerExited", essential, "OutOfMemoryError: Container killed due to memory usage", 137},
		"no image":             {"FAKE_PULL_ERROR=nope", early, "TaskFailedToStart", "CannotPullContainerError: nope", "CannotPullContainerError: nope", -1},
		"cannot start":         {"FAKE_START_ERROR=nope", early, "TaskFailedToStart", "CannotStartContainerError: nope", "CannotStartContainerError: nope", -1},
		"no network":           {"FAKE_NETWORK_ERROR=nope", "PROVISIONING DEPROVISIONING STOPPED", "TaskFailedToStart", "nope", "", -1},
		"nonsense in a script": {"FAKE_RUN_FOR=soon", "PROVISIONING DEPROVISIONING STOPPED", "TaskFailedToStart", `ResourceInitializationError: FAKE_RUN_FOR: time: invalid duration "soon"`, `ResourceInitializationError: FAKE_RUN_FOR: time: invalid duration "soon"`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				b.create(spec(1, c.env))
				s := b.wait(1, sandbox.Stopped)
				b.wantStatuses(1, c.statuses)
				b.wantStop(s, c.code, c.reason)
				got := s.Status.Containers[0]
				exit := -1
				if got.ExitCode != nil {
					exit = *got.ExitCode
				}
				if exit != c.exit || got.Reason != c.container || got.State != sandbox.ContainerStopped || got.OOMKilled != (c.exit == 137) {
					b.Errorf("exit %d, want %d; %+v", exit, c.exit, got)
				}
				if started := strings.Contains(c.statuses, "RUNNING"); started == s.Status.StartedAt.IsZero() {
					b.Errorf("StartedAt %v", s.Status.StartedAt)
				}
			})
		})
	}
}

func TestStopDuringLongPullCancelsIt(t *testing.T) {
	scene(t, nil, func(b *bench) {
		began := time.Now()
		b.create(spec(1, "FAKE_PULL_FOR=1h"))
		b.wait(1, sandbox.Pending)
		<-time.After(10 * time.Second)
		b.stopTask(1)
		s := b.wait(1, sandbox.Stopped)
		b.wantStatuses(1, "PROVISIONING PENDING STOPPING DEPROVISIONING STOPPED")
		b.wantStop(s, "UserInitiated", "Task stopped by user")
		if took := time.Since(began); took != 10*time.Second {
			b.Errorf("it took %v", took)
		}
		if s.Status.PullStartedAt.IsZero() || !s.Status.PullStoppedAt.Equal(s.Status.StoppingAt) || s.Status.Containers[0].ExitCode != nil {
			b.Errorf("%s", b.dump(1))
		}
	})
}

func TestStopBeforeAnything(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.update(func(tx *store.Tx) error {
			if err := sandbox.Create(tx, spec(1, "")); err != nil {
				return err
			}
			return sandbox.Stop(tx, id(1), sandbox.Desired{Code: "UserInitiated", Reason: "at once"})
		})
		b.wait(1, sandbox.Stopped)
		b.wantStatuses(1, "PROVISIONING DEPROVISIONING STOPPED")
		if n := b.rt.Calls("Up"); n != 0 {
			b.Errorf("Up was called %d times", n)
		}
	})
}

func TestStopIsIdempotentAndTheFirstReasonWins(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, "FAKE_IGNORE_TERM=1"))
		b.wait(1, sandbox.Running)
		began := time.Now()
		b.stopTask(1)
		b.update(func(tx *store.Tx) error {
			return sandbox.Stop(tx, id(1), sandbox.Desired{Code: "Other", Reason: "late"})
		})
		s := b.wait(1, sandbox.Stopped)
		b.wantStop(s, "UserInitiated", "Task stopped by user")
		if took := time.Since(began); took != 30*time.Second || *s.Status.Containers[0].ExitCode != 137 {
			b.Errorf("it took %v: %+v", took, s.Status.Containers[0])
		}
		before := b.get(1).Status.Version
		b.stopTask(1)
		if after := b.get(1).Status.Version; after != before {
			b.Errorf("stopping what has stopped changed it")
		}
	})
}

func TestGrace(t *testing.T) {
	for name, c := range map[string]struct {
		timeout, grace, shortened time.Duration // -1: not said
		want                      time.Duration
	}{
		"default":      {0, -1, -1, 30 * time.Second},
		"of container": {90 * time.Second, -1, -1, 90 * time.Second},
		"of stop":      {90 * time.Second, 5 * time.Second, -1, 5 * time.Second},
		"none":         {0, 0, -1, 0},
		"shortened":    {90 * time.Second, -1, time.Second, 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				p := spec(1, "FAKE_IGNORE_TERM=1")
				p.Containers[0].StopTimeout = c.timeout
				b.create(p)
				b.wait(1, sandbox.Running)
				began := time.Now()
				stop := func(grace time.Duration) {
					b.update(func(tx *store.Tx) error {
						d := sandbox.Desired{Code: "UserInitiated", Reason: "x"}
						if grace >= 0 {
							d.Grace = &grace
						}
						return sandbox.Stop(tx, id(1), d)
					})
				}
				stop(c.grace)
				if c.shortened >= 0 {
					<-time.After(10 * time.Second)
					stop(c.shortened)
				}
				b.wait(1, sandbox.Stopped)
				if took := time.Since(began); took != c.want {
					b.Errorf("it took %v, want %v", took, c.want)
				}
			})
		})
	}
}

func TestNonEssentialExitLeavesTheRest(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := spec(1, "FAKE_EXIT=4", "")
		p.Containers[0].Essential = false
		b.create(p)
		b.wait(1, sandbox.Running)
		<-time.After(time.Hour)
		s := b.get(1)
		if sandbox.LastStatus(s) != sandbox.Running || *s.Status.Containers[0].ExitCode != 4 || s.Status.Containers[1].State != sandbox.ContainerRunning {
			b.Errorf("%s", b.dump(1))
		}
	})
}

func TestEssentialExitStopsTheOthers(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, "FAKE_RUN_FOR=5s", "", "FAKE_STOP_EXIT=0"))
		s := b.wait(1, sandbox.Stopped)
		var codes []int
		for _, c := range s.Status.Containers {
			codes = append(codes, *c.ExitCode)
		}
		if !slices.Equal(codes, []int{0, 143, 0}) {
			b.Errorf("exit codes %v", codes)
		}
	})
}

func TestVanishing(t *testing.T) {
	t.Run("container", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(spec(1, "", ""))
			b.wait(1, sandbox.Running)
			b.rt.ForgetContainer(id(1), "a")
			s := b.wait(1, sandbox.Stopped)
			b.wantStop(s, "EssentialContainerExited", essential)
			c := s.Status.Containers[0]
			if c.ExitCode != nil || !strings.HasPrefix(c.Reason, "ContainerVanishedError: ") {
				b.Errorf("%+v", c)
			}
		})
	})
	t.Run("namespace", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(spec(1, ""))
			b.wait(1, sandbox.Running)
			b.rt.Forget(id(1))
			s := b.wait(1, sandbox.Stopped)
			b.wantStop(s, "TerminationNotice", "The network namespace of the task is gone: it was removed from outside")
			b.wantStatuses(1, allStatuses)
		})
	})
}

func TestManyAtOnce(t *testing.T) {
	scene(t, nil, func(b *bench) {
		const many = 200
		for n := range many {
			b.create(spec(n, fmt.Sprintf("FAKE_RUN_FOR=%ds FAKE_EXIT=%d", 1+n%7, n%5)))
		}
		for n := range many {
			s := b.wait(n, sandbox.Stopped)
			b.wantStatuses(n, allStatuses)
			if got := *s.Status.Containers[0].ExitCode; got != n%5 {
				b.Errorf("sandbox %d: exit %d", n, got)
			}
		}
		for _, op := range []string{"Up", "Start", "Down", "Pull"} {
			if n := b.rt.Calls(op); n != many {
				b.Errorf("%s was called %d times for %d sandboxes", op, n, many)
			}
		}
	})
}

func TestCommitsUntilRunning(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, ""))
		b.wait(1, sandbox.Running)
		synctest.Wait()
		<-time.After(10 * time.Minute) // resyncs change nothing
		all := b.history(1)
		if len(all) > 6 {
			b.Errorf("%d commits until RUNNING and after", len(all))
		}
		for i, s := range all {
			if s.Status.Version != int64(i+1) {
				b.Errorf("commit %d has version %d", i, s.Status.Version)
			}
		}
	})
}

func TestPodPassesTwoSteps(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := spec(1, "FAKE_RUN_FOR=5s", "FAKE_RUN_FOR=9s")
		p.Steps = 2
		p.Containers[0].Essential, p.Containers[1].Essential = false, false
		b.create(p)
		began := time.Now()
		s := b.wait(1, sandbox.Stopped)
		b.wantStatuses(1, "PROVISIONING PENDING RUNNING STOPPING DEPROVISIONING STOPPED")
		b.wantStop(s, "EssentialContainerExited", "All containers have exited")
		if took := time.Since(began); took != 9*time.Second {
			b.Errorf("it took %v", took)
		}
	})
}

func TestRuntimeAway(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, ""))
		b.wait(1, sandbox.Running)
		b.create(spec(2, "FAKE_RUN_FOR=30s FAKE_EXIT=5"))
		b.wait(2, sandbox.Running)
		b.rt.Away(true)
		b.create(spec(3, ""))
		<-time.After(20 * time.Minute)
		for n := 1; n <= 2; n++ {
			if s := b.get(n); sandbox.LastStatus(s) != sandbox.Running || s.Desired.Stopped {
				b.Errorf("while the runtime is away: %s", b.dump(n))
			}
		}
		waiting := b.get(3)
		if waiting.Status.Trouble != fake.ErrAway.Error() || waiting.Status.Tries < 8 || waiting.Status.TroubleAt.IsZero() {
			b.Errorf("while the runtime is away: %s", b.dump(3))
		}
		if n := len(b.history(3)); n > 20 {
			b.Errorf("%d commits of a sandbox that waits", n)
		}
		back := time.Now()
		b.rt.Away(false)
		s := b.wait(3, sandbox.Running)
		if took := time.Since(back); took > time.Second || s.Status.Trouble != "" || s.Status.Tries != 0 {
			b.Errorf("after %v: %s", took, b.dump(3))
		}
		two := b.wait(2, sandbox.Stopped)
		if *two.Status.Containers[0].ExitCode != 5 || two.Status.ExecutionStoppedAt.After(back.Add(-time.Minute)) {
			b.Errorf("the exit that nobody saw: %s", b.dump(2))
		}
		if one := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Trouble == "" }); sandbox.LastStatus(one) != sandbox.Running {
			b.Errorf("%s", b.dump(1))
		}
	})
}

func TestFaultsThatPass(t *testing.T) {
	for _, op := range []string{"Up", "Pull", "Start", "Inspect", "Stop", "Down"} {
		t.Run(op, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				b.rt.Fail(op, errors.New("out of order"))
				b.create(spec(1, "FAKE_RUN_FOR=20s", ""))
				s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Tries >= 4 })
				if s.Status.Trouble != "out of order" {
					b.Errorf("%s", b.dump(1))
				}
				b.rt.Fail(op, nil)
				s = b.wait(1, sandbox.Stopped)
				b.wantStatuses(1, allStatuses)
				b.wantStop(s, "EssentialContainerExited", essential)
				if s.Status.Trouble != "" || s.Status.Tries != 0 {
					b.Errorf("%s", b.dump(1))
				}
			})
		})
	}
}

func TestPatientSandboxWaitsForItsImage(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := spec(1, "")
		p.Patient = true
		b.create(p)
		b.wait(1, sandbox.Running)
		q := spec(2, "FAKE_PULL_ERROR=nope")
		q.Patient = true
		b.create(q)
		s := b.until(2, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Tries >= 4 })
		if sandbox.LastStatus(s) != sandbox.Pending || s.Status.Containers[0].Trouble != sandbox.TroublePull {
			b.Errorf("%s", b.dump(2))
		}
		b.stopTask(2)
		b.wait(2, sandbox.Stopped)
	})
}

func TestPrune(t *testing.T) {
	scene(t, nil, func(b *bench) {
		stray := spec(9, "")
		if _, err := b.rt.Up(b.Context(), &stray); err != nil {
			b.Fatal(err)
		}
		b.create(spec(1, ""))
		b.wait(1, sandbox.Running)
		<-time.After(31 * time.Second)
		ids, err := b.rt.List(b.Context())
		if err != nil || !slices.Equal(ids, []string{id(1)}) {
			b.Errorf("after a resync there are %v, %v", ids, err)
		}
	})
}

func TestRemove(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, ""))
		b.wait(1, sandbox.Running)
		remove := func() error {
			return b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.Remove(tx, id(1)) })
		}
		if err := remove(); !errors.Is(err, sandbox.ErrRunning) {
			b.Errorf("Remove of what runs: %v", err)
		}
		b.stopTask(1)
		b.wait(1, sandbox.Stopped)
		for range 2 {
			if err := remove(); err != nil {
				b.Error(err)
			}
		}
		if _, err := b.e.Wait(b.Context(), id(1), func(*sandbox.Sandbox) bool { return true }); !errors.Is(err, store.ErrNotFound) {
			b.Errorf("Wait for what was removed: %v", err)
		}
	})
}

func TestDelays(t *testing.T) {
	change := func(c *sandbox.Config) {
		c.Delay = func(step int, rising bool) time.Duration {
			if rising {
				return time.Duration(step) * time.Second
			}
			return time.Duration(step) * 10 * time.Second
		}
	}
	scene(t, change, func(b *bench) {
		began := time.Now()
		b.create(spec(1, ""))
		b.wait(1, sandbox.Running)
		if took := time.Since(began); took != 6*time.Second {
			b.Errorf("RUNNING after %v", took)
		}
		b.stopTask(1)
		b.wait(1, sandbox.Stopped)
		b.wantStatuses(1, allStatuses)
		if took := time.Since(began); took != 66*time.Second {
			b.Errorf("STOPPED after %v", took)
		}
	})
}
