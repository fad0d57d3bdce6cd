package docker

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
)

// daemon is the Engine and what has to be known of it.
type daemon struct {
	*client.Client
	limit time.Duration // see limited

	asking keyed // held while the Engine is asked
	mu     sync.Mutex
	known  *facts
}

// facts stay true as long as the Engine runs.
type facts struct {
	engine   string // as people call it: "Docker 20.10.24 (API 1.41, overlay2, cgroup v1)"
	api      string // negotiated version
	os, arch string // in Go's words
	rootless bool
	remapped bool // root in a container is nobody on the host
	systemd  bool // cgroup driver
	cgroup2  bool
}

func newDaemon(host string) (*daemon, error) {
	opts := []client.Opt{client.FromEnv, client.WithUserAgent("neargate")}
	if host == "" {
		found, err := defaultSearch().find()
		if err != nil {
			return nil, err
		}
		host = found
	}
	if host != "" {
		opts = append(opts, client.WithHost(host))
	}
	c, err := client.New(opts...)
	if err != nil {
		return nil, err
	}
	return &daemon{Client: c, limit: callLimit}, nil
}

// callLimit is far above what the Engine takes for one thing with one container,
// on the busiest machine.
const callLimit = 2 * time.Minute

// limited bounds a call. An Engine that is stuck with a container answers no
// question about it, while it does all others; then it has to be told that so it
// is.
func limited[T any](ctx context.Context, d *daemon, what, container string, call func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	v, err := call(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("the Docker Engine is stuck: it has not answered for %v to %s container %s: %w", d.limit, what, container, err)
	}
	return v, err
}

// ContainerStart is the client's, bounded.
func (d *daemon) ContainerStart(ctx context.Context, id string, o client.ContainerStartOptions) (client.ContainerStartResult, error) {
	return limited(ctx, d, "start", id, func(ctx context.Context) (client.ContainerStartResult, error) {
		return d.Client.ContainerStart(ctx, id, o)
	})
}

// ContainerInspect is the client's, bounded.
func (d *daemon) ContainerInspect(ctx context.Context, id string, o client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	return limited(ctx, d, "inspect", id, func(ctx context.Context) (client.ContainerInspectResult, error) {
		return d.Client.ContainerInspect(ctx, id, o)
	})
}

// ContainerRemove is the client's, bounded.
func (d *daemon) ContainerRemove(ctx context.Context, id string, o client.ContainerRemoveOptions) (client.ContainerRemoveResult, error) {
	return limited(ctx, d, "remove", id, func(ctx context.Context) (client.ContainerRemoveResult, error) {
		return d.Client.ContainerRemove(ctx, id, o)
	})
}

// facts asks the Engine once, and again after forget. It also makes sure that
// the API version has been agreed upon: the client would otherwise send its
// newest to an Engine that comes back at this moment.
func (d *daemon) facts(ctx context.Context) (facts, error) {
	if f, ok := d.knows(); ok {
		return f, nil
	}
	unlock, err := d.asking.lock(ctx, "")
	if err != nil {
		return facts{}, err
	}
	defer unlock()
	if f, ok := d.knows(); ok {
		return f, nil
	}
	if _, err := d.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return facts{}, err
	}
	r, err := d.Info(ctx, client.InfoOptions{})
	if err != nil {
		return facts{}, err
	}
	f := factsOf(r.Info, d.ClientVersion())
	if f.os != "linux" {
		return facts{}, fmt.Errorf("the Docker Engine runs %s containers; Fargate's Linux tasks need linux ones", f.os)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = &f
	return f, nil
}

func (d *daemon) knows() (facts, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		return facts{}, false
	}
	return *d.known, true
}

// forget makes the next call of facts ask again: another Engine may answer.
func (d *daemon) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = nil
}

func factsOf(i system.Info, api string) facts {
	f := facts{api: api, os: i.OSType, arch: goArch(i.Architecture), systemd: i.CgroupDriver == "systemd", cgroup2: i.CgroupVersion == "2"}
	f.engine = fmt.Sprintf("Docker %s (API %s, %s, cgroup v%s)", i.ServerVersion, api, i.Driver, i.CgroupVersion)
	for _, o := range i.SecurityOptions {
		f.rootless = f.rootless || strings.Contains(o, "name=rootless")
		f.remapped = f.remapped || strings.Contains(o, "name=userns")
	}
	return f
}

// grouping reports whether a sandbox container has rights over the host's
// control groups.
func (f facts) grouping() bool { return !f.rootless && !f.remapped }

// has reports whether the Engine speaks at least this version of its API.
func (f facts) has(version string) bool { return !versions.LessThan(f.api, version) }

func goArch(machine string) string {
	switch machine {
	case "x86_64":
		return "amd64"
	case "aarch64", "arm64v8":
		return "arm64"
	case "armv7l", "armv6l":
		return "arm"
	case "i386", "i686":
		return "386"
	}
	return machine
}
