package resolver_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/neargate/neargate/cmd/neargate-sandbox/resolver"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// outside is the DNS of the rest of the world, which knows db.example.
func outside(t *testing.T) *resolver.Resolver {
	return resolver.New(at(serve(t, upstream(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		name := q.Question[0].Name
		switch {
		case name != "db.example.":
			m.Rcode = dns.RcodeNameError
		case q.Question[0].Qtype == dns.TypeA:
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 9}, A: net.IPv4(192, 0, 2, 7)}}
		}
		w.WriteMsg(m)
	}))))
}

const local = ".default.svc.cluster.local"

func table() tunnel.Services {
	return tunnel.Services{Zones: []string{"cluster.local"}, Names: map[string]tunnel.Name{
		"web" + local:             {Addresses: addresses("10.100.7.1")},
		"pods" + local:            {Addresses: addresses("10.9.0.1", "10.9.0.2", "fd00::1"), TTL: 30},
		"web-0.pods" + local:      {Addresses: addresses("10.9.0.1")},
		"web-1.pods" + local:      {Addresses: addresses("10.9.0.2")},
		"_http._tcp.pods" + local: {Servers: []tunnel.NameServer{{Target: "web-0.pods" + local, Port: 80}, {Target: "web-1.pods" + local, Port: 81}}},
		"db" + local:              {Alias: "db.example"},
		"gone" + local:            {Alias: "gone.example"},
		"also" + local:            {Alias: "web" + local},
		"chain" + local:           {Alias: "also" + local + "."},
		"dead" + local:            {Alias: "none" + local},
		"ring" + local:            {Alias: "ring" + local},
		"1.7.100.10.in-addr.arpa": {Pointer: "web" + local},
	}}
}

func clusterDNS(t *testing.T) (server string) {
	t.Helper()
	r := resolver.NewCluster(outside(t))
	if err := r.SetServices(table()); err != nil {
		t.Fatal(err)
	}
	return serve(t, r)
}

func TestClusterNames(t *testing.T) {
	server := clusterDNS(t)
	for _, test := range []struct {
		name string
		kind uint16
		want string
	}{
		{"web" + local, dns.TypeA, "NOERROR [10.100.7.1]"},
		{"WEB.Default.svc.cluster.LOCAL", dns.TypeA, "NOERROR [10.100.7.1]"},
		{"web" + local, dns.TypeAAAA, "NOERROR []"}, // there, but not with IPv6
		{"pods" + local, dns.TypeA, "NOERROR [10.9.0.1 10.9.0.2]"},
		{"pods" + local, dns.TypeAAAA, "NOERROR [fd00::1]"},
		{"web-1.pods" + local, dns.TypeA, "NOERROR [10.9.0.2]"},
		{"none" + local, dns.TypeA, "NXDOMAIN []"},
		{"none" + local, dns.TypeAAAA, "NXDOMAIN []"},
		{"web" + local + local, dns.TypeA, "NXDOMAIN []"}, // as search lists make them
		{"svc.cluster.local", dns.TypeA, "NOERROR []"},
		{"_http._tcp.pods" + local, dns.TypeSRV, "NOERROR [0 50 80 web-0.pods" + local + ". 0 50 81 web-1.pods" + local + ".]"},
		{"_http._tcp.pods" + local, dns.TypeA, "NOERROR []"},
		{"1.7.100.10.in-addr.arpa", dns.TypePTR, "NOERROR [web" + local + ".]"},
		{"2.7.100.10.in-addr.arpa", dns.TypePTR, "NXDOMAIN []"}, // the outside's answer
		{"10-9-0-23.default.pod.cluster.local", dns.TypeA, "NOERROR [10.9.0.23]"},
		{"10-9-0-23.default.pod.cluster.local", dns.TypeAAAA, "NOERROR []"},
		{"10-9-0-256.default.pod.cluster.local", dns.TypeA, "NXDOMAIN []"},
		{"10-9-0-23.a.default.pod.cluster.local", dns.TypeA, "NXDOMAIN []"},
		{"10-9-0-23.pod.cluster.local", dns.TypeA, "NXDOMAIN []"},
		{"also" + local, dns.TypeA, "NOERROR [10.100.7.1 web" + local + ".]"},
		{"chain" + local, dns.TypeA, "NOERROR [10.100.7.1 also" + local + ". web" + local + ".]"},
		{"chain" + local, dns.TypeCNAME, "NOERROR [also" + local + ".]"},
		{"chain" + local, dns.TypeAAAA, "NOERROR [also" + local + ". web" + local + ".]"},
		{"dead" + local, dns.TypeA, "NXDOMAIN [none" + local + ".]"},
		{"db" + local, dns.TypeA, "NOERROR [192.0.2.7 db.example.]"},
		{"db" + local, dns.TypeAAAA, "NOERROR [db.example.]"},
		{"gone" + local, dns.TypeA, "NXDOMAIN [gone.example.]"},
		{"db.example", dns.TypeA, "NOERROR [192.0.2.7]"},
		{"web", dns.TypeA, "NXDOMAIN []"}, // the outside's answer
		{"ip-10-0-1-23.ec2.internal", dns.TypeA, "NOERROR [10.0.1.23]"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			if got := ask(t, network, server, test.name+".", test.kind); got != test.want {
				t.Errorf("%s %s by %s:\n got %s\nwant %s", test.name, dns.TypeToString[test.kind], network, got, test.want)
			}
		}
	}
	if got := ask(t, "udp", server, "ring"+local+".", dns.TypeA); !strings.HasPrefix(got, "SERVFAIL") {
		t.Errorf("an alias of itself: %s", got)
	}
}

func exchange(t *testing.T, server string, q *dns.Msg) *dns.Msg {
	t.Helper()
	m, err := dns.Exchange(q, server)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestClusterAnswersInDetail(t *testing.T) {
	server := clusterDNS(t)
	m := exchange(t, server, new(dns.Msg).SetQuestion("web"+local+".", dns.TypeAAAA))
	if len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA || m.Ns[0].Header().Name != "cluster.local." || !m.Authoritative {
		t.Errorf("an empty answer needs the zone's SOA: %v", m)
	}
	m = exchange(t, server, new(dns.Msg).SetQuestion("none"+local+".", dns.TypeA))
	if len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA {
		t.Errorf("NXDOMAIN needs the zone's SOA: %v", m)
	}
	m = exchange(t, server, new(dns.Msg).SetQuestion("_http._tcp.pods"+local+".", dns.TypeSRV))
	if len(m.Extra) != 2 || m.Extra[0].(*dns.A).A.String() != "10.9.0.1" {
		t.Errorf("SRV without the targets' addresses: %v", m)
	}
	m = exchange(t, server, new(dns.Msg).SetQuestion("web"+local+".", dns.TypeA))
	if ttl := m.Answer[0].Header().Ttl; ttl != 5 {
		t.Errorf("TTL %d, want CoreDNS's 5", ttl)
	}
	m = exchange(t, server, new(dns.Msg).SetQuestion("pods"+local+".", dns.TypeA))
	if ttl := m.Answer[0].Header().Ttl; ttl != 30 {
		t.Errorf("TTL %d, want 30", ttl)
	}
}

// A headless Service of many pods does not fit into a small datagram.
func TestLargeAnswersOfTheCluster(t *testing.T) {
	r := resolver.NewCluster(outside(t))
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("10.9.1.%d", i))
	}
	if err := r.SetServices(tunnel.Services{Zones: []string{"cluster.local"}, Names: map[string]tunnel.Name{"many" + local: {Addresses: addresses(many...)}}}); err != nil {
		t.Fatal(err)
	}
	server := serve(t, r)
	q := new(dns.Msg).SetQuestion("many"+local+".", dns.TypeA)
	m := exchange(t, server, q)
	if m.Compress = true; !m.Truncated || len(m.Answer) == 0 || m.Len() > dns.MinMsgSize {
		t.Errorf("by UDP: truncated %v, %d answers", m.Truncated, len(m.Answer))
	}
	if m, _, err := (&dns.Client{Net: "tcp"}).Exchange(q, server); err != nil || m.Truncated || len(m.Answer) != 100 {
		t.Errorf("by TCP: %v, %v", m, err)
	}
	q.SetEdns0(4096, false)
	if m := exchange(t, server, q); m.Truncated || len(m.Answer) != 100 || m.IsEdns0() == nil {
		t.Errorf("by UDP with EDNS: %v", m)
	}
}

func TestTablesOfTheClusterAreReplaced(t *testing.T) {
	r := resolver.NewCluster(outside(t))
	server := serve(t, r)
	if got := ask(t, "udp", server, "web"+local+".", dns.TypeA); got != "NXDOMAIN []" { // the outside's
		t.Errorf("before the first table: %s", got)
	}
	if err := r.SetServices(table()); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []tunnel.Services{
		{Zones: []string{""}},
		{Names: map[string]tunnel.Name{"a..b": {}}},
		{Names: map[string]tunnel.Name{"a.b": {Alias: "."}}},
		{Names: map[string]tunnel.Name{"a.b": {Pointer: "x..y"}}},
		{Names: map[string]tunnel.Name{"a.b": {Servers: []tunnel.NameServer{{Port: 1}}}}},
		{Names: map[string]tunnel.Name{"a.b": {Addresses: addresses("fe80::1%eth0")}}},
	} {
		err := r.SetServices(bad)
		if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if got := ask(t, "udp", server, "web"+local+".", dns.TypeA); got != "NOERROR [10.100.7.1]" {
		t.Errorf("after tables that are not valid: %s", got)
	}
	if err := r.SetServices(tunnel.Services{Zones: []string{"cluster.local"}}); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, "udp", server, "web"+local+".", dns.TypeA); got != "NXDOMAIN []" {
		t.Errorf("after an empty table: %s", got)
	}
}

func TestPrivateNames(t *testing.T) {
	never := serve(t, upstream(func(w dns.ResponseWriter, q *dns.Msg) {
		w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused))
	}))
	server := serve(t, resolver.New(at(never)))
	for name, want := range map[string]string{
		"ip-10-0-1-23.ec2.internal":                       "NOERROR [10.0.1.23]",
		"IP-10-0-1-23.EC2.internal":                       "NOERROR [10.0.1.23]",
		"ip-172-31-255-4.eu-central-1.compute.internal":   "NOERROR [172.31.255.4]",
		"ip-10-0-1-256.ec2.internal":                      "REFUSED []",
		"ip-10-0-1.ec2.internal":                          "REFUSED []",
		"ip-10-0-1-23.compute.internal":                   "REFUSED []",
		"ip-10-0-1-23.a.eu-central-1.compute.internal":    "REFUSED []",
		"x-10-0-1-23.ec2.internal":                        "REFUSED []",
		"ip-10-0-1-23.ec2.internal.example":               "REFUSED []",
		"fargate-ip-10-0-1-23.us-east-1.compute.internal": "REFUSED []",
	} {
		if got := ask(t, "udp", server, name+".", dns.TypeA); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	m := exchange(t, server, new(dns.Msg).SetQuestion("ip-10-0-1-23.ec2.internal.", dns.TypeAAAA))
	if m.Rcode != dns.RcodeSuccess || len(m.Answer) != 0 || !slices.ContainsFunc(m.Ns, func(r dns.RR) bool { return r.Header().Rrtype == dns.TypeSOA }) {
		t.Errorf("no IPv6: %v", m)
	}
}
