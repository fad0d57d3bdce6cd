package ec2

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the entries of network ACLs. An entry is known by its rule
// number and direction.

type CreateNetworkAclEntryInput struct {
	CidrBlock     *string
	DryRun        *bool
	Egress        *bool
	IcmpTypeCode  *types.IcmpTypeCode
	Ipv6CidrBlock *string
	NetworkAclId  *string
	PortRange     *types.PortRange
	Protocol      *string
	RuleAction    types.RuleAction
	RuleNumber    *int32
}

type CreateNetworkAclEntryOutput struct{}

// CreateNetworkAclEntry adds an entry.
func (a *API) CreateNetworkAclEntry(ctx context.Context, in *CreateNetworkAclEntryInput) (*CreateNetworkAclEntryOutput, error) {
	return &CreateNetworkAclEntryOutput{}, a.putEntry(ctx, in, false)
}

type ReplaceNetworkAclEntryInput CreateNetworkAclEntryInput

type ReplaceNetworkAclEntryOutput struct{}

// ReplaceNetworkAclEntry puts another entry in the place of one.
func (a *API) ReplaceNetworkAclEntry(ctx context.Context, in *ReplaceNetworkAclEntryInput) (*ReplaceNetworkAclEntryOutput, error) {
	return &ReplaceNetworkAclEntryOutput{}, a.putEntry(ctx, (*CreateNetworkAclEntryInput)(in), true)
}

func (a *API) putEntry(ctx context.Context, in *CreateNetworkAclEntryInput, replace bool) error {
	entry, err := in.entry()
	if err != nil {
		return err
	}
	return a.changeEntries(ctx, in.DryRun, in.NetworkAclId, func(n *types.NetworkAcl) error {
		i := entryIndex(n, *entry.RuleNumber, *entry.Egress)
		switch {
		case replace && i < 0:
			return noEntry(*entry.RuleNumber)
		case replace:
			n.Entries[i] = entry
			return nil
		case i >= 0:
			return fail("NetworkAclEntryAlreadyExists", "The network acl entry identified by %d already exists.", *entry.RuleNumber)
		}
		n.Entries = append(n.Entries, entry)
		sortEntries(n)
		return nil
	})
}

type DeleteNetworkAclEntryInput struct {
	DryRun       *bool
	Egress       *bool
	NetworkAclId *string
	RuleNumber   *int32
}

type DeleteNetworkAclEntryOutput struct{}

// DeleteNetworkAclEntry removes an entry; the last one of each direction
// stays.
func (a *API) DeleteNetworkAclEntry(ctx context.Context, in *DeleteNetworkAclEntryInput) (*DeleteNetworkAclEntryOutput, error) {
	rule := aws.ToInt32(in.RuleNumber)
	if err := checkRuleNumber(rule); err != nil {
		return nil, err
	}
	return &DeleteNetworkAclEntryOutput{}, a.changeEntries(ctx, in.DryRun, in.NetworkAclId, func(n *types.NetworkAcl) error {
		i := entryIndex(n, rule, aws.ToBool(in.Egress))
		if i < 0 {
			return noEntry(rule)
		}
		n.Entries = slices.Delete(n.Entries, i, i+1)
		return nil
	})
}

func (a *API) changeEntries(ctx context.Context, dryRun *bool, id *string, change func(n *types.NetworkAcl) error) error {
	if err := require("networkAclId", id); err != nil {
		return err
	}
	return a.update(ctx, dryRun, func(tx *store.Tx, p place) error {
		n, err := networkACLs.get(tx, p, *id)
		if err != nil {
			return err
		}
		if err := change(n); err != nil {
			return err
		}
		return networkACLs.put(tx, p, n)
	})
}

func entryIndex(n *types.NetworkAcl, rule int32, egress bool) int {
	return slices.IndexFunc(n.Entries, func(e types.NetworkAclEntry) bool { return *e.RuleNumber == rule && aws.ToBool(e.Egress) == egress })
}

// sortEntries orders entries as AWS answers them: outbound first, then by
// rule.
func sortEntries(n *types.NetworkAcl) {
	slices.SortFunc(n.Entries, func(x, y types.NetworkAclEntry) int {
		return cmp.Or(boolRank(*y.Egress)-boolRank(*x.Egress), cmp.Compare(*x.RuleNumber, *y.RuleNumber))
	})
}

func noEntry(rule int32) error {
	return fail("InvalidNetworkAclEntry.NotFound", "The network acl entry identified by %d does not exist.", rule)
}

func checkRuleNumber(rule int32) error {
	if rule < 1 || rule >= lastRule {
		return invalid("ruleNumber", strconv.Itoa(int(rule)), "Rule numbers must be between 1 and 32766.")
	}
	return nil
}

// entry is the entry that a request describes, checked.
func (in *CreateNetworkAclEntryInput) entry() (types.NetworkAclEntry, error) {
	e := types.NetworkAclEntry{Egress: aws.Bool(aws.ToBool(in.Egress)), RuleAction: in.RuleAction, RuleNumber: in.RuleNumber}
	if err := checkRuleNumber(aws.ToInt32(in.RuleNumber)); err != nil {
		return e, err
	}
	if in.RuleAction != types.RuleActionAllow && in.RuleAction != types.RuleActionDeny {
		return e, invalid("ruleAction", string(in.RuleAction), "The action must be allow or deny.")
	}
	protocol, err := protocolNumber(aws.ToString(in.Protocol))
	if err != nil {
		return e, err
	}
	e.Protocol = &protocol
	switch protocol {
	case "6", "17":
		if in.PortRange == nil || in.PortRange.From == nil || in.PortRange.To == nil {
			return e, missing("portRange")
		}
		e.PortRange = in.PortRange
		if err := checkRange(*in.PortRange.From, *in.PortRange.To); err != nil {
			return e, err
		}
	case "1", "58":
		if in.IcmpTypeCode == nil {
			return e, missing("icmpTypeCode")
		}
		e.IcmpTypeCode = in.IcmpTypeCode
	}
	return e, in.blockOf(&e)
}

// blockOf sets the addresses that an entry is about.
func (in *CreateNetworkAclEntryInput) blockOf(e *types.NetworkAclEntry) error {
	switch {
	case (in.CidrBlock == nil) == (in.Ipv6CidrBlock == nil):
		return badCombination("The request must contain exactly one of cidrBlock and ipv6CidrBlock")
	case in.CidrBlock != nil:
		block, err := parseCIDR("cidrBlock", *in.CidrBlock)
		e.CidrBlock = aws.String(block.String())
		return err
	}
	block, err := netip.ParsePrefix(*in.Ipv6CidrBlock)
	if err != nil || block.Addr().Is4() {
		return invalid("ipv6CidrBlock", *in.Ipv6CidrBlock, "This is not a valid CIDR block.")
	}
	e.Ipv6CidrBlock = aws.String(block.Masked().String())
	return nil
}

// protocolNumber writes a protocol as network ACLs do: by number.
func protocolNumber(s string) (string, error) {
	protocol, err := normalProtocol(s)
	switch protocol {
	case "tcp":
		return "6", nil
	case "udp":
		return "17", nil
	case "icmp":
		return "1", nil
	case "icmpv6":
		return "58", nil
	}
	return protocol, err
}
