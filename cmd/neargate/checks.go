package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/docker/pid1"
	"github.com/neargate/neargate/emulator/store"
)

// This file holds the doctor's checks.

// oldestAPI is Docker 20.10's.
const oldestAPI = "1.41"

func checkDocker(ctx context.Context, p patient) []finding {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := docker.Examine(ctx, p.dockerHost)
	if err != nil {
		return []finding{{what: "docker", bad: true, detail: err.Error(),
			advice: "start Docker, or name another Engine with DOCKER_HOST or --docker-host;\nwithout one, `neargate serve --runtime=fake` runs scripted containers"}}
	}
	f := finding{what: "docker", detail: fmt.Sprintf("%s, API %s, %s, %s, cgroup v%s (%s), at %s",
		r.Version, r.API, r.Arch, r.Storage, r.CgroupVersion, r.CgroupDriver, r.Host)}
	if apiBefore(r.API, oldestAPI) {
		f.bad, f.advice = true, "Docker 20.10 (API 1.41) or newer is needed"
	}
	list := []finding{f}
	if r.Rootless {
		list = append(list, finding{what: "rootless", detail: "the Engine runs without root",
			advice: "a task's CPU and memory limits may not hold, and its private address is not reached from the host; its public one is"})
	}
	return list
}

// apiBefore compares Docker's API versions, "1.9" being before "1.41".
func apiBefore(a, b string) bool {
	_, a, _ = strings.Cut(a, ".")
	_, b, _ = strings.Cut(b, ".")
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	return errX != nil || errY != nil || x < y
}

// defaultVPC is the range of every account's default VPC.
var defaultVPC = netip.MustParsePrefix("172.31.0.0/16")

func checkNetworks(ctx context.Context, p patient) []finding {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := docker.Examine(ctx, p.dockerHost)
	if err != nil {
		return nil // the check of docker tells
	}
	for _, n := range r.Networks {
		for _, s := range n.Subnets {
			if s.Overlaps(defaultVPC) && n.Instance == "" {
				return []finding{{what: "network", detail: fmt.Sprintf("Docker's network %s has %s, which the default VPC would have", n.Name, s),
					advice: "tasks get addresses of another range; `neargate why` says which"}}
			}
		}
	}
	return []finding{{what: "network", detail: fmt.Sprintf("%s, the default VPC's range, is free", defaultVPC)}}
}

// checkLeftovers looks for containers of emulators that are not told from a
// running one by Docker: one that was killed and whose data directory was
// deleted can never remove its own.
func checkLeftovers(ctx context.Context, p patient) []finding {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := docker.Examine(ctx, p.dockerHost)
	if err != nil {
		return nil // the check of docker tells
	}
	var list []finding
	for _, instance := range slices.Sorted(maps.Keys(r.Instances)) {
		list = append(list, finding{what: "containers", detail: fmt.Sprintf("%d of the emulator with the instance id %s", r.Instances[instance], instance),
			advice: "`curl …/_neargate/health` of a running server tells its instance id. If none has this one and its data directory\n" +
				"is gone: docker rm -f $(docker ps -aq --filter label=dev.neargate.instance=" + instance + ")"})
	}
	return list
}

func checkBinary(context.Context, patient) []finding {
	r, err := pid1.Open(runtime.GOARCH)
	if err != nil {
		return []finding{{what: "sandbox", bad: true, detail: err.Error(), advice: "build with `make build`"}}
	}
	return []finding{{what: "sandbox", bad: false, detail: "its binary is carried along", advice: closing(r.Close())}}
}

func closing(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func checkPort(_ context.Context, p patient) []finding {
	l, err := net.Listen("tcp", p.listen)
	if err != nil {
		return []finding{{what: "port", bad: true, detail: err.Error(),
			advice: "`neargate status` tells whether it is a Neargate that listens there; --listen chooses another port"}}
	}
	return []finding{{what: "port", detail: p.listen + " is free", advice: closing(l.Close())}}
}

func checkData(ctx context.Context, p patient) []finding {
	path := filepath.Join(p.dataDir, "neargate.db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return []finding{{what: "data", detail: path + " will be made"}}
	}
	st, err := store.Open(ctx, path, store.Options{})
	var locked *store.LockedError
	switch {
	case errors.As(err, &locked):
		return []finding{{what: "data", bad: true, detail: err.Error(), advice: "stop that server, or choose another --data-dir"}}
	case err != nil:
		return []finding{{what: "data", bad: true, detail: err.Error(), advice: "move the file away to begin anew"}}
	}
	return []finding{{what: "data", detail: path + " can be used", advice: closing(st.Close())}}
}

// wantedDisk is how much room pulling a few images takes, in bytes.
const wantedDisk = 2 << 30

func checkDisk(_ context.Context, p patient) []finding {
	dir := p.dataDir
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	free, err := freeDisk(dir)
	if err != nil {
		return []finding{{what: "disk", bad: true, detail: err.Error()}}
	}
	f := finding{what: "disk", detail: fmt.Sprintf("%.1f GiB free at %s", float64(free)/(1<<30), dir)}
	if free < wantedDisk {
		f.bad, f.advice = true, "images and state need room: `docker system df` shows what Docker has"
	}
	return []finding{f}
}
