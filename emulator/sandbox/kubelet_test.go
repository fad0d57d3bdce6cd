package sandbox_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// What a kubelet promises to a pod's containers.

func crashLoop(policy sandbox.RestartPolicy) sandbox.Restart {
	return sandbox.Restart{Policy: policy, Fresh: true, Backoff: 10 * time.Second, MaxBackoff: 5 * time.Minute, ResetBackoff: 10 * time.Minute}
}

func initContainer(name, env string, policy sandbox.RestartPolicy) sandbox.Container {
	c := main(name, env)
	c.Init, c.Restart = true, crashLoop(policy)
	return c
}

// starts lists when which attempt of a container began, as "a0 5s".
func (b *bench) starts(n int) []string {
	b.Helper()
	var all []string
	for _, s := range b.history(n) {
		for _, c := range s.Status.Containers {
			if c.StartedAt.IsZero() {
				continue
			}
			text := c.Name + string(rune('0'+c.Attempt)) + " " + c.StartedAt.Sub(s.CreatedAt).String()
			if !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return all
}

func (b *bench) wants(what string, got []string, want ...string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestInitContainersRunInOrder(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, main("a", "FAKE_RUN_FOR=1m"), main("b", "FAKE_RUN_FOR=1m"),
			initContainer("i", "FAKE_RUN_FOR=3s", sandbox.RestartNever), initContainer("j", "FAKE_RUN_FOR=4s", sandbox.RestartOnFailure)))
		s := b.wait(1, sandbox.Running)
		if took := s.Status.StartedAt.Sub(s.CreatedAt); took != 7*time.Second {
			b.Errorf("RUNNING after %v", took)
		}
		b.wait(1, sandbox.Stopped)
		b.wants("starts", b.starts(1), "i0 0s", "j0 3s", "a0 7s", "b0 7s")
	})
}

func TestInitContainerThatFails(t *testing.T) {
	t.Run("is tried again with backoff", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(podOf(1, initContainer("i", "FAKE_RUN_FOR=1s FAKE_EXIT=1", sandbox.RestartOnFailure), main("a", "")))
			<-time.After(100 * time.Second)
			b.wants("starts", b.starts(1), "i0 0s", "i1 1s", "i2 12s", "i3 33s", "i4 1m14s")
			if s := b.get(1); sandbox.LastStatus(s) != sandbox.Pending {
				b.Error(b.dump(1))
			}
		})
	})
	t.Run("ends the sandbox", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(podOf(1, initContainer("i", "FAKE_RUN_FOR=1s FAKE_EXIT=4", sandbox.RestartNever), main("a", "")))
			s := b.wait(1, sandbox.Stopped)
			b.wantStop(s, "TaskFailedToStart", "Init container i ended with exit code 4")
			b.wants("starts", b.starts(1), "i0 0s")
		})
	})
}

func TestSidecars(t *testing.T) {
	scene(t, nil, func(b *bench) {
		one := initContainer("one", "FAKE_HEALTHY_AFTER=4s FAKE_STOP_FOR=1s", sandbox.RestartAlways)
		one.Startup = &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Interval: time.Second, Failures: 10}
		two := initContainer("two", "FAKE_RUN_FOR=30s FAKE_STOP_FOR=2s", sandbox.RestartAlways)
		b.create(podOf(1, one, initContainer("i", "FAKE_RUN_FOR=2s", sandbox.RestartNever), two, main("a", "FAKE_RUN_FOR=50s")))
		b.wait(1, sandbox.Running)
		s := b.wait(1, sandbox.Stopped)
		b.wants("starts", b.starts(1), "one0 0s", "i0 4s", "two0 6s", "a0 6s", "two1 36s")
		var ends []string
		for _, c := range s.Status.Containers {
			ends = append(ends, c.Name+" "+c.FinishedAt.Sub(s.CreatedAt).String())
		}
		b.wants("ends", ends, "one 59s", "i 6s", "two 58s", "a 56s")
	})
}

func TestSidecarHasWhatIsLeftOfTheGrace(t *testing.T) {
	for grace, want := range map[time.Duration]time.Duration{20 * time.Second: 20 * time.Second, 12 * time.Second: 14 * time.Second} {
		scene(t, nil, func(b *bench) {
			b.create(podOf(1, initContainer("side", "FAKE_IGNORE_TERM=1", sandbox.RestartAlways), main("a", "FAKE_STOP_FOR=12s")))
			b.wait(1, sandbox.Running)
			began := time.Now()
			b.stopWithin(1, grace)
			b.wait(1, sandbox.Stopped)
			if took := time.Since(began); took != want {
				b.Errorf("with a grace of %v it took %v, want %v", grace, took, want)
			}
		})
	}
}

func TestCrashLoopBackOff(t *testing.T) {
	scene(t, nil, func(b *bench) {
		a := main("a", "FAKE_RUN_FOR=1s FAKE_EXIT=1")
		a.Restart = crashLoop(sandbox.RestartAlways)
		long := main("b", "FAKE_RUN_FOR=11m")
		long.Restart = crashLoop(sandbox.RestartAlways)
		b.create(podOf(1, a, long))
		<-time.After(34 * time.Minute)
		var as, bs []string
		for _, text := range b.starts(1) {
			if strings.HasPrefix(text, "a") {
				as = append(as, text)
			} else {
				bs = append(bs, text)
			}
		}
		b.wants("the crashing one", as[:8], "a0 0s", "a1 1s", "a2 12s", "a3 33s", "a4 1m14s", "a5 2m35s", "a6 5m16s", "a7 10m17s")
		b.wants("the one that ran long", bs, "b0 0s", "b1 11m0s", "b2 22m0s", "b3 33m0s")
		if last := b.get(1).Status.Containers[0].LastExit; last == nil || last.Code != 1 {
			b.Errorf("last exit %+v", last)
		}
	})
}

func TestPodEndsWithItsLastContainer(t *testing.T) {
	scene(t, nil, func(b *bench) {
		again := main("b", "FAKE_RUN_FOR=20s FAKE_EXIT=0")
		again.Restart = crashLoop(sandbox.RestartOnFailure)
		b.create(podOf(1, main("a", "FAKE_EXIT=3"), again))
		s := b.wait(1, sandbox.Stopped)
		if took := s.Status.StoppedAt.Sub(s.CreatedAt); took != 20*time.Second {
			b.Errorf("it ended after %v", took)
		}
		b.wantStop(s, "EssentialContainerExited", "All containers have exited")
	})
}

// troubles lists how a container's waits were told, as "ErrImagePull 0s".
func (b *bench) troubles(n, i int) []string {
	b.Helper()
	var all []string
	last := ""
	for at, s := range b.timed(n) {
		if len(s.Status.Containers) <= i {
			continue
		}
		if c := s.Status.Containers[i]; c.Trouble != last {
			last = c.Trouble
			all = append(all, strings.TrimSpace(last+" "+at.Sub(s.CreatedAt).String()))
		}
	}
	return all
}

func TestImagePullBackOff(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, main("a", "FAKE_PULL_ERROR=nope"), main("b", "FAKE_RUN_FOR=5s FAKE_EXIT=1")))
		<-time.After(32 * time.Second)
		b.wants("troubles", b.troubles(1, 0), "ErrImagePull 0s", "ImagePullBackOff 5s", "ErrImagePull 10s", "ImagePullBackOff 20s", "ErrImagePull 30s")
		<-time.After(time.Hour)
		s := b.get(1)
		if c := s.Status.Containers[0]; time.Until(c.TryAt) > 5*time.Minute || c.State != sandbox.ContainerPulling || c.TroubleText == "" {
			b.Errorf("%+v", c)
		}
		// The other one has run; no trouble of its neighbour keeps it.
		if c := s.Status.Containers[1]; c.ExitCode == nil || c.FinishedAt.Sub(s.CreatedAt) != 5*time.Second {
			b.Errorf("%+v", c)
		}
		if s.Status.Trouble != "" || sandbox.LastStatus(s) != sandbox.Pending {
			b.Error(b.dump(1))
		}
		b.stopTask(1)
		b.wait(1, sandbox.Stopped)
	})
}

func TestStartError(t *testing.T) {
	t.Run("with a restart policy", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			a := main("a", "FAKE_START_ERROR=no-such-file")
			a.Restart = crashLoop(sandbox.RestartAlways)
			b.create(podOf(1, a))
			<-time.After(45 * time.Second)
			b.wants("troubles", b.troubles(1, 0), "RunContainerError 0s", "5s", "RunContainerError 10s", "20s", "RunContainerError 30s")
			c := b.get(1).Status.Containers[0]
			if c.ExitCode == nil || *c.ExitCode != 128 || c.Reason != "StartError" || c.Message != "no-such-file" || c.RestartAt.IsZero() || c.LastExit == nil || c.LastExit.Reason != "StartError" {
				b.Errorf("%+v", c)
			}
		})
	})
	t.Run("without", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(podOf(1, main("a", "FAKE_START_ERROR=no-such-file"), main("b", "FAKE_RUN_FOR=5s")))
			s := b.wait(1, sandbox.Stopped)
			if c := s.Status.Containers[0]; c.ExitCode == nil || *c.ExitCode != 128 || c.Reason != "StartError" || c.Trouble != "" {
				b.Errorf("%+v", c)
			}
			b.wantStop(s, "EssentialContainerExited", "All containers have exited")
		})
	})
}

func TestHooksOfPods(t *testing.T) {
	t.Run("the time of preStop counts", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			a := main("a", "FAKE_IGNORE_TERM=1")
			a.PreStop, a.StopTimeout = &sandbox.Action{Sleep: 7 * time.Second}, 20*time.Second
			b.create(podOf(1, a))
			b.wait(1, sandbox.Running)
			began := time.Now()
			b.stopTask(1)
			b.wait(1, sandbox.Stopped)
			if took := time.Since(began); took != 20*time.Second {
				b.Errorf("it took %v", took)
			}
		})
	})
	t.Run("preStop longer than the grace leaves two seconds", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			a := main("a", "FAKE_IGNORE_TERM=1")
			a.PreStop, a.StopTimeout = &sandbox.Action{Sleep: time.Minute}, 20*time.Second
			b.create(podOf(1, a))
			b.wait(1, sandbox.Running)
			began := time.Now()
			b.stopTask(1)
			b.wait(1, sandbox.Stopped)
			if took := time.Since(began); took != 22*time.Second {
				b.Errorf("it took %v", took)
			}
		})
	})
	t.Run("postStart holds those behind it", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			first := main("b", "FAKE_RUN_FOR=1m")
			first.PostStart = &sandbox.Action{Sleep: 6 * time.Second}
			b.create(podOf(1, main("a", "FAKE_RUN_FOR=1m"), first, main("c", "FAKE_RUN_FOR=1m")))
			b.wait(1, sandbox.Stopped)
			b.wants("starts", b.starts(1), "a0 0s", "b0 0s", "c0 6s")
		})
	})
	t.Run("postStart that fails has the container started again", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			a := main("a", "FAKE_EXEC_EXIT=3")
			a.PostStart, a.Restart = &sandbox.Action{Exec: []string{"hello"}}, crashLoop(sandbox.RestartAlways)
			b.create(podOf(1, a))
			<-time.After(15 * time.Second)
			b.wants("starts", b.starts(1), "a0 0s", "a1 0s", "a2 10s")
			if last := b.get(1).Status.Containers[0].LastExit; last == nil || !strings.HasPrefix(last.Reason, "PostStartHookError: ") {
				b.Errorf("last exit %+v", last)
			}
		})
	})
}

func TestASlowPullKeepsNobodyElse(t *testing.T) {
	scene(t, nil, func(b *bench) {
		a := main("a", "FAKE_UNHEALTHY_AFTER=20s")
		a.Liveness = &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Interval: 5 * time.Second, Failures: 1}
		a.Restart = crashLoop(sandbox.RestartAlways)
		b.create(podOf(1, initContainer("i", "FAKE_RUN_FOR=2s", sandbox.RestartNever), a, main("slow", "FAKE_PULL_FOR=1m")))
		<-time.After(50 * time.Second)
		b.wants("starts", b.starts(1), "i0 0s", "a0 2s", "a1 22s")
		s := b.wait(1, sandbox.Running)
		if at := s.Status.StartedAt.Sub(s.CreatedAt); at != time.Minute {
			b.Errorf("RUNNING after %v", at)
		}
	})
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, main("slow", "FAKE_PULL_FOR=1h")))
		<-time.After(time.Minute)
		b.stopTask(1)
		b.wait(1, sandbox.Stopped)
		b.create(podOf(2, main("slow", "FAKE_PULL_FOR=1m")))
		<-time.After(30 * time.Second)
		b.restart() // a new engine pulls anew
		if s := b.wait(2, sandbox.Running); s.Status.StartedAt.Sub(s.CreatedAt) != 90*time.Second {
			b.Error(b.dump(2))
		}
		b.rt.Fail("Pull", errors.New("away"))
		b.create(podOf(3, main("a", "")))
		<-time.After(time.Minute)
		b.rt.Fail("Pull", nil)
		b.wait(3, sandbox.Running)
	})
}
