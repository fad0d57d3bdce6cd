package sandbox_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// ecsCheck is a health check with Fargate's numbers.
func ecsCheck() *sandbox.Probe {
	return &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Delay: 30 * time.Second, Interval: 30 * time.Second, Timeout: 5 * time.Second, Failures: 3}
}

// healths lists the health values that the feed has shown, with their times
// after the start.
func (b *bench) healths(n int) []string {
	b.Helper()
	var all []string
	for _, s := range b.history(n) {
		c := s.Status.Containers[0]
		if h := string(sandbox.TaskHealth(s)); c.State == sandbox.ContainerRunning && (len(all) == 0 || !strings.HasPrefix(all[len(all)-1], h)) {
			at := time.Duration(0)
			if !c.HealthSince.IsZero() {
				at = c.HealthSince.Sub(c.StartedAt)
			}
			all = append(all, h+" "+at.String())
		}
	}
	return all
}

func TestHealthChecks(t *testing.T) {
	for name, c := range map[string]struct {
		env   string
		grace time.Duration
		want  []string
	}{
		"passes":                   {"", 0, []string{"UNKNOWN 0s", "HEALTHY 30s"}},
		"passes late":              {"FAKE_HEALTHY_AFTER=45s", 0, []string{"UNKNOWN 0s", "HEALTHY 1m0s"}},
		"never passes":             {"FAKE_HEALTHY_AFTER=9h", 0, []string{"UNKNOWN 0s", "UNHEALTHY 1m30s"}},
		"fails later":              {"FAKE_UNHEALTHY_AFTER=100s", 0, []string{"UNKNOWN 0s", "HEALTHY 30s", "UNHEALTHY 3m0s"}},
		"failures in start period": {"FAKE_HEALTHY_AFTER=9h", 100 * time.Second, []string{"UNKNOWN 0s", "UNHEALTHY 3m0s"}},
		"success ends the period":  {"FAKE_UNHEALTHY_AFTER=40s", time.Hour, []string{"UNKNOWN 0s", "HEALTHY 30s", "UNHEALTHY 2m0s"}},
		"recovers":                 {"FAKE_HEALTHY_AFTER=200s", 0, []string{"UNKNOWN 0s", "UNHEALTHY 1m30s", "HEALTHY 3m30s"}},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				p := spec(1, c.env)
				p.Containers[0].Health = ecsCheck()
				p.Containers[0].Health.Grace = c.grace
				b.create(p)
				b.wait(1, sandbox.Running)
				<-time.After(time.Hour)
				if got := b.healths(1); !slices.Equal(got, c.want) {
					b.Errorf("health %q, want %q", got, c.want)
				}
				if s := b.get(1); sandbox.LastStatus(s) != sandbox.Running {
					b.Errorf("a health check stopped a task: %s", b.dump(1))
				}
			})
		})
	}
}

func TestHealthStaysOverARestartOfTheEngine(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := spec(1, "FAKE_UNHEALTHY_AFTER=10m")
		p.Containers[0].Health = ecsCheck()
		b.create(p)
		healthy := b.until(1, func(s *sandbox.Sandbox) bool { return sandbox.TaskHealth(s) == sandbox.HealthHealthy })
		b.stop()
		<-time.After(20 * time.Minute)
		b.start()
		<-time.After(35 * time.Second)
		if s := b.get(1); sandbox.TaskHealth(s) != sandbox.HealthHealthy || s.Status.Version != healthy.Status.Version {
			b.Errorf("two failures are not three: %s", b.dump(1))
		}
		s := b.until(1, func(s *sandbox.Sandbox) bool { return sandbox.TaskHealth(s) == sandbox.HealthUnhealthy })
		if c := s.Status.Containers[0]; c.HealthExit != 1 || c.HealthOutput != "check\n" {
			b.Errorf("%+v", c)
		}
	})
}

// noExec hides what the fake runtime can beyond the interface.
type noExec struct{ sandbox.Runtime }

func TestRuntimeThatCannotProbe(t *testing.T) {
	scene(t, func(c *sandbox.Config) { c.Runtime = noExec{c.Runtime} }, func(b *bench) {
		p := spec(1, "")
		p.Containers[0].Health = ecsCheck()
		p.Containers[0].Startup = &sandbox.Probe{Action: sandbox.Action{TCP: 80}, Interval: time.Second}
		p.Containers[0].Log.Driver = "awslogs"
		b.create(p)
		b.wait(1, sandbox.Running)
		s := b.until(1, func(s *sandbox.Sandbox) bool { return len(s.Status.Notes) > 1 })
		want := []string{
			"a: logs do not reach awslogs: there is no way to read or to keep them",
			"a: probe cannot be done: the runtime has no dial",
		}
		slices.Sort(s.Status.Notes)
		if !slices.Equal(s.Status.Notes, want) {
			b.Errorf("notes %q", s.Status.Notes)
		}
		<-time.After(time.Hour)
		if s := b.get(1); sandbox.TaskHealth(s) != sandbox.HealthUnknown {
			b.Error(b.dump(1))
		}
	})
}

// pod is a sandbox of one container that is restarted for ever.
func pod(env string) sandbox.Spec {
	p := spec(1, env)
	p.Steps = 2
	c := &p.Containers[0]
	c.Essential = false
	c.Restart = sandbox.Restart{Policy: sandbox.RestartAlways, Fresh: true, Backoff: 10 * time.Second, MaxBackoff: 5 * time.Minute}
	return p
}

func TestReadiness(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := pod("FAKE_HEALTHY_AFTER=7s FAKE_UNHEALTHY_AFTER=1m")
		p.Containers[0].Health = &sandbox.Probe{Action: sandbox.Action{HTTP: &sandbox.HTTPGet{Port: 80, Path: "/ready"}}, Interval: 2 * time.Second, Timeout: time.Second, Failures: 3, Passes: 2}
		b.create(p)
		s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Ready })
		if at := s.Status.Containers[0].HealthSince.Sub(s.CreatedAt); at != 10*time.Second {
			b.Errorf("ready after %v", at)
		}
		s = b.until(1, func(s *sandbox.Sandbox) bool { return !s.Status.Containers[0].Ready })
		if at := s.Status.Containers[0].HealthSince.Sub(s.CreatedAt); at != 64*time.Second {
			b.Errorf("unready after %v", at)
		}
		if c := s.Status.Containers[0]; c.State != sandbox.ContainerRunning || c.Attempt != 0 {
			b.Errorf("readiness has killed: %+v", c)
		}
	})
}

func TestLiveness(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := pod("FAKE_UNHEALTHY_AFTER=20s")
		p.Containers[0].Liveness = &sandbox.Probe{Action: sandbox.Action{TCP: 80, Exec: []string{"check"}}, Interval: 10 * time.Second, Failures: 3}
		b.create(p)
		s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Attempt == 1 })
		last := s.Status.Containers[0].LastExit
		if last == nil || last.Code != 143 || last.FinishedAt.Sub(last.StartedAt) != 40*time.Second {
			b.Errorf("last exit %+v", last)
		}
		found := false
		for _, s := range b.history(1) {
			c := s.Status.Containers[0]
			found = found || c.State == sandbox.ContainerStopped && c.Reason == "Container failed liveness probe: exit code 1: check"
		}
		if !found {
			b.Error("no commit tells that the liveness probe failed")
		}
	})
}

func TestStartupProbe(t *testing.T) {
	startup := &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Interval: time.Second, Failures: 5}
	t.Run("holds the others back", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			p := pod("FAKE_HEALTHY_AFTER=4500ms")
			patient := *startup
			patient.Failures = 10
			p.Containers[0].Startup = &patient
			p.Containers[0].Liveness = &sandbox.Probe{Action: startup.Action, Interval: time.Second, Failures: 1}
			b.create(p)
			s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Started })
			if at := time.Since(s.CreatedAt); at != 5*time.Second || !s.Status.Containers[0].Ready {
				b.Errorf("started after %v: %s", at, b.dump(1))
			}
			<-time.After(time.Minute)
			if c := b.get(1).Status.Containers[0]; c.Attempt != 0 {
				b.Errorf("it was killed: %+v", c)
			}
		})
	})
	t.Run("kills in the end", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			p := pod("FAKE_HEALTHY_AFTER=1h")
			p.Containers[0].Startup = startup
			b.create(p)
			s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Attempt == 1 })
			if ran := s.Status.Containers[0].LastExit; ran.FinishedAt.Sub(ran.StartedAt) != 4*time.Second {
				b.Errorf("%+v", ran)
			}
		})
	})
}

func TestFailuresOfProbesAreCountedForPods(t *testing.T) {
	check := &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Interval: time.Second, Failures: 1000}
	startup := func(patient bool) sandbox.Spec {
		p := pod("FAKE_HEALTHY_AFTER=9h")
		p.Patient = patient
		p.Containers[0].Startup = check
		return p
	}
	t.Run("each, and not all of a flood", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(startup(true))
			s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Failures.Startup.Count == 3 })
			if got := s.Status.Containers[0].Failures; got != (sandbox.Failures{Startup: sandbox.Failed{Count: 3, Output: "check\n"}}) {
				b.Errorf("%+v", got)
			}
			b.restart()
			b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Failures.Startup.Count == 5 })
			<-time.After(10 * time.Minute)
			var told []int
			for _, s := range b.history(1) {
				if n := s.Status.Containers[0].Failures.Startup.Count; n > 0 && (len(told) == 0 || told[len(told)-1] != n) {
					told = append(told, n)
				}
			}
			if told[len(told)-1] < 300 || len(told) > 60 || !slices.Contains(told, 25) {
				b.Errorf("%d were told: %v", len(told), told)
			}
		})
	})
	t.Run("until the run is over", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			p := startup(true)
			few := *check
			few.Failures = 2
			p.Containers[0].Startup = &few
			b.create(p)
			s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Attempt == 1 })
			if got := s.Status.Containers[0].Failures; got != (sandbox.Failures{}) {
				b.Errorf("%+v", got)
			}
			told := 0
			for _, s := range b.history(1) {
				told = max(told, s.Status.Containers[0].Failures.Startup.Count)
			}
			if told != 2 {
				b.Errorf("%d failures were told", told)
			}
		})
	})
	t.Run("not for tasks", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			b.create(startup(false))
			<-time.After(time.Minute)
			if got := b.get(1).Status.Containers[0].Failures; got != (sandbox.Failures{}) {
				b.Errorf("%+v", got)
			}
		})
	})
}

// deaf is a runtime in which nothing that is asked answers within its time.
type deaf struct{ sandbox.Runtime }

func (deaf) Exec(ctx context.Context, _, _ string, _ []string, _ []sandbox.EnvVar, _ sandbox.Streams) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (deaf) Dial(ctx context.Context, _, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestProbesThatTakeTooLong(t *testing.T) {
	for name, c := range map[string]struct {
		action sandbox.Action
		want   string
	}{
		"exec": {sandbox.Action{Exec: []string{"check", "all"}}, `command timed out: "check all" timed out after 1s`},
		"HTTP": {sandbox.Action{HTTP: &sandbox.HTTPGet{Port: 80, Path: "/ok"}}, `Get "http://ADDRESS:80/ok": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`},
		"TCP":  {sandbox.Action{TCP: 6379}, "dial tcp ADDRESS:6379: i/o timeout"},
		"gRPC": {sandbox.Action{GRPC: &sandbox.GRPC{Port: 2379}}, "timeout: health rpc did not complete within 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, func(c *sandbox.Config) { c.Runtime = deaf{c.Runtime} }, func(b *bench) {
				p := pod("")
				p.Patient = true
				p.Containers[0].Liveness = &sandbox.Probe{Action: c.action, Interval: 2 * time.Second, Timeout: time.Second, Failures: 9}
				b.create(p)
				s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Failures.Liveness.Count == 1 })
				want := strings.ReplaceAll(c.want, "ADDRESS", s.Status.Address.IP)
				if got := s.Status.Containers[0].Failures.Liveness.Output; got != want {
					b.Errorf("%q, not %q", got, want)
				}
			})
		})
	}
}

func TestHooks(t *testing.T) {
	t.Run("before the stop, within the grace", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			p := spec(1, "FAKE_STOP_FOR=5s")
			p.Containers[0].PreStop = &sandbox.Action{Exec: []string{"bye"}}
			b.create(p)
			b.wait(1, sandbox.Running)
			b.stopTask(1)
			s := b.wait(1, sandbox.Stopped)
			if *s.Status.Containers[0].ExitCode != 143 || b.rt.Calls("Exec") != 1 {
				b.Errorf("%d calls: %s", b.rt.Calls("Exec"), b.dump(1))
			}
		})
	})
	t.Run("after the start", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			p := spec(1, "", "")
			p.Containers[0].PostStart = &sandbox.Action{Exec: []string{"hello"}}
			needs(&p.Containers[1], sandbox.Start, "a")
			b.create(p)
			s := b.wait(1, sandbox.Running)
			if !s.Status.Containers[0].PostStarted || b.rt.Calls("Exec") != 1 {
				b.Errorf("%d calls: %s", b.rt.Calls("Exec"), b.dump(1))
			}
			b.restart()
			<-time.After(time.Hour)
			if b.rt.Calls("Exec") != 1 {
				b.Error("it was done again after a restart of the engine")
			}
		})
	})
	t.Run("after the start, before the probes", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			p := spec(1, "", "")
			p.Containers[0].PostStart = &sandbox.Action{Sleep: 6 * time.Second}
			b.create(p)
			b.wait(1, sandbox.Pending)
			<-time.After(5 * time.Second)
			if c := b.get(1).Status.Containers[0]; c.State != sandbox.ContainerRunning || c.Ready || c.PostStarted {
				b.Errorf("while it is done: %+v", c)
			}
			<-time.After(5 * time.Second)
			if c := b.get(1).Status.Containers[0]; !c.Ready || !c.PostStarted {
				b.Errorf("when it is done: %+v", c)
			}
		})
	})
	t.Run("after the start, failing", func(t *testing.T) {
		scene(t, nil, func(b *bench) {
			p := spec(1, "FAKE_EXEC_EXIT=3")
			p.Containers[0].PostStart = &sandbox.Action{Exec: []string{"hello"}}
			b.create(p)
			s := b.wait(1, sandbox.Stopped)
			b.wantStop(s, "EssentialContainerExited", essential)
			if c := s.Status.Containers[0]; c.Reason != "PostStartHookError: exit code 3: hello" {
				b.Errorf("%+v", c)
			}
		})
	})
}

// The probe that has a container killed may give it a time of its own.
func TestGraceOfAProbe(t *testing.T) {
	for name, c := range map[string]struct {
		startup, liveness, stopped time.Duration // of each, and when somebody stops the pod with 20 s; 0: nobody does
		env                        string
		want                       time.Duration // from the first failure to the end
	}{
		"of liveness":     {0, 5 * time.Second, 0, "FAKE_UNHEALTHY_AFTER=10s", 5 * time.Second},
		"of startup":      {3 * time.Second, 5 * time.Second, 0, "FAKE_HEALTHY_AFTER=1h", 3 * time.Second},
		"the container's": {3 * time.Second, 0, 0, "FAKE_UNHEALTHY_AFTER=10s", 40 * time.Second},
		"of whoever ends": {0, 5 * time.Second, 20 * time.Second, "", 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				a := main("a", "FAKE_IGNORE_TERM=1 "+c.env)
				a.StopTimeout = 40 * time.Second
				a.Startup = &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Interval: time.Second, Failures: 1, StopTimeout: c.startup}
				a.Liveness = &sandbox.Probe{Action: sandbox.Action{Exec: []string{"check"}}, Interval: time.Second, Failures: 1, StopTimeout: c.liveness}
				b.create(podOf(1, a))
				var began time.Time
				if c.stopped > 0 {
					b.wait(1, sandbox.Running)
					began = time.Now()
					b.stopWithin(1, c.stopped)
				} else {
					began = now(b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Reason != "" }))
				}
				b.wait(1, sandbox.Stopped)
				if took := b.get(1).Status.Containers[0].FinishedAt.Sub(began); took != c.want {
					b.Errorf("it took %v, want %v", took, c.want)
				}
			})
		})
	}
}

// now is the time at which something was seen.
func now(*sandbox.Sandbox) time.Time { return time.Now() }
