package link_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// script is a parent whose every call is one function, told which call it is.
type script struct {
	call   func(name string, args ...any) (any, error)
	watch  func(context.Context) iter.Seq2[link.SandboxEvent, error]
	logs   func(context.Context, string, string, sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error]
	exec   func(context.Context, []string, sandbox.Streams) (int, error)
	attach func(context.Context, sandbox.Streams) error
	dial   func(context.Context, string) (net.Conn, error)
}

func (s *script) do(name string, args ...any) error {
	_, err := s.call(name, args...)
	return err
}

func answer[T any](s *script, name string, args ...any) (T, error) {
	v, err := s.call(name, args...)
	t, _ := v.(T)
	return t, err
}

func (s *script) CreateSandbox(_ context.Context, p sandbox.Spec) error { return s.do("create", p) }
func (s *script) CompleteSandbox(_ context.Context, id string, c link.Completion) error {
	return s.do("complete", id, c)
}
func (s *script) AddContainer(_ context.Context, id string, c sandbox.Container) error {
	return s.do("add", id, c)
}
func (s *script) ConfigureContainer(_ context.Context, id, name string, c link.Configuration) error {
	return s.do("configure", id, name, c)
}
func (s *script) ResizeContainer(_ context.Context, id, name string, r sandbox.Resources) error {
	return s.do("resize", id, name, r)
}
func (s *script) RestartContainer(_ context.Context, id, name string, attempt int, reason string) error {
	return s.do("restart", id, name, attempt, reason)
}
func (s *script) StopSandbox(_ context.Context, id, code, reason string, grace *time.Duration) error {
	return s.do("stop", id, code, reason, grace)
}
func (s *script) RemoveSandbox(_ context.Context, id string) error { return s.do("remove", id) }
func (s *script) WriteFiles(_ context.Context, id, volume string, f []sandbox.File) error {
	return s.do("files", id, volume, f)
}
func (s *script) HostPath(_ context.Context, id, path, kind string) (link.HostPathState, error) {
	return answer[link.HostPathState](s, "hostpath", id, path, kind)
}
func (s *script) Watch(ctx context.Context) iter.Seq2[link.SandboxEvent, error] { return s.watch(ctx) }
func (s *script) Stats(_ context.Context, id string) (sandbox.Stats, error) {
	return answer[sandbox.Stats](s, "stats", id)
}
func (s *script) Logs(ctx context.Context, id, c string, o sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
	return s.logs(ctx, id, c, o)
}
func (s *script) Exec(ctx context.Context, _, _ string, argv []string, st sandbox.Streams) (int, error) {
	return s.exec(ctx, argv, st)
}
func (s *script) Attach(ctx context.Context, _, _ string, st sandbox.Streams) error {
	return s.attach(ctx, st)
}
func (s *script) Dial(ctx context.Context, _, _, address string) (net.Conn, error) {
	return s.dial(ctx, address)
}
func (s *script) Authenticate(_ context.Context, token string) (link.Identity, error) {
	return answer[link.Identity](s, "authenticate", token)
}
func (s *script) SetServices(_ context.Context, t sandbox.ServiceTable) error {
	return s.do("services", t)
}
func (s *script) SetLoadBalancers(_ context.Context, all []link.LoadBalancer) ([]link.LoadBalancerStatus, error) {
	return answer[[]link.LoadBalancerStatus](s, "balancers", all)
}

// socketPath is a place for a socket, short enough on every system.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "link")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// serveOn serves a handler until the test ends or cut is called, which returns
// when nothing of it is left.
func serveOn(t *testing.T, socket string, h http.Handler) (cut func()) {
	t.Helper()
	l, err := link.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- link.Serve(ctx, l, h) }()
	cut = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(cut)
	return cut
}

func pair(t *testing.T, s *script) (*link.ParentClient, func()) {
	t.Helper()
	socket := socketPath(t)
	cut := serveOn(t, socket, link.ServeParent(s))
	p := link.DialParent(socket)
	t.Cleanup(p.Close)
	return p, cut
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestErrorsKeepTheirKindAndText(t *testing.T) {
	for _, kind := range []error{link.ErrNotFound, link.ErrConflict, link.ErrInvalid, link.ErrUnauthorized, link.ErrAway} {
		s := &script{call: func(string, ...any) (any, error) { return nil, fmt.Errorf("the <box> %w", kind) }}
		p, _ := pair(t, s)
		err := p.RemoveSandbox(within(t), "x")
		if !errors.Is(err, kind) || err.Error() != "the <box> "+kind.Error() {
			t.Errorf("%v: got %v", kind, err)
		}
		for _, other := range []error{link.ErrNotFound, link.ErrConflict} {
			if other != kind && errors.Is(err, other) {
				t.Errorf("%v became %v as well", kind, other)
			}
		}
	}
	s := &script{call: func(string, ...any) (any, error) { return nil, errors.New("plain") }}
	p, _ := pair(t, s)
	var e *link.Error
	if err := p.RemoveSandbox(within(t), "x"); !errors.As(err, &e) || e.Kind != nil || err.Error() != "plain" {
		t.Errorf("got %v", err)
	}
}

func TestCallWaitsForTheSocket(t *testing.T) {
	s := &script{call: func(string, ...any) (any, error) { return nil, nil }}
	socket := socketPath(t)
	p := link.DialParent(socket)
	got := make(chan error, 1)
	go func() { got <- p.RemoveSandbox(within(t), "x") }()
	serveOn(t, socket, link.ServeParent(s))
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestCallEndsWithItsContextWhenNobodyListens(t *testing.T) {
	p := link.DialParent(socketPath(t))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := p.RemoveSandbox(ctx, "x")
	if !errors.Is(err, link.ErrAway) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := p.Dial(ctx, "x", "tcp", "127.0.0.1:1"); !errors.Is(err, link.ErrAway) {
		t.Errorf("got %v", err)
	}
}

// A server that comes again on the same socket is reached, though the client
// holds connections to the one before.
func TestServerComesAgain(t *testing.T) {
	s := &script{call: func(string, ...any) (any, error) { return nil, nil }}
	socket := socketPath(t)
	p := link.DialParent(socket)
	for range 3 {
		cut := serveOn(t, socket, link.ServeParent(s))
		if err := p.RemoveSandbox(within(t), "x"); err != nil {
			t.Fatal(err)
		}
		cut()
	}
}

func TestSocketIsItsUsersAlone(t *testing.T) {
	socket := socketPath(t)
	serveOn(t, socket, http.NotFoundHandler())
	i, err := os.Stat(socket)
	if err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", i.Mode(), err)
	}
	if _, err := link.Listen("/tmp/" + string(make([]byte, 100))); err == nil {
		t.Error("a path that is too long was taken")
	}
}

func TestForeignServerIsAway(t *testing.T) {
	socket := socketPath(t)
	serveOn(t, socket, http.NotFoundHandler())
	if err := link.DialParent(socket).RemoveSandbox(within(t), "x"); !errors.Is(err, link.ErrAway) {
		t.Errorf("got %v", err)
	}
}
