package link

import (
	"context"
	"iter"
	"net"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Parent is what the emulator does for a control plane. The emulator
// implements it; neargate-kube has a client of it. An error that wraps
// ErrNotFound, ErrConflict, ErrInvalid or ErrUnauthorized keeps its kind
// across the link.
type Parent interface {
	Sandboxes
	Containers
	Streams
	// Authenticate verifies a token of `aws eks get-token` ("k8s-aws-v1.…") for
	// this cluster. ErrUnauthorized says why it is not good.
	Authenticate(ctx context.Context, token string) (Identity, error)
	// SetServices tells the cluster's pods what Services there are.
	SetServices(ctx context.Context, t sandbox.ServiceTable) error
	// SetLoadBalancers tells which load balancers there shall be, always all of
	// them, and returns where each answers.
	SetLoadBalancers(ctx context.Context, all []LoadBalancer) ([]LoadBalancerStatus, error)
}

// Sandboxes are the cluster's sandboxes. A pod's sandbox has the pod's UID
// without its dashes as its ID.
type Sandboxes interface {
	// CreateSandbox makes a sandbox; that it exists already is no error.
	CreateSandbox(ctx context.Context, s sandbox.Spec) error
	// CompleteSandbox gives an open sandbox its containers. One that is
	// complete already stays as it is, and that is no error.
	CompleteSandbox(ctx context.Context, id string, c Completion) error
	// StopSandbox makes it wanted that the sandbox stops. With a grace all of it
	// goes then; without, its containers get their own, and of one with
	// Spec.Keep they stay, ended, until it is stopped with a grace. One that is
	// not there is no error.
	StopSandbox(ctx context.Context, id, code, reason string, grace *time.Duration) error
	// RemoveSandbox deletes the record of a sandbox that has stopped;
	// ErrConflict when it has not. One that is not there is no error.
	RemoveSandbox(ctx context.Context, id string) error
	// WriteFiles replaces the files of a volume of a sandbox that is up.
	WriteFiles(ctx context.Context, id, volume string, files []sandbox.File) error
	// HostPath makes or checks a path on the disk of the node that a sandbox
	// stands for; see [sandbox.HostPaths].
	HostPath(ctx context.Context, id, path, kind string) (HostPathState, error)
	// Watch yields the cluster's sandboxes and then their changes, until ctx
	// ends or the link breaks, which is the last error.
	Watch(ctx context.Context) iter.Seq2[SandboxEvent, error]
	// Stats reads the usage of a sandbox.
	Stats(ctx context.Context, id string) (sandbox.Stats, error)
}

// Containers are those of the cluster's sandboxes, once these are complete.
type Containers interface {
	// AddContainer adds an ephemeral container to a sandbox that runs. One that
	// is there already, by name, is no error.
	AddContainer(ctx context.Context, id string, c sandbox.Container) error
	// ConfigureContainer tells what an attempt of a container with Asks is
	// started with, or why that cannot be told. An answer that comes too late is
	// no error.
	ConfigureContainer(ctx context.Context, id, name string, c Configuration) error
	// ResizeContainer gives a container other resources, in place if it runs.
	ResizeContainer(ctx context.Context, id, name string, r sandbox.Resources) error
	// RestartContainer has the run of an attempt ended and another one begun,
	// whatever the restart policy says. One that is over is no error.
	RestartContainer(ctx context.Context, id, name string, attempt int, reason string) error
}

// Streams are what goes on inside a sandbox.
type Streams interface {
	// Logs reads what a container has written.
	Logs(ctx context.Context, id, container string, o sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error]
	// Exec runs a process in a container and returns its exit code.
	Exec(ctx context.Context, id, container string, argv []string, s sandbox.Streams) (code int, err error)
	// Attach joins the streams of a container's own process.
	Attach(ctx context.Context, id, container string, s sandbox.Streams) error
	// Dial connects to an address as seen from inside a sandbox.
	Dial(ctx context.Context, id, network, address string) (net.Conn, error)
}
