package docker_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// writer collects output of several goroutines.
type writer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *writer) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func TestTwoInstancesWithTheSameVPC(t *testing.T) {
	one, two := newBench(t, nil), newBench(t, nil)
	s1, s2 := one.spec(runtimetest.Program{}), two.spec(runtimetest.Program{})
	a1, a2 := one.launch(s1), two.launch(s2)
	if !prefix(bed.network().SubnetCIDR).Contains(netip.MustParseAddr(a1.IP)) {
		t.Errorf("the first one has %s", a1.IP)
	}
	if prefix(bed.network().VPCCIDR).Contains(netip.MustParseAddr(a2.IP)) {
		t.Errorf("the second one has %s of the first one's network", a2.IP)
	}
	notes := strings.Join(two.inspect(s2).Notes, " ")
	if !strings.Contains(notes, bed.network().VPCCIDR) {
		t.Errorf("notes %q do not tell that %s could not be had", notes, bed.network().VPCCIDR)
	}
	if notes := one.inspect(s1).Notes; len(notes) != 0 {
		t.Errorf("the first one's notes: %q", notes)
	}
	if err := one.rt.Purge(one.ctx); err != nil {
		t.Fatal(err)
	}
	if o := two.inspect(s2); !o.Up || o.Containers["c0"].State != sandbox.ContainerRunning {
		t.Errorf("after the other's Purge: %+v", o)
	}
}

func TestOtherPeoplesThingsAreNotTouched(t *testing.T) {
	b := newBench(t, nil)
	e := b.bed.engine
	labels := map[string]string{testLabel: b.bed.run}
	c, err := e.ContainerCreate(b.ctx, client.ContainerCreateOptions{
		Name:       "neargate-foreign-" + b.bed.run,
		Config:     &container.Config{Image: b.bed.image, Labels: labels},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.ContainerRemove(b.ctx, c.ID, client.ContainerRemoveOptions{Force: true})
	n, err := e.NetworkCreate(b.ctx, "neargate-foreign-"+b.bed.run, client.NetworkCreateOptions{Driver: "bridge", Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	defer e.NetworkRemove(b.ctx, n.ID, client.NetworkRemoveOptions{})
	v, err := e.VolumeCreate(b.ctx, client.VolumeCreateOptions{Name: "neargate-foreign-" + b.bed.run, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	defer e.VolumeRemove(b.ctx, v.Volume.Name, client.VolumeRemoveOptions{})

	b.launch(b.spec(runtimetest.Program{}))
	if err := b.rt.Purge(b.ctx); err != nil {
		t.Fatal(err)
	}
	_, err1 := e.ContainerInspect(b.ctx, c.ID, client.ContainerInspectOptions{})
	_, err2 := e.NetworkInspect(b.ctx, n.ID, client.NetworkInspectOptions{})
	_, err3 := e.VolumeInspect(b.ctx, v.Volume.Name, client.VolumeInspectOptions{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Error(err)
	}
}

func TestAnAddressThatSomebodyElseHasIsSkipped(t *testing.T) {
	b := newBench(t, nil)
	first := b.spec()
	ip := netip.MustParseAddr(b.up(first).IP)
	c, err := b.bed.engine.ContainerInspect(b.ctx, b.sandboxName(first), client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	network := string(c.Container.HostConfig.NetworkMode)
	foreign, err := b.bed.engine.ContainerCreate(b.ctx, client.ContainerCreateOptions{
		Config:           &container.Config{Image: b.bed.image, Cmd: []string{runtimetest.Path}, Labels: map[string]string{testLabel: b.bed.run}},
		HostConfig:       &container.HostConfig{NetworkMode: container.NetworkMode(network)},
		NetworkingConfig: endpoint(network, ip.Next()),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.bed.engine.ContainerRemove(b.ctx, foreign.ID, client.ContainerRemoveOptions{Force: true})
	if _, err := b.bed.engine.ContainerStart(b.ctx, foreign.ID, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	if a := b.up(b.spec()); a.IP != ip.Next().Next().String() {
		t.Errorf("address %s, want the one after the foreign %s", a.IP, ip.Next())
	}
}

func (b *bench) sandboxName(s *sandbox.Spec) string {
	b.Helper()
	l, err := b.bed.engine.ContainerList(b.ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("name", s.ID+"$")})
	if err != nil || len(l.Items) != 1 {
		b.Fatalf("sandbox containers of %s: %+v, %v", s.ID, l.Items, err)
	}
	return l.Items[0].Names[0]
}

func TestNothingIsLeftAfterDown(t *testing.T) {
	instance := need(t).instance()
	b := newBench(t, nil)
	o := b.bed.options(instance)
	b.rt = b.bed.start(t, o)
	s := b.spec(runtimetest.Program{})
	s.Size = sandbox.Size{CPU: 512, Memory: 512 << 20}
	s.Volumes = []sandbox.Volume{{Name: "disk"}, {Name: "ram", Memory: true}, {Name: "conf", Files: []sandbox.File{{Path: "f", Mode: 0o600, Data: []byte("x")}}}}
	s.Containers[0].Mounts = []sandbox.Mount{{Volume: "disk", Path: "/disk"}, {Volume: "ram", Path: "/ram"}, {Volume: "conf", Path: "/conf"}}
	b.launch(s)
	if notes := b.inspect(s).Notes; len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/neargate/" + s.ID)
	if err != nil {
		t.Fatal(err)
	}
	if v2, err := filepath.Glob("/sys/fs/cgroup/neargate*/*" + s.ID + "*"); err == nil {
		groups = append(groups, v2...)
	}
	if len(groups) == 0 {
		t.Log("the Engine's control groups are not this host's: they are not looked at")
	}
	b.down(s)
	for _, g := range groups {
		if _, err := os.Stat(g); !os.IsNotExist(err) {
			t.Errorf("control group %s is left (%v)", g, err)
		}
	}
	f := client.Filters{}.Add("label", "dev.neargate.instance="+instance)
	if names := b.ours(instance); len(names) > 0 {
		t.Errorf("containers %q", names)
	}
	if l, err := b.bed.engine.VolumeList(b.ctx, client.VolumeListOptions{Filters: f}); err != nil || len(l.Items) > 0 {
		t.Errorf("volumes %+v, %v", l.Items, err)
	}
	if err := b.rt.Purge(b.ctx); err != nil { // which waits for no second use of the network
		t.Fatal(err)
	}
	if l, err := b.bed.engine.NetworkList(b.ctx, client.NetworkListOptions{Filters: f}); err != nil || len(l.Items) > 0 {
		t.Errorf("networks %+v, %v", l.Items, err)
	}
}

// TestNetworksRest: one that nobody uses stays for the next sandbox, and goes
// when another VPC wants its addresses.
func TestNetworksRest(t *testing.T) {
	p := newProxy(t, need(t))
	b := newBench(t, func(o *docker.Options) { o.Host = p.host() })
	s := b.spec(runtimetest.Program{})
	b.up(s)
	b.down(s)
	p.count()
	again := b.spec(runtimetest.Program{})
	b.up(again)
	for _, call := range p.count() {
		if strings.Contains(call, "/networks") {
			t.Errorf("the second sandbox took %s", call)
		}
	}
	b.down(again)
	other := b.spec(runtimetest.Program{})
	other.Network.VPC, other.Network.Subnet = "vpc-0another", "subnet-0another"
	if a := b.up(other); !strings.HasPrefix(a.IP, b.bed.addresses+".16.") {
		t.Errorf("the other VPC's address is %s", a.IP)
	}
	b.down(other)
}

func TestCancelledCallsLeaveNothingAfterDown(t *testing.T) {
	instance := need(t).instance()
	b := newBench(t, func(o *docker.Options) { o.Instance = instance })
	b.up(b.spec()) // keeps network and image, so that the tries below are short
	for i := range 12 {
		s := b.spec(runtimetest.Program{})
		s.Volumes = []sandbox.Volume{{Name: "v", Files: []sandbox.File{{Path: "f", Data: []byte("x")}}}}
		ctx, cancel := context.WithTimeout(b.ctx, time.Duration(i)*40*time.Millisecond)
		_, err := b.rt.Up(ctx, s)
		if err == nil {
			_ = b.rt.Start(ctx, s, &s.Containers[0], 0, nil) // cancelled or not, Down is what counts
		}
		cancel()
		b.down(s)
		for _, name := range b.ours(instance) {
			if strings.Contains(name, s.ID) {
				t.Errorf("cancelled after %v: %s is left", time.Duration(i)*40*time.Millisecond, name)
			}
		}
		if ids, err := b.rt.List(b.ctx); err != nil || len(ids) != 1 {
			t.Errorf("List: %v, %v; want the first sandbox only", ids, err)
		}
	}
}
