package sandbox_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

func TestAdoption(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, ""))
		b.create(spec(2, "FAKE_RUN_FOR=1m FAKE_EXIT=6"))
		before := b.wait(1, sandbox.Running)
		ends := b.wait(2, sandbox.Running).Status.StartedAt.Add(time.Minute)
		b.stop()
		<-time.After(time.Hour)
		b.start()
		s := b.wait(2, sandbox.Stopped)
		c := s.Status.Containers[0]
		if *c.ExitCode != 6 || !c.FinishedAt.Equal(ends) || !s.Status.ExecutionStoppedAt.Equal(ends) {
			b.Errorf("the exit that nobody saw: %s", b.dump(2))
		}
		<-time.After(time.Hour)
		if diff := cmp.Diff(before, b.get(1)); diff != "" {
			b.Errorf("the sandbox that went on has changed:\n%s", diff)
		}
		if n := b.rt.Calls("Start"); n != 2 {
			b.Errorf("Start was called %d times for 2 containers", n)
		}
	})
}

// lives are what the emulator is killed in, at every commit.
func lives() map[string]func() sandbox.Spec {
	return map[string]func() sandbox.Spec{
		"plain": func() sandbox.Spec { return spec(1, "FAKE_PULL_FOR=2s FAKE_RUN_FOR=10s FAKE_EXIT=3") },
		"chain": func() sandbox.Spec {
			p := spec(1, "FAKE_RUN_FOR=1s FAKE_EXIT=0", "FAKE_START_AFTER=1s FAKE_STOP_FOR=2s", "FAKE_RUN_FOR=10s FAKE_EXIT=1")
			p.Containers[0].Essential = false
			p.Containers[1].Needs = []sandbox.Need{{Container: "a", Condition: sandbox.Success}}
			p.Containers[2].Needs = []sandbox.Need{{Container: "b", Condition: sandbox.Start}}
			return p
		},
		"fails": func() sandbox.Spec { return spec(1, "FAKE_PULL_FOR=1s FAKE_PULL_ERROR=nope", "") },
		"restarts": func() sandbox.Spec {
			p := spec(1, "FAKE_RUN_FOR=4s FAKE_EXIT=1", "FAKE_RUN_FOR=14500ms")
			p.Containers[0].Restart = sandbox.Restart{Policy: sandbox.RestartAlways, Backoff: time.Second}
			return p
		},
	}
}

func TestKilledAtEveryCommit(t *testing.T) {
	for name, life := range lives() {
		t.Run(name, func(t *testing.T) {
			want := endState(t, life(), -1)
			for n := range 40 {
				got := endState(t, life(), n)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("killed after commit %d:\n%s", n, diff)
				}
			}
		})
	}
}

// end is what must be the same whenever the emulator was killed.
type end struct {
	Statuses     []string
	Code, Reason string
	Exits        map[string]int
	Reasons      map[string]string
	Attempts     map[string]int
	Left         []string
}

// endState runs a life to its end; the engine is killed after n of its
// commits, and a new one goes on.
func endState(t *testing.T, p sandbox.Spec, n int) (got end) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := b.e // Wait needs no engine that runs
		if n >= 0 {
			b.killAfter(n)
		}
		b.create(p)
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		s, err := e.Wait(ctx, p.ID, (*sandbox.Sandbox).IsStopped)
		if err != nil {
			b.Fatalf("killed after %d: %v: %s", n, err, b.dump(1))
		}
		got = end{Statuses: b.statuses(1), Code: s.Desired.Code, Reason: s.Desired.Reason, Exits: map[string]int{}, Reasons: map[string]string{}, Attempts: map[string]int{}}
		for _, c := range s.Status.Containers {
			if c.ExitCode != nil {
				got.Exits[c.Name] = *c.ExitCode
			}
			got.Reasons[c.Name], got.Attempts[c.Name] = c.Reason, c.Attempt
		}
		synctest.Wait()
		got.Left, err = b.rt.List(b.Context())
		if err != nil {
			b.Fatal(err)
		}
	})
	return got
}

// killAfter ends the engine as soon as it has made n commits, and starts a
// new one.
func (b *bench) killAfter(n int) {
	done := make(chan struct{})
	ctx := b.Context()
	changes := b.st.Watch(ctx, store.Now, "sandbox")
	go func() {
		defer close(done)
		seen := -1 // the first one is the owner's
		for _, err := range changes {
			if err != nil {
				return
			}
			if seen++; seen == n {
				b.restart()
				return
			}
		}
	}()
	b.Cleanup(func() { <-done })
}

func TestRecordsSurviveJSON(t *testing.T) {
	scene(t, nil, func(b *bench) {
		p := spec(1, "FAKE_RUN_FOR=5s")
		p.Containers[0].Health = &sandbox.Probe{Action: sandbox.Action{Exec: []string{"true"}}, Interval: time.Second}
		b.create(p)
		s := b.wait(1, sandbox.Stopped)
		text, err := json.Marshal(s)
		if err != nil {
			b.Fatal(err)
		}
		var again sandbox.Sandbox
		if err := json.Unmarshal(text, &again); err != nil {
			b.Fatal(err)
		}
		if diff := cmp.Diff(*s, again); diff != "" {
			b.Error(diff)
		}
	})
}
