package fake

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/neargate/neargate/emulator/sandbox"
)

// subnet hands out the addresses of one range.
type subnet struct {
	prefix netip.Prefix
	next   netip.Addr
	taken  map[string]struct{}
}

// reserved is how many addresses at the beginning of a subnet are AWS's own;
// the last one is too.
const reserved = 4

// errFull is AWS's word for a subnet that has no address left.
var errFull = errors.New("InsufficientFreeAddressesInSubnet")

func (st *State) subnet(n sandbox.Network) (*subnet, error) {
	key := n.VPC + "/" + n.Subnet + "/" + n.SubnetCIDR
	if s := st.subnets[key]; s != nil {
		return s, nil
	}
	prefix, err := netip.ParsePrefix(n.SubnetCIDR)
	if err != nil || !prefix.Addr().Is4() {
		return nil, fmt.Errorf("subnet %s: %q is no IPv4 range", n.Subnet, n.SubnetCIDR)
	}
	s := &subnet{prefix: prefix.Masked(), taken: map[string]struct{}{}}
	s.next = s.first()
	st.subnets[key] = s
	return s, nil
}

func (s *subnet) first() netip.Addr {
	a := s.prefix.Addr()
	for range reserved {
		a = a.Next()
	}
	return a
}

// take gives the next free address, going round, so that an address that has
// come free is not given again at once.
func (s *subnet) take() (netip.Addr, error) {
	for range 2 { // the rest of the range, then all of it from its beginning
		for a := s.next; s.prefix.Contains(a) && s.prefix.Contains(a.Next()); a = a.Next() {
			if _, taken := s.taken[a.String()]; !taken {
				s.taken[a.String()] = struct{}{}
				s.next = a.Next()
				return a, nil
			}
		}
		s.next = s.first()
	}
	return netip.Addr{}, errFull
}

// address makes a sandbox's place in its network.
func (st *State) address(s *sandbox.Spec) (sandbox.Address, *subnet, error) {
	sub, err := st.subnet(s.Network)
	if err != nil {
		return sandbox.Address{}, nil, &sandbox.StopError{Code: failedToStart, Reason: err.Error()}
	}
	ip, err := sub.take()
	if err != nil {
		return sandbox.Address{}, nil, &sandbox.StopError{Code: failedToStart, Reason: fmt.Sprintf(
			"Unexpected EC2 error while attempting to Create Network Interface in subnet '%s': %v", s.Network.Subnet, err)}
	}
	b := ip.As4()
	a := sandbox.Address{
		IP: ip.String(), Prefix: sub.prefix.Bits(), Gateway: sub.prefix.Addr().Next().String(),
		MAC: fmt.Sprintf("02:42:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3]),
		DNS: s.Network.DNSServers,
	}
	if len(a.DNS) == 0 {
		a.DNS = []string{sub.prefix.Addr().Next().Next().String()}
	}
	if s.Network.Public {
		st.public++
		n := 127<<24 | 64<<16 | st.public%(1<<22)
		a.Public = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
	}
	return a, sub, nil
}
