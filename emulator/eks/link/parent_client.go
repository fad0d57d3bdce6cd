package link

import (
	"context"
	"iter"
	"net"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// ParentClient calls the emulator from a control plane. It can be made before
// the emulator listens: each call waits for that, at most 15 s or until its
// ctx ends, and then answers ErrAway.
type ParentClient struct{ c *caller }

var _ Parent = (*ParentClient)(nil)

// DialParent calls whoever serves [ServeParent] on a socket. It does not
// connect yet.
func DialParent(socket string) *ParentClient { return &ParentClient{newCaller(socket)} }

// Close lets go of connections that nobody uses.
func (p *ParentClient) Close() { p.c.http.CloseIdleConnections() }

// CreateSandbox implements [Sandboxes].
func (p *ParentClient) CreateSandbox(ctx context.Context, s sandbox.Spec) error {
	_, err := call[nothing](ctx, p.c, "CreateSandbox", s)
	return err
}

// CompleteSandbox implements [Sandboxes].
func (p *ParentClient) CompleteSandbox(ctx context.Context, id string, c Completion) error {
	_, err := call[nothing](ctx, p.c, "CompleteSandbox", completeArgs{id, c})
	return err
}

// AddContainer implements [Containers].
func (p *ParentClient) AddContainer(ctx context.Context, id string, c sandbox.Container) error {
	_, err := call[nothing](ctx, p.c, "AddContainer", containerArgs{id, c})
	return err
}

// ConfigureContainer implements [Containers].
func (p *ParentClient) ConfigureContainer(ctx context.Context, id, name string, c Configuration) error {
	_, err := call[nothing](ctx, p.c, "ConfigureContainer", configureArgs{id, name, c})
	return err
}

// ResizeContainer implements [Containers].
func (p *ParentClient) ResizeContainer(ctx context.Context, id, name string, r sandbox.Resources) error {
	_, err := call[nothing](ctx, p.c, "ResizeContainer", resizeArgs{id, name, r})
	return err
}

// RestartContainer implements [Containers].
func (p *ParentClient) RestartContainer(ctx context.Context, id, name string, attempt int, reason string) error {
	_, err := call[nothing](ctx, p.c, "RestartContainer", restartArgs{id, name, attempt, reason})
	return err
}

// StopSandbox implements [Sandboxes].
func (p *ParentClient) StopSandbox(ctx context.Context, id, code, reason string, grace *time.Duration) error {
	_, err := call[nothing](ctx, p.c, "StopSandbox", stopArgs{id, code, reason, grace})
	return err
}

// RemoveSandbox implements [Sandboxes].
func (p *ParentClient) RemoveSandbox(ctx context.Context, id string) error {
	_, err := call[nothing](ctx, p.c, "RemoveSandbox", id)
	return err
}

// WriteFiles implements [Sandboxes].
func (p *ParentClient) WriteFiles(ctx context.Context, id, volume string, files []sandbox.File) error {
	_, err := call[nothing](ctx, p.c, "WriteFiles", filesArgs{id, volume, files})
	return err
}

// HostPath implements [Sandboxes].
func (p *ParentClient) HostPath(ctx context.Context, id, path, kind string) (HostPathState, error) {
	return call[HostPathState](ctx, p.c, "HostPath", hostPathArgs{id, path, kind})
}

// Watch implements [Sandboxes]. A link that breaks is the last error,
// ErrAway.
func (p *ParentClient) Watch(ctx context.Context) iter.Seq2[SandboxEvent, error] {
	return follow[SandboxEvent](ctx, p.c, "Watch", nothing{})
}

// Stats implements [Sandboxes].
func (p *ParentClient) Stats(ctx context.Context, id string) (sandbox.Stats, error) {
	return call[sandbox.Stats](ctx, p.c, "Stats", id)
}

// Logs implements [Streams].
func (p *ParentClient) Logs(ctx context.Context, id, container string, o sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
	return func(yield func(sandbox.LogLine, error) bool) {
		for w, err := range follow[wireLine](ctx, p.c, "Logs", logsArgs{id, container, o}) {
			if !yield(w.line(), err) {
				return
			}
		}
	}
}

// Exec implements [Streams]. When ctx ends the process is killed, if the
// runtime can. A read of s.In that blocks may outlive the call.
func (p *ParentClient) Exec(ctx context.Context, id, container string, argv []string, s sandbox.Streams) (int, error) {
	return p.c.talk(ctx, "Exec", talkArgs{ID: id, Container: container, Argv: argv}, s)
}

// Attach implements [Streams]. A read of s.In that blocks may outlive the call.
func (p *ParentClient) Attach(ctx context.Context, id, container string, s sandbox.Streams) error {
	_, err := p.c.talk(ctx, "Attach", talkArgs{ID: id, Container: container}, s)
	return err
}

// Dial implements [Streams]. ctx bounds the connecting. The connection has
// CloseWrite.
func (p *ParentClient) Dial(ctx context.Context, id, network, address string) (net.Conn, error) {
	return p.c.upgrade(ctx, "Dial", dialArgs{id, network, address})
}

// Authenticate implements [Parent].
func (p *ParentClient) Authenticate(ctx context.Context, token string) (Identity, error) {
	return call[Identity](ctx, p.c, "Authenticate", token)
}

// SetServices implements [Parent].
func (p *ParentClient) SetServices(ctx context.Context, t sandbox.ServiceTable) error {
	_, err := call[nothing](ctx, p.c, "SetServices", t)
	return err
}

// SetLoadBalancers implements [Parent].
func (p *ParentClient) SetLoadBalancers(ctx context.Context, all []LoadBalancer) ([]LoadBalancerStatus, error) {
	return call[[]LoadBalancerStatus](ctx, p.c, "SetLoadBalancers", all)
}
