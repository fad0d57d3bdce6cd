//go:build linux

package linklocal

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
	"github.com/vishvananda/netlink"
)

// Interfaces lists the namespace's interfaces with their counters, loopback
// left out.
func Interfaces() ([]tunnel.Interface, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("listing interfaces: %w", err)
	}
	var all []tunnel.Interface
	for _, l := range links {
		a := l.Attrs()
		if a.Flags&net.FlagLoopback != 0 {
			continue
		}
		i := tunnel.Interface{Name: a.Name, MAC: a.HardwareAddr.String(), MTU: a.MTU}
		if i.Addresses, err = addressesOf(l); err != nil {
			return nil, err
		}
		if s := a.Statistics; s != nil {
			i.RxBytes, i.RxPackets, i.RxErrors, i.RxDropped = s.RxBytes, s.RxPackets, s.RxErrors, s.RxDropped
			i.TxBytes, i.TxPackets, i.TxErrors, i.TxDropped = s.TxBytes, s.TxPackets, s.TxErrors, s.TxDropped
		}
		all = append(all, i)
	}
	return all, nil
}

func addressesOf(l netlink.Link) ([]netip.Prefix, error) {
	addresses, err := netlink.AddrList(l, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("listing addresses of %s: %w", l.Attrs().Name, err)
	}
	var all []netip.Prefix
	for _, a := range addresses {
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			bits, _ := a.Mask.Size()
			all = append(all, netip.PrefixFrom(ip.Unmap(), bits))
		}
	}
	return all, nil
}

// Addresses lists the addresses of all interfaces but loopback.
func Addresses() ([]netip.Prefix, error) {
	interfaces, err := Interfaces()
	var all []netip.Prefix
	for _, i := range interfaces {
		all = append(all, i.Addresses...)
	}
	return all, err
}
