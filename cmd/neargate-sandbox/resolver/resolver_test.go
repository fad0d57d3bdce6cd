package resolver_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/neargate/neargate/cmd/neargate-sandbox/resolver"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// serve runs r on loopback ports, one number for both, and returns its address.
func serve(t *testing.T, h interface {
	Serve(net.Listener, net.PacketConn) error
}) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l, pc) }()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return l.Addr().String()
}

// upstream is a DNS server that is scripted by a function.
type upstream func(w dns.ResponseWriter, q *dns.Msg)

func (u upstream) Serve(l net.Listener, pc net.PacketConn) error {
	over := make(chan error, 2)
	go func() { over <- (&dns.Server{Listener: l, Handler: dns.HandlerFunc(u)}).ActivateAndServe() }()
	go func() { over <- (&dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(u)}).ActivateAndServe() }()
	err := <-over
	pc.Close()
	return errors.Join(err, <-over)
}

func at(addresses ...string) (all []netip.AddrPort) {
	for _, a := range addresses {
		all = append(all, netip.MustParseAddrPort(a))
	}
	return all
}

func addresses(texts ...string) (all []netip.Addr) {
	for _, t := range texts {
		all = append(all, netip.MustParseAddr(t))
	}
	return all
}

// ask returns the answer in short: the code and the sorted data.
func ask(t *testing.T, network, server, name string, kind uint16) string {
	t.Helper()
	m, _, err := (&dns.Client{Net: network, Timeout: time.Minute, UDPSize: 4096}).Exchange(new(dns.Msg).SetQuestion(name, kind), server)
	if err != nil {
		return err.Error()
	}
	short := []string{}
	for _, rr := range m.Answer {
		short = append(short, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(short)
	return fmt.Sprint(dns.RcodeToString[m.Rcode], " ", short)
}

func TestNames(t *testing.T) {
	never := serve(t, upstream(func(w dns.ResponseWriter, q *dns.Msg) {
		w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused))
	}))
	r := resolver.New(at(never))
	server := serve(t, r)
	set := func(n tunnel.Names) {
		t.Helper()
		if err := r.SetNames(n); err != nil {
			t.Fatal(err)
		}
	}
	want := func(name string, kind uint16, answer string) {
		t.Helper()
		for _, network := range []string{"udp", "tcp"} {
			if got := ask(t, network, server, name, kind); got != answer {
				t.Errorf("%s %s by %s: %s, want %s", name, dns.TypeToString[kind], network, got, answer)
			}
		}
	}
	want("web.shop.local.", dns.TypeA, "REFUSED []")
	set(tunnel.Names{Zones: []string{"shop.local"}, TTL: 60, Set: map[string][]netip.Addr{
		"Web.Shop.local":         addresses("10.0.0.1", "10.0.0.2", "fd00::1"),
		"a.deep.shop.local.":     addresses("10.0.0.3"),
		"outside.example":        addresses("10.0.0.4"),
		"mapped.shop.local":      addresses("::ffff:10.0.0.5"),
		"registered.shop.local.": nil,
	}})
	want("web.shop.local.", dns.TypeA, "NOERROR [10.0.0.1 10.0.0.2]")
	want("WEB.shop.LOCAL.", dns.TypeAAAA, "NOERROR [fd00::1]")
	want("web.shop.local.", dns.TypeTXT, "NOERROR []")
	want("mapped.shop.local.", dns.TypeA, "NOERROR [10.0.0.5]")
	want("registered.shop.local.", dns.TypeA, "NOERROR []")
	want("deep.shop.local.", dns.TypeA, "NOERROR []") // a name that only has names under it exists
	want("shop.local.", dns.TypeA, "NOERROR []")
	want("other.shop.local.", dns.TypeA, "NXDOMAIN []")
	want("x.web.shop.local.", dns.TypeA, "NXDOMAIN []")
	want("outside.example.", dns.TypeA, "NOERROR [10.0.0.4]")
	want("another.example.", dns.TypeA, "REFUSED []") // somebody else's

	set(tunnel.Names{TTL: 5, Set: map[string][]netip.Addr{"web.shop.local": addresses("10.0.0.9")}, Remove: []string{"a.deep.shop.local", "never.there"}})
	want("web.shop.local.", dns.TypeA, "NOERROR [10.0.0.9]")
	want("deep.shop.local.", dns.TypeA, "NXDOMAIN []")
	want("outside.example.", dns.TypeA, "NOERROR [10.0.0.4]")

	set(tunnel.Names{Replace: true, Set: map[string][]netip.Addr{"only.example": addresses("10.0.0.7")}})
	want("only.example.", dns.TypeA, "NOERROR [10.0.0.7]")
	want("web.shop.local.", dns.TypeA, "REFUSED []")
}

func TestInvalidNamesChangeNothing(t *testing.T) {
	r := resolver.New(nil)
	server := serve(t, r)
	if err := r.SetNames(tunnel.Names{Set: map[string][]netip.Addr{"good.example": addresses("10.0.0.1")}}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []tunnel.Names{
		{Replace: true, Set: map[string][]netip.Addr{"": nil}},
		{Replace: true, Zones: []string{strings.Repeat("x", 64)}},
		{Replace: true, Zones: []string{"."}},
		{Remove: []string{"good.example", "bad..example"}},
		{Replace: true, Set: map[string][]netip.Addr{"x.example": {{}}}},
		{Replace: true, Set: map[string][]netip.Addr{"x.example": addresses("fe80::1%eth0")}},
	} {
		err := r.SetNames(n)
		if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.Invalid {
			t.Errorf("%+v: %v", n, err)
		}
	}
	if got := ask(t, "udp", server, "good.example.", dns.TypeA); got != "NOERROR [10.0.0.1]" {
		t.Error(got)
	}
}

func TestTTLsAndSOA(t *testing.T) {
	r := resolver.New(nil)
	server := serve(t, r)
	r.SetNames(tunnel.Names{Zones: []string{"shop.local"}, TTL: 42, Set: map[string][]netip.Addr{"a.shop.local": addresses("10.0.0.1", "10.0.0.2")}})
	exchange := func(name string) *dns.Msg {
		t.Helper()
		m, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), server)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first, second := exchange("A.shop.local."), exchange("A.shop.local.")
	if a := first.Answer[0].Header(); a.Ttl != 42 || a.Name != "A.shop.local." || !first.Authoritative || !first.RecursionAvailable {
		t.Errorf("%v", first)
	}
	if first.Answer[0].String() == second.Answer[0].String() {
		t.Error("the addresses do not take turns")
	}
	none := exchange("b.shop.local.")
	if len(none.Ns) != 1 {
		t.Fatalf("%v", none)
	}
	if soa, ok := none.Ns[0].(*dns.SOA); !ok || soa.Hdr.Name != "shop.local." || soa.Hdr.Ttl != 5 || soa.Minttl != 5 {
		t.Errorf("%v", none.Ns[0])
	}
}

func TestForwarding(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	refuses := serve(t, upstream(func(w dns.ResponseWriter, q *dns.Msg) {
		w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
	}))
	var byTCP atomic.Int32
	good := serve(t, upstream(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		n := 1
		if strings.HasPrefix(q.Question[0].Name, "large.") {
			n = 200
		}
		for i := range n {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 9}, A: net.IPv4(10, 1, byte(i>>8), byte(i))})
		}
		if _, udp := w.LocalAddr().(*net.UDPAddr); udp {
			m.Truncate(dns.MinMsgSize)
		} else {
			byTCP.Add(1)
		}
		w.WriteMsg(m)
	}))

	server := serve(t, resolver.New(at(silent.LocalAddr().String(), refuses, good)))
	if got := ask(t, "udp", server, "a.example.", dns.TypeA); got != "NOERROR [10.1.0.0]" {
		t.Errorf("past a silent and a failing server: %s", got)
	}
	if got := ask(t, "udp", serve(t, resolver.New(at(refuses))), "a.example.", dns.TypeA); got != "SERVFAIL []" {
		t.Errorf("only a failing server: %s", got)
	}
	if got := ask(t, "udp", serve(t, resolver.New(nil)), "a.example.", dns.TypeA); got != "SERVFAIL []" {
		t.Errorf("no server: %s", got)
	}

	server = serve(t, resolver.New(at(good)))
	m, err := dns.Exchange(new(dns.Msg).SetQuestion("large.example.", dns.TypeA), server)
	if err != nil || !m.Truncated { // the client reads 512 bytes at most
		t.Errorf("a large answer by UDP: %v, %v", m, err)
	}
	m, _, err = (&dns.Client{Net: "tcp"}).Exchange(new(dns.Msg).SetQuestion("large.example.", dns.TypeA), server)
	if err != nil || len(m.Answer) != 200 {
		t.Errorf("a large answer by TCP: %v, %v", m, err)
	}
	large := new(dns.Msg).SetQuestion("large.example.", dns.TypeA)
	large.SetEdns0(4096, false)
	if m, err = dns.Exchange(large, server); err != nil || m.Truncated || len(m.Answer) != 200 {
		t.Errorf("a large answer by UDP with EDNS: %v, %v", m, err)
	}
	if byTCP.Load() != 3 {
		t.Errorf("the upstream was asked %d times by TCP", byTCP.Load())
	}
}

func TestUpstreams(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("# generated\nnameserver 127.0.0.11\nnameserver 169.254.169.253\nnameserver fd00::53\nsearch x\noptions ndots:0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := resolver.Upstreams(file, netip.MustParseAddr("169.254.169.253"))
	if err != nil || !slices.Equal(got, at("127.0.0.11:53", "[fd00::53]:53")) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := resolver.Upstreams(file + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
