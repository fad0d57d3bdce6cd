//go:build linux

package services_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/cmd/neargate-sandbox/linklocal"
	"github.com/neargate/neargate/cmd/neargate-sandbox/services"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

const limit = time.Minute

var cluster = tunnel.Cluster{
	Name: "arn:aws:eks:us-east-1:000000000000:cluster/c", Services: netip.MustParsePrefix("10.100.0.0/16"),
	DNS: netip.MustParseAddr("10.100.0.10"), API: netip.MustParseAddrPort("10.100.0.1:443"),
}

// The pod, and the host on its subnet that stands for all others.
const (
	podAddress  = "10.9.0.1"
	peerAddress = "10.9.0.2"
)

// pod is a network namespace set up as Docker does it, with a neighbour.
type pod struct {
	*testing.T
	peer netns.NsHandle
	own  netns.NsHandle
}

// inPod runs f on a thread in a fresh pod. The thread ends with f.
func inPod(t *testing.T, f func(p *pod)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root to make network namespaces")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: Go ends the thread
		p := &pod{T: t}
		var err error
		if p.peer, err = netns.New(); err == nil {
			defer p.peer.Close()
			p.own, err = netns.New()
		}
		if err != nil {
			done <- err
			return
		}
		defer p.own.Close()
		defer close(done) // also when f calls t.Fatal
		p.setUp()
		f(p)
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func (p *pod) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *pod) setUp() {
	l, err := linklocal.Listen(false)
	p.must(err)
	p.Cleanup(l.Close)
	p.must(netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(p.peer)}))
	p.up(podAddress + "/24")
	p.must(netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(peerAddress)}))
	p.atPeer(func() { p.up(peerAddress + "/24") })
}

func (p *pod) up(address string) {
	p.Helper()
	eth, err := netlink.LinkByName("eth0")
	p.must(err)
	a, err := netlink.ParseAddr(address)
	p.must(err)
	p.must(errors.Join(netlink.AddrAdd(eth, a), netlink.LinkSetUp(eth)))
}

func (p *pod) atPeer(f func()) {
	p.Helper()
	p.must(netns.Set(p.peer))
	f()
	p.must(netns.Set(p.own))
}

// says answers each connection at an address with a text and the address that
// the connection comes from.
func (p *pod) says(address, text string) {
	p.Helper()
	l, err := net.Listen("tcp4", address)
	p.must(err)
	p.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 100)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					fmt.Fprintf(c, "%s%s from %s", text, b[:n], c.RemoteAddr().(*net.TCPAddr).IP)
				}
			}()
		}
	}()
}

func (p *pod) saysPacket(address, text string) {
	p.Helper()
	pc, err := net.ListenPacket("udp4", address)
	p.must(err)
	p.Cleanup(func() { pc.Close() })
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			fmt.Fprintf(writerTo{pc, from}, "%s%s from %s", text, b[:n], from.(*net.UDPAddr).IP)
		}
	}()
}

type writerTo struct {
	net.PacketConn
	to net.Addr
}

func (w writerTo) Write(b []byte) (int, error) { return w.WriteTo(b, w.to) }

func (p *pod) dial(network, address string) net.Conn {
	p.Helper()
	c, err := net.DialTimeout(network, address, limit)
	p.must(err)
	p.Cleanup(func() { c.Close() })
	p.must(c.SetDeadline(time.Now().Add(limit)))
	return c
}

// ask sends a text on a connection and returns the answer, or the error.
func ask(c net.Conn, text string) string {
	if _, err := io.WriteString(c, text); err != nil {
		return err.Error()
	}
	b := make([]byte, 100)
	n, err := c.Read(b)
	if err != nil {
		return err.Error()
	}
	return string(b[:n])
}

func (p *pod) wants(network, address, want string) {
	p.Helper()
	if got := ask(p.dial(network, address), "?"); got != want {
		p.Errorf("%s %s is answered by %q, want %q", network, address, got, want)
	}
}

// refuses wants an answer of "nobody here" at once.
func (p *pod) refuses(network, address string) {
	p.Helper()
	began := time.Now()
	c, err := net.DialTimeout(network, address, limit)
	if err == nil {
		defer c.Close()
		c.SetDeadline(time.Now().Add(limit))
		if _, err = io.WriteString(c, "?"); err == nil {
			_, err = c.Read(make([]byte, 1))
		}
	}
	if took := time.Since(began); !errors.Is(err, syscall.ECONNREFUSED) || took > limit/2 {
		p.Errorf("%s %s: %v after %v, want refused at once", network, address, err, took)
	}
}

func (p *pod) open() *services.Proxy {
	p.Helper()
	s, err := services.Open(p.Context(), cluster)
	p.must(err)
	p.Cleanup(s.Close)
	if len(s.Warnings) > 0 {
		p.Errorf("warnings: %q", s.Warnings)
	}
	return s
}

func (p *pod) set(s *services.Proxy, all ...tunnel.Service) {
	p.Helper()
	p.must(s.Set(all))
}

// peers serve at the neighbour: TCP a on 8081, b on 8082, UDP the same.
func (p *pod) peers() (a, b string) {
	p.Helper()
	p.atPeer(func() {
		for port, text := range map[string]string{"8081": "a", "8082": "b"} {
			p.says(peerAddress+":"+port, text)
			p.saysPacket(peerAddress+":"+port, text)
		}
	})
	return peerAddress + ":8081", peerAddress + ":8082"
}

func TestServicesAreTranslated(t *testing.T) {
	inPod(t, func(p *pod) {
		a, b := p.peers()
		s := p.open()
		p.refuses("tcp", "10.100.7.1:80") // before there is any
		p.set(s, service("10.100.7.1", tcp(80, a), udp(53, b)), service("198.51.100.7", tcp(80, b)), service("10.100.7.2", tcp(80)),
			service("198.51.100.8", tcp(80)))
		p.wants("tcp", "10.100.7.1:80", "a? from "+podAddress)
		p.wants("udp", "10.100.7.1:53", "b? from "+podAddress)
		p.wants("tcp", "198.51.100.7:80", "b? from "+podAddress)
		p.refuses("tcp", "10.100.7.1:81") // an unknown port
		p.refuses("tcp", "10.100.7.2:80") // nobody ready
		p.refuses("udp", "10.100.7.2:80")
		p.refuses("tcp", "10.100.200.1:80") // an unknown address
		p.refuses("udp", "10.100.200.1:80")
		p.refuses("tcp", "198.51.100.8:80") // a load balancer with nobody ready
		p.wants("tcp", a, "a? from "+podAddress)
	})
}

func TestEndpointsAreChosenByChance(t *testing.T) {
	inPod(t, func(p *pod) {
		a, b := p.peers()
		s := p.open()
		sticky := service("10.100.7.2", tcp(80, a, b))
		sticky.Sticky = true
		p.set(s, service("10.100.7.1", tcp(80, a, b)), sticky)
		chosen := map[string]int{}
		stuck := map[string]int{}
		for range 100 {
			c := p.dial("tcp", "10.100.7.1:80")
			chosen[ask(c, "?")[:1]]++
			c.Close()
			c = p.dial("tcp", "10.100.7.2:80")
			stuck[ask(c, "?")[:1]]++
			c.Close()
		}
		if chosen["a"] < 20 || chosen["b"] < 20 {
			p.Errorf("of 100 connections %v", chosen)
		}
		if len(stuck) != 1 {
			p.Errorf("of 100 connections to a sticky Service %v", stuck)
		}
	})
}

// A pod that comes back to itself, by its address and by its own Service.
func TestHairpin(t *testing.T) {
	inPod(t, func(p *pod) {
		p.says("0.0.0.0:80", "self")
		p.saysPacket(podAddress+":80", "self")
		s := p.open()
		p.set(s, service("10.100.7.1", tcp(80, podAddress+":80"), udp(80, podAddress+":80")))
		p.wants("tcp", "10.100.7.1:80", "self? from "+podAddress)
		p.wants("udp", "10.100.7.1:80", "self? from "+podAddress)
		p.wants("tcp", podAddress+":80", "self? from "+podAddress)
	})
}

func TestChangesLeaveConnectionsAlone(t *testing.T) {
	inPod(t, func(p *pod) {
		a, b := p.peers()
		s := p.open()
		p.set(s, service("10.100.7.1", tcp(80, a), udp(80, a)))
		c, flow := p.dial("tcp", "10.100.7.1:80"), p.dial("udp", "10.100.7.1:80")
		for i, want := range []string{"a1", "a2", "a3"} {
			if got := ask(c, fmt.Sprint(i+1)); !strings.HasPrefix(got, want) {
				p.Errorf("an established connection: %q, want %s", got, want)
			}
			p.set(s, service("10.100.7.1", tcp(80, b), udp(80, b)))
			p.wants("tcp", "10.100.7.1:80", "b? from "+podAddress)
			// A flow of datagrams does not end by itself, so it goes on elsewhere.
			if got := ask(flow, "!"); !strings.HasPrefix(got, "b!") {
				p.Errorf("a flow whose endpoint is gone: %q", got)
			}
		}
		p.set(s)
		if got := ask(c, "4"); !strings.HasPrefix(got, "a4") {
			p.Errorf("an established connection without its Service: %q", got)
		}
		p.refuses("tcp", "10.100.7.1:80")
	})
}

// seeOwn asks what PID 1 answers itself.
func seeOwn(p *pod, s *services.Proxy) {
	p.Helper()
	for l, text := range map[net.Listener]string{s.API: "api", s.DNS: "dns"} {
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				io.WriteString(c, text)
				c.Close()
			}
		}()
	}
	go func() {
		b := make([]byte, 10)
		for {
			_, from, err := s.DNSUDP.ReadFrom(b)
			if err != nil {
				return
			}
			s.DNSUDP.WriteTo([]byte("dns"), from)
		}
	}()
	p.wants("tcp", "10.100.0.1:443", "api")
	p.wants("tcp", "10.100.0.10:53", "dns")
	p.wants("udp", "10.100.0.10:53", "dns")
	p.refuses("tcp", "10.100.0.10:9153")
	p.refuses("tcp", "10.100.0.1:80")
}

func TestDNSAndAPIAreOurs(t *testing.T) {
	inPod(t, func(p *pod) {
		p.says("0.0.0.0:443", "workload")
		s := p.open()
		seeOwn(p, s)
		// The cluster knows Services of that name too; ours come first.
		p.set(s, service("10.100.0.1", tcp(443, "192.0.2.1:6443")), service("10.100.0.10", tcp(53), udp(53)))
		p.wants("tcp", "10.100.0.1:443", "api")
		p.wants("udp", "10.100.0.10:53", "dns")
	})
}

func TestKernelsThatLackAPiece(t *testing.T) {
	for _, test := range []struct {
		name, warning string
		refuses       func(n int) error
	}{
		{"numgen", "one endpoint", func(n int) error { return only(n == 1) }},
		{"nat", "0.0.0.0", func(int) error { return only(true) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inPod(t, func(p *pod) {
				a, b := p.peers()
				p.saysPacket(podAddress+":80", "self")
				s, err := services.OpenLacking(p.Context(), cluster, test.refuses, p.dialer())
				p.must(err)
				p.Cleanup(s.Close)
				if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], test.warning) || !strings.Contains(s.Warnings[0], "protocol not supported") {
					p.Errorf("warnings %q", s.Warnings)
				}
				p.set(s, service("10.100.7.1", tcp(80, a, b), udp(80, podAddress+":80")), service("198.51.100.7", tcp(80)))
				c := p.dial("tcp", "10.100.7.1:80")
				if got := ask(c, "?"); got != "a? from "+podAddress && got != "b? from "+podAddress {
					p.Errorf("%q", got)
				}
				p.wants("udp", "10.100.7.1:80", "self? from "+podAddress)
				p.refuses("tcp", "10.100.7.1:81")
				p.refuses("tcp", "10.100.9.9:80")
				p.refuses("udp", "10.100.9.9:80")
				p.refuses("tcp", "198.51.100.7:80")
				seeOwn(p, s)
				p.set(s, service("10.100.7.1", tcp(81, b)))
				p.wants("tcp", "10.100.7.1:81", "b? from "+podAddress)
				p.refuses("tcp", "10.100.7.1:80")
			})
		})
	}
}

// dialer dials in the pod's namespace from wherever it is called.
func (p *pod) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	own := p.own
	return func(ctx context.Context, network, address string) (c net.Conn, err error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // never unlocked
			if err = netns.Set(own); err == nil {
				c, err = (&net.Dialer{Timeout: limit}).DialContext(ctx, network, address)
			}
		}()
		<-done
		return c, err
	}
}

func only(refused bool) error {
	if refused {
		return syscall.EPROTONOSUPPORT
	}
	return nil
}

func TestClustersThatMakeNoSense(t *testing.T) {
	for _, change := range []func(*tunnel.Cluster){
		func(c *tunnel.Cluster) { c.Name = "" },
		func(c *tunnel.Cluster) { c.Services = netip.Prefix{} },
		func(c *tunnel.Cluster) { c.Services = netip.MustParsePrefix("fd00::/108") },
		func(c *tunnel.Cluster) { c.DNS = netip.MustParseAddr("fd00::10") },
		func(c *tunnel.Cluster) { c.API = netip.MustParseAddrPort("[fd00::1]:443") },
	} {
		c := cluster
		change(&c)
		_, err := services.Open(t.Context(), c)
		if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.Invalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// large is a table of n Services with two ports and three endpoints each.
func large(n int) (all []tunnel.Service) {
	for i := range n {
		pod := func(j int) string { return fmt.Sprintf("10.9.%d.%d:8080", i%200, j+10) }
		all = append(all, service(fmt.Sprintf("10.100.%d.%d", 1+i/250, 1+i%250), tcp(80, pod(1), pod(2), pod(3)), tcp(443, pod(1), pod(2), pod(3))))
	}
	return all
}

func TestTenThousandServices(t *testing.T) {
	inPod(t, func(p *pod) {
		a, _ := p.peers()
		s := p.open()
		began := time.Now()
		p.set(s, append(large(10_000), service("10.100.250.1", tcp(80, a)))...)
		p.Logf("10,000 Services with 60,000 endpoints took %v", time.Since(began))
		p.wants("tcp", "10.100.250.1:80", "a? from "+podAddress)
	})
}

// Whatever the order of tables, what is in the kernel is the last one.
func TestTablesFollowEachOther(t *testing.T) {
	inPod(t, func(p *pod) {
		a, b := p.peers()
		s := p.open()
		for i, test := range []struct {
			ports []tunnel.ServicePort
			from  string // who may answer on port 80; "" nobody
		}{
			{[]tunnel.ServicePort{tcp(80, a)}, "a"},
			{[]tunnel.ServicePort{tcp(80, a, b)}, "ab"},
			{[]tunnel.ServicePort{tcp(80, b), tcp(81, a)}, "b"},
			{[]tunnel.ServicePort{tcp(80)}, ""},
			{[]tunnel.ServicePort{tcp(80), tcp(81, b)}, ""},
			{[]tunnel.ServicePort{tcp(80, a), tcp(81)}, "a"},
			{nil, ""},
			{[]tunnel.ServicePort{tcp(80, b)}, "b"},
			{[]tunnel.ServicePort{tcp(80, b)}, "b"},
		} {
			p.set(s, service("10.100.7.1", test.ports...), service("10.100.7.2", tcp(80, a)))
			p.wants("tcp", "10.100.7.2:80", "a? from "+podAddress)
			if test.from == "" {
				p.refuses("tcp", "10.100.7.1:80")
				continue
			}
			if got := ask(p.dial("tcp", "10.100.7.1:80"), "?"); !strings.Contains(test.from, got[:1]) {
				p.Errorf("table %d: %q answers", i, got)
			}
		}
	})
}

// Somebody with NET_ADMIN has emptied the sets: the next table is whole.
func TestTheWholeTableIsWrittenWhenAPartDoesNotFit(t *testing.T) {
	inPod(t, func(p *pod) {
		a, _ := p.peers()
		s := p.open()
		p.set(s, service("10.100.7.1", tcp(80, a)), service("10.100.7.2", tcp(80, a)))
		p.must(services.Empty())
		p.set(s, service("10.100.7.1", tcp(80, a)))
		p.wants("tcp", "10.100.7.1:80", "a? from "+podAddress)
	})
}

// replaced measures how long one table takes after another, in turns.
func replaced(b *testing.B, tables ...[]tunnel.Service) {
	if os.Getuid() != 0 {
		b.Skip("SKIPPED: needs root to make network namespaces")
	}
	runtime.LockOSThread() // never unlocked
	ns, err := netns.New()
	if err != nil {
		b.Fatal(err)
	}
	defer ns.Close()
	if _, err := linklocal.Listen(false); err != nil {
		b.Fatal(err)
	}
	s, err := services.Open(b.Context(), cluster)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := 0; b.Loop(); i++ {
		if err := s.Set(tables[i%len(tables)]); err != nil {
			b.Fatal(err)
		}
	}
}

// Of 1,000 Services, one changes.
func BenchmarkSetOne(b *testing.B) {
	all := large(1000)
	other := slices.Clone(all)
	other[500] = service(other[500].Addresses[0].String(), tcp(80, "10.9.0.2:1"))
	replaced(b, all, other)
}

// 1,000 Services come and go.
func BenchmarkSetAll(b *testing.B) { replaced(b, large(1000), nil) }
