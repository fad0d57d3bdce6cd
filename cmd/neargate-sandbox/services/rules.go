//go:build linux

package services

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/neargate/neargate/cmd/neargate-sandbox/linklocal"
	"golang.org/x/sys/unix"
)

// The kernel's part: one table of nftables, in which only the elements of
// three sets change. 1,000 Services are some dozens of messages and one lookup
// for each new connection.
//
//	table ip neargate-services {
//	  map services  { type ipv4_addr . inet_proto . inet_service : verdict
//	                  elements = { 10.100.7.1 . tcp . 80 : goto pick-2 } }
//	  map endpoints { type ipv4_addr . inet_proto . inet_service . integer : ipv4_addr . inet_service
//	                  elements = { 10.100.7.1 . tcp . 80 . 0 : 10.0.1.5 . 8080, … } }
//	  set refused   { type ipv4_addr . inet_proto . inet_service }
//	  chain output { type nat hook output priority dstnat
//	    ip daddr 10.100.0.10 udp dport 53 dnat to 169.254.170.2:64653 …
//	    ip daddr . meta l4proto . th dport vmap @services
//	    ip daddr . meta l4proto . th dport @refused goto closed
//	    ip daddr 10.100.0.0/16 goto closed
//	  }
//	  chain pick-2 { dnat to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints }
//	  chain closed { dnat to 169.254.170.2:1 }
//	  chain rest { type filter hook output priority filter; ip daddr 10.100.0.0/16 drop }
//	}
//
// All connections begin in the namespace, so the output hook sees them all. A
// connection keeps the endpoint that it got when the table changes, because
// nat chains see only the first packet of each. The source address stays the
// pod's; a pod that comes back to itself by its own Service talks to its own
// address over lo.

// The registers that rules use: 32-bit ones, in a row, as the kernel wants the
// parts of a key.
const (
	regAddress  = unix.NFT_REG32_00 + iota
	regProtocol //
	regPort     //
	regNumber   //
	regTo       // the endpoint's address
	regToPort   //
)

// rules is the table in the kernel.
type rules struct {
	table                        *nftables.Table
	output                       *nftables.Chain
	services, endpoints, refused *nftables.Set
	picks                        map[int]bool // numbers of endpoints that have a chain
	commit                       func(*nftables.Conn) error
}

// redirect sends a port of the cluster's range to a listener of PID 1.
type redirect struct {
	key
	to netip.AddrPort
}

func newRules() *rules {
	r := &rules{table: &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "neargate-services"}, picks: map[int]bool{}, commit: (*nftables.Conn).Flush}
	r.output = &nftables.Chain{
		Name: "output", Table: r.table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	}
	where := nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService)
	r.services = &nftables.Set{Table: r.table, Name: "services", IsMap: true, KeyType: where, DataType: nftables.TypeVerdict}
	r.endpoints = &nftables.Set{
		Table: r.table, Name: "endpoints", IsMap: true,
		KeyType:  nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService, nftables.TypeInteger),
		DataType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService),
	}
	r.refused = &nftables.Set{Table: r.table, Name: "refused", KeyType: where}
	return r
}

// open writes the table without any Services, in place of an earlier one.
func (r *rules) open(within netip.Prefix, redirects []redirect) error {
	c, err := connect()
	if err != nil {
		return err
	}
	c.AddTable(r.table)
	c.FlushTable(r.table)
	for _, s := range r.sets() {
		if err := c.AddSet(s, nil); err != nil {
			return err
		}
		c.FlushSet(s)
	}
	c.AddChain(r.output)
	for _, to := range redirects {
		r.add(c, r.output, to.exprs()...)
	}
	r.add(c, r.output, append(where(),
		&expr.Lookup{SourceRegister: regAddress, IsDestRegSet: true, SetName: r.services.Name, SetID: r.services.ID})...)
	closed := r.addClosed(c)
	r.add(c, r.output, append(where(),
		&expr.Lookup{SourceRegister: regAddress, SetName: r.refused.Name, SetID: r.refused.ID}, closed)...)
	r.add(c, r.output, append(into(within), closed)...)
	rest := c.AddChain(&nftables.Chain{
		Name: "rest", Table: r.table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter,
	})
	r.add(c, rest, append(into(within), &expr.Verdict{Kind: expr.VerdictDrop})...)
	return r.commit(c)
}

func (r *rules) add(c *nftables.Conn, to *nftables.Chain, exprs ...expr.Any) {
	c.AddRule(&nftables.Rule{Table: r.table, Chain: to, Exprs: exprs})
}

// try finds out whether the kernel can choose among endpoints, before there
// are any.
func (r *rules) try() error {
	c, err := connect()
	if err != nil {
		return err
	}
	r.addPick(c, 2)
	if err := r.commit(c); err != nil {
		return err
	}
	r.picks[2] = true
	return nil
}

// into matches what goes to an address in a range.
func into(within netip.Prefix) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: net.CIDRMask(within.Bits(), 32), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: within.Masked().Addr().AsSlice()},
	}
}

// closedPort is one that nothing ever listens on.
const closedPort = 1

// addClosed makes the chain in which the namespace itself refuses. The
// kernel's own reject would do for TCP; for UDP, in the output hook, it makes
// the sender's call fail with EPERM instead of the ECONNREFUSED that a pod
// gets from kube-proxy on its node.
func (r *rules) addClosed(c *nftables.Conn) *expr.Verdict {
	closed := c.AddChain(&nftables.Chain{Name: "closed", Table: r.table})
	for _, protocol := range protocols {
		r.add(c, closed,
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocol}},
			&expr.Immediate{Register: 1, Data: linklocal.Metadata().AsSlice()},
			&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(closedPort)},
			&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 2},
		)
	}
	return &expr.Verdict{Kind: expr.VerdictGoto, Chain: closed.Name}
}

// set makes the elements those of next where they were those of before, at one
// go.
func (r *rules) set(before, next plan) error {
	err := r.replace(next, func(c *nftables.Conn) (plan, error) {
		return next.minus(before), r.delete(c, before.minus(next))
	})
	if err == nil {
		return nil
	}
	// Something else may be there than what is believed.
	whole := r.replace(next, func(c *nftables.Conn) (plan, error) {
		for _, s := range r.sets() {
			c.FlushSet(s)
		}
		return next, nil
	})
	if whole != nil {
		return fmt.Errorf("nftables: %w", errors.Join(err, whole))
	}
	return nil
}

// replace makes room, and adds what that says.
func (r *rules) replace(next plan, clear func(*nftables.Conn) (add plan, err error)) error {
	c, err := connect()
	if err != nil {
		return err
	}
	var fresh []int
	for _, n := range next.counts() {
		if !r.picks[n] {
			r.addPick(c, n)
			fresh = append(fresh, n)
		}
	}
	add, err := clear(c)
	if err != nil {
		return err
	}
	if err := r.each(add, c.SetAddElements); err != nil {
		return err
	}
	if err := r.commit(c); err != nil {
		return err
	}
	for _, n := range fresh {
		r.picks[n] = true
	}
	return nil
}

func (r *rules) delete(c *nftables.Conn, p plan) error { return r.each(p, c.SetDeleteElements) }

func (r *rules) sets() []*nftables.Set { return []*nftables.Set{r.services, r.endpoints, r.refused} }

// each does something with a plan's elements, a message at a time.
func (r *rules) each(p plan, do func(*nftables.Set, []nftables.SetElement) error) error {
	services, endpoints, refused := p.elements()
	for i, elements := range [][]nftables.SetElement{services, endpoints, refused} {
		for some := range slices.Chunk(elements, maxElements) {
			if err := do(r.sets()[i], some); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxElements in one message, which has 64 KiB for at most 80 bytes each.
const maxElements = 512

// addPick makes the chain that chooses one of n endpoints.
func (r *rules) addPick(c *nftables.Conn, n int) {
	pick := c.AddChain(&nftables.Chain{Name: pickName(n), Table: r.table})
	r.add(c, pick, append(where(),
		numberBelow(n),
		&expr.Lookup{SourceRegister: regAddress, IsDestRegSet: true, DestRegister: regTo, SetName: r.endpoints.Name, SetID: r.endpoints.ID},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: regTo, RegProtoMin: regToPort},
	)...)
}

// numberBelow needs no chance for one endpoint, so that a kernel without
// numgen can do that much.
func numberBelow(n int) expr.Any {
	if n == 1 {
		return &expr.Immediate{Register: regNumber, Data: make([]byte, 4)}
	}
	return &expr.Numgen{Register: regNumber, Modulus: uint32(n), Type: unix.NFT_NG_RANDOM}
}

func pickName(n int) string { return fmt.Sprintf("pick-%d", n) }

// where loads destination address, protocol and port.
func where() []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: regAddress, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: regProtocol},
		&expr.Payload{DestRegister: regPort, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
	}
}

func (r redirect) exprs() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{r.protocol}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: r.address.AsSlice()},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(r.port)},
		&expr.Immediate{Register: 1, Data: r.to.Addr().AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(r.to.Port())},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 2},
	}
}

// elements of the three sets. Each part of a key has four bytes.
func (p plan) elements() (services, endpoints, refused []nftables.SetElement) {
	for _, t := range p.targets {
		services = append(services, nftables.SetElement{
			Key: t.bytes(), VerdictData: &expr.Verdict{Kind: expr.VerdictGoto, Chain: pickName(len(t.endpoints))},
		})
		for i, e := range t.endpoints {
			endpoints = append(endpoints, nftables.SetElement{
				Key: append(t.bytes(), binaryutil.NativeEndian.PutUint32(uint32(i))...),
				Val: append(e.Addr().AsSlice(), byte(e.Port()>>8), byte(e.Port()), 0, 0),
			})
		}
	}
	for _, k := range p.refused {
		refused = append(refused, nftables.SetElement{Key: k.bytes()})
	}
	return services, endpoints, refused
}

func (k key) bytes() []byte {
	return append(k.address.AsSlice(), k.protocol, 0, 0, 0, byte(k.port>>8), byte(k.port), 0, 0)
}

// sendBuffer holds the largest transaction: the kernel takes one as a whole.
const sendBuffer = 16 << 20

func connect() (*nftables.Conn, error) { return nftables.New(nftables.WithSockOptions(widen)) }

// widen is generic so that the netlink library of nftables need not be one of
// ours.
func widen[C interface{ SetWriteBuffer(bytes int) error }](c C) error {
	return c.SetWriteBuffer(sendBuffer)
}
