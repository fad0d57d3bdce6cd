package docker_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// performs runs the program in a container and returns a line for each thing.
func (b *bench) performs(s *sandbox.Spec, things ...string) []string {
	b.Helper()
	argv := []string{runtimetest.Path, "-exit=0"}
	for _, t := range things {
		argv = append(argv, "-do="+t)
	}
	var out bytes.Buffer
	if code, err := b.rt.Exec(b.ctx, s.ID, "c0", argv, nil, sandbox.Streams{Out: &out}); code != 0 || err != nil {
		b.Fatalf("%v: code %d, %v", things, code, err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func (b *bench) wants(got []string, want ...string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("%q, want %q", got, want)
	}
}

// podWith makes a sandbox that is open first, with these volumes mounted at their
// names.
func (b *bench) podWith(p runtimetest.Program, volumes ...sandbox.Volume) (open, whole *sandbox.Spec) {
	whole = b.spec(p)
	whole.Steps, whole.Patient, whole.Hostname, whole.Volumes = 2, true, "a-pod", volumes
	c := &whole.Containers[0]
	c.Restart.Fresh, c.Message = true, &sandbox.Message{Path: "/dev/termination-log"}
	for _, v := range volumes {
		c.Mounts = append(c.Mounts, sandbox.Mount{Volume: v.Name, Path: "/" + v.Name})
	}
	empty := *whole
	empty.Open, empty.Containers, empty.Volumes = true, nil, nil
	return &empty, whole
}

func (b *bench) volumes(instance string) []string {
	b.Helper()
	l, err := b.bed.engine.VolumeList(b.ctx, client.VolumeListOptions{Filters: client.Filters{}.Add("label", "dev.neargate.instance="+instance)})
	if err != nil {
		b.Fatal(err)
	}
	var names []string
	for _, v := range l.Items {
		names = append(names, v.Name)
	}
	return names
}

func file(path, data string) sandbox.File {
	return sandbox.File{Path: path, Mode: 0o644, Data: []byte(data)}
}

// TestPodsVolumesCostTheEngineNothing: one volume and one container are all
// that the Engine ever sees of a pod before its containers.
func TestPodsVolumesCostTheEngineNothing(t *testing.T) {
	p := newProxy(t, need(t))
	instance := need(t).instance()
	b := newBench(t, func(o *docker.Options) { o.Host, o.Instance = p.host(), instance })
	open, whole := b.podWith(runtimetest.Program{},
		sandbox.Volume{Name: "token", Empty: true, Atomic: true, Files: []sandbox.File{file("token", "t")}}, sandbox.Volume{Name: "scratch", Mode: 0o777, Empty: true},
	)
	b.up(open)
	p.count()
	b.up(whole)
	if calls := p.count(); len(calls) > 0 {
		t.Errorf("making the volumes took %q", calls)
	}
	b.start(whole)
	p.count()
	if err := b.rt.WriteFiles(b.ctx, whole.ID, "token", []sandbox.File{file("token", "new")}); err != nil {
		t.Error(err)
	}
	if calls := p.count(); len(calls) > 0 {
		t.Errorf("writing files took %q", calls)
	}
	b.wants(b.performs(whole, "read /token/token", "mode /scratch"), "new", "0777 0:0")
	if got := b.volumes(instance); len(got) != 1 || !strings.HasSuffix(got[0], whole.ID+".kept") {
		t.Errorf("volumes %q", got)
	}
	b.down(whole)
	if got := b.volumes(instance); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

// TestVolumesOutliveTheEmulator: what a pod has, and where its message is, is
// known to the next process.
func TestVolumesOutliveTheEmulator(t *testing.T) {
	bed := need(t)
	o := bed.options(bed.instance())
	first := bed.start(t, o)
	b := newBench(t, nil)
	b.rt = first
	dies := runtimetest.Program{Run: 2 * time.Second}
	dies.Do = []string{"write /dev/termination-log farewell"}
	open, whole := b.podWith(runtimetest.Program{}, sandbox.Volume{Name: "conf", GID: 2000, Empty: true, Atomic: true, Files: []sandbox.File{file("f", "1")}})
	late := b.spec(dies).Containers[0]
	late.Name, late.Message = "dies", &sandbox.Message{Path: "/dev/termination-log"}
	whole.Containers = append(whole.Containers, late)
	b.up(open)
	b.launch(whole)
	docker.Abandon(first)
	b.rt = bed.start(t, o)
	if err := b.rt.WriteFiles(b.ctx, whole.ID, "conf", []sandbox.File{file("f", "2")}); err != nil {
		t.Fatal(err)
	}
	b.wants(b.performs(whole, "read /conf/f", "mode /conf/f"), "2", "0644 0:2000")
	b.await("dies ends", func() bool { return b.inspect(whole).Containers["dies"].State == sandbox.ContainerStopped })
	if got := b.inspect(whole).Containers["dies"].Message; got != "farewell" {
		t.Errorf("message %q", got)
	}
	b.up(whole) // makes nothing anew
	b.wants(b.performs(whole, "read /conf/f"), "2")
}

// TestVolumesOutliveTheSandboxsProcess: after a restart of the Engine PID 1 is
// another process, with the same volumes.
func TestVolumesOutliveTheSandboxsProcess(t *testing.T) {
	b := newBench(t, nil)
	open, whole := b.podWith(runtimetest.Program{}, sandbox.Volume{Name: "v", Mode: 0o777, Empty: true, Files: []sandbox.File{file("f", "1")}})
	b.up(open)
	b.launch(whole)
	b.wants(b.performs(whole, "write /v/own text"), "ok")
	if err := b.rt.Stop(b.ctx, whole, &whole.Containers[0], time.Second); err != nil {
		t.Fatal(err)
	}
	l, err := b.bed.engine.ContainerList(b.ctx, client.ContainerListOptions{Filters: client.Filters{}.Add("name", whole.ID+"$")})
	if err != nil || len(l.Items) != 1 {
		t.Fatalf("%+v, %v", l.Items, err)
	}
	if _, err := b.bed.engine.ContainerKill(b.ctx, l.Items[0].ID, client.ContainerKillOptions{}); err != nil {
		t.Fatal(err)
	}
	b.await("it is seen to be down", func() bool { return !b.inspect(whole).Up })
	b.up(whole)
	if err := b.rt.Start(b.ctx, whole, &whole.Containers[0], 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.rt.WriteFiles(b.ctx, whole.ID, "v", []sandbox.File{file("g", "2")}); err != nil {
		t.Fatal(err)
	}
	b.wants(b.performs(whole, "read /v/f", "read /v/own", "read /v/g"), "1", "text", "2")
}

func TestLargeFiles(t *testing.T) {
	b := newBench(t, nil)
	large := strings.Repeat("0123456789abcdef", 200<<10) // 3.1 MiB
	v := sandbox.Volume{Name: "v", Empty: true, Atomic: true, Files: []sandbox.File{file("large", large), file("small", "s")}}
	open, whole := b.podWith(runtimetest.Program{}, v)
	b.up(open)
	b.launch(whole)
	digest := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	if got := b.performs(whole, "read /v/large", "read /v/small"); len(got) != 2 || digest(got[0]) != digest(large) || got[1] != "s" {
		t.Error("other files than were given")
	}
	large = strings.ToUpper(large)
	if err := b.rt.WriteFiles(b.ctx, whole.ID, "v", []sandbox.File{file("large", large)}); err != nil {
		t.Fatal(err)
	}
	if got := b.performs(whole, "read /v/large"); digest(got[0]) != digest(large) {
		t.Error("another file than was written")
	}
}

func TestMemoryVolumesHaveFilesToo(t *testing.T) {
	b := newBench(t, nil)
	open, whole := b.podWith(runtimetest.Program{},
		sandbox.Volume{Name: "secret", Memory: true, Empty: true, Atomic: true, GID: 2000, Mode: 0o750, Files: []sandbox.File{file("password", "1")}},
		sandbox.Volume{Name: "scratch", Memory: true, Empty: true, Mode: 0o777, Size: 1 << 20},
	)
	c := &whole.Containers[0]
	c.Mounts = append(c.Mounts, sandbox.Mount{Volume: "secret", Path: "/password", SubPath: "password"}, sandbox.Mount{Volume: "scratch", Path: "/part", SubPath: "part/of/it"})
	b.up(open)
	b.launch(whole)
	if err := b.rt.WriteFiles(b.ctx, whole.ID, "secret", []sandbox.File{file("password", "2")}); err != nil {
		t.Fatal(err)
	}
	b.wants(b.performs(whole, "fs /secret", "mode /secret", "read /secret/password", "read /password", "mode /part", "write /part/x text", "read /scratch/part/of/it/x"),
		"1021994", "02750 0:2000", "2", "1", "0777 0:0", "ok", "text")
	if err := b.rt.WriteFiles(b.ctx, whole.ID, "absent", nil); err == nil || !strings.Contains(err.Error(), "has no volume absent") {
		t.Errorf("a volume that is not there: %v", err)
	}
}

// TestSubPathsAreMade: a kubelet makes what a sub-path leads to.
func TestSubPathsAreMade(t *testing.T) {
	b := newBench(t, nil)
	open, whole := b.podWith(runtimetest.Program{}, sandbox.Volume{Name: "v", Mode: 0o777, GID: 2000, Empty: true})
	c := &whole.Containers[0]
	c.User = "1000:1000"
	c.Mounts = append(c.Mounts, sandbox.Mount{Volume: "v", Path: "/part", SubPath: "a/b"})
	b.up(open)
	b.launch(whole)
	b.wants(b.performs(whole, "mode /part", "write /part/x text", "read /v/a/b/x"), "02777 0:2000", "ok", "text")
}
