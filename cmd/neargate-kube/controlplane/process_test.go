package controlplane_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
	"github.com/neargate/neargate/emulator/eks/link"
)

// A process can be one control plane in its life, and may be ended by it. So
// this test binary starts itself again for each.

const childVariable = "NEARGATE_KUBE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithCancel(context.Background())
	in := json.NewDecoder(os.Stdin)
	var c link.Config
	if err := in.Decode(&c); err != nil {
		panic(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, io.MultiReader(in.Buffered(), os.Stdin))
		cancel()
	}()
	if err := controlplane.Run(ctx, c, os.Stderr); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is a control plane.
type process struct {
	*link.ChildClient
	config link.Config
	cmd    *exec.Cmd
	stdin  io.Closer
	ended  chan struct{}
	log    lockedBuffer
	status link.Status // the last that was waited for
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start starts a control plane, which is killed when the test ends.
func start(t *testing.T, c link.Config, env ...string) *process {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{config: c, cmd: exec.Command(os.Args[0]), ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), childVariable+"=1"), env...)
	p.cmd.Stderr = &p.log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(append(text, '\n')); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(p.ended); _ = p.cmd.Wait() }() // its state tells
	p.ChildClient = link.DialChild(c.ChildSocket)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the log's end:\n%s", tail(p.log.String(), 60))
		}
	})
	return p
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
	p.Close()
}

// end closes what keeps it alive and returns how long it took to end.
func (p *process) end(t *testing.T) time.Duration {
	t.Helper()
	at := time.Now()
	p.stdin.Close()
	select {
	case <-p.ended:
	case <-t.Context().Done():
		t.Fatal("it does not end")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	return time.Since(at)
}

// until waits for a status.
func (p *process) until(t *testing.T, what string, is func(link.Status) bool) link.Status {
	t.Helper()
	for s, err := range p.Watch(t.Context()) {
		if err != nil {
			t.Fatalf("%s: %v, at %q", what, err, p.status.Progress)
		}
		if p.status = s; is(s) {
			return s
		}
		if s.Phase == link.Failed {
			t.Fatalf("%s: %s", what, s.Error)
		}
	}
	t.Fatalf("%s: never, at %+v", what, p.status)
	return link.Status{}
}

func (p *process) ready(t *testing.T) link.Status {
	t.Helper()
	return p.until(t, "ready", func(s link.Status) bool { return s.Phase == link.Ready && s.Settings > 0 })
}

// client talks to the API server as whoever a token is of.
func (p *process) client(t *testing.T, token string) kubernetes.Interface {
	t.Helper()
	c, err := kubernetes.NewForConfig(p.rest(token))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *process) rest(token string) *rest.Config {
	return &rest.Config{Host: "https://" + p.status.Address, BearerToken: token, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: p.status.CA}}
}
