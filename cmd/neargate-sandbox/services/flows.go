//go:build linux

package services

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A UDP flow has no end of its own: for as long as a client goes on sending
// from one port, the kernel sends its datagrams where the first one went. So
// flows to endpoints that are gone are forgotten; TCP connections end by
// themselves.

// stale matches UDP flows that the table would translate otherwise.
type stale struct {
	endpoints map[key][]netip.AddrPort // nil: none
	within    netip.Prefix
	own       map[key]bool
}

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (s stale) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	if f.Forward.Protocol != unix.IPPROTO_UDP {
		return false
	}
	k := key{address(f.Forward.DstIP), unix.IPPROTO_UDP, f.Forward.DstPort}
	endpoints, known := s.endpoints[k]
	if s.own[k] || !known && !s.within.Contains(k.address) {
		return false
	}
	return !slices.Contains(endpoints, netip.AddrPortFrom(address(f.Reverse.SrcIP), f.Reverse.SrcPort))
}

func address(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

func forgetFlows(p plan, within netip.Prefix, own map[key]bool) error {
	s := stale{map[key][]netip.AddrPort{}, within, own}
	for _, t := range p.targets {
		s.endpoints[t.key] = t.endpoints
	}
	for _, k := range p.refused {
		s.endpoints[k] = nil
	}
	if _, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, s); err != nil {
		return fmt.Errorf("conntrack: %w", err)
	}
	return nil
}
