package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// registrar are Targets that take their time.
type registrar struct {
	mu       sync.Mutex
	ups      int
	downs    int
	draining time.Duration // per sandbox, from the first Down on
	since    time.Time
	fail     error
}

func (r *registrar) Up(context.Context, *sandbox.Sandbox) (time.Duration, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ups++
	return 0, r.fail
}

func (r *registrar) Down(context.Context, *sandbox.Sandbox) (time.Duration, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.downs++; r.since.IsZero() {
		r.since = time.Now()
	}
	return max(0, r.draining-time.Since(r.since)), r.fail
}

func TestTargets(t *testing.T) {
	for name, c := range map[string]struct {
		env  string
		ups  int
		down bool
		took time.Duration
	}{
		"registered and drained":       {"", 1, true, 90 * time.Second},
		"failed pull never registers":  {"FAKE_PULL_ERROR=nope", 0, false, 0},
		"exit at once never registers": {"FAKE_EXIT=0", 0, true, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := &registrar{draining: 90 * time.Second}
			scene(t, func(c *sandbox.Config) { c.Targets = r }, func(b *bench) {
				b.create(spec(1, c.env))
				began := time.Now()
				if c.ups > 0 {
					b.wait(1, sandbox.Running)
					b.stopTask(1)
				}
				b.wait(1, sandbox.Stopped)
				if took := time.Since(began); took != c.took || r.ups != c.ups || r.downs > 0 != c.down {
					b.Errorf("it took %v with %d Up and %d Down", took, r.ups, r.downs)
				}
			})
		})
	}
	t.Run("that fail", func(t *testing.T) {
		r := &registrar{fail: &sandbox.StopError{Reason: "no such target group"}}
		scene(t, func(c *sandbox.Config) { c.Targets = r }, func(b *bench) {
			b.create(spec(1, ""))
			s := b.wait(1, sandbox.Deactivating)
			b.wantStop(s, "TaskFailedToStart", "no such target group")
			r.mu.Lock()
			r.fail = nil
			r.mu.Unlock()
			b.wait(1, sandbox.Stopped)
			b.wantStatuses(1, "PROVISIONING PENDING ACTIVATING DEACTIVATING STOPPING DEPROVISIONING STOPPED")
		})
	})
}

// secrets is a SecretSource.
type secrets struct {
	mu    sync.Mutex
	err   error
	calls int
}

func (k *secrets) Resolve(_ context.Context, _ *sandbox.Spec, c *sandbox.Container) ([]sandbox.EnvVar, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	return []sandbox.EnvVar{{Name: c.Secrets[0].Name, Value: "hush"}}, k.err
}

func TestSecrets(t *testing.T) {
	const reason = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed"
	k := &secrets{err: errors.New("busy")}
	scene(t, func(c *sandbox.Config) { c.Secrets = k }, func(b *bench) {
		for n := 1; n <= 2; n++ {
			p := spec(n, "")
			p.Containers[0].Secrets = []sandbox.Secret{{Name: "PASSWORD", ValueFrom: "arn:aws:ssm:us-east-1:000000000000:parameter/p"}}
			b.create(p)
			b.until(n, func(s *sandbox.Sandbox) bool { return s.Status.Trouble == "busy" })
			k.mu.Lock()
			if k.err = nil; n == 2 {
				k.err = &sandbox.StopError{Reason: reason}
			}
			k.mu.Unlock()
			if n == 1 {
				s := b.wait(n, sandbox.Running)
				if text := b.dump(n) + fmt.Sprint(s.Spec); strings.Contains(text, "hush") {
					b.Error("the secret's value is in the record")
				}
				k.mu.Lock()
				k.err = errors.New("busy")
				k.mu.Unlock()
				continue
			}
			b.wantStop(b.wait(n, sandbox.Stopped), "TaskFailedToStart", reason)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	for name, change := range map[string]func(*sandbox.Spec){
		"id":            func(p *sandbox.Spec) { p.ID = "web" },
		"steps":         func(p *sandbox.Spec) { p.Steps = 1 },
		"names":         func(p *sandbox.Spec) { p.Containers[0].Name = p.Containers[1].Name },
		"no containers": func(p *sandbox.Spec) { p.Containers = nil },
		"init":          func(p *sandbox.Spec) { p.Containers[0].Init = true },
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				p := spec(1, "", "")
				change(&p)
				if err := b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.Create(tx, p) }); err == nil {
					b.Error("no error")
				}
			})
		})
	}
}
