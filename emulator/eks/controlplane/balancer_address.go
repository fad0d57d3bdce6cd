package controlplane

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
)

// balancer_address.go gives load balancers addresses of this host, by the book
// that says whose each is. An address is a load balancer's until that is not
// wanted any more, whether its cluster runs or not.

// ownerKind is what the book of addresses has load balancers under.
const ownerKind = "balancer/"

// owner is a load balancer in the book of addresses.
func (b *balancers) owner(name string) string { return ownerKind + b.place.arn + " " + name }

// ofCluster are the names in the book of one cluster's load balancers.
func ofCluster(arn string) func(name string) bool {
	return func(name string) bool { return strings.HasPrefix(name, arn+" ") }
}

// loopback stands in where the host has none of the addresses. It is nobody's
// own: what counts is that the ports are free.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// take finds an address at which all of the ports can be listened on.
func (b *balancers) take(name string, ports []balancerPort) (netip.Addr, error) {
	a, err := b.book.Take(b.owner(name), func(a netip.Addr, _ bool) error {
		if p, err := tryPorts(a, ports); err != nil {
			return explained(a, p, err)
		}
		return nil
	})
	if errors.Is(err, syscall.EADDRNOTAVAIL) { // macOS has one loopback address only
		if p, err := tryPorts(loopback, ports); err != nil {
			return netip.Addr{}, explained(loopback, p, err)
		}
		return loopback, nil
	}
	return a, err
}

// tryPorts tells whether all ports can be listened on, and which one cannot.
func tryPorts(a netip.Addr, ports []balancerPort) (balancerPort, error) {
	for _, p := range ports {
		s, err := listenOn(a, p)
		if err != nil {
			return p, err
		}
		s.close()
	}
	return balancerPort{}, nil
}
