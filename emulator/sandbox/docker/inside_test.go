package docker_test

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/network"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

func endpoint(name string, ip netip.Addr) *network.NetworkingConfig {
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
		name: {IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: ip}},
	}}
}

func TestTheImagesCommand(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(runtimetest.Program{})
	s.Containers[0].Command = nil
	if got := b.does(s); !slices.Equal(got, []string{"from the image"}) {
		t.Errorf("without a command: %q", got)
	}
	s = b.spec(runtimetest.Program{})
	s.Containers[0].Entrypoint, s.Containers[0].Command = []string{runtimetest.Path, "-do=env FROM_IMAGE", "-exit=0"}, nil
	if got := b.does(s); !slices.Equal(got, []string{"yes"}) {
		t.Errorf("with an entrypoint the image's command has to go: %q", got)
	}
}

func TestNetworkSysctls(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(doing("read /proc/sys/net/core/somaxconn"))
	s.Containers[0].Sysctls = map[string]string{"net.core.somaxconn": "2048"}
	if got := b.does(s); strings.TrimSpace(strings.Join(got, "")) != "2048" {
		t.Errorf("%q", got)
	}
}

func TestAnyUserMayServePort80(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(runtimetest.Program{Serve: 80, Body: "nobody"})
	s.Containers[0].User, s.Containers[0].CapDrop = "65534:65534", []string{"ALL"}
	b.launch(s)
	b.await("it answers", func() bool { return fetch(b, s.ID, "127.0.0.1:80") == "nobody" })
}

func TestSharedProcesses(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(doing("pid"), doing("pid"))
	s.Containers[0].ShareProcesses = true
	b.launch(s)
	if shared, own := b.lines(s, "c0"), b.lines(s, "c1"); shared[0] == "1" || own[0] != "1" {
		t.Errorf("process ids: shared %q, own %q", shared, own)
	}
}

func TestAnEmptyVolumeTakesOverTheImagesFiles(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(doing("read /seed/file"))
	s.Volumes = []sandbox.Volume{{Name: "v"}}
	s.Containers[0].Mounts = []sandbox.Mount{{Volume: "v", Path: "/seed"}}
	if got := b.does(s); !slices.Equal(got, []string{"seed"}) {
		t.Errorf("%q", got)
	}
}

func TestFilesOfARunningSandboxAreReplaced(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(doing("await /conf/sub/new", "read /conf/sub/new", "read /conf/old", "mode /conf/sub/new"))
	s.Volumes = []sandbox.Volume{{Name: "conf", Files: []sandbox.File{{Path: "old", Mode: 0o644, Data: []byte("before")}}}}
	s.Containers[0].Mounts = []sandbox.Mount{{Volume: "conf", Path: "/conf"}}
	b.launch(s)
	err := b.rt.WriteFiles(b.ctx, s.ID, "conf", []sandbox.File{
		{Path: "old", Mode: 0o644, Data: []byte("after")},
		{Path: "sub/new", Mode: 0o604, UID: 7, GID: 8, Data: []byte("new")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.lines(s, "c0"); !slices.Equal(got, []string{"there", "new", "after", "0604 7:8"}) {
		t.Errorf("%q", got)
	}
	if err := b.rt.WriteFiles(b.ctx, s.ID, "none", nil); err == nil {
		t.Error("no error for a volume that is not there")
	}
}

func TestFilesDoNotLeaveTheirVolume(t *testing.T) {
	b := newBench(t, nil)
	for _, path := range []string{"../x", "/etc/x", "a/../../x", "a/..", "", "."} {
		s := b.spec()
		s.Volumes = []sandbox.Volume{{Name: "v", Files: []sandbox.File{{Path: path, Data: []byte("x")}}}}
		_, err := b.rt.Up(b.ctx, s)
		var stop *sandbox.StopError
		if !errors.As(err, &stop) {
			t.Errorf("path %q: %v", path, err)
		}
	}
}

func TestMemoryVolumesKeepTheirFiles(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(doing("read /m/secret", "fs /m"))
	s.Volumes = []sandbox.Volume{{Name: "m", Memory: true, Files: []sandbox.File{{Path: "secret", Mode: 0o400, Data: []byte("hush")}}}}
	s.Containers[0].Mounts = []sandbox.Mount{{Volume: "m", Path: "/m", ReadOnly: true}}
	if got := b.does(s); !slices.Equal(got, []string{"hush", "1021994"}) {
		t.Errorf("%q", got)
	}
}

func TestAttachReadsAndWrites(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(runtimetest.RunsFor(2e9, 0))
	s.Containers[0].Command = append(s.Containers[0].Command, "-every=300ms")
	s.Containers[0].Stdin = true
	b.launch(s)
	var out writer
	in, _ := io.Pipe()
	if err := b.rt.Attach(b.ctx, s.ID, "c0", sandbox.Streams{In: in, Out: &out}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "tick") {
		t.Errorf("output %q", out.String())
	}
}

func TestExecWithATerminal(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(runtimetest.Program{})
	b.launch(s)
	resize := make(chan sandbox.TerminalSize, 1)
	resize <- sandbox.TerminalSize{Width: 100, Height: 30}
	var out writer
	code, err := b.rt.Exec(b.ctx, s.ID, "c0", []string{runtimetest.Path, "-print=hello", "-run=300ms", "-exit=6"}, nil, sandbox.Streams{Out: &out, TTY: true, Resize: resize})
	if err != nil || code != 6 || out.String() != "hello\r\n" {
		t.Errorf("code %d, error %v, output %q", code, err, out.String())
	}
}

func TestPullErrorsOfRealRegistries(t *testing.T) {
	b := newBench(t, nil)
	for image, want := range map[string]string{
		b.bed.registry + "/absent/app:v1": "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref " + b.bed.registry + "/absent/app:v1: not found",
		b.bed.registry + "/secret/app:v1": "401 Unauthorized",
		"host/UPPER/case":                 "CannotPullContainerError: invalid reference format: host/UPPER/case",
		"127.0.0.1:1/nobody/home:v1":      "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref 127.0.0.1:1/nobody/home:v1: failed to do request: Head \"https://127.0.0.1:1/v2/nobody/home/manifests/v1\": dial tcp 127.0.0.1:1: connect: connection refused",
	} {
		s := b.spec(runtimetest.Program{})
		s.Containers[0].Image = image
		_, err := b.rt.Pull(b.ctx, s, &s.Containers[0])
		var stop *sandbox.StopError
		if !errors.As(err, &stop) || !strings.Contains(stop.Reason, want) {
			t.Errorf("%s:\n got %v\nwant %s", image, err, want)
		}
	}
	s := b.spec(runtimetest.Program{})
	s.Containers[0].Pull = sandbox.PullNever
	s.Containers[0].Image = "neargate-test-absent:none"
	if _, err := b.rt.Pull(b.ctx, s, &s.Containers[0]); err == nil {
		t.Error("no error for a policy of Never")
	}
	s.Containers[0].Image, s.Containers[0].Pull = b.bed.image, sandbox.PullAlways
	if p, err := b.rt.Pull(b.ctx, s, &s.Containers[0]); err != nil || !strings.HasPrefix(p.Digest, "sha256:") || p.Local == "" {
		t.Errorf("a local image whose registry knows nothing of it: %+v, %v", p, err)
	}
}

func TestStartErrorsHaveFargatesWords(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(runtimetest.Program{NoCommand: true})
	b.up(s)
	err := b.rt.Start(b.ctx, s, &s.Containers[0], 0, nil)
	const want = "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed to create shim: OCI runtime create failed: "
	var stop *sandbox.StopError
	if !errors.As(err, &stop) || !strings.HasPrefix(stop.Reason, want) || !strings.HasSuffix(stop.Reason, `exec: "/no-such-command": stat /no-such-command: no such file or directory: unknown`) {
		t.Errorf("%v", err)
	}
	s = b.spec(runtimetest.Program{})
	s.Containers[0].Ulimits = []sandbox.Ulimit{{Name: "no-such-limit", Soft: 1, Hard: 1}}
	b.up(s)
	err = b.rt.Start(b.ctx, s, &s.Containers[0], 0, nil)
	if !errors.As(err, &stop) || stop.Container != "c0" {
		t.Errorf("%v", err)
	}
	t.Log(err)
}
