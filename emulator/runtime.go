package emulator

import (
	"context"
	"net/http"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/docker/pid1"
	"github.com/neargate/neargate/emulator/sandbox/fake"
)

// newRuntime makes the runtime that the configuration names. Docker need not
// answer yet.
func (e *Emulator) newRuntime(ctx context.Context) (sandbox.Runtime, error) {
	if e.config.Runtime == RuntimeFake {
		return fake.New(fake.Options{State: e.config.Fake}), nil
	}
	return docker.New(ctx, docker.Options{
		Instance: e.instance, Host: e.config.Docker, PID1: pid1.Open, Warm: e.config.Warm, Log: e.config.Log,
		Metadata: func(id string) http.Handler { return e.services.ecs.Metadata(id, e.wire) },
	})
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
