package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// always is a container of a pod whose image is looked for before each attempt.
func always(env string) sandbox.Container {
	c := main("a", env)
	c.Pull, c.Restart = sandbox.PullAlways, crashLoop(sandbox.RestartAlways)
	return c
}

func TestAlwaysPullsBeforeEachAttempt(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, always("FAKE_PULL_FOR=3s FAKE_RUN_FOR=5s FAKE_EXIT=1")))
		<-time.After(40 * time.Second)
		b.wants("starts", b.starts(1), "a0 3s", "a1 11s", "a2 29s")
		if n := b.rt.Calls("Pull"); n != 3 {
			b.Errorf("%d pulls", n)
		}
	})
	scene(t, nil, func(b *bench) {
		c := always("FAKE_PULL_FOR=3s FAKE_RUN_FOR=5s FAKE_EXIT=1")
		c.Restart.Fresh = false // started again as it is, as a task's
		b.create(podOf(1, c))
		<-time.After(20 * time.Second)
		b.wants("starts", b.starts(1), "a0 3s", "a1 8s")
	})
}

func TestAnImageThatGoesKeepsARestart(t *testing.T) {
	scene(t, nil, func(b *bench) {
		c := always("FAKE_RUN_FOR=5s FAKE_EXIT=1")
		c.Asks, c.Told = true, true
		b.create(podOf(1, c, main("b", "")))
		b.asked(1, 0)
		c.Env = append(c.Env, sandbox.EnvVar{Name: "FAKE_PULL_ERROR", Value: "gone"})
		b.configure(1, "a", sandbox.Configuration{Attempt: 1, Container: c})
		<-time.After(70 * time.Second)
		s := b.get(1)
		if a := s.Status.Containers[0]; a.Attempt != 1 || a.Trouble != sandbox.TroubleBackOff || !strings.HasSuffix(a.TroubleText, "gone") || a.RestartAt.IsZero() {
			b.Errorf("%+v", a)
		}
		b.wants("starts", b.starts(1), "b0 0s", "a0 0s", "a1 5s") // the image of b needs no pull
	})
}

func TestALocalImageIsToldOf(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, always("FAKE_IMAGE_LOCAL=no-such-host")))
		s := b.wait(1, sandbox.Running)
		if why := strings.Join(sandbox.Why(s), " "); s.Status.Containers[0].Local != "no-such-host" || !strings.Contains(why, "uses the image that was on this machine already, as image-a could not be had from its registry: no-such-host") {
			b.Errorf("%+v: %s", s.Status.Containers[0], why)
		}
	})
}
