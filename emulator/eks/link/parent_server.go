package link

import (
	"context"
	"iter"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// nothing is what calls take or answer that have nothing to say.
type nothing struct{}

// What the calls of Parent take, where it is more than one value.
type (
	completeArgs struct {
		ID         string
		Completion Completion
	}
	containerArgs struct {
		ID        string
		Container sandbox.Container
	}
	configureArgs struct {
		ID, Name      string
		Configuration Configuration
	}
	resizeArgs struct {
		ID, Name  string
		Resources sandbox.Resources
	}
	restartArgs struct {
		ID, Name string
		Attempt  int
		Reason   string
	}
	stopArgs struct {
		ID, Code, Reason string
		Grace            *time.Duration `json:",omitempty"`
	}
	filesArgs struct {
		ID, Volume string
		Files      []sandbox.File
	}
	hostPathArgs struct{ ID, Path, Kind string }
	logsArgs     struct {
		ID, Container string
		Options       sandbox.LogsOptions
	}
	dialArgs struct{ ID, Network, Address string }
)

// ServeParent serves what a parent does for its control plane. See [Serve].
func ServeParent(p Parent) http.Handler {
	m := http.NewServeMux()
	serveSandboxes(m, p)
	serveContainers(m, p)
	serveStreams(m, p)
	serve(m, "Authenticate", p.Authenticate)
	serve(m, "SetLoadBalancers", p.SetLoadBalancers)
	serve(m, "SetServices", func(ctx context.Context, t sandbox.ServiceTable) (nothing, error) {
		return nothing{}, p.SetServices(ctx, t)
	})
	return m
}

func serveSandboxes(m *http.ServeMux, p Sandboxes) {
	serve(m, "CreateSandbox", func(ctx context.Context, s sandbox.Spec) (nothing, error) {
		return nothing{}, p.CreateSandbox(ctx, s)
	})
	serve(m, "CompleteSandbox", func(ctx context.Context, a completeArgs) (nothing, error) {
		return nothing{}, p.CompleteSandbox(ctx, a.ID, a.Completion)
	})
	serve(m, "StopSandbox", func(ctx context.Context, a stopArgs) (nothing, error) {
		return nothing{}, p.StopSandbox(ctx, a.ID, a.Code, a.Reason, a.Grace)
	})
	serve(m, "RemoveSandbox", func(ctx context.Context, id string) (nothing, error) {
		return nothing{}, p.RemoveSandbox(ctx, id)
	})
	serve(m, "WriteFiles", func(ctx context.Context, a filesArgs) (nothing, error) {
		return nothing{}, p.WriteFiles(ctx, a.ID, a.Volume, a.Files)
	})
	serve(m, "HostPath", func(ctx context.Context, a hostPathArgs) (HostPathState, error) {
		return p.HostPath(ctx, a.ID, a.Path, a.Kind)
	})
	serve(m, "Stats", p.Stats)
	serveStream(m, "Watch", func(ctx context.Context, _ nothing) iter.Seq2[SandboxEvent, error] {
		return p.Watch(ctx)
	})
}

func serveContainers(m *http.ServeMux, p Containers) {
	serve(m, "AddContainer", func(ctx context.Context, a containerArgs) (nothing, error) {
		return nothing{}, p.AddContainer(ctx, a.ID, a.Container)
	})
	serve(m, "ConfigureContainer", func(ctx context.Context, a configureArgs) (nothing, error) {
		return nothing{}, p.ConfigureContainer(ctx, a.ID, a.Name, a.Configuration)
	})
	serve(m, "ResizeContainer", func(ctx context.Context, a resizeArgs) (nothing, error) {
		return nothing{}, p.ResizeContainer(ctx, a.ID, a.Name, a.Resources)
	})
	serve(m, "RestartContainer", func(ctx context.Context, a restartArgs) (nothing, error) {
		return nothing{}, p.RestartContainer(ctx, a.ID, a.Name, a.Attempt, a.Reason)
	})
}

func serveStreams(m *http.ServeMux, p Streams) {
	serveStream(m, "Logs", func(ctx context.Context, a logsArgs) iter.Seq2[wireLine, error] {
		return func(yield func(wireLine, error) bool) {
			for l, err := range p.Logs(ctx, a.ID, a.Container, a.Options) {
				if !yield(toWire(l), err) {
					return
				}
			}
		}
	})
	serveUpgrade(m, "Exec", func(_ context.Context, a talkArgs) (func(context.Context, *upgraded), error) {
		return hear(a, func(ctx context.Context, s sandbox.Streams) (int, error) {
			return p.Exec(ctx, a.ID, a.Container, a.Argv, s)
		}), nil
	})
	serveUpgrade(m, "Attach", func(_ context.Context, a talkArgs) (func(context.Context, *upgraded), error) {
		return hear(a, func(ctx context.Context, s sandbox.Streams) (int, error) {
			return 0, p.Attach(ctx, a.ID, a.Container, s)
		}), nil
	})
	serveUpgrade(m, "Dial", func(ctx context.Context, a dialArgs) (func(context.Context, *upgraded), error) {
		if err := a.check(); err != nil {
			return nil, err
		}
		c, err := p.Dial(ctx, a.ID, a.Network, a.Address)
		if err != nil {
			return nil, err
		}
		return func(_ context.Context, u *upgraded) { tunnel.Pipe(u, c) }, nil
	})
}

// check refuses what a stream of bytes cannot carry.
func (a dialArgs) check() error {
	if !strings.HasPrefix(a.Network, "tcp") {
		return &net.OpError{Op: "dial", Net: a.Network, Err: &Error{ErrInvalid, "only TCP crosses the link"}}
	}
	return nil
}
