//go:build linux

package linklocal

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// rule sends what the namespace itself sends to an address and port to another
// port of that address.
type rule struct {
	address   netip.Addr
	protocol  byte
	port, use uint16
}

// redirect writes the namespace's rules in one transaction, in place of those
// of an earlier call.
//
//	table ip neargate {
//	  chain output { type nat hook output priority dstnat;
//	    ip daddr 169.254.170.2 tcp dport 80 dnat to 169.254.170.2:64680 … }
//	  chain input { type filter hook input priority filter;
//	    iifname != "lo" ip daddr 169.254.170.2 drop … }
//	}
//
// dnat and not redirect: in the output hook the latter means 127.0.0.1. The
// input chain keeps neighbours on the subnet from a task's credentials: Linux
// answers for all its addresses on all its interfaces.
func redirect(rules []rule, addresses []netip.Addr) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "neargate"}
	c.AddTable(table)
	c.FlushTable(table) // not deleted: closing the socket would then wait 6 ms for the kernel's clean-up
	output := c.AddChain(&nftables.Chain{
		Name: "output", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	})
	for _, r := range rules {
		c.AddRule(&nftables.Rule{Table: table, Chain: output, Exprs: r.exprs()})
	}
	input := c.AddChain(&nftables.Chain{
		Name: "input", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	for _, a := range addresses {
		c.AddRule(&nftables.Rule{Table: table, Chain: input, Exprs: append(
			append([]expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
				&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: interfaceName("lo")}}, toAddress(a)...),
			&expr.Verdict{Kind: expr.VerdictDrop})})
	}
	return c.Flush()
}

func (r rule) exprs() []expr.Any {
	all := append([]expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{r.protocol}},
	}, toAddress(r.address)...)
	return append(all,
		// the destination port has the same place in TCP and UDP
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(r.port)},
		&expr.Immediate{Register: 1, Data: r.address.AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(r.use)},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 2},
	)
}

// toAddress matches the destination in the IPv4 header.
func toAddress(a netip.Addr) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: a.AsSlice()},
	}
}

func interfaceName(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}
