package controlplane_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/addressbook"
	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
)

// family is a world with an engine and clusters whose parents are called as
// control planes call them.
type family struct {
	*world
	runtime *fake.Runtime
}

func newFamily(t *testing.T, clusters ...string) (family, []*link.ParentClient) {
	t.Helper()
	f := family{runtime: fake.New(fake.Options{})}
	f.world = newWorld(t, func(c *controlplane.Config) { c.Runtime = f.runtime })
	engine(t, f.store, f.runtime)
	var all []*link.ParentClient
	for _, name := range clusters {
		f.ensure(t, name)
		f.wait(t, name, isReady)
		all = append(all, f.parent(t, name))
	}
	return f, all
}

func (f family) parent(t *testing.T, name string) *link.ParentClient {
	t.Helper()
	_, socket, _, err := controlplane.Place(f.dir+"/eks", arnOf(name))
	if err != nil {
		t.Fatal(err)
	}
	p := link.DialParent(socket)
	t.Cleanup(p.Close)
	return p
}

func idOf(n int) string { return fmt.Sprintf("%032x", n) }

func podOf(cluster string, n int) sandbox.Spec {
	return sandbox.Spec{
		ID: idOf(n), Group: arnOf(cluster), Owner: arnOf(cluster) + "/default/web", Open: true, Steps: 2, Patient: true,
		Network: sandbox.Network{
			VPC: "vpc-1", VPCCIDR: "10.0.0.0/16", Subnet: "subnet-1", SubnetCIDR: "10.0.1.0/24",
			Cluster: &sandbox.ClusterNetwork{Name: arnOf(cluster)},
		},
	}
}

func web(env ...sandbox.EnvVar) link.Completion {
	return link.Completion{Containers: []sandbox.Container{{
		Name: "web", Image: "web", Env: env, Ports: []sandbox.Port{{Number: 8080, Protocol: "tcp"}},
	}}}
}

// events follows a cluster's sandboxes.
type events struct {
	t    *testing.T
	next func() (link.SandboxEvent, error, bool)
}

func watch(t *testing.T, p *link.ParentClient) *events {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	next, stop := iter.Pull2(p.Watch(ctx))
	t.Cleanup(func() { stop(); cancel() })
	return &events{t, next}
}

func (e *events) until(what string, ok func(link.SandboxEvent) bool) link.SandboxEvent {
	e.t.Helper()
	for {
		v, err, more := e.next()
		if err != nil || !more {
			e.t.Fatalf("%s: %v %t", what, err, more)
		}
		if ok(v) {
			return v
		}
	}
}

func running(v link.SandboxEvent) bool { return v.Status == "RUNNING" }

// Whoever gives an address back, all clusters are told, and once.
func TestAddressesThatComeFree(t *testing.T) {
	_, parents := newFamily(t, "waits", "leaves")
	w, ctx := watch(t, parents[0]), t.Context()
	w.until("synced", func(v link.SandboxEvent) bool { return v.Synced })
	for n := 1; n <= 2; n++ {
		seen := watch(t, parents[1])
		s := podOf("leaves", n)
		s.Network.Subnet = fmt.Sprintf("subnet-%d", n)
		if err := parents[1].CreateSandbox(ctx, s); err != nil {
			t.Fatal(err)
		}
		seen.until("an address", func(v link.SandboxEvent) bool {
			return v.ID == s.ID && v.Sandbox != nil && v.Sandbox.Status.Address != nil
		})
		if err := parents[1].StopSandbox(ctx, s.ID, "UserInitiated", "deleted", nil); err != nil {
			t.Fatal(err)
		}
		seen.until("stopped", func(v link.SandboxEvent) bool { return v.ID == s.ID && v.Status == "STOPPED" })
		if err := parents[1].RemoveSandbox(ctx, s.ID); err != nil {
			t.Fatal(err)
		}
		// What is told next is the next subnet: its going told nothing more.
		if v := w.until("its address is free", func(v link.SandboxEvent) bool { return v.Freed != "" }); v.Freed != s.Network.Subnet {
			t.Errorf("%+v", v)
		}
	}
}

// The whole life of a pod's sandbox as a control plane sees and makes it.
func TestPodsLife(t *testing.T) {
	_, parents := newFamily(t, "well")
	p, ctx := parents[0], t.Context()
	w := watch(t, p)
	if v := w.until("synced", func(link.SandboxEvent) bool { return true }); !v.Synced {
		t.Fatalf("%+v", v)
	}
	for range 2 { // the second time it is there
		if err := p.CreateSandbox(ctx, podOf("well", 1)); err != nil {
			t.Fatal(err)
		}
	}
	v := w.until("an address", func(v link.SandboxEvent) bool { return v.Sandbox != nil && v.Sandbox.Status.Address != nil })
	if v.ID != idOf(1) || !strings.HasPrefix(v.Sandbox.Status.Address.IP, "10.0.1.") {
		t.Errorf("%+v", v)
	}
	for range 2 {
		if err := p.CompleteSandbox(ctx, idOf(1), web(sandbox.EnvVar{Name: "FAKE_STDOUT", Value: "hello"})); err != nil {
			t.Fatal(err)
		}
	}
	w.until("running", running)
	var lines []string
	for l, err := range p.Logs(ctx, idOf(1), "web", sandbox.LogsOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l.Text)
	}
	if !slices.Equal(lines, []string{"hello"}) {
		t.Errorf("%q", lines)
	}
	if s, err := p.Stats(ctx, idOf(1)); err != nil || len(s.Containers) != 1 {
		t.Errorf("%+v %v", s, err)
	}
	var out bytes.Buffer
	if _, err := p.Exec(ctx, idOf(1), "web", []string{"cat"}, sandbox.Streams{In: strings.NewReader("in"), Out: &out}); err != nil {
		t.Error(err)
	}
	c, err := p.Dial(ctx, idOf(1), "tcp", "127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, c); got != "web\n" {
		t.Errorf("%q", got)
	}
	if err := p.RemoveSandbox(ctx, idOf(1)); !errors.Is(err, link.ErrConflict) {
		t.Errorf("removing what runs: %v", err)
	}
	grace := time.Second
	if err := p.StopSandbox(ctx, idOf(1), "UserInitiated", "deleted", &grace); err != nil {
		t.Fatal(err)
	}
	v = w.until("stopped", func(v link.SandboxEvent) bool { return v.Status == "STOPPED" })
	if d := v.Sandbox.Desired; d.Code != "UserInitiated" || d.Reason != "deleted" || *d.Grace != grace {
		t.Errorf("%+v", d)
	}
	if v := w.until("its address is free", func(v link.SandboxEvent) bool { return v.Sandbox == nil }); v.Freed != "subnet-1" || v.ID != "" {
		t.Errorf("%+v", v)
	}
	if err := p.RemoveSandbox(ctx, idOf(1)); err != nil {
		t.Fatal(err)
	}
	if v := w.until("gone", func(v link.SandboxEvent) bool { return v.Sandbox == nil }); v.ID != idOf(1) || v.Synced {
		t.Errorf("%+v", v)
	}
	for name, err := range map[string]error{
		"stop": p.StopSandbox(ctx, idOf(1), "", "", nil), "remove": p.RemoveSandbox(ctx, idOf(1)),
	} {
		if err != nil {
			t.Errorf("%s of what is not there: %v", name, err)
		}
	}
}

func get(t *testing.T, c io.ReadWriteCloser) string {
	t.Helper()
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(b), "\r\n\r\n")
	return body
}

// Who watches later gets what is there first.
func TestWatchBeginsWithWhatIsThere(t *testing.T) {
	_, parents := newFamily(t, "well")
	p := parents[0]
	for n := range 3 {
		if err := p.CreateSandbox(t.Context(), podOf("well", n+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.StopSandbox(t.Context(), idOf(3), "a", "b", nil); err != nil {
		t.Fatal(err)
	}
	var ids []string
	watch(t, p).until("synced", func(v link.SandboxEvent) bool {
		if v.Sandbox != nil {
			ids = append(ids, v.ID)
		}
		return v.Synced
	})
	slices.Sort(ids)
	if !slices.Equal(ids, []string{idOf(1), idOf(2), idOf(3)}) {
		t.Error(ids)
	}
}

// A control plane reaches the sandboxes of its own cluster alone.
func TestClustersAreApart(t *testing.T) {
	f, parents := newFamily(t, "well1", "well2")
	a, b, ctx := parents[0], parents[1], t.Context()
	if err := f.store.Update(ctx, "test", func(tx *store.Tx) error { // a task of ECS's
		s := podOf("well1", 2)
		s.Group, s.Owner, s.Open, s.Network.Cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/well1", "task", false, nil
		s.Containers = web().Containers
		return sandbox.Create(tx, s)
	}); err != nil {
		t.Fatal(err)
	}
	other := watch(t, b)
	if err := a.CreateSandbox(ctx, podOf("well1", 1)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{idOf(1), idOf(2), idOf(3)} { // the first's, a task, nobody's
		for name, err := range map[string]error{
			"complete": b.CompleteSandbox(ctx, id, web()),
			"add":      b.AddContainer(ctx, id, sandbox.Container{Name: "x", Image: "x"}),
			"answer":   b.ConfigureContainer(ctx, id, "web", link.Configuration{Trouble: "CreateContainerConfigError"}),
			"resize":   b.ResizeContainer(ctx, id, "web", sandbox.Resources{}),
			"restart":  b.RestartContainer(ctx, id, "web", 0, "because"),
			"files":    b.WriteFiles(ctx, id, "v", nil),
			"hostpath": second(b.HostPath(ctx, id, "/var/log", "")),
			"stats":    second(b.Stats(ctx, id)),
			"exec":     second(b.Exec(ctx, id, "web", []string{"x"}, sandbox.Streams{})),
			"attach":   b.Attach(ctx, id, "web", sandbox.Streams{}),
			"dial":     second(b.Dial(ctx, id, "tcp", "127.0.0.1:1")),
			"logs":     lastOf(b.Logs(ctx, id, "web", sandbox.LogsOptions{})),
		} {
			if !errors.Is(err, link.ErrNotFound) {
				// The fake runtime may have no way to do some of it at all.
				if !errors.Is(err, link.ErrInvalid) || !strings.Contains(err.Error(), "this runtime cannot") {
					t.Errorf("%s of %s: %v", name, id, err)
				}
			}
		}
		if err := errors.Join(b.StopSandbox(ctx, id, "", "", nil), b.RemoveSandbox(ctx, id)); err != nil {
			t.Errorf("stop and remove of %s: %v", id, err)
		}
	}
	if err := b.CreateSandbox(ctx, podOf("well2", 1)); !errors.Is(err, link.ErrConflict) {
		t.Errorf("an id of another cluster's: %v", err)
	}
	if err := f.store.View(ctx, func(tx *store.Tx) error {
		for _, n := range []int{1, 2} {
			if s, err := sandbox.Get(tx, idOf(n)); err != nil || s.Desired.Stopped {
				t.Errorf("sandbox %d was touched: %v", n, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := b.CreateSandbox(ctx, podOf("well2", 9)); err != nil {
		t.Fatal(err)
	}
	other.until("its own", func(v link.SandboxEvent) bool {
		if v.ID != "" && v.ID != idOf(9) {
			t.Errorf("saw %+v", v)
		}
		return v.ID == idOf(9)
	})
}

func TestForeignSpecsAreRefused(t *testing.T) {
	_, parents := newFamily(t, "well")
	for name, edit := range map[string]func(*sandbox.Spec){
		"group":   func(s *sandbox.Spec) { s.Group = arnOf("other") },
		"owner":   func(s *sandbox.Spec) { s.Owner = arnOf("other") + "/default/web" },
		"network": func(s *sandbox.Spec) { s.Network.Cluster = &sandbox.ClusterNetwork{Name: arnOf("other")} },
	} {
		s := podOf("well", 1)
		edit(&s)
		if err := parents[0].CreateSandbox(t.Context(), s); !errors.Is(err, link.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParentAuthenticates(t *testing.T) {
	_, parents := newFamily(t, "well")
	if _, err := parents[0].Authenticate(t.Context(), "k8s-aws-v1.x"); !errors.Is(err, link.ErrUnauthorized) {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func lastOf[T any](seq iter.Seq2[T, error]) (last error) {
	for _, err := range seq {
		last = err
	}
	return last
}

// A load balancer is reached over loopback, keeps its address, and refuses
// when nobody stands behind it.
func TestLoadBalancers(t *testing.T) {
	f, parents := newFamily(t, "well")
	p, ctx := parents[0], t.Context()
	w := watch(t, p)
	var endpoints []link.Endpoint
	for n := range 2 {
		if err := errors.Join(
			p.CreateSandbox(ctx, podOf("well", n+1)),
			p.CompleteSandbox(ctx, idOf(n+1), web(sandbox.EnvVar{Name: "FAKE_HTTP_BODY", Value: fmt.Sprint("pod", n)})),
		); err != nil {
			t.Fatal(err)
		}
		v := w.until("running", running)
		endpoints = append(endpoints, link.Endpoint{Sandbox: v.ID, Address: netip.MustParseAddrPort(v.Sandbox.Status.Address.IP + ":8080")})
	}
	set := func(all ...link.LoadBalancer) []link.LoadBalancerStatus {
		t.Helper()
		s, err := p.SetLoadBalancers(ctx, all)
		if err != nil || len(s) != len(all) {
			t.Fatalf("%+v %v", s, err)
		}
		return s
	}
	balancer := func(name string, e ...link.Endpoint) link.LoadBalancer {
		return link.LoadBalancer{Name: name, Ports: []link.LoadBalancerPort{{Protocol: "tcp", Port: 18080, Endpoints: e}}}
	}
	s := set(balancer("default/a", endpoints...), balancer("default/b"))
	if s[0].Error != "" || s[1].Error != "" || s[0].Address == s[1].Address || !netip.MustParsePrefix("127.64.0.0/10").Contains(netip.MustParseAddr(s[0].Address)) {
		t.Fatalf("%+v", s)
	}
	ask := func(address string) string {
		t.Helper()
		r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + address + ":18080/")
		if err != nil {
			return "refused"
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := []string{ask(s[0].Address), ask(s[0].Address), ask(s[0].Address)}; !slices.Equal(got, []string{"pod0", "pod1", "pod0"}) {
		t.Errorf("in turn: %q", got)
	}
	if got := ask(s[1].Address); got != "refused" {
		t.Errorf("nobody behind it: %q", got)
	}
	again := set(balancer("default/a", endpoints[1]), balancer("default/b", endpoints[0]))
	if again[0].Address != s[0].Address || again[1].Address != s[1].Address {
		t.Errorf("%+v became %+v", s, again)
	}
	if got := []string{ask(s[0].Address), ask(s[0].Address), ask(s[1].Address)}; !slices.Equal(got, []string{"pod1", "pod1", "pod0"}) {
		t.Errorf("other endpoints: %q", got)
	}
	// One that does not answer is passed over.
	gone := link.Endpoint{Sandbox: idOf(7), Address: endpoints[0].Address}
	set(balancer("default/a", gone, endpoints[0]))
	if got := []string{ask(s[0].Address), ask(s[0].Address)}; !slices.Equal(got, []string{"pod0", "pod0"}) {
		t.Errorf("one is gone: %q", got)
	}
	if got := ask(s[1].Address); got != "refused" {
		t.Errorf("one that is not wanted any more: %q", got)
	}
	// The control plane comes again; the address is the same.
	f.stop()
	if got := ask(s[0].Address); got != "refused" {
		t.Errorf("after the end: %q", got)
	}
	later := newWorld(t, func(c *controlplane.Config) { c.DataDir, c.Store, c.Runtime = f.dir, f.store, f.runtime })
	later.ensure(t, "well")
	later.wait(t, "well", isReady)
	p = f.parent(t, "well")
	if kept := set(balancer("default/a", endpoints...)); kept[0].Address != s[0].Address || ask(s[0].Address) == "refused" {
		t.Errorf("%+v became %+v", s[0], kept[0])
	}
	if err := later.Remove(ctx, arnOf("well")); err != nil {
		t.Fatal(err)
	}
	if got := ask(s[0].Address); got != "refused" {
		t.Errorf("after the cluster's end: %q", got)
	}
}

// A public task has the address that a load balancer would have by its name,
// and one that has ended keeps its own for when it comes again.
func TestLoadBalancersShareTheBook(t *testing.T) {
	book := addressbook.New(netip.MustParsePrefix("127.64.8.0/30")) // of two addresses
	w := family{runtime: fake.New(fake.Options{})}
	w.world = newWorld(t, func(c *controlplane.Config) { c.Addresses, c.Runtime = book, w.runtime })
	w.ensure(t, "well")
	w.wait(t, "well", isReady)
	p := w.parent(t, "well")
	tasks, err := book.Take("sandbox/a", func(netip.Addr, bool) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	one := link.LoadBalancer{Name: "a/one", Ports: []link.LoadBalancerPort{{Protocol: "tcp", Port: 18081}}}
	two := link.LoadBalancer{Name: "a/two", Ports: []link.LoadBalancerPort{{Protocol: "tcp", Port: 18081}}}
	s, err := p.SetLoadBalancers(t.Context(), []link.LoadBalancer{one, two})
	if err != nil || s[0].Address == "" || s[0].Address == tasks.String() || s[1].Address != "" || !strings.Contains(s[1].Error, "no address of 127.64.8.0/30 is free") {
		t.Fatalf("%+v %v, the task's is %s", s, err, tasks)
	}
	w.stop()
	if err := book.Claim("sandbox/b", netip.MustParseAddr(s[0].Address)); !errors.Is(err, addressbook.ErrTaken) {
		t.Errorf("while the control plane is away its address is free: %v", err)
	}
	if err := w.Remove(t.Context(), arnOf("well")); err != nil {
		t.Fatal(err)
	}
	if err := book.Claim("sandbox/b", netip.MustParseAddr(s[0].Address)); err != nil {
		t.Errorf("after the cluster's end: %v", err)
	}
}

func TestLoadBalancerThatCannotBe(t *testing.T) {
	_, parents := newFamily(t, "well")
	s, err := parents[0].SetLoadBalancers(t.Context(), []link.LoadBalancer{
		{Name: "a/b", Ports: []link.LoadBalancerPort{{Protocol: "sctp", Port: 1}}},
	})
	if err != nil || len(s) != 1 || !strings.Contains(s[0].Error, "sctp") {
		t.Errorf("%+v %v", s, err)
	}
}

// Datagrams are carried too; an endpoint without a sandbox is reached from the
// host.
func TestLoadBalancerOfDatagrams(t *testing.T) {
	_, parents := newFamily(t, "well")
	echo, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { echo.Close() })
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := echo.ReadFrom(b)
			if err != nil {
				return
			}
			echo.WriteTo(append([]byte("echo "), b[:n]...), from)
		}
	}()
	s, err := parents[0].SetLoadBalancers(t.Context(), []link.LoadBalancer{{Name: "a/dns", Ports: []link.LoadBalancerPort{{
		Protocol: "udp", Port: 18053, Endpoints: []link.Endpoint{{Address: netip.MustParseAddrPort(echo.LocalAddr().String())}},
	}}}})
	if err != nil || s[0].Error != "" {
		t.Fatalf("%+v %v", s, err)
	}
	c, err := net.Dial("udp", s[0].Address+":18053")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		n, err := c.Read(b)
		if err != nil || string(b[:n]) != "echo "+text {
			t.Errorf("%q %v", b[:n], err)
		}
	}
}
