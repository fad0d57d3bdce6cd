//go:build linux

package services_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/neargate/neargate/cmd/neargate-sandbox/services"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

func addresses(texts ...string) (all []netip.Addr) {
	for _, t := range texts {
		all = append(all, netip.MustParseAddr(t))
	}
	return all
}

func endpoints(texts ...string) (all []netip.AddrPort) {
	for _, t := range texts {
		all = append(all, netip.MustParseAddrPort(t))
	}
	return all
}

func tcp(port uint16, to ...string) tunnel.ServicePort {
	return tunnel.ServicePort{Protocol: "tcp", Port: port, Endpoints: endpoints(to...)}
}

func udp(port uint16, to ...string) tunnel.ServicePort {
	return tunnel.ServicePort{Protocol: "udp", Port: port, Endpoints: endpoints(to...)}
}

func service(address string, ports ...tunnel.ServicePort) tunnel.Service {
	return tunnel.Service{Addresses: addresses(address), Ports: ports}
}

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name string
		in   []tunnel.Service
		want []string
	}{
		{"nothing", nil, nil},
		{"ports and addresses", []tunnel.Service{{
			Addresses: addresses("10.100.0.2", "198.51.100.1"),
			Ports:     []tunnel.ServicePort{tcp(80, "10.0.0.2:8080", "10.0.0.1:8080"), udp(80, "10.0.0.1:53")},
		}}, []string{
			"10.100.0.2:80/6 -> [10.0.0.1:8080 10.0.0.2:8080]", "10.100.0.2:80/17 -> [10.0.0.1:53]",
			"198.51.100.1:80/6 -> [10.0.0.1:8080 10.0.0.2:8080]", "198.51.100.1:80/17 -> [10.0.0.1:53]",
		}},
		{"nobody ready", []tunnel.Service{service("10.100.0.3", tcp(80))}, []string{"10.100.0.3:80/6 refused"}},
		{"what cannot be reached", []tunnel.Service{
			service("fd00::1", tcp(80, "10.0.0.1:1")),
			service("10.100.0.4", tunnel.ServicePort{Protocol: "sctp", Port: 5, Endpoints: endpoints("10.0.0.1:1")}, tcp(6, "[fd00::2]:6")),
		}, []string{"10.100.0.4:6/6 refused"}},
		{"addresses of IPv4 in IPv6", []tunnel.Service{service("::ffff:10.100.0.5", tcp(80, "[::ffff:10.0.0.1]:1"))},
			[]string{"10.100.0.5:80/6 -> [10.0.0.1:1]"}},
		{"one address, two Services", []tunnel.Service{
			service("198.51.100.1", tcp(80, "10.0.0.1:1"), tcp(81, "10.0.0.1:1")),
			service("198.51.100.1", tcp(80, "10.0.0.2:1", "10.0.0.1:1")),
		}, []string{"198.51.100.1:80/6 -> [10.0.0.1:1 10.0.0.2:1]", "198.51.100.1:81/6 -> [10.0.0.1:1]"}},
	} {
		if got := services.Plan(test.in, 1, false); !slices.Equal(got, test.want) {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, test.want)
		}
	}
}

func TestStickyServicesKeepTheirEndpoint(t *testing.T) {
	var all []string
	for i := range 8 {
		all = append(all, fmt.Sprintf("10.0.0.%d:80", i+1))
	}
	plan := func(seed uint64, to ...string) string {
		s := service("10.100.0.1", tcp(80, to...))
		s.Sticky = true
		lines := services.Plan([]tunnel.Service{s}, seed, false)
		if len(lines) != 1 {
			t.Fatalf("%q", lines)
		}
		return lines[0]
	}
	chosen := map[string]bool{}
	for seed := range uint64(50) {
		first := plan(seed, all...)
		chosen[first] = true
		slices.Reverse(all)
		if again := plan(seed, all...); again != first {
			t.Errorf("seed %d: %s, in another order %s", seed, first, again)
		}
		for _, gone := range all {
			left := slices.DeleteFunc(slices.Clone(all), func(e string) bool { return e == gone })
			if after := plan(seed, left...); after != first && first != "10.100.0.1:80/6 -> ["+gone+"]" {
				t.Errorf("seed %d: %s went, and %s became %s", seed, gone, first, after)
			}
		}
	}
	if len(chosen) < 5 {
		t.Errorf("50 sandboxes chose only %d of 8 endpoints: %v", len(chosen), chosen)
	}
	two := services.Plan([]tunnel.Service{{Addresses: addresses("10.100.0.1"), Sticky: true,
		Ports: []tunnel.ServicePort{tcp(80, "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"), tcp(81, "10.0.0.1:2", "10.0.0.2:2", "10.0.0.3:2")}}}, 7, false)
	if two[0][:len(two[0])-2][len("10.100.0.1:80/6 -> ["):] != two[1][:len(two[1])-2][len("10.100.0.1:81/6 -> ["):] {
		t.Errorf("two ports of one Service lead to two pods: %q", two)
	}
}
