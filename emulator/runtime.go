package emulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/addressbook"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/docker/pid1"
	"github.com/neargate/neargate/emulator/sandbox/fake"
)

// patience is how long Docker, at the start and by health, and a control plane
// are waited for: one that hangs is as good as one that is away.
const patience = 2 * time.Second

// newRuntime makes the runtime that the configuration names. Docker need not
// answer yet.
func (e *Emulator) newRuntime(ctx context.Context) (sandbox.Runtime, error) {
	if e.config.Runtime == RuntimeFake {
		return fake.New(fake.Options{State: e.config.Fake}), nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return docker.New(ctx, docker.Options{
		Instance: e.instance, Host: e.config.Docker, PID1: pid1.Open, Warm: e.config.Warm, Log: e.config.Log,
		Metadata: e.metadata, DialAPI: e.dialAPI, Addresses: e.addresses,
	})
}

// openAddresses opens the book of the addresses of this host that tasks and
// load balancers have.
func (e *Emulator) openAddresses() (*addressbook.Book, error) {
	path := ""
	if e.config.DataDir != Memory {
		path = filepath.Join(e.config.DataDir, "addresses.json")
	}
	return addressbook.Open(path, addressbook.Default, e.config.Log)
}

// dialAPI connects a pod with its cluster's Kubernetes API.
func (e *Emulator) dialAPI(ctx context.Context, cluster string) (net.Conn, error) {
	<-e.assembled
	if e.services.planes == nil {
		return nil, errors.New("this emulator runs no control planes")
	}
	return e.services.planes.DialAPI(ctx, cluster)
}

// metadata are the link-local endpoints of a sandbox. Docker adopts sandboxes
// while the services are still being made, so the first request waits for
// those.
func (e *Emulator) metadata(id string) http.Handler {
	handler := sync.OnceValue(func() http.Handler {
		<-e.assembled
		return e.services.ecs.Metadata(id, e.wire)
	})
	agent := e.podIdentity(id)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next := handler()
		if isAgent(r) {
			next = agent
		}
		next.ServeHTTP(w, r)
	})
}

// examine tells what the runtime runs on, as "Docker 20.10.24 (API 1.41,
// overlay2, cgroup v1)", "" when there is nothing to tell, or why it does not
// answer, within a little more than patience.
func (e *Emulator) examine(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if e.config.Runtime == RuntimeFake {
		_, err := e.runtime.Inspect(ctx, "") // what does not exist is no error
		return "", err
	}
	r, err := docker.Examine(ctx, e.config.Docker)
	if errors.Is(err, context.DeadlineExceeded) {
		return "", fmt.Errorf("the Docker Engine does not answer within %v", patience)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Docker %s (API %s, %s, cgroup v%s)", r.Version, r.API, r.Storage, r.CgroupVersion), nil
}

// delays are the waits of --timing=aws: what a small task took on AWS Fargate
// from one status to the next, seen by users, rounded.
func delays(timing string) func(step int, rising bool) time.Duration {
	if timing != TimingAWS {
		return nil
	}
	up := map[int]time.Duration{1: 12 * time.Second, 2: 15 * time.Second, 3: 2 * time.Second}
	down := map[int]time.Duration{3: 3 * time.Second, 2: 2 * time.Second, 1: 15 * time.Second}
	return func(step int, rising bool) time.Duration {
		if rising {
			return up[step]
		}
		return down[step]
	}
}
