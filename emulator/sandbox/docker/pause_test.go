package docker_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// warmed is a bench with a sandbox for pods that is ready.
func warmed(t *testing.T, options ...func(*docker.Options)) *bench {
	t.Helper()
	b := newBench(t, func(o *docker.Options) {
		o.Warm = 1
		for _, f := range options {
			f(o)
		}
	})
	first, _ := b.podWith(runtimetest.Program{})
	b.up(first)
	b.ready()
	return b
}

// mortal is warmed with a runtime that the test itself ends.
func mortal(t *testing.T) (*bench, *docker.Runtime, docker.Options) {
	t.Helper()
	b := newBench(t, nil)
	o := b.bed.options(b.bed.instance())
	o.Warm = 1
	r, err := docker.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b.rt = r
	first, _ := b.podWith(runtimetest.Program{})
	b.up(first)
	b.ready()
	return b, r, o
}

func (b *bench) ready() {
	b.Helper()
	b.await("a sandbox is ready", func() bool { return docker.Warm(b.rt) == 1 })
}

// pauseOf returns the pause container of a sandbox, "" for none.
func (b *bench) pauseOf(s *sandbox.Spec) string {
	b.Helper()
	l, err := b.bed.engine.ContainerList(b.ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", "dev.neargate.role=pause", "dev.neargate.sandbox="+s.ID)})
	if err != nil || len(l.Items) > 1 {
		b.Fatalf("%+v, %v", l.Items, err)
	}
	if len(l.Items) == 0 {
		return ""
	}
	return l.Items[0].ID
}

// wantNamed checks what a container of a sandbox with a name of its own sees.
func (b *bench) wantNamed(s *sandbox.Spec, ip string) {
	b.Helper()
	b.wants(b.performs(s, "host", "read /etc/hostname"), s.Hostname, s.Hostname, "")
	if hosts := strings.Join(b.performs(s, "read /etc/hosts"), "\n"); !strings.Contains(hosts, ip+"\t"+s.Hostname) {
		b.Errorf("hosts file:\n%s", hosts)
	}
	b.wants(b.performs(s, "read /etc/resolv.conf"), "search a.example", "nameserver 192.0.2.53", "")
}

func named(s *sandbox.Spec, name string) {
	s.Hostname = name
	s.Network.DNSServers, s.Network.DNSSearch = []string{"192.0.2.53"}, []string{"a.example"}
}

// A pod is served by a sandbox that was ready before anybody knew its name: name,
// files, volumes and network are as if it had been made for it.
func TestWarmSandboxesServePods(t *testing.T) {
	bed := need(t)
	instance := bed.instance()
	b := warmed(t, func(o *docker.Options) { o.Instance = instance })
	before := len(b.volumes(instance))
	open, whole := b.podWith(runtimetest.Program{Serve: 8080, Body: "by name"}, sandbox.Volume{Name: "scratch", Mode: 0o777, Empty: true})
	named(open, "web-0")
	named(whole, "web-0")
	told := b.reserve(open).String()
	if a := b.up(open); a.IP != told {
		t.Errorf("Up returned %s, told was %s", a.IP, told)
	}
	b.up(whole)
	b.start(whole)
	if b.pauseOf(whole) == "" {
		t.Fatal("there is no pause container: the sandbox was not warm")
	}
	b.wantNamed(whole, told)
	b.wants(b.performs(whole, "write /scratch/f text", "get http://"+told+":8080/"), "ok", "by name")
	usage, err := b.rt.Stats(b.ctx, whole.ID)
	if c := usage.Containers["c0"]; err != nil || len(usage.Containers) != 1 || c.Memory == 0 || c.CPU == 0 || c.PIDs == 0 || usage.RxPackets == 0 {
		t.Errorf("usage %+v, %v", usage, err)
	}
	b.ready() // the next one, with a volume of its own
	b.down(whole)
	if names := b.ours(instance); slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, whole.ID) }) {
		t.Errorf("left behind: %q", names)
	}
	if got := b.volumes(instance); len(got) != before {
		t.Errorf("volumes %q, there were %d", got, before)
	}
}

// Those that are restarted need it again, and have it.
func TestAPauseContainerThatDiesIsMadeAnew(t *testing.T) {
	b := warmed(t)
	_, s := b.podWith(runtimetest.Program{})
	named(s, "web-0")
	ip := b.launch(s).IP
	first := b.pauseOf(s)
	if _, err := b.bed.engine.ContainerKill(b.ctx, first, client.ContainerKillOptions{}); err != nil {
		t.Fatal(err)
	}
	c := &s.Containers[0]
	if _, err := b.bed.engine.ContainerKill(b.ctx, b.sandboxName(s)+"-"+c.Name, client.ContainerKillOptions{}); err != nil {
		t.Fatal(err)
	}
	b.await("the container is restarted", func() bool { return b.rt.Start(b.ctx, s, c, 1, nil) == nil })
	if again := b.pauseOf(s); again == "" || again == first {
		t.Errorf("pause container %q, it was %q", again, first)
	}
	b.wantNamed(s, ip)
}

func TestTheNextProcessRestartsContainersOfWarmSandboxes(t *testing.T) {
	b, r, o := mortal(t)
	_, s := b.podWith(runtimetest.Program{}, sandbox.Volume{Name: "scratch", Mode: 0o777, Empty: true})
	named(s, "web-0")
	ip := b.launch(s).IP
	b.wants(b.performs(s, "write /scratch/f kept"), "ok")
	docker.Abandon(r)
	b.rt = b.bed.start(t, o)
	if got := b.inspect(s); !got.Up || got.Address.IP != ip {
		t.Fatalf("the next process sees %+v", got)
	}
	if err := b.rt.Start(b.ctx, s, &s.Containers[0], 1, nil); err != nil {
		t.Fatal(err)
	}
	b.wantNamed(s, ip)
	b.wants(b.performs(s, "read /scratch/f"), "kept")
}

// Where the Engine lets no pause container work, a sandbox of the right name is
// made at the address that was told.
func TestAnEngineWithoutPauseContainers(t *testing.T) {
	p := newProxy(t, need(t))
	p.holding(weaken)
	instance := need(t).instance()
	b := warmed(t, func(o *docker.Options) { o.Host, o.Instance = p.host(), instance })
	for i := range 2 {
		_, s := b.podWith(runtimetest.Program{})
		named(s, "web-0")
		told := b.reserve(s).String()
		if ip := b.launch(s).IP; ip != told {
			t.Errorf("Up returned %s, told was %s", ip, told)
		}
		if b.pauseOf(s) != "" {
			t.Errorf("sandbox %d has a pause container", i)
		}
		b.wantNamed(s, told)
		b.down(s)
	}
}

// weaken takes the right to enter namespaces from pause containers.
func weaken(req *http.Request) {
	if !strings.HasSuffix(req.URL.Path, "/containers/create") || !strings.HasSuffix(req.URL.Query().Get("name"), ".pause") {
		return
	}
	var body struct {
		container.Config
		HostConfig container.HostConfig
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return
	}
	body.HostConfig.CapAdd = []string{"SYS_PTRACE"}
	data, err := json.Marshal(body)
	if err != nil {
		return
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
}

func TestDownWhileThePauseContainerStarts(t *testing.T) {
	p := newProxy(t, need(t))
	reached, goOn := make(chan struct{}), make(chan struct{})
	instance := need(t).instance()
	b := warmed(t, func(o *docker.Options) { o.Host, o.Instance = p.host(), instance })
	p.holding(func(req *http.Request) {
		if strings.HasSuffix(req.URL.Query().Get("name"), ".pause") {
			close(reached)
			<-goOn
		}
	})
	open, _ := b.podWith(runtimetest.Program{})
	b.reserve(open)
	<-reached
	go close(goOn)
	b.down(open)
	if names := b.ours(instance); slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, open.ID) }) {
		t.Errorf("left behind: %q", names)
	}
}

func TestVolumesOfWarmSandboxesOfAKilledProcessGo(t *testing.T) {
	b, r, o := mortal(t)
	_, s := b.podWith(runtimetest.Program{})
	b.up(s) // takes the one that is ready
	b.ready()
	docker.Abandon(r)
	if got := b.volumes(o.Instance); len(got) != 3 {
		t.Fatalf("volumes %q, want those of two pods and a spare one", got)
	}
	b.rt = b.bed.start(t, o)
	if _, err := b.rt.List(b.ctx); err != nil {
		t.Fatal(err)
	}
	if got := b.volumes(o.Instance); len(got) != 2 {
		t.Errorf("volumes %q, want those of two pods", got)
	}
}
