package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
)

// bench is an engine on the fake runtime, in virtual time.
type bench struct {
	*testing.T
	st     *store.Store
	rt     *fake.Runtime
	e      *sandbox.Engine
	config sandbox.Config
	stop   func() // ends the engine and waits for it
}

// newBench starts an engine; it must be called inside a bubble.
func newBench(t *testing.T, change func(*sandbox.Config)) *bench {
	t.Helper()
	st, err := store.Open(t.Context(), "memory", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, st: st, rt: fake.New(fake.Options{}), stop: func() {}}
	b.config = sandbox.Config{Store: st, Runtime: b.rt, Log: zerolog.Nop()}
	if change != nil {
		change(&b.config)
	}
	t.Cleanup(func() {
		b.stop()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	b.start()
	return b
}

// start runs a new engine on what is there.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	e := sandbox.New(b.config)
	b.e = e
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := e.Run(ctx); !errors.Is(err, context.Canceled) {
			b.Errorf("Run: %v", err)
		}
	}()
	b.stop = func() {
		cancel()
		<-done
	}
}

// restart is kill -9 and a new process.
func (b *bench) restart() {
	b.stop()
	b.start()
}

// id makes the n-th sandbox id.
func id(n int) string { return fmt.Sprintf("%032x", n) }

// spec is a sandbox of one essential container for each environment.
func spec(n int, envs ...string) sandbox.Spec {
	s := sandbox.Spec{
		ID: id(n), Owner: "arn:aws:ecs:us-east-1:000000000000:task/c/" + id(n), Steps: 3,
		Network: sandbox.Network{VPC: "vpc-1", VPCCIDR: "172.31.0.0/16", Subnet: "subnet-1", SubnetCIDR: "172.31.0.0/20"},
	}
	for i, env := range envs {
		s.Containers = append(s.Containers, container(string(rune('a'+i)), env))
	}
	return s
}

// container is an essential one with an environment like "FAKE_EXIT=3 X=y".
func container(name, env string) sandbox.Container {
	c := sandbox.Container{Name: name, Image: "image-" + name, Essential: true}
	for v := range strings.FieldsSeq(env) {
		name, value, _ := strings.Cut(v, "=")
		c.Env = append(c.Env, sandbox.EnvVar{Name: name, Value: value})
	}
	return c
}

func (b *bench) create(s sandbox.Spec) {
	b.Helper()
	b.update(func(tx *store.Tx) error { return sandbox.Create(tx, s) })
}

func (b *bench) update(f func(*store.Tx) error) {
	b.Helper()
	if err := b.st.Update(b.Context(), "test", f); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) stopTask(n int) {
	b.Helper()
	b.update(func(tx *store.Tx) error {
		return sandbox.Stop(tx, id(n), sandbox.Desired{Code: "UserInitiated", Reason: "Task stopped by user"})
	})
}

// wait waits for a status.
func (b *bench) wait(n int, status string) *sandbox.Sandbox {
	b.Helper()
	return b.until(n, func(s *sandbox.Sandbox) bool { return sandbox.LastStatus(s) == status })
}

func (b *bench) until(n int, ok func(*sandbox.Sandbox) bool) *sandbox.Sandbox {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 24*time.Hour)
	defer cancel()
	s, err := b.e.Wait(ctx, id(n), ok)
	if err != nil {
		b.Fatalf("sandbox %d: %v; it is %s", n, err, b.dump(n))
	}
	return s
}

func (b *bench) get(n int) (s *sandbox.Sandbox) {
	b.Helper()
	err := b.st.View(context.Background(), func(tx *store.Tx) (err error) {
		s, err = sandbox.Get(tx, id(n))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bench) dump(n int) string {
	s := b.get(n)
	text, err := json.MarshalIndent(s.Status, "", " ")
	if err != nil {
		b.Fatal(err)
	}
	return sandbox.LastStatus(s) + " " + strings.Join(sandbox.Why(s), " ") + "\n" + string(text)
}

// history is every record there has been of a sandbox.
func (b *bench) history(n int) []*sandbox.Sandbox {
	b.Helper()
	changes, err := b.st.History(context.Background(), store.HistoryQuery{Kind: "sandbox", Key: id(n)})
	if err != nil {
		b.Fatal(err)
	}
	var all []*sandbox.Sandbox
	for _, c := range changes {
		s := new(sandbox.Sandbox)
		if err := json.Unmarshal(c.After, s); err != nil {
			b.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// timed yields the history with the time of each commit.
func (b *bench) timed(n int) iter.Seq2[time.Time, *sandbox.Sandbox] {
	b.Helper()
	changes, err := b.st.History(context.Background(), store.HistoryQuery{Kind: "sandbox", Key: id(n)})
	if err != nil {
		b.Fatal(err)
	}
	all := b.history(n)
	return func(yield func(time.Time, *sandbox.Sandbox) bool) {
		for i, c := range changes {
			if !yield(c.At, all[i]) {
				return
			}
		}
	}
}

// stopWithin stops a sandbox with a grace for all its containers.
func (b *bench) stopWithin(n int, grace time.Duration) {
	b.Helper()
	b.update(func(tx *store.Tx) error {
		return sandbox.Stop(tx, id(n), sandbox.Desired{Code: "UserInitiated", Reason: "deleted", Grace: &grace})
	})
}

// statuses are the different statuses that the feed has shown, in order.
func (b *bench) statuses(n int) []string {
	b.Helper()
	var all []string
	for _, s := range b.history(n) {
		all = append(all, sandbox.LastStatus(s))
	}
	return slices.Compact(all)
}

func (b *bench) wantStatuses(n int, want string) {
	b.Helper()
	if got := strings.Join(b.statuses(n), " "); got != want {
		b.Errorf("statuses %s\n    want %s", got, want)
	}
}

func (b *bench) wantStop(s *sandbox.Sandbox, code, reason string) {
	b.Helper()
	if s.Desired.Code != code || s.Desired.Reason != reason {
		b.Errorf("stopped with %s: %s\n       want %s: %s", s.Desired.Code, s.Desired.Reason, code, reason)
	}
}
