package controlplane_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
)

// world is an emulator as far as control planes see one.
type world struct {
	*controlplane.Planes
	store *store.Store
	sink  *sink
	dir   string
	stop  func() // ends Run, as the emulator's end does
}

// quick is fast enough for tests and slow enough for a busy machine.
func quick() controlplane.Pace {
	return controlplane.Pace{
		Backoff: 10 * time.Millisecond, MaxBackoff: 50 * time.Millisecond, Check: 50 * time.Millisecond,
		Answer: 5 * time.Second, Stop: 10 * time.Second,
	}
}

func newWorld(t *testing.T, edit ...func(*controlplane.Config)) *world {
	t.Helper()
	t.Setenv(roleName, "kube")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(context.Background(), "memory", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{store: st, sink: &sink{}, dir: t.TempDir()}
	c := controlplane.Config{
		Store: st, Runtime: fake.New(fake.Options{}), DataDir: w.dir, Program: self, Tokens: tokens{},
		EmulatorURL: "http://emulator:4566", Logs: w.sink, Pace: quick(),
	}
	for _, e := range edit {
		e(&c)
	}
	w.Planes = controlplane.New(c)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

func arnOf(name string) string { return "arn:aws:eks:us-east-1:123456789012:cluster/" + name }

func configOf(name string) link.Config {
	return link.Config{
		Name: name, ARN: arnOf(name), Account: "123456789012", Region: "us-east-1", ID: strings.Repeat("A", 32), Version: "1.35",
		ServiceCIDR: "10.100.0.0/16", Issuer: "https://oidc", Settings: link.Settings{Revision: 1},
	}
}

func (w *world) ensure(t *testing.T, name string) {
	t.Helper()
	if err := w.Ensure(t.Context(), configOf(name)); err != nil {
		t.Fatal(err)
	}
}

// wait returns a cluster's status once ok holds for it.
func (w *world) wait(t *testing.T, name string, ok func(link.Status) bool) link.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for range w.Hints(ctx) {
		if s, there := w.Status(arnOf(name)); there && ok(s) {
			return s
		}
	}
	s, there := w.Status(arnOf(name))
	t.Fatalf("%s: %t %+v", name, there, s)
	return s
}

func isReady(s link.Status) bool  { return s.Phase == link.Ready }
func isFailed(s link.Status) bool { return s.Phase == link.Failed }

// why is what the child says of itself.
func (w *world) why(t *testing.T, name string) (life, pid int) {
	t.Helper()
	said, err := w.Why(t.Context(), arnOf(name), "ns/pod")
	if err != nil {
		t.Fatal(err)
	}
	var who string
	if _, err := fmt.Sscanf(said[0], "%s in its life %d, process %d: ns/pod", &who, &life, &pid); err != nil {
		t.Fatalf("%q: %v", said, err)
	}
	return life, pid
}

func (w *world) place(name string) string {
	return filepath.Join(w.dir, "eks", "123456789012-us-east-1-"+name)
}

// sink keeps what is logged.
type sink struct {
	mu    sync.Mutex
	lines []controlplane.LogLine
}

func (s *sink) Write(_ context.Context, _ string, lines []controlplane.LogLine) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, lines...)
	return nil
}

// tokens knows one key.
type tokens struct{}

func (tokens) Caller(_ context.Context, u *url.URL, h http.Header) (controlplane.Caller, error) {
	if !strings.HasPrefix(u.Query().Get("X-Amz-Credential"), "AKIAGOOD/") {
		return controlplane.Caller{}, errors.New("the key is unknown")
	}
	return controlplane.Caller{
		Account: "123456789012", UserID: "AROA:me", ARN: "arn:aws:sts::123456789012:assumed-role/dev/me-" + h.Get("x-k8s-aws-id"),
	}, nil
}

// eventually waits for what nothing tells.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-late.C:
			t.Fatal("never: " + what)
		}
	}
}

// engine runs sandboxes on a runtime until the test ends.
func engine(t *testing.T, st *store.Store, r sandbox.Runtime) *sandbox.Engine {
	t.Helper()
	e := sandbox.New(sandbox.Config{Store: st, Runtime: r})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = e.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return e
}
