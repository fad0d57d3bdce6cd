package docker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
	"github.com/neargate/neargate/emulator/store"
)

// pods is an engine on a real runtime.
type pods struct {
	*bench
	st *store.Store
	e  *sandbox.Engine
}

func newPods(t *testing.T) *pods {
	b := newBench(t, nil)
	st, err := store.Open(t.Context(), "memory", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := sandbox.New(sandbox.Config{Store: st, Runtime: b.rt, Log: zerolog.Nop()})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, st.Close()); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return &pods{b, st, e}
}

func (p *pods) update(f func(*store.Tx) error) {
	p.Helper()
	if err := p.st.Update(p.ctx, "test", f); err != nil {
		p.Fatal(err)
	}
}

func (p *pods) until(id, what string, ok func(*sandbox.Sandbox) bool) *sandbox.Sandbox {
	p.Helper()
	s, err := p.e.Wait(p.ctx, id, ok)
	if err != nil {
		_ = p.st.View(context.WithoutCancel(p.ctx), func(tx *store.Tx) (err error) { s, err = sandbox.Get(tx, id); return err })
		p.Fatalf("%s: %v; %s", what, err, strings.Join(sandbox.Why(s), " "))
	}
	return s
}

func (p *pods) container(name string, program runtimetest.Program, change func(*sandbox.Container)) sandbox.Container {
	c := p.bed.container(p.T, program)
	c.Name, c.Restart.Fresh = name, true
	c.Message = &sandbox.Message{Path: "/dev/termination-log", FromLogs: true}
	c.Mounts = []sandbox.Mount{{Volume: "v", Path: "/v"}}
	if change != nil {
		change(&c)
	}
	return c
}

// TestPod follows a pod's whole life: a place first, then its containers in
// their order, ends and restarts, an ephemeral one, and the end in the order
// turned round.
func TestPod(t *testing.T) {
	p := newPods(t)
	s := *p.spec()
	s.Steps, s.Patient, s.Open = 2, true, true
	p.update(func(tx *store.Tx) error { return sandbox.Create(tx, s) })
	open := p.until(s.ID, "address", func(s *sandbox.Sandbox) bool { return s.Status.Height == 1 })
	first := runtimetest.Exits(0)
	first.Do = []string{"write /v/x from-init"}
	crash := runtimetest.RunsFor(100*time.Millisecond, 7)
	crash.Do = []string{"read /v/x", "get http://127.0.0.1:8080/"}
	whole := sandbox.Completion{
		Volumes: []sandbox.Volume{{Name: "v", Mode: 0o777, Empty: true}},
		Containers: []sandbox.Container{
			p.container("init", first, func(c *sandbox.Container) { c.Init, c.User = true, "1000:1000" }),
			p.container("side", runtimetest.Program{Serve: 8080, Body: "side"}, func(c *sandbox.Container) {
				c.Init, c.Restart.Policy = true, sandbox.RestartAlways
				c.Startup = &sandbox.Probe{Action: sandbox.Action{HTTP: &sandbox.HTTPGet{Port: 8080}}, Interval: time.Second, Failures: 30}
			}),
			p.container("stays", runtimetest.Program{}, nil),
			p.container("crash", crash, func(c *sandbox.Container) {
				c.Restart.Policy, c.Restart.Backoff = sandbox.RestartOnFailure, time.Hour
			}),
			p.container("wrong", runtimetest.Program{NoCommand: true}, nil),
			p.container("absent", runtimetest.Program{NoImage: true}, nil),
		},
	}
	p.update(func(tx *store.Tx) error { return sandbox.Complete(tx, s.ID, whole) })
	got := p.until(s.ID, "ends and troubles", func(s *sandbox.Sandbox) bool {
		c := s.Status.Containers
		return len(c) == 6 && c[2].State == sandbox.ContainerRunning && c[3].Attempt == 1 && c[3].ExitCode != nil && c[4].ExitCode != nil && c[5].Trouble == sandbox.TroubleBackOff
	})
	if got.Status.Address.IP != open.Status.Address.IP {
		t.Errorf("the address was %s and is %s", open.Status.Address.IP, got.Status.Address.IP)
	}
	c := got.Status.Containers
	if !c[1].Started || c[1].StartedAt.Before(c[0].FinishedAt) || c[2].StartedAt.Before(c[1].StartedAt) {
		t.Errorf("order: init ended %v, side began %v, stays began %v", c[0].FinishedAt, c[1].StartedAt, c[2].StartedAt)
	}
	if e := c[3]; *e.ExitCode != 7 || e.Message != "from-init\nside\n" || e.RestartAt.IsZero() || e.LastExit == nil || e.LastExit.Message != e.Message || e.LastExit.Code != 7 {
		t.Errorf("crash: %+v, before %+v", e, e.LastExit)
	}
	if e := c[4]; *e.ExitCode != sandbox.ExitStartError || e.Reason != sandbox.ReasonStartError || !strings.Contains(e.Message, "/no-such-command") || !e.RestartAt.IsZero() {
		t.Errorf("wrong: %+v", e)
	}
	debug := p.container("debug", doing("processes"), func(c *sandbox.Container) { c.Target = "stays" })
	p.update(func(tx *store.Tx) error { return sandbox.AddContainer(tx, s.ID, debug) })
	p.until(s.ID, "debug ends", func(s *sandbox.Sandbox) bool {
		return len(s.Status.Containers) == 7 && s.Status.Containers[6].ExitCode != nil
	})
	if lines := p.lines(&s, "debug"); !slices.Equal(lines, []string{"2"}) {
		t.Errorf("debug sees %q processes", lines)
	}
	grace := time.Minute
	p.update(func(tx *store.Tx) error {
		return sandbox.Stop(tx, s.ID, sandbox.Desired{Code: "x", Reason: "y", Grace: &grace})
	})
	end := p.until(s.ID, "the end", func(s *sandbox.Sandbox) bool { return s.IsStopped() })
	if c := end.Status.Containers; c[1].FinishedAt.Before(c[2].FinishedAt) || *c[1].ExitCode != 143 || *c[2].ExitCode != 143 {
		t.Errorf("side %+v, stays %+v", c[1], c[2])
	}
}
