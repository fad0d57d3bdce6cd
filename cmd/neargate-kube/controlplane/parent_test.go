package controlplane_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// parent is an emulator without any container: sandboxes have an address at
// once, run as soon as they are complete, and stop when they shall.
type parent struct {
	mu       sync.Mutex
	all      map[string]*sandbox.Sandbox
	changed  chan struct{} // closed and replaced with each change
	next     int
	table    sandbox.ServiceTable
	created  int
	identity map[string]link.Identity // by token
}

func serveParent(t *testing.T, socket string) *parent {
	t.Helper()
	p := &parent{all: map[string]*sandbox.Sandbox{}, changed: make(chan struct{}), next: 20, identity: map[string]link.Identity{}}
	l, err := link.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = link.Serve(ctx, l, link.ServeParent(p)) }() // ends with ctx
	t.Cleanup(func() { cancel(); <-done })
	return p
}

func (p *parent) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *parent) CreateSandbox(_ context.Context, s sandbox.Spec) error {
	p.change(func() {
		if p.all[s.ID] != nil {
			return
		}
		p.created++
		p.next++
		b := &sandbox.Sandbox{Spec: s, CreatedAt: time.Now()}
		b.Status = sandbox.Status{Height: 1, Bare: true, ConnectivityAt: time.Now(), Address: &sandbox.Address{IP: fmt.Sprintf("10.0.1.%d", p.next), Prefix: 24}}
		p.all[s.ID] = b
	})
	return nil
}

// edit changes a copy, as what has been told is others'.
func (p *parent) edit(id string, f func(b *sandbox.Sandbox)) error {
	found := false
	p.change(func() {
		if old := p.all[id]; old != nil {
			b := *old
			f(&b)
			p.all[id], found = &b, true
		}
	})
	if !found {
		return link.ErrNotFound
	}
	return nil
}

func (p *parent) CompleteSandbox(_ context.Context, id string, c link.Completion) error {
	return p.edit(id, func(b *sandbox.Sandbox) {
		now := time.Now()
		b.Spec.Open, b.Spec.Containers, b.Spec.Volumes = false, c.Containers, c.Volumes
		b.Status.Height, b.Status.Bare, b.Status.StartedAt = b.Spec.Steps, false, now
		b.Status.Containers = nil
		for _, of := range c.Containers {
			b.Status.Containers = append(b.Status.Containers, sandbox.ContainerStatus{
				Name: of.Name, State: sandbox.ContainerRunning, RuntimeID: "c0ffee", ImageDigest: "sha256:" + strings.Repeat("0", 64),
				CreatedAt: now, StartedAt: now, Started: true, Ready: true, PostStarted: true,
			})
		}
	})
}

func (p *parent) AddContainer(context.Context, string, sandbox.Container) error { return nil }

func (p *parent) ConfigureContainer(context.Context, string, string, link.Configuration) error {
	return nil
}

func (p *parent) ResizeContainer(context.Context, string, string, sandbox.Resources) error {
	return nil
}

func (p *parent) RestartContainer(context.Context, string, string, int, string) error { return nil }

func (p *parent) StopSandbox(_ context.Context, id, code, reason string, _ *time.Duration) error {
	_ = p.edit(id, func(b *sandbox.Sandbox) { // one that is not there is no error
		now := time.Now()
		b.Desired = sandbox.Desired{Stopped: true, Code: code, Reason: reason, At: now}
		b.Status.Height, b.Status.Falling, b.Status.StoppedAt = 0, true, now
		all := b.Status.Containers
		b.Status.Containers = nil
		for _, c := range all {
			c.State, c.ExitCode, c.FinishedAt, c.Ready, c.Started = sandbox.ContainerStopped, new(0), now, false, false
			b.Status.Containers = append(b.Status.Containers, c)
		}
	})
	return nil
}

func (p *parent) RemoveSandbox(_ context.Context, id string) error {
	p.change(func() { delete(p.all, id) })
	return nil
}

func (p *parent) WriteFiles(context.Context, string, string, []sandbox.File) error { return nil }

func (p *parent) HostPath(context.Context, string, string, string) (link.HostPathState, error) {
	return link.HostPathState{}, nil
}

func (p *parent) Watch(ctx context.Context) iter.Seq2[link.SandboxEvent, error] {
	return func(yield func(link.SandboxEvent, error) bool) {
		told, synced := map[string]*sandbox.Sandbox{}, false
		for {
			events, changed := p.since(told)
			if !synced {
				events, synced = append(events, link.SandboxEvent{Synced: true}), true
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// since lists what differs from what was told, and notes it.
func (p *parent) since(told map[string]*sandbox.Sandbox) (events []link.SandboxEvent, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, b := range p.all {
		if told[id] != b {
			told[id] = b
			events = append(events, link.SandboxEvent{ID: id, Sandbox: b, Status: sandbox.LastStatus(b)})
		}
	}
	for id := range told {
		if p.all[id] == nil {
			delete(told, id)
			events = append(events, link.SandboxEvent{ID: id})
		}
	}
	return events, p.changed
}

func (p *parent) Stats(context.Context, string) (sandbox.Stats, error) {
	return sandbox.Stats{}, link.ErrNotFound
}

func (p *parent) Logs(_ context.Context, _, container string, _ sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
	return func(yield func(sandbox.LogLine, error) bool) {
		yield(sandbox.LogLine{At: time.Now(), Text: "hello from " + container}, nil)
	}
}

func (p *parent) Exec(_ context.Context, _, _ string, argv []string, s sandbox.Streams) (int, error) {
	_, err := io.WriteString(s.Out, strings.Join(argv, " "))
	return 0, err
}

func (p *parent) Attach(context.Context, string, string, sandbox.Streams) error { return nil }

func (p *parent) Dial(context.Context, string, string, string) (net.Conn, error) {
	return nil, link.ErrNotFound
}

func (p *parent) Authenticate(_ context.Context, token string) (link.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok := p.identity[token]
	if !ok {
		return id, &link.Error{Kind: link.ErrUnauthorized, Message: "nobody signed this"}
	}
	return id, nil
}

func (p *parent) SetServices(_ context.Context, t sandbox.ServiceTable) error {
	p.change(func() { p.table = t })
	return nil
}

func (p *parent) SetLoadBalancers(_ context.Context, all []link.LoadBalancer) ([]link.LoadBalancerStatus, error) {
	var at []link.LoadBalancerStatus
	for i, b := range all {
		at = append(at, link.LoadBalancerStatus{Name: b.Name, Address: fmt.Sprintf("127.64.0.%d", i+1)})
	}
	return at, nil
}

func (p *parent) sandboxesMade() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.created
}
