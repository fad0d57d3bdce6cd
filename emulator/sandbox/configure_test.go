package sandbox_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// asks is a container whose owner is asked before each attempt, or but before
// the first.
func asks(name, env string, told bool) sandbox.Container {
	c := main(name, env)
	c.Asks, c.Told, c.Restart = true, told, crashLoop(sandbox.RestartAlways)
	return c
}

func (b *bench) configure(n int, name string, a sandbox.Configuration) {
	b.Helper()
	b.update(func(tx *store.Tx) error { return sandbox.Configure(tx, id(n), name, a) })
}

func (b *bench) asked(n, i int) *sandbox.Sandbox {
	b.Helper()
	return b.until(n, func(s *sandbox.Sandbox) bool { return s.Status.Containers[i].Asking })
}

func TestOneThatIsNotToldKeepsNobodyElse(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, asks("a", "", false), main("b", "FAKE_RUN_FOR=2m")))
		b.asked(1, 0)
		b.configure(1, "a", sandbox.Configuration{Trouble: sandbox.TroubleConfig, Text: `configmap "x" not found`})
		<-time.After(30 * time.Second)
		b.restart()
		<-time.After(30 * time.Second)
		s := b.get(1)
		if c := s.Status.Containers[0]; c.Trouble != sandbox.TroubleConfig || c.TroubleText != `configmap "x" not found` || c.Tries != 1 || !c.Asking {
			b.Error(b.dump(1))
		}
		if s.Status.Trouble != "" || sandbox.LastStatus(s) != sandbox.Pending {
			b.Error(b.dump(1))
		}
		if why := strings.Join(sandbox.Why(s), " "); !strings.Contains(why, `Container a waits to be told what it is started with; it has CreateContainerConfigError: configmap "x" not found.`) {
			b.Error(why)
		}
		told := asks("a", "FAKE_RUN_FOR=1m", false)
		told.User, told.Memory = "7", 1<<30
		b.configure(1, "a", sandbox.Configuration{Container: told})
		s = b.wait(1, sandbox.Running)
		if c := s.Status.Containers[0]; c.Trouble != "" || c.Asking || s.Spec.Containers[0].User != "7" || s.Spec.Containers[0].Memory != 0 {
			b.Error(b.dump(1))
		}
		b.wants("starts", b.starts(1), "b0 0s", "a0 1m0s")
	})
}

func TestEachAttemptIsAskedFor(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, asks("a", "FAKE_RUN_FOR=5s FAKE_EXIT=1", true)))
		s := b.asked(1, 0)
		if c := s.Status.Containers[0]; c.Attempt != 0 || c.State != sandbox.ContainerStopped || c.FinishedAt.Sub(s.CreatedAt) != 5*time.Second {
			b.Error(b.dump(1))
		}
		b.configure(1, "a", sandbox.Configuration{Attempt: 0, Container: asks("a", "FAKE_EXIT=9", true)}) // of an attempt that is over
		b.configure(1, "a", sandbox.Configuration{Attempt: 1, Container: asks("a", "FAKE_RUN_FOR=20s FAKE_EXIT=2", true)})
		s = b.asked(1, 0) // ten seconds after the end, for its backoff
		if c := s.Status.Containers[0]; c.Attempt != 1 || *c.ExitCode != 2 || c.LastExit.Code != 1 {
			b.Error(b.dump(1))
		}
		<-time.After(time.Minute)
		b.configure(1, "a", sandbox.Configuration{Attempt: 2, Container: asks("a", "FAKE_RUN_FOR=1h", true)})
		b.until(1, func(s *sandbox.Sandbox) bool {
			return s.Status.Containers[0].StartedAt.Sub(s.CreatedAt) == 95*time.Second
		})
		b.configure(1, "a", sandbox.Configuration{Attempt: 2, Container: asks("a", "FAKE_EXIT=9", true)}) // it runs: nothing changes
		if s = b.get(1); !slices.ContainsFunc(s.Spec.Containers[0].Env, func(e sandbox.EnvVar) bool { return e.Value == "1h" }) {
			b.Errorf("%+v", s.Spec.Containers[0].Env)
		}
		b.wants("starts", b.starts(1), "a0 0s", "a1 5s", "a2 1m35s")
	})
}

func TestToldBeforeItIsAsked(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, asks("a", "FAKE_PULL_FOR=1m FAKE_EXIT=1", true)))
		b.wait(1, sandbox.Pending)
		b.configure(1, "a", sandbox.Configuration{Container: asks("a", "FAKE_RUN_FOR=1h", true)})
		b.configure(1, "a", sandbox.Configuration{Trouble: sandbox.TroubleConfig, Text: "it was not asked for"})
		s := b.wait(1, sandbox.Running)
		if c := s.Status.Containers[0]; c.Tries != 0 || c.State != sandbox.ContainerRunning {
			b.Error(b.dump(1))
		}
		b.stopTask(1)
		b.wait(1, sandbox.Stopped)
		b.configure(1, "a", sandbox.Configuration{Attempt: 1, Container: asks("a", "", true)})
		for _, name := range []string{"nobody", "a"} {
			n := map[string]int{"nobody": 1, "a": 2}[name]
			err := b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.Configure(tx, id(n), name, sandbox.Configuration{}) })
			if !errors.Is(err, store.ErrNotFound) {
				b.Errorf("%s of %d: %v", name, n, err)
			}
		}
	})
}

// An init container that waits holds those behind it; one whose start failed is
// asked about anew.
func TestAskedInOrder(t *testing.T) {
	scene(t, nil, func(b *bench) {
		first := asks("i", "FAKE_RUN_FOR=3s", false)
		first.Init, first.Restart = true, crashLoop(sandbox.RestartOnFailure)
		b.create(podOf(1, first, asks("a", "", false)))
		s := b.asked(1, 0)
		if s.Status.Containers[1].Asking {
			b.Error("the second is asked about before its turn")
		}
		<-time.After(7 * time.Second)
		first.NonRoot, first.User = true, "0"
		b.configure(1, "i", sandbox.Configuration{Container: first})
		b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Trouble != "" })
		s = b.asked(1, 0)
		if c := s.Status.Containers[0]; c.Tries != 1 || c.Trouble != sandbox.TroubleConfig || time.Since(s.CreatedAt) != 17*time.Second {
			b.Error(b.dump(1))
		}
		first.User = "1"
		b.configure(1, "i", sandbox.Configuration{Container: first})
		s = b.asked(1, 1)
		if time.Since(s.CreatedAt) != 20*time.Second {
			b.Error(b.dump(1))
		}
		b.configure(1, "a", sandbox.Configuration{Container: asks("a", "FAKE_RUN_FOR=1h", false)})
		b.wait(1, sandbox.Running)
		b.wants("starts", b.starts(1), "i0 17s", "a0 20s")
	})
}
