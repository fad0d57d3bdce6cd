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

// openSpec is a pod's sandbox that waits for its containers.
func openSpec(n int) sandbox.Spec {
	s := spec(n)
	s.Steps, s.Patient, s.Open = 2, true, true
	return s
}

// podOf is a complete one, whose containers are no tasks' essential ones.
func podOf(n int, containers ...sandbox.Container) sandbox.Spec {
	s := openSpec(n)
	s.Open, s.Containers = false, containers
	return s
}

// main is a container of a pod with an environment like "FAKE_EXIT=3".
func main(name, env string) sandbox.Container {
	c := container(name, env)
	c.Essential = false
	return c
}

func (b *bench) complete(n int, c sandbox.Completion) {
	b.Helper()
	b.update(func(tx *store.Tx) error { return sandbox.Complete(tx, id(n), c) })
}

func TestOpenSandboxRestsWithItsAddress(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(openSpec(1))
		s := b.wait(1, sandbox.Pending)
		address := s.Status.Address
		if address == nil || address.IP == "" {
			b.Fatalf("no address: %s", b.dump(1))
		}
		<-time.After(time.Hour)
		b.restart()
		<-time.After(time.Hour)
		if s = b.get(1); sandbox.LastStatus(s) != sandbox.Pending || b.rt.Calls("Up") != 1 {
			b.Errorf("%d calls of Up; %s", b.rt.Calls("Up"), b.dump(1))
		}
		if why := strings.Join(sandbox.Why(s), " "); !strings.Contains(why, "waits for its containers") {
			b.Errorf("why: %s", why)
		}
		whole := sandbox.Completion{
			Containers: []sandbox.Container{main("a", "")},
			Volumes:    []sandbox.Volume{{Name: "v", Files: []sandbox.File{{Path: "f", Data: []byte("x")}}}},
			Registries: []sandbox.Registry{{Server: "registry.example.com"}},
			Labels:     map[string]string{"k": "v"},
		}
		b.complete(1, whole)
		s = b.wait(1, sandbox.Running)
		p := s.Spec
		if p.Open || len(p.Volumes) != 1 || len(p.Registries) != 1 || p.Labels["k"] != "v" || s.Status.Address.IP != address.IP || s.Status.Bare {
			b.Errorf("%+v %s", p, b.dump(1))
		}
		if n := b.rt.Calls("Up"); n != 2 {
			b.Errorf("Up was called %d times: the volumes need a second one", n)
		}
		b.wantStatuses(1, "PROVISIONING PENDING RUNNING")
		b.complete(1, sandbox.Completion{Containers: []sandbox.Container{main("other", "")}})
		if again := b.get(1); again.Status.Version != s.Status.Version || len(again.Spec.Containers) != 1 {
			b.Errorf("completing twice changed it: %s", b.dump(1))
		}
	})
}

func TestCompleteBeforeTheNetworkIsUp(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.update(func(tx *store.Tx) error {
			if err := sandbox.Create(tx, openSpec(1)); err != nil {
				return err
			}
			return sandbox.Complete(tx, id(1), sandbox.Completion{Containers: []sandbox.Container{main("a", "")}})
		})
		b.wait(1, sandbox.Running)
		if n := b.rt.Calls("Up"); n != 1 {
			b.Errorf("Up was called %d times", n)
		}
	})
}

func TestCompleteRefusesWhatCreateRefuses(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(openSpec(1))
		for what, c := range map[string]sandbox.Completion{
			"no containers":  {},
			"one name twice": {Containers: []sandbox.Container{main("a", ""), main("a", "")}},
		} {
			err := b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.Complete(tx, id(1), c) })
			if err == nil {
				b.Errorf("%s: no error", what)
			}
		}
		err := b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.Complete(tx, id(2), sandbox.Completion{}) })
		if !errors.Is(err, store.ErrNotFound) {
			b.Errorf("none there: %v", err)
		}
		p := openSpec(3)
		p.Containers = []sandbox.Container{main("a", "")}
		if err := b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.Create(tx, p) }); err == nil {
			b.Error("open, with containers: no error")
		}
	})
}

func TestStopOfAnOpenSandbox(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(openSpec(1))
		b.wait(1, sandbox.Pending)
		b.stopTask(1)
		b.complete(1, sandbox.Completion{Containers: []sandbox.Container{main("a", "")}})
		b.wait(1, sandbox.Stopped)
		b.wantStatuses(1, "PROVISIONING PENDING STOPPING DEPROVISIONING STOPPED")
		b.update(func(tx *store.Tx) error {
			if err := sandbox.Create(tx, openSpec(2)); err != nil {
				return err
			}
			return sandbox.Stop(tx, id(2), sandbox.Desired{Code: "UserInitiated", Reason: "at once"})
		})
		b.wait(2, sandbox.Stopped)
		if n := b.rt.Calls("Start"); n != 0 {
			b.Errorf("Start was called %d times", n)
		}
	})
}

func TestEphemeralContainer(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, main("a", "FAKE_RUN_FOR=1h")))
		b.wait(1, sandbox.Running)
		add := func(c sandbox.Container) error {
			return b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.AddContainer(tx, id(1), c) })
		}
		debug := main("debug", "FAKE_RUN_FOR=10s FAKE_EXIT=3")
		debug.Restart.Policy, debug.Essential = sandbox.RestartAlways, true
		debug.Target = "a"
		lost := main("lost", "FAKE_PULL_ERROR=nope")
		for range 2 {
			if err := errors.Join(add(debug), add(lost)); err != nil {
				b.Fatal(err)
			}
		}
		b.until(1, func(s *sandbox.Sandbox) bool {
			return len(s.Status.Containers) == 3 && s.Status.Containers[1].State == sandbox.ContainerStopped
		})
		<-time.After(50 * time.Second)
		s := b.get(1)
		d, l := s.Status.Containers[1], s.Status.Containers[2]
		if d.Attempt != 0 || d.ExitCode == nil || *d.ExitCode != 3 || !d.RestartAt.IsZero() || !s.Spec.Containers[1].Ephemeral || l.Trouble != sandbox.TroubleBackOff {
			b.Errorf("%s", b.dump(1))
		}
		if got := b.rt.Running(id(1)); !slices.Equal(got, []string{"a"}) {
			b.Errorf("%q run", got)
		}
		wrong := main("x", "")
		wrong.Target = "nobody"
		if add(wrong) == nil {
			b.Error("a target that is not there: no error")
		}
		if err := add(main("late", "")); err != nil {
			b.Error(err)
		}
		s = b.wait(1, sandbox.Stopped) // the end of a is the end, whoever else runs
		b.wantStop(s, "EssentialContainerExited", "All containers have exited")
		if err := add(main("later", "")); !errors.Is(err, sandbox.ErrStopping) {
			b.Errorf("after the end: %v", err)
		}
		b.create(openSpec(2))
		err := b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.AddContainer(tx, id(2), debug) })
		if !errors.Is(err, sandbox.ErrOpen) {
			b.Errorf("into an open one: %v", err)
		}
	})
}
