package docker_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"testing"

	"github.com/neargate/neargate/emulator/addressbook"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// fetch gets / through the tunnel; "" when that fails.
func fetch(b *bench, id, address string) string {
	c, err := b.rt.Dial(b.ctx, id, "tcp", address)
	if err != nil {
		return ""
	}
	return get(c)
}

func get(c net.Conn) string {
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"); err != nil {
		return ""
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	return string(text)
}

func (b *bench) fromHost(a sandbox.Address, port int) string {
	at := port
	if moved, ok := a.PublicPorts[strconv.Itoa(port)+"/tcp"]; ok {
		at = int(moved)
	}
	c, err := (&net.Dialer{}).DialContext(b.ctx, "tcp", net.JoinHostPort(a.Public, strconv.Itoa(at)))
	if err != nil {
		return ""
	}
	return get(c)
}

func public(s *sandbox.Spec, port uint16) *sandbox.Spec {
	s.Network.Public = true
	s.Containers[0].Ports = []sandbox.Port{{Number: port, Protocol: "tcp"}}
	return s
}

func TestTwoPublicSandboxesServeTheSamePort(t *testing.T) {
	b := newBench(t, nil)
	one := public(b.spec(runtimetest.Program{Serve: 80, Body: "one"}), 80)
	two := public(b.spec(runtimetest.Program{Serve: 80, Body: "two"}), 80)
	a1, a2 := b.launch(one), b.launch(two)
	if a1.Public == "" || a1.Public == a2.Public && len(a1.PublicPorts) == 0 {
		t.Fatalf("public addresses %+v and %+v", a1, a2)
	}
	b.await("one answers", func() bool { return b.fromHost(a1, 80) == "one" })
	b.await("two answers", func() bool { return b.fromHost(a2, 80) == "two" })
	b.down(one)
	if got := b.fromHost(a1, 80); got != "" {
		t.Errorf("after Down the address still answers %q", got)
	}
	if got := b.fromHost(a2, 80); got != "two" {
		t.Errorf("the other one answers %q", got)
	}
}

func TestPublicAddressSurvivesTheProcess(t *testing.T) {
	b := newBench(t, nil)
	o := b.bed.options(b.bed.instance())
	r, err := docker.New(b.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	first := &bench{T: t, bed: b.bed, rt: r, ctx: b.ctx}
	s := public(b.spec(runtimetest.Program{Serve: 8080, Body: "hello"}), 8080)
	a := first.launch(s)
	first.await("it answers", func() bool { return first.fromHost(a, 8080) == "hello" })
	docker.Abandon(r)
	if got := first.fromHost(a, 8080); got != "" {
		t.Fatalf("without a process it answers %q", got)
	}
	second := &bench{T: t, bed: b.bed, rt: b.bed.start(t, o), ctx: b.ctx}
	if again := second.inspect(s).Address; again.Public != a.Public || len(again.PublicPorts) != len(a.PublicPorts) {
		t.Errorf("address %+v, was %+v", again, a)
	}
	second.await("it answers again", func() bool { return second.fromHost(a, 8080) == "hello" })
}

func TestPublicPortThatIsTakenMovesToAnotherAddress(t *testing.T) {
	b := newBench(t, nil)
	s := public(b.spec(runtimetest.Program{Serve: 8080, Body: "mine"}), 8080)
	wish := docker.Fronts(s.ID)[0]
	l, err := net.Listen("tcp", net.JoinHostPort(wish, "8080"))
	if err != nil {
		t.Skip("this host cannot listen on ", wish)
	}
	defer l.Close()
	a := b.launch(s)
	if a.Public == wish {
		t.Errorf("public address %s is in use", a.Public)
	}
	b.await("it answers", func() bool { return b.fromHost(a, 8080) == "mine" })
}

// A load balancer that is not there at the moment has the address that the
// sandbox would have by its name.
func TestPublicAddressOfAnotherIsLeftToIt(t *testing.T) {
	book := addressbook.New(addressbook.Default)
	b := newBench(t, func(o *docker.Options) { o.Addresses = book })
	s := public(b.spec(runtimetest.Program{Serve: 8080, Body: "mine"}), 8080)
	wish := docker.Fronts(s.ID)
	if err := book.Claim("balancer/arn web/a", netip.MustParseAddr(wish[0])); err != nil {
		t.Fatal(err)
	}
	a := b.launch(s)
	if a.Public != wish[1] {
		t.Errorf("the public address is %s, not %s", a.Public, wish[1])
	}
	if err := book.Claim("balancer/arn web/b", netip.MustParseAddr(a.Public)); !errors.Is(err, addressbook.ErrTaken) {
		t.Errorf("the sandbox's address is free: %v", err)
	}
	b.await("it answers", func() bool { return b.fromHost(a, 8080) == "mine" })
	b.down(s)
	if err := book.Claim("balancer/arn web/b", netip.MustParseAddr(a.Public)); err != nil {
		t.Errorf("the sandbox is gone and has its address: %v", err)
	}
}

func TestWithoutLoopbackAddressesPortsAreFoundOnLocalhost(t *testing.T) {
	// Addresses that this host does not have, as 127.64.0.0/10 on macOS.
	b := newBench(t, func(o *docker.Options) { o.Addresses = addressbook.New(prefix("203.0.113.0/24")) })
	s := public(b.spec(runtimetest.Program{Serve: 80, Body: "here"}), 80)
	a := b.launch(s)
	if a.Public != "127.0.0.1" || a.PublicPorts["80/tcp"] == 0 {
		t.Fatalf("%+v", a)
	}
	b.await("it answers", func() bool { return b.fromHost(a, 80) == "here" })
	if notes := b.inspect(s).Notes; len(notes) == 0 {
		t.Error("nothing was said about it")
	}
}

func TestPublicUDP(t *testing.T) {
	b := newBench(t, nil)
	s := b.spec(runtimetest.Program{})
	s.Network.Public = true
	s.Containers[0].Ports = []sandbox.Port{{Number: 5353, Protocol: "udp"}}
	a := b.launch(s)
	if a.Public == "" {
		t.Fatalf("%+v", a)
	}
	// Nothing listens inside: what matters is that the host's side exists and
	// goes with the sandbox.
	c, err := net.Dial("udp", net.JoinHostPort(a.Public, "5353"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := net.ListenPacket("udp", net.JoinHostPort(a.Public, "5353")); err == nil {
		t.Error("the port is not bound")
	}
	b.down(s)
	l, err := net.ListenPacket("udp", net.JoinHostPort(a.Public, "5353"))
	if err != nil {
		t.Errorf("after Down: %v", err)
	} else {
		l.Close()
	}
}

func TestMetadataReachesTheRightHandler(t *testing.T) {
	b := newBench(t, func(o *docker.Options) {
		o.Warm = 1
		o.Metadata = func(id string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "task "+id) })
		}
	})
	for range 2 { // cold, then warm
		s := b.spec(doing("get http://169.254.170.2/v4/x/task"))
		if got := b.does(s); len(got) != 1 || got[0] != "task "+s.ID {
			t.Errorf("metadata %q, want that of %s", got, s.ID)
		}
		b.await("a sandbox is ready", func() bool { return docker.Warm(b.rt) == 1 })
	}
}

func TestMetadataIsServedAfterARestart(t *testing.T) {
	b := newBench(t, nil)
	o := b.bed.options(b.bed.instance())
	r, err := docker.New(b.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	s := b.spec(runtimetest.Program{})
	first := &bench{T: t, bed: b.bed, rt: r, ctx: b.ctx}
	first.launch(s)
	docker.Abandon(r)
	o.Metadata = func(id string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, id) })
	}
	second := &bench{T: t, bed: b.bed, rt: b.bed.start(t, o), ctx: b.ctx}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var out writer
	code, err := second.rt.Exec(ctx, s.ID, "c0", []string{runtimetest.Path, "-do=get http://169.254.170.2/x", "-exit=0"}, nil, sandbox.Streams{Out: &out})
	if err != nil || code != 0 || out.String() != s.ID+"\n" {
		t.Errorf("%d, %v, %q", code, err, out.String())
	}
}
