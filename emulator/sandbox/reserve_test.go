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

func TestAnOpenSandboxTellsItsAddressFirst(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.rt.Fail("Up", errors.New("docker takes its time"))
		b.create(openSpec(1))
		s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Address != nil })
		told := *s.Status.Address
		if s.Status.Height != 0 || !s.Status.ConnectivityAt.IsZero() || sandbox.LastStatus(s) != sandbox.Provisioning {
			b.Errorf("it has its address and should not be up: %s", b.dump(1))
		}
		<-time.After(time.Minute)
		b.restart()
		b.complete(1, sandbox.Completion{Containers: []sandbox.Container{main("a", "")}})
		<-time.After(time.Minute)
		if n := b.rt.Calls("Start"); n != 0 {
			b.Errorf("Start was called %d times before the sandbox was up", n)
		}
		b.rt.Fail("Up", nil)
		s = b.wait(1, sandbox.Running)
		if s.Status.Address.IP != told.IP || s.Status.ConnectivityAt.IsZero() || s.Status.Bare {
			b.Errorf("it was told %s: %s", told.IP, b.dump(1))
		}
		if n := b.rt.Calls("Reserve"); n != 1 {
			b.Errorf("Reserve was called %d times", n)
		}
		b.wantStatuses(1, "PROVISIONING PENDING RUNNING")
	})
}

func TestOnlyOpenSandboxesReserve(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, ""))
		b.wait(1, sandbox.Running)
		if n := b.rt.Calls("Reserve"); n != 0 {
			b.Errorf("Reserve was called %d times", n)
		}
	})
}

func TestAnAddressThatIsLostEndsItsSandbox(t *testing.T) {
	for what, complete := range map[string]bool{"open": false, "complete": true} {
		t.Run(what, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				b.rt.Fail("Up", errors.New("docker takes its time"))
				p := openSpec(1)
				p.Keep = true
				b.create(p)
				told := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Address != nil }).Status.Address.IP
				if complete {
					b.complete(1, sandbox.Completion{Containers: []sandbox.Container{main("a", "")}})
				}
				b.rt.Snatch(id(1))
				b.rt.Fail("Up", nil)
				s := b.wait(1, sandbox.Stopped)
				if s.Desired.Code != sandbox.CodeFailedToStart || !strings.Contains(s.Desired.Reason, told) {
					b.Errorf("%+v", s.Desired)
				}
				if s.Status.Address.IP != told || !s.Status.ConnectivityAt.IsZero() || b.rt.Calls("Start") != 0 {
					b.Errorf("it was told %s: %s", told, b.dump(1))
				}
				b.wantStatuses(1, "PROVISIONING DEPROVISIONING STOPPED")
			})
		})
	}
}

func TestStopOfASandboxThatHasOnlyItsAddress(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.rt.Fail("Up", errors.New("docker takes its time"))
		b.create(openSpec(1))
		b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Address != nil })
		b.stopTask(1)
		b.wait(1, sandbox.Stopped)
		b.update(func(tx *store.Tx) error { return sandbox.Remove(tx, id(1)) })
		if all, err := b.rt.List(b.Context()); err != nil || len(all) != 0 {
			b.Errorf("left behind: %v, %v", all, err)
		}
	})
}

func TestImagesThatAreThereNeedNoPull(t *testing.T) {
	scene(t, nil, func(b *bench) {
		always, absent := main("b", ""), main("c", "FAKE_PULL_ERROR=nope")
		always.Pull = sandbox.PullAlways
		b.create(podOf(1, main("a", ""), always, absent))
		s := b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Height > 0 })
		var states []sandbox.ContainerState
		for _, cs := range s.Status.Containers {
			states = append(states, cs.State)
		}
		want := []sandbox.ContainerState{sandbox.ContainerPulled, sandbox.ContainerPulling, sandbox.ContainerPulling}
		if !slices.Equal(states, want) || s.Status.Containers[0].ImageDigest == "" || s.Status.PullStartedAt.IsZero() || !s.Status.PullStoppedAt.IsZero() {
			b.Errorf("%s", b.dump(1))
		}
		s = b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[1].State == sandbox.ContainerRunning })
		if c := s.Status.Containers[2]; c.Trouble != sandbox.TroublePull {
			b.Errorf("%s", b.dump(1))
		}
	})
}
