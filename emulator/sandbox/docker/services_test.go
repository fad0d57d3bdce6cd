package docker_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// pod is a spec as a Kubernetes cluster makes it.
func (b *bench) pod(programs ...runtimetest.Program) *sandbox.Spec {
	s := b.spec(programs...)
	s.Owner, s.Steps, s.Hostname = testCluster.Name+"/default/web", 2, "web-0"
	s.Network.Cluster, s.Network.DNSServers = testCluster, []string{testCluster.DNS}
	s.Network.DNSSearch = []string{"default.svc.cluster.local", "svc.cluster.local", "cluster.local", "ec2.internal"}
	s.Network.DNSOptions = []string{"ndots:5"}
	return s
}

// cluster is a table under construction.
type cluster struct{ sandbox.ServiceTable }

func newCluster() *cluster {
	return &cluster{sandbox.ServiceTable{Zones: []string{"cluster.local"}, Names: map[string]sandbox.DNSName{}}}
}

// with adds a Service that is called name, of the protocol "tcp" or "udp".
func (c *cluster) with(name, address, protocol string, port uint16, to ...string) *cluster {
	s := sandbox.Service{Addresses: []netip.Addr{netip.MustParseAddr(address)}, Ports: []sandbox.ServicePort{{Protocol: protocol, Port: port}}}
	for _, e := range to {
		s.Ports[0].Endpoints = append(s.Ports[0].Endpoints, netip.MustParseAddrPort(e))
	}
	c.Services = append(c.Services, s)
	c.Names[name+".default.svc.cluster.local"] = sandbox.DNSName{Addresses: s.Addresses}
	return c
}

func (b *bench) services(c *cluster) {
	b.Helper()
	if err := b.rt.SetServices(b.ctx, testCluster.Name, c.ServiceTable); err != nil {
		b.Fatal(err)
	}
}

// serving starts a pod that serves HTTP on port 8080 and returns it with
// address and port.
func (b *bench) serving(body string) (*sandbox.Spec, string) {
	b.Helper()
	s := b.pod(runtimetest.Program{Serve: 8080, Body: body})
	a := b.launch(s)
	b.await(body+" serves", func() bool { return fetch(b, s.ID, "127.0.0.1:8080") == body })
	return s, a.IP + ":8080"
}

// asks runs things in the first container of a sandbox.
func (b *bench) asks(s *sandbox.Spec, things ...string) []string {
	b.Helper()
	argv := []string{runtimetest.Path, "-exit=0"}
	for _, t := range things {
		argv = append(argv, "-do="+t)
	}
	var out writer
	if code, err := b.rt.Exec(b.ctx, s.ID, "c0", argv, nil, sandbox.Streams{Out: &out}); err != nil || code != 0 {
		b.Fatalf("Exec: %d, %v", code, err)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

// refused wants a connection from within to be refused at once.
func (b *bench) refused(s *sandbox.Spec, network, address string) {
	b.Helper()
	began := time.Now()
	c, err := b.rt.Dial(b.ctx, s.ID, network, address)
	if err == nil {
		defer c.Close()
		b.Errorf("%s %s is not refused", network, address)
	} else if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > soon {
		b.Errorf("%s %s: %v after %v", network, address, err, time.Since(began))
	}
}

func TestPodsReachServices(t *testing.T) {
	b := newBench(t, nil)
	one, at1 := b.serving("one")
	_, at2 := b.serving("two")
	client, _ := b.serving("client")
	b.services(newCluster().
		with("web", "10.100.7.1", "tcp", 80, at1, at2).
		with("first", "10.100.7.2", "tcp", 80, at1).
		with("nobody", "10.100.7.3", "tcp", 80))
	b.await("the table has come", func() bool {
		c, err := b.rt.Dial(b.ctx, client.ID, "tcp", "10.100.7.2:80")
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	seen := map[string]bool{}
	for range 20 {
		seen[fetch(b, client.ID, "10.100.7.1:80")] = true
	}
	if !seen["one"] || !seen["two"] || len(seen) != 2 {
		t.Errorf("a Service with two endpoints is answered by %v", seen)
	}
	want := []string{"one", "one", "one", "web-0"}
	if got := b.asks(client, "get http://10.100.7.2/", "get http://first/", "get http://first.default.svc.cluster.local./", "host"); !slices.Equal(got, want) {
		t.Errorf("by address and by names: %q", got)
	}
	b.refused(client, "tcp", "10.100.7.3:80")
	b.refused(client, "tcp", "10.100.7.1:81")
	b.refused(client, "tcp", "10.100.99.9:80")
	if got := b.asks(one, "get http://first/"); got[0] != "one" { // itself
		t.Errorf("through its own Service: %q", got)
	}
	for _, address := range []string{"127.0.0.1:8080", at1} { // port-forward, probes
		if got := fetch(b, one.ID, address); got != "one" {
			t.Errorf("%s from the emulator: %q", address, got)
		}
	}
	if got := b.asks(client, "read /etc/resolv.conf")[0]; got != "search default.svc.cluster.local svc.cluster.local cluster.local ec2.internal" {
		t.Errorf("resolv.conf %q", got)
	}
}

func TestTablesReachPodsThatComeAndThoseThatAreThere(t *testing.T) {
	b := newBench(t, nil)
	_, at1 := b.serving("one")
	_, at2 := b.serving("two")
	b.services(newCluster().with("web", "10.100.7.1", "tcp", 80, at1))
	// A new pod has the table before its first container starts.
	s := b.pod(runtimetest.Program{})
	s.Containers[0].Command = doing("get http://web/").Argv()
	if got := b.does(s); !slices.Equal(got, []string{"one"}) {
		t.Errorf("the first thing that a new pod does: %q", got)
	}
	client, _ := b.serving("client")
	for i := range 50 { // the last one counts
		to := at1
		if i%2 == 1 {
			to = at2
		}
		b.services(newCluster().with("web", "10.100.7.1", "tcp", 80, to))
	}
	b.await("the last table has come", func() bool { return fetch(b, client.ID, "10.100.7.1:80") == "two" })
	for range 5 {
		if got := fetch(b, client.ID, "10.100.7.1:80"); got != "two" {
			t.Errorf("after the last table: %q", got)
		}
	}
}

// fakeAPI answers as a control plane, over TLS, with its name.
func fakeAPI(t *testing.T, name string) func(context.Context, string) (net.Conn, error) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name, " ", r.URL.Path) }))
	t.Cleanup(s.Close)
	return func(ctx context.Context, cluster string) (net.Conn, error) {
		if cluster != testCluster.Name {
			return nil, fmt.Errorf("no cluster %q", cluster)
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.Listener.Addr().String())
	}
}

// api gets a path of the Kubernetes API from inside a pod.
func (b *bench) api(s *sandbox.Spec, path string) string {
	b.Helper()
	raw, err := b.rt.Dial(b.ctx, s.ID, "tcp", testCluster.API)
	if err != nil {
		return err.Error()
	}
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	defer c.Close()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: kubernetes\r\nConnection: close\r\n\r\n"); err != nil {
		return err.Error()
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func TestPodsAreAdoptedWithTheirCluster(t *testing.T) {
	instance := need(t).instance()
	b := newBench(t, func(o *docker.Options) { o.Instance, o.DialAPI = instance, fakeAPI(t, "first") })
	_, at1 := b.serving("one")
	_, at2 := b.serving("two")
	client, _ := b.serving("client")
	b.services(newCluster().with("web", "10.100.7.1", "tcp", 80, at1))
	b.await("the first table has come", func() bool { return fetch(b, client.ID, "10.100.7.1:80") == "one" })
	if got := b.api(client, "/readyz"); got != "first /readyz" {
		t.Errorf("the Kubernetes API: %q", got)
	}

	docker.Abandon(b.rt)
	second := newBench(t, func(o *docker.Options) { o.Instance, o.DialAPI = instance, fakeAPI(t, "second") })
	second.await("it is adopted", func() bool { return second.inspect(client).Up })
	second.await("it goes on with the table that it has", func() bool { return fetch(second, client.ID, "10.100.7.1:80") == "one" })
	second.await("the Kubernetes API is there again", func() bool { return second.api(client, "/version") == "second /version" })
	second.services(newCluster().with("web", "10.100.7.1", "tcp", 80, at2))
	second.await("the next table has come", func() bool { return fetch(second, client.ID, "10.100.7.1:80") == "two" })
	if a := second.inspect(client).Address; a.IP == "" {
		t.Errorf("address %+v", a)
	}
}

func TestAnAPIThatIsAway(t *testing.T) {
	b := newBench(t, func(o *docker.Options) {
		o.DialAPI = func(context.Context, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	})
	s, _ := b.serving("client")
	began := time.Now()
	if got := b.api(s, "/readyz"); strings.Contains(got, "readyz") || time.Since(began) > soon {
		t.Errorf("%q after %v", got, time.Since(began))
	}
}

// A restart of the Engine ends PID 1, and what it knew goes with it: Docker
// writes the files anew, and the namespace is another one.
func TestARestartedSandboxIsToldAgain(t *testing.T) {
	b := newBench(t, nil)
	_, at := b.serving("one")
	pod := b.pod()
	first := b.up(pod)
	b.services(newCluster().with("web", "10.100.7.1", "tcp", 80, at))
	b.await("the table has come", func() bool { return fetch(b, pod.ID, "10.100.7.1:80") == "one" })
	now := 0
	if _, err := b.bed.engine.ContainerRestart(b.ctx, b.sandboxName(pod)[1:], client.ContainerRestartOptions{Timeout: &now}); err != nil {
		t.Fatal(err)
	}
	b.await("it is up again", func() bool {
		a, err := b.rt.Up(b.ctx, pod)
		return err == nil && a.IP == first.IP
	})
	if got := fetch(b, pod.ID, "10.100.7.1:80"); got != "one" {
		t.Errorf("after the restart: %q", got)
	}
	pod.Containers = b.pod(doing("get http://web/")).Containers
	b.start(pod)
	if got := b.lines(pod, "c0"); !slices.Equal(got, []string{"one"}) {
		t.Errorf("by name: %q", got)
	}
	// Names of elsewhere still go to the Engine's resolver, not round.
	c, err := b.rt.Dial(b.ctx, pod.ID, "udp", "169.254.169.253:53")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(soon))
	m, err := exchange(c, new(dns.Msg).SetQuestion(b.sandboxName(pod)[1:]+".", dns.TypeA))
	if err != nil || len(m.Answer) != 1 {
		t.Errorf("%v, %v", m, err)
	}
}
