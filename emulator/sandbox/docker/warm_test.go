package docker_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// ours lists the names of the containers of an instance.
func (b *bench) ours(instance string) []string {
	b.Helper()
	l, err := b.bed.engine.ContainerList(b.ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", "dev.neargate.instance="+instance)})
	if err != nil {
		b.Fatal(err)
	}
	var names []string
	for _, c := range l.Items {
		names = append(names, c.Names[0])
	}
	slices.Sort(names)
	return names
}

func TestWarmStartTakesTwoCalls(t *testing.T) {
	p := newProxy(t, need(t))
	b := newBench(t, func(o *docker.Options) { o.Host, o.Warm = p.host(), 2 })
	first := b.spec(runtimetest.Program{})
	b.launch(first) // begins the pool, and has the image inspected
	b.await("the pool is full", func() bool { return docker.Warm(b.rt) == 2 })
	// Where somebody else's image comes or goes meanwhile, ours is looked at
	// anew; the Engine is not this test's alone.
	b.await("pull and start take two calls", func() bool {
		s := b.spec(runtimetest.Program{})
		c := &s.Containers[0]
		if _, err := b.rt.Pull(b.ctx, s, c); err != nil {
			t.Fatal(err)
		}
		b.up(s)
		b.await("the pool is full again", func() bool { return docker.Warm(b.rt) == 2 })
		p.count()
		if _, err := b.rt.Pull(b.ctx, s, c); err != nil {
			t.Fatal(err)
		}
		if err := b.rt.Start(b.ctx, s, c, 0, nil); err != nil {
			t.Fatal(err)
		}
		calls := p.count()
		if n := len(calls); n < 2 || n > 3 || !strings.HasSuffix(calls[n-2], "/containers/create") || !strings.HasSuffix(calls[n-1], "/start") ||
			n == 3 && !strings.Contains(calls[0], "/images/") {
			t.Fatalf("pull and start took %q, want create and start", calls)
		}
		return len(calls) == 2
	})
}

// An answer that is older than the change of an image is not kept.
func TestLateDigestIsNotRemembered(t *testing.T) {
	if changed, unchanged := docker.LateDigest(); changed != "" || unchanged != "now" {
		t.Errorf("of an image that changed %q, of one that did not %q", changed, unchanged)
	}
}

func TestWarmUpNeedsOnlyARename(t *testing.T) {
	p := newProxy(t, need(t))
	b := newBench(t, func(o *docker.Options) { o.Host, o.Warm = p.host(), 1 })
	b.up(b.spec())
	b.await("a sandbox is ready", func() bool { return docker.Warm(b.rt) == 1 })
	p.count()
	began := time.Now()
	b.up(b.spec())
	took := time.Since(began)
	if calls := p.count(); len(calls) == 0 || !strings.HasSuffix(calls[0], "/rename") {
		t.Errorf("calls %q, want a rename first", calls)
	}
	t.Logf("warm Up took %v", took)
}

// A ready sandbox is told hosts and resolvers; only a host name has to be made
// with the container.
func TestWarmSandboxesServeEverySpecWithoutAHostname(t *testing.T) {
	p := newProxy(t, need(t))
	b := newBench(t, func(o *docker.Options) { o.Host, o.Warm = p.host(), 1 })
	b.up(b.spec())
	b.await("a sandbox is ready", func() bool { return docker.Warm(b.rt) == 1 })
	s := b.spec(doing("get http://db.example.test:8080/", "read /etc/resolv.conf"), runtimetest.Program{Serve: 8080, Body: "by name"})
	s.Network.Hosts = []sandbox.Host{{Address: "127.0.0.1", Names: []string{"db.example.test"}}}
	s.Network.DNSServers, s.Network.DNSSearch, s.Network.DNSOptions = []string{"192.0.2.53"}, []string{"a.example"}, []string{"ndots:3"}
	p.count()
	a := b.up(s)
	if calls := p.count(); len(calls) == 0 || !strings.HasSuffix(calls[0], "/rename") {
		t.Errorf("calls %q, want a rename first", calls)
	}
	if !slices.Equal(a.DNS, s.Network.DNSServers) {
		t.Errorf("address %+v", a)
	}
	b.start(s)
	if got := b.lines(s, "c0"); !slices.Equal(got, []string{"by name", "search a.example", "nameserver 192.0.2.53", "options ndots:3", ""}) {
		t.Errorf("%q", got)
	}
}

func TestWarmPoolIsBoundAndEnds(t *testing.T) {
	instance := need(t).instance()
	b := newBench(t, func(o *docker.Options) { o.Instance, o.Warm = instance, 3 })
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { b.up(b.spec()) })
	}
	wg.Wait()
	b.await("the pool is filled", func() bool { return docker.Warm(b.rt) >= 2 })
	if n := docker.Warm(b.rt); n > 3 {
		t.Errorf("%d sandboxes wait, at most 3 may", n)
	}
	b.await("the pool has grown", func() bool { return docker.Warm(b.rt) == 3 })
	docker.Calm(b.rt)
	b.await("the pool has shrunk", func() bool { return docker.Warm(b.rt) == 2 && len(b.ours(instance)) == 7 })
	docker.Idle(b.rt)
	b.await("the pool has ended", func() bool { return docker.Warm(b.rt) == 0 && len(b.ours(instance)) == 5 })
}

func TestWarmSandboxesYieldTheirAddresses(t *testing.T) {
	b := newBench(t, func(o *docker.Options) { o.Warm = 4 })
	seen := map[string]bool{}
	for i := range 11 { // as many as a /28 has
		s := b.spec()
		s.Network.Subnet, s.Network.SubnetCIDR = "subnet-0small", b.bed.addresses+".9.16/28"
		if i%2 == 0 {
			s.Hostname = "own-name" // cannot be warm
		}
		seen[b.up(s).IP] = true
	}
	if len(seen) != 11 {
		t.Errorf("%d addresses: %v", len(seen), seen)
	}
}

// As many tasks as a subnet has addresses for, where the network is slow to be
// made: the pool begins before it is there, and what it takes it gives back to
// all that find the subnet full.
func TestWarmSandboxesSpareAddressesFromTheFirst(t *testing.T) {
	p := newProxy(t, need(t))
	begun := make(chan struct{})
	p.holding(func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/networks/create") {
			<-begun
		}
	})
	b := newBench(t, func(o *docker.Options) { o.Host, o.Warm = p.host(), 8 })
	var up sync.WaitGroup
	start := func(n int) {
		for range n {
			s := b.spec()
			s.Network.Subnet, s.Network.SubnetCIDR = "subnet-0small", b.bed.addresses+".9.16/28"
			up.Go(func() { b.up(s) })
		}
	}
	start(1)
	b.await("the pool makes some", func() bool { return docker.Making(b.rt) > 0 })
	close(begun)
	start(10)
	up.Wait()
}

func TestWarmSandboxThatDiesIsReplaced(t *testing.T) {
	instance := need(t).instance()
	b := newBench(t, func(o *docker.Options) { o.Instance, o.Warm = instance, 1 })
	b.up(b.spec())
	b.await("a sandbox is ready", func() bool { return docker.Warm(b.rt) == 1 })
	for _, name := range b.ours(instance) {
		if strings.Contains(name, "-warm-") {
			if _, err := b.bed.engine.ContainerKill(b.ctx, name, client.ContainerKillOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.await("it is not counted any more", func() bool { return docker.Warm(b.rt) == 0 })
	s := b.spec(doing("host"))
	b.launch(s)
	if got := b.lines(s, "c0"); len(got) != 1 || !strings.HasPrefix(got[0], "ip-"+strings.ReplaceAll(b.bed.addresses, ".", "-")+"-") {
		t.Errorf("host name %q", got)
	}
}

func TestCloseLeavesTasksAndNothingElse(t *testing.T) {
	b := newBench(t, nil)
	instance := b.bed.instance()
	o := b.bed.options(instance)
	o.Warm = 2
	r, err := docker.New(b.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	s := b.spec(runtimetest.Program{})
	first := &bench{T: t, bed: b.bed, rt: r, ctx: b.ctx}
	first.launch(s)
	first.await("the pool is full", func() bool { return docker.Warm(r) == 2 })
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if names := b.ours(instance); len(names) != 2 || strings.Contains(strings.Join(names, " "), "warm") {
		t.Errorf("after Close there are %q, want the sandbox and its container", names)
	}
	second := &bench{T: t, bed: b.bed, rt: b.bed.start(t, o), ctx: b.ctx}
	if got := second.inspect(s); !got.Up {
		t.Errorf("the next process sees %+v", got)
	}
}

func TestLeftoversOfAKilledProcessGo(t *testing.T) {
	b := newBench(t, nil)
	instance := b.bed.instance()
	o := b.bed.options(instance)
	o.Warm = 2
	r, err := docker.New(b.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	killed := &bench{T: t, bed: b.bed, rt: r, ctx: b.ctx}
	s := b.spec()
	killed.up(s)
	killed.await("the pool is full", func() bool { return docker.Warm(r) == 2 })
	killed.down(s) // the network stays, warm sandboxes are in it
	docker.Abandon(r)
	if names := b.ours(instance); len(names) != 2 {
		t.Fatalf("left behind: %q, want two warm sandboxes", names)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	next := b.bed.start(t, o)
	if _, err := next.List(ctx); err != nil {
		t.Fatal(err)
	}
	if names := b.ours(instance); len(names) != 0 {
		t.Errorf("after the next start there are %q", names)
	}
	n, err := b.bed.engine.NetworkList(ctx, client.NetworkListOptions{Filters: client.Filters{}.Add("label", "dev.neargate.instance="+instance)})
	if err != nil || len(n.Items) != 0 {
		t.Errorf("networks: %+v, %v", n.Items, err)
	}
}
