//go:build linux

// Package linklocal gives a sandbox's network namespace the addresses that a
// task or pod finds beside itself: 169.254.170.2 (task metadata and
// credentials, port 80), 169.254.170.23 (the EKS Pod Identity Agent, port 80)
// and 169.254.169.253 (the VPC's resolver, port 53).
//
// Nothing listens on those ports: a workload that binds 0.0.0.0:80 would get
// "address already in use". The listeners are on high ports of the same
// addresses, and nftables rules of the namespace send its own connections
// there. Docker's rules for its embedded resolver, 127.0.0.11, are in tables of their own
// and concern other addresses.
//
// All functions act in the network namespace of the calling thread.
package linklocal

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Metadata is the address of the task metadata and credentials endpoint.
func Metadata() netip.Addr { return netip.AddrFrom4([4]byte{169, 254, 170, 2}) }

// Agent is the address of the EKS Pod Identity Agent.
func Agent() netip.Addr { return netip.AddrFrom4([4]byte{169, 254, 170, 23}) }

// Resolver is the address of the VPC's DNS server.
func Resolver() netip.Addr { return netip.AddrFrom4([4]byte{169, 254, 169, 253}) }

const (
	metadataPort = 80
	dnsPort      = 53

	// Where we really listen. Outside the ports that Linux hands out by
	// itself (32768–60999), so that only a workload that asks for just these
	// can collide.
	highMetadataPort = 64680
	highDNSPort      = 64653
	highPorts        = 16 // how many are tried, upwards
)

// Listeners are where the namespace's connections to the link-local services
// arrive.
type Listeners struct {
	Metadata net.Listener
	Agent    net.Listener
	DNS      net.Listener   // nil without DNS
	DNSUDP   net.PacketConn // nil without DNS
	// Warnings say what is not as it should be, in sentences.
	Warnings []string
}

// Listen sets the namespace up. Without nftables it listens on the well-known
// ports themselves and warns.
func Listen(dns bool) (*Listeners, error) { return listenWith(dns, redirect) }

func listenWith(dns bool, redirect func([]rule, []netip.Addr) error) (*Listeners, error) {
	addresses := []netip.Addr{Metadata(), Agent()}
	if dns {
		addresses = append(addresses, Resolver())
	}
	if err := addAddresses(addresses); err != nil {
		return nil, err
	}
	l := &Listeners{}
	if err := l.listen(dns, highMetadataPort, highDNSPort, highPorts); err != nil {
		return nil, err
	}
	refused := redirect(l.redirects(), addresses)
	if refused == nil {
		return l, nil
	}
	l.Close()
	l = &Listeners{Warnings: []string{fmt.Sprintf(
		"nftables does not work here (%v): the sandbox listens on port 80 of 169.254.170.2 and 169.254.170.23 itself, so a container of the task that binds 0.0.0.0:80 fails, and other hosts of the subnet are not kept from the link-local addresses", refused)}}
	if err := l.listen(dns, metadataPort, dnsPort, 1); err != nil {
		return nil, errors.Join(refused, err)
	}
	return l, nil
}

func (l *Listeners) listen(dns bool, metadata, resolver uint16, tries int) error {
	err := inFree(Metadata(), metadata, tries, func(at string) (err error) {
		l.Metadata, err = net.Listen("tcp4", at)
		return err
	})
	if err != nil {
		return err
	}
	err = inFree(Agent(), metadata, tries, func(at string) (err error) {
		l.Agent, err = net.Listen("tcp4", at)
		return err
	})
	if err != nil {
		l.Close()
	}
	if err != nil || !dns {
		return err
	}
	err = inFree(Resolver(), resolver, tries, func(at string) (err error) {
		l.DNS, l.DNSUDP, err = ListenBoth(at)
		return err
	})
	if err != nil {
		l.Close()
	}
	return err
}

// ListenBoth takes the same port for TCP and UDP, or none.
func ListenBoth(at string) (net.Listener, net.PacketConn, error) {
	tcp, err := net.Listen("tcp4", at)
	if err != nil {
		return nil, nil, err
	}
	udp, err := net.ListenPacket("udp4", at)
	if err != nil {
		tcp.Close()
		return nil, nil, err
	}
	return tcp, udp, nil
}

// HighPort calls listen for free ports beside the well-known ones, at the
// metadata service's address, which neighbours cannot reach.
func HighPort(port uint16, listen func(at string) error) error {
	return inFree(Metadata(), port, highPorts, listen)
}

// inFree calls listen for the first port from port on that is not in use.
func inFree(a netip.Addr, port uint16, tries int, listen func(at string) error) error {
	for i := 0; ; i++ {
		err := listen(netip.AddrPortFrom(a, port+uint16(i)).String())
		if i == tries-1 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
}

func (l *Listeners) redirects() []rule {
	all := []rule{
		{Metadata(), unix.IPPROTO_TCP, metadataPort, portOf(l.Metadata.Addr())},
		{Agent(), unix.IPPROTO_TCP, metadataPort, portOf(l.Agent.Addr())},
	}
	if l.DNS != nil {
		high := portOf(l.DNS.Addr())
		all = append(all, rule{Resolver(), unix.IPPROTO_TCP, dnsPort, high}, rule{Resolver(), unix.IPPROTO_UDP, dnsPort, high})
	}
	return all
}

func portOf(a net.Addr) uint16 { return netip.MustParseAddrPort(a.String()).Port() }

// Close closes all listeners; addresses and rules stay.
func (l *Listeners) Close() {
	if l.Metadata != nil {
		l.Metadata.Close()
	}
	if l.Agent != nil {
		l.Agent.Close()
	}
	if l.DNS != nil {
		l.DNS.Close()
		l.DNSUDP.Close()
	}
}

// addAddresses puts addresses on lo. Their scope is the host, so that the
// kernel never takes one as the source of a connection to elsewhere.
func addAddresses(addresses []netip.Addr) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("interface lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bringing lo up: %w", err)
	}
	for _, a := range addresses {
		on := &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(32, 32)}, Scope: unix.RT_SCOPE_HOST}
		if err := netlink.AddrAdd(lo, on); err != nil && !errors.Is(err, syscall.EEXIST) {
			return fmt.Errorf("adding %s to lo: %w (the sandbox needs NET_ADMIN)", a, err)
		}
	}
	return nil
}
