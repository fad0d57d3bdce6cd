package docker

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/system"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestWorkload(t *testing.T) {
	s := &sandbox.Spec{
		ID: "0123456789abcdef0123456789abcdef", Labels: map[string]string{"l": "spec", "s": "1"},
		Volumes: []sandbox.Volume{{Name: "v"}, {Name: "conf", Files: []sandbox.File{{Path: "f"}}}},
	}
	c := &sandbox.Container{
		Name: "app", Image: "nginx", Entrypoint: []string{"/e"}, Command: []string{"c"}, WorkingDir: "/w", User: "u", TTY: true, Stdin: true,
		CPU: 256, CPULimit: 512, Memory: 1 << 26, MemoryReservation: 1 << 25,
		Mounts:  []sandbox.Mount{{Volume: "v", Path: "/v"}, {Volume: "conf", Path: "/c", ReadOnly: true, SubPath: "a/b"}},
		Tmpfs:   []sandbox.Tmpfs{{Path: "/t", Size: 1024, Options: []string{"noexec"}}},
		Ulimits: []sandbox.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}}, CapAdd: []string{"SYS_PTRACE"}, CapDrop: []string{"ALL"},
		ReadOnlyRoot: true, NoNewPrivileges: true, InitProcess: true, ShareProcesses: true,
		Sysctls: map[string]string{"net.core.somaxconn": "1"}, Labels: map[string]string{"l": "container"}, StopSignal: "SIGINT",
		Env: []sandbox.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}, {Name: "A", Value: "3"}},
	}
	o := workload(s, c, 2, []sandbox.EnvVar{{Name: "SECRET", Value: "x"}}, setting{
		instance: "i", names: newNames("i"), owner: "sandboxcontainer", network: "pausecontainer", files: []string{"/h:/etc/hosts:z"}, kept: "k", ceiling: ceiling{group: true, parent: "/neargate/x"}, public: "127.64.0.1 80/tcp=80", subpaths: true, subs: map[string]string{"/c": "a/b"},
	})
	yes := true
	want := &container.Config{
		Image: "nginx", Entrypoint: []string{"/e"}, Cmd: []string{"c"}, Env: []string{"A=3", "B=2", "SECRET=x"}, WorkingDir: "/w", User: "u", Tty: true, OpenStdin: true,
		StopSignal: "SIGINT", Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		Labels: map[string]string{
			"l": "container", "s": "1", labelInstance: "i", labelRole: roleWorkload, labelSandbox: s.ID, labelContainer: "app", labelPublic: "127.64.0.1 80/tcp=80",
		},
	}
	if d := cmp.Diff(want, o.Config); d != "" {
		t.Error(d)
	}
	wantHost := &container.HostConfig{
		NetworkMode: "container:pausecontainer", PidMode: "container:sandboxcontainer", Init: &yes, Binds: []string{"/h:/etc/hosts:z"},
		CapAdd: []string{"SYS_PTRACE"}, CapDrop: []string{"ALL"}, ReadonlyRootfs: true, SecurityOpt: []string{"no-new-privileges"},
		Tmpfs: map[string]string{"/t": "size=1024,noexec"}, Sysctls: c.Sysctls,
		Mounts: []mount.Mount{
			{Type: "volume", Source: "neargate-i-" + s.ID + "-v", Target: "/v", VolumeOptions: &mount.VolumeOptions{}},
			{Type: "volume", Source: "k", Target: "/c", ReadOnly: true, VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: "conf/a/b"}},
		},
		Resources: container.Resources{
			CPUShares: 256, NanoCPUs: 500_000_000, Memory: 1 << 26, MemorySwap: 1 << 26, MemoryReservation: 1 << 25, CgroupParent: "/neargate/x",
			Ulimits: []*container.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}},
		},
		LogConfig: o.HostConfig.LogConfig,
	}
	if d := cmp.Diff(wantHost, o.HostConfig); d != "" {
		t.Error(d)
	}
	if o.HostConfig.LogConfig.Config["max-size"] == "" || o.HostConfig.LogConfig.Config["mode"] != "" {
		t.Errorf("log %+v", o.HostConfig.LogConfig)
	}
}

func TestWorkloadOfAnOldEngineMountsSubPathsByFolder(t *testing.T) {
	s := &sandbox.Spec{ID: "x", Volumes: []sandbox.Volume{{Name: "v", Empty: true}}}
	c := &sandbox.Container{Mounts: []sandbox.Mount{{Volume: "v", Path: "/m", SubPath: "a/b", ReadOnly: true}}}
	got := mounts(s, c, setting{
		names: newNames("i"), kept: "k", folders: map[string]string{"k": "/var/lib/docker/volumes/k/_data"}, subs: map[string]string{"/m": "a/b"},
	})
	want := []mount.Mount{{Type: "bind", Source: "/var/lib/docker/volumes/k/_data/v/a/b", Target: "/m", ReadOnly: true}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestResourcesWithoutACeiling(t *testing.T) {
	s := &sandbox.Spec{Size: sandbox.Size{CPU: 512, Memory: 1 << 29}}
	for _, c := range []struct {
		own, want int64
	}{{0, 1 << 29}, {1 << 28, 1 << 28}, {1 << 30, 1 << 29}} {
		got := resources(s, &sandbox.Container{Memory: c.own}, ceiling{})
		if got.Memory != c.want || got.NanoCPUs != 500_000_000 || got.CPUShares != 2 || got.CgroupParent != "" {
			t.Errorf("own limit %d: %+v", c.own, got)
		}
	}
}

func TestProcessorsWithinACeiling(t *testing.T) {
	s := &sandbox.Spec{Size: sandbox.Size{CPU: 256}}
	for own, want := range map[int64]int64{0: 0, 128: 125_000_000, 256: 250_000_000, 512: 250_000_000} {
		if got := resources(s, &sandbox.Container{CPULimit: own}, ceiling{group: true, parent: "/p"}); got.NanoCPUs != want {
			t.Errorf("own limit %d: %d", own, got.NanoCPUs)
		}
	}
	if got := resources(&sandbox.Spec{}, &sandbox.Container{CPULimit: 512}, ceiling{group: true}); got.NanoCPUs != 500_000_000 {
		t.Errorf("no size: %d", got.NanoCPUs)
	}
}

func TestLimits(t *testing.T) {
	g := limits("/p", sandbox.Size{CPU: 256, Memory: 1 << 29})
	if g.CPUQuota != 25_000 || g.CPUPeriod != 100_000 || g.CPUShares != 256 || g.MemoryBytes != 1<<29 {
		t.Errorf("%+v", g)
	}
	if g := limits("/p", sandbox.Size{}); g.CPUQuota != 0 || g.MemoryBytes != 0 {
		t.Errorf("no size: %+v", g)
	}
	if g := limits("/p", sandbox.Size{CPU: 1}); g.CPUQuota != 1000 || g.CPUShares != 2 {
		t.Errorf("the least: %+v", g)
	}
	if cgroupParent("x", true) != "neargate-x.slice" || cgroupPath("x", true) != "/neargate.slice/neargate-x.slice" || cgroupParent("x", false) != cgroupPath("x", false) {
		t.Error("parent and path differ")
	}
}

func TestStartAndCreateErrors(t *testing.T) {
	c := &sandbox.Container{Name: "app"}
	invalid := func(text string) error { return errdefs.ErrInvalidArgument.WithMessage(text) }
	for _, x := range []struct {
		err  error
		want string // "" for an error that is worth another try
	}{
		{startError(c, invalid(`Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown`)),
			`CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed to create shim: OCI runtime create failed: runc create failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown`},
		{startError(c, invalid("Error response from daemon: bad thing")), "CannotStartContainerError: Error response from daemon: bad thing"},
		{startError(c, errors.New("Error response from daemon: cannot join network of a non running container: 123")), ""},
		{startError(c, errors.New("Error response from daemon: something internal")), ""},
		{startError(c, errors.New("No such container: 123")), ""},
		{createError(c, invalid("Error response from daemon: invalid mount config")), "CannotCreateContainerError: Error response from daemon: invalid mount config"},
		{createError(c, invalid("client version 1.56 is too new. Maximum supported API version is 1.41")), ""},
		{createError(c, errors.New("internal")), ""},
	} {
		stop, ok := errors.AsType[*sandbox.StopError](x.err)
		if ok != (x.want != "") || ok && (stop.Reason != x.want || stop.Container != "app") {
			t.Errorf("%v\nwant %s", x.err, x.want)
		}
	}
}

func TestFacts(t *testing.T) {
	f := factsOf(system.Info{OSType: "linux", Architecture: "aarch64", CgroupDriver: "systemd", CgroupVersion: "2", SecurityOptions: []string{"name=seccomp,profile=default", "name=rootless"}}, "1.45")
	if f.arch != "arm64" || !f.systemd || !f.cgroup2 || !f.rootless || f.remapped || !f.has("1.45") || f.has("1.46") || !f.has("1.9") {
		t.Errorf("%+v", f)
	}
}

func TestPublicLabel(t *testing.T) {
	f := &front{address: netip.MustParseAddr("127.64.3.9"), ports: map[port]uint16{{80, "tcp"}: 80, {443, "tcp"}: 40443, {53, "udp"}: 53}}
	text := publicLabel(f)
	address, ports, err := parsePublicLabel(text)
	if err != nil || address != f.address || !cmp.Equal(ports, f.ports) {
		t.Errorf("%q reads as %v %v, %v", text, address, ports, err)
	}
	if got := f.moved(); len(got) != 1 || got["443/tcp"] != 40443 {
		t.Errorf("moved %v", got)
	}
	for _, bad := range []string{"", "x", "127.0.0.1 80", "127.0.0.1 a/tcp=1", "127.0.0.1 80/tcp=99999"} {
		if _, _, err := parsePublicLabel(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
