package docker

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Which addresses a subnet has, and which pool stands in for a VPC's CIDR that
// cannot be had. Everything here is a pure function; network.go acts.

// AWS keeps the first four addresses and the last one of each subnet.
const (
	reservedFirst = 4
	reservedLast  = 1
)

func toUint(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func toAddr(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

func size(p netip.Prefix) uint32 { return uint32(1) << (32 - p.Bits()) }

// pick returns the first free address of the subnet at or after the cursor,
// which counts from the first usable one, and the cursor after it. Going round
// keeps an address that was just given back from being given away at once:
// peers may still send to its former owner.
func pick(subnet netip.Prefix, cursor uint32, used func(netip.Addr) bool) (netip.Addr, uint32, bool) {
	n := size(subnet)
	if n <= reservedFirst+reservedLast {
		return netip.Addr{}, cursor, false
	}
	usable := n - reservedFirst - reservedLast
	first := toUint(subnet.Masked().Addr()) + reservedFirst
	for i := range usable {
		at := (cursor + i) % usable
		if a := toAddr(first + at); !used(a) {
			return a, at + 1, true
		}
	}
	return netip.Addr{}, cursor, false
}

// firstHost is where Docker has the bridge itself.
func firstHost(p netip.Prefix) netip.Addr { return p.Masked().Addr().Next() }

// translate maps a subnet of one pool to the same place in another of the same
// size.
func translate(subnet, from, to netip.Prefix) netip.Prefix {
	offset := toUint(subnet.Masked().Addr()) - toUint(from.Masked().Addr())
	return netip.PrefixFrom(toAddr(toUint(to.Masked().Addr())+offset), subnet.Bits())
}

// spare is where other pools come from: the upper part of 10.0.0.0/8, which
// neither Docker's own default pools nor most home and office networks use.
var spare = netip.MustParsePrefix("10.128.0.0/9")

// maxPools bounds the search; each try costs a call to the Engine.
const maxPools = 64

// pools yields other pools of the same prefix length as cidr, in an order that
// is the VPC's own, so that two emulators seldom try the same ones.
func pools(vpc string, cidr netip.Prefix) []netip.Prefix {
	bits := max(cidr.Bits(), spare.Bits())
	each := uint32(1) << (32 - bits)
	n := size(spare) / each
	h := fnv.New32a()
	h.Write([]byte(vpc)) // never fails
	start := h.Sum32() % n
	var all []netip.Prefix
	for i := range min(n, maxPools) {
		all = append(all, netip.PrefixFrom(toAddr(toUint(spare.Addr())+(start+i)%n*each), bits))
	}
	return all
}

// mac is what Docker gave an address before version 28: readable, and the same
// after every restart.
func mac(ip netip.Addr) net.HardwareAddr {
	b := ip.As4()
	return net.HardwareAddr{0x02, 0x42, b[0], b[1], b[2], b[3]}
}

// hostname is EC2's name for an address.
func hostname(ip netip.Addr) string {
	return "ip-" + strings.ReplaceAll(ip.String(), ".", "-") + ".ec2.internal"
}

// wanted is a parsed sandbox.Network.
type wanted struct {
	vpc, subnet string
	cidr, part  netip.Prefix
}

// parseNetwork fails with a StopError: what is not an address now never will be.
func parseNetwork(n sandbox.Network) (wanted, error) {
	cidr, err := netip.ParsePrefix(n.VPCCIDR)
	if err != nil {
		return wanted{}, badNetwork("VPC %s: %v", n.VPC, err)
	}
	part, err := netip.ParsePrefix(n.SubnetCIDR)
	if err != nil {
		return wanted{}, badNetwork("subnet %s: %v", n.Subnet, err)
	}
	cidr, part = cidr.Masked(), part.Masked()
	if !cidr.Addr().Is4() || !part.Addr().Is4() {
		return wanted{}, badNetwork("subnet %s: only IPv4 CIDR blocks can be used", n.Subnet)
	}
	if part.Bits() < cidr.Bits() || !cidr.Contains(part.Addr()) {
		return wanted{}, badNetwork("subnet %s: %s is not within %s of %s", n.Subnet, part, cidr, n.VPC)
	}
	if n.VPC == "" || n.Subnet == "" {
		return wanted{}, badNetwork("no VPC or no subnet was given")
	}
	return wanted{n.VPC, n.Subnet, cidr, part}, nil
}

func badNetwork(format string, args ...any) error {
	return &sandbox.StopError{Reason: "ResourceInitializationError: failed to provision the network: " + fmt.Sprintf(format, args...)}
}

// noAddress is EC2's refusal as ECS passes it on.
func noAddress(n sandbox.Network) error {
	assignment := "disabled"
	if n.Public {
		assignment = "enabled"
	}
	return &sandbox.StopError{Reason: fmt.Sprintf("Unexpected EC2 error while attempting to Create Network Interface"+
		" with public IP assignment %s in subnet '%s': InsufficientFreeAddressesInSubnet", assignment, n.Subnet)}
}
