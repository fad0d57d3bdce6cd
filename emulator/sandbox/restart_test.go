package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestRestartInPlaceAsOnFargate(t *testing.T) {
	for name, c := range map[string]struct {
		env     string
		restart sandbox.Restart
		after   time.Duration
		status  string
		attempt int
	}{
		"ran long enough":  {"FAKE_RUN_FOR=2m FAKE_EXIT=1", sandbox.Restart{Policy: sandbox.RestartAlways, MinRun: time.Minute}, 5 * time.Minute, sandbox.Running, 2},
		"ended too soon":   {"FAKE_RUN_FOR=30s FAKE_EXIT=1", sandbox.Restart{Policy: sandbox.RestartAlways, MinRun: time.Minute}, time.Hour, sandbox.Stopped, 0},
		"ignored code":     {"FAKE_RUN_FOR=2m FAKE_EXIT=7", sandbox.Restart{Policy: sandbox.RestartAlways, MinRun: time.Minute, IgnoredExitCodes: []int{3, 7}}, time.Hour, sandbox.Stopped, 0},
		"only on failure":  {"FAKE_RUN_FOR=2m", sandbox.Restart{Policy: sandbox.RestartOnFailure}, time.Hour, sandbox.Stopped, 0},
		"no policy at all": {"FAKE_RUN_FOR=2m", sandbox.Restart{}, time.Hour, sandbox.Stopped, 0},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				p := spec(1, c.env)
				p.Containers[0].Restart = c.restart
				b.create(p)
				first := b.wait(1, sandbox.Running).Status.Containers[0]
				<-time.After(c.after)
				s := b.get(1)
				cs := s.Status.Containers[0]
				if sandbox.LastStatus(s) != c.status || cs.Attempt != c.attempt || cs.RuntimeID != first.RuntimeID {
					b.Errorf("%s", b.dump(1))
				}
				if c.attempt > 0 && (cs.LastExit == nil || cs.LastExit.Code != 1 || cs.LastExit.FinishedAt.IsZero()) {
					b.Errorf("last exit %+v", cs.LastExit)
				}
			})
		})
	}
}

func TestCrashLoop(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := spec(1, "FAKE_RUN_FOR=1s FAKE_EXIT=1", "")
		p.Steps = 2
		p.Containers[0].Essential = false
		p.Containers[0].Restart = sandbox.Restart{Policy: sandbox.RestartAlways, Fresh: true, Backoff: 10 * time.Second, MaxBackoff: 40 * time.Second, ResetBackoff: 10 * time.Minute}
		b.create(p)
		b.wait(1, sandbox.Running)
		<-time.After(3 * time.Minute)
		var starts []string
		for _, s := range b.history(1) {
			c := s.Status.Containers[0]
			at := c.StartedAt.Sub(s.CreatedAt).String()
			if c.State == sandbox.ContainerRunning && (len(starts) == 0 || starts[len(starts)-1] != at) {
				starts = append(starts, at)
			}
			if c.State == sandbox.ContainerStopped && c.RestartAt.IsZero() {
				b.Errorf("no restart is planned: %+v", c)
			}
		}
		// Each run takes 1 s; the waits are 0, 10, 20, 40, 40, … s.
		if got := strings.Join(starts, " "); got != "0s 1s 12s 33s 1m14s 1m55s 2m36s" {
			b.Errorf("started at %s", got)
		}
		if s := b.get(1); sandbox.LastStatus(s) != sandbox.Running {
			b.Error(b.dump(1))
		}
		b.stopTask(1)
		b.wait(1, sandbox.Stopped)
		if n := b.rt.Calls("Start"); n != 8 {
			b.Errorf("%d starts", n)
		}
	})
}
