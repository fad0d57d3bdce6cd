package docker_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// foreign makes an image of programs of this host, with the libraries that
// they need, and returns its reference; it skips without them.
func (b *bench) foreign(programs ...string) string {
	b.Helper()
	files := map[string]string{}
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if err != nil {
			b.Skipf("SKIPPED: this host has no %s", name)
		}
		files["bin/"+name] = path
		libraries, err := exec.Command("ldd", path).Output()
		if err != nil {
			continue // it is static
		}
		for _, word := range strings.Fields(string(libraries)) {
			if strings.HasPrefix(word, "/") {
				files[word[1:]] = word
			}
		}
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	add := func(name string, data []byte) error {
		return errors.Join(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(data))}), second(w.Write(data)))
	}
	err := add("etc/nsswitch.conf", []byte("hosts: files dns\n"))
	for name, file := range files {
		data, read := os.ReadFile(file)
		err = errors.Join(err, read, add(name, data))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		b.Fatal(err)
	}
	ref := "neargate-test-foreign:" + b.bed.run
	r, err := b.bed.engine.ImageImport(b.ctx, client.ImageImportSource{Source: &root, SourceName: "-"}, ref, client.ImageImportOptions{
		Changes: []string{"LABEL " + testLabel + "=" + b.bed.run, "ENV PATH=/bin"},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		b.Fatal(err)
	}
	return ref
}

func second[T any](_ T, err error) error { return err }

// TestRealProgramsResolveNames asks by the resolvers of busybox and of glibc;
// that of Go is what the other tests use.
func TestRealProgramsResolveNames(t *testing.T) {
	b := newBench(t, nil)
	image := b.foreign("busybox", "getent")
	defer b.bed.engine.ImageRemove(b.ctx, image, client.ImageRemoveOptions{Force: true})
	_, at := b.serving("one")
	c := newCluster().with("web", "10.100.7.1", "tcp", 80, at)
	c.Names["pods.default.svc.cluster.local"] = sandbox.DNSName{Addresses: []netip.Addr{netip.MustParseAddrPort(at).Addr()}}
	c.Names["alias.default.svc.cluster.local"] = sandbox.DNSName{Alias: "ip-10-0-1-23.ec2.internal"}
	b.services(c)
	pod := netip.MustParseAddrPort(at).Addr().String()
	for _, test := range []struct {
		argv string
		want []string // in its output
		code int
	}{
		{"busybox wget -q -O - http://web", []string{"one"}, 0},
		{"busybox wget -q -O - http://web.default", []string{"one"}, 0},
		{"busybox wget -q -O - http://web.default.svc.cluster.local.", []string{"one"}, 0},
		{"busybox nslookup web.default.svc.cluster.local", []string{"10.100.7.1"}, 0},
		{"busybox nslookup -type=srv none.default.svc.cluster.local", []string{"NXDOMAIN"}, 1},
		{"getent ahosts web", []string{"10.100.7.1", "STREAM"}, 0},
		{"getent ahostsv4 pods.default.svc", []string{pod, "pods.default.svc.cluster.local"}, 0},
		{"getent hosts alias", []string{"10.0.1.23", "ip-10-0-1-23.ec2.internal"}, 0},
		{"getent hosts ip-10-0-9-9.us-west-2.compute.internal", []string{"10.0.9.9"}, 0},
		{"getent hosts web-0", []string{"web-0"}, 0}, // itself, of /etc/hosts
		{"getent hosts none", nil, 2},
	} {
		s := b.pod(runtimetest.Program{})
		s.Containers[0].Image, s.Containers[0].Entrypoint, s.Containers[0].Command = image, nil, strings.Fields(test.argv)
		// The resolvers' own time limit, 5 s and less, is nothing to tell a
		// lost query from a busy machine by.
		s.Network.DNSOptions = append(s.Network.DNSOptions, "timeout:30")
		began := time.Now()
		out := strings.Join(b.does(s), "\n")
		code := b.inspect(s).Containers["c0"].ExitCode
		if code != test.code || slices.ContainsFunc(test.want, func(w string) bool { return !strings.Contains(out, w) }) {
			t.Errorf("%s: exit code %d, %q", test.argv, code, out)
		}
		if took := time.Since(began); took > soon || strings.Contains(out, "timed out") {
			t.Errorf("%s took %v: some query was not answered", test.argv, took)
		}
		b.down(s) // so that the image can go
	}
}

// TestQueriesSideBySide asks as musl does: for IPv4 and IPv6 at once, over one
// socket, again and again.
func TestQueriesSideBySide(t *testing.T) {
	b := newBench(t, nil)
	s := b.pod()
	b.services(newCluster().with("web", "10.100.7.1", "tcp", 80))
	b.up(s)
	for range 50 {
		c, err := b.rt.Dial(b.ctx, s.ID, "udp", "10.100.0.10:53")
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(soon))
		kinds := map[uint16]uint16{}
		for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
			q := new(dns.Msg).SetQuestion("web.default.svc.cluster.local.", kind)
			kinds[q.Id] = kind
			text, err := q.Pack()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write(text); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			m, err := answer(c)
			if err != nil {
				t.Fatalf("a query was not answered: %v", err)
			}
			if want := map[uint16]int{dns.TypeA: 1}[kinds[m.Id]]; m.Rcode != dns.RcodeSuccess || len(m.Answer) != want {
				t.Errorf("%v", m)
			}
			delete(kinds, m.Id)
		}
		c.Close()
	}
}

// TestUDPServices: datagrams to a Service, to oneself by a Service, and to
// nobody.
func TestUDPServices(t *testing.T) {
	b := newBench(t, nil)
	pod := func(text string) (*sandbox.Spec, string) {
		s := b.pod(runtimetest.Program{})
		s.Containers[0].Command = []string{"/datagrams", "serve", "0.0.0.0:9000", text}
		return s, b.launch(s).IP
	}
	_, at1 := pod("one")
	two, at2 := pod("two")
	ask := func(address string) string {
		t.Helper()
		var out writer
		if code, err := b.rt.Exec(b.ctx, two.ID, "c0", []string{"/datagrams", "ask", address}, nil, sandbox.Streams{Out: &out}); err != nil || code != 0 {
			t.Fatal(code, err)
		}
		return strings.TrimSpace(out.String())
	}
	b.services(newCluster().with("one", "10.100.7.1", "udp", 9, at1+":9000").with("two", "10.100.7.2", "udp", 9, at2+":9000").with("none", "10.100.7.3", "udp", 9))
	b.await("an answer by the Service", func() bool { return ask("10.100.7.1:9") == "one to "+at2 })
	for address, want := range map[string]string{
		"10.100.7.2:9": "two to " + at2, at1 + ":9000": "one to " + at2,
		"10.100.7.3:9": "refused", "10.100.7.1:10": "refused", "10.100.8.8:9": "refused",
	} {
		if got := ask(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// TestTasksUseTheVPCsResolver: what is no pod has the VPC's resolver, which
// knows private names and passes on the rest to the Engine's.
func TestTasksUseTheVPCsResolver(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(runtimetest.Program{})
	a := b.launch(s)
	if !slices.Equal(a.DNS, []string{"169.254.169.253"}) {
		t.Errorf("address %+v", a)
	}
	c, err := b.rt.Dial(b.ctx, s.ID, "udp", "169.254.169.253:53")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := func(name string) *dns.Msg {
		t.Helper()
		c.SetDeadline(time.Now().Add(soon))
		m, err := exchange(c, new(dns.Msg).SetQuestion(name, dns.TypeA))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return m
	}
	if m := ask("ip-10-0-1-23.ec2.internal."); len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != "10.0.1.23" {
		t.Errorf("%v", m)
	}
	// The Engine's own resolver knows its containers' names.
	if m := ask(b.sandboxName(s)[1:] + "."); len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != a.IP {
		t.Errorf("%v", m)
	}
	if m := ask("web.default.svc.cluster.local."); len(m.Answer) != 0 {
		t.Errorf("a task knows names of a cluster: %v", m)
	}
	b.refused(s, "tcp", "169.254.169.253:54")
}

// exchange asks over a connection that carries datagrams.
func exchange(c net.Conn, q *dns.Msg) (*dns.Msg, error) {
	text, err := q.Pack()
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(text); err != nil {
		return nil, err
	}
	return answer(c)
}

func answer(c net.Conn) (*dns.Msg, error) {
	p := make([]byte, 4096)
	n, err := c.Read(p)
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	return m, m.Unpack(p[:n])
}
