package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// Each VPC has one network ACL, the default one, which lets everything pass;
// every subnet is under it.

var networkACLs = &resource[types.NetworkAcl]{
	table: store.NewTable("ec2/network-acl",
		store.By(inVPC, func(_ string, n *types.NetworkAcl) []string { return one(n.VpcId) })),
	kind:   "network-acl",
	prefix: "acl-",
	id:     func(n *types.NetworkAcl) *string { return n.NetworkAclId },
	tags:   func(n *types.NetworkAcl) *[]types.Tag { return &n.Tags },
	noun:   "networkAcl", notFound: "InvalidNetworkAclID.NotFound", malformed: "InvalidNetworkAclId.Malformed",
	fields: fields[types.NetworkAcl]{
		"association.association-id": func(n *types.NetworkAcl) []string {
			return each(n.Associations, func(a types.NetworkAclAssociation) *string { return a.NetworkAclAssociationId })
		},
		"association.network-acl-id": func(n *types.NetworkAcl) []string {
			return each(n.Associations, func(a types.NetworkAclAssociation) *string { return a.NetworkAclId })
		},
		"association.subnet-id": func(n *types.NetworkAcl) []string {
			return each(n.Associations, func(a types.NetworkAclAssociation) *string { return a.SubnetId })
		},
		"default":               func(n *types.NetworkAcl) []string { return flag(n.IsDefault) },
		"entry.cidr":            entryValues(func(e types.NetworkAclEntry) []string { return one(e.CidrBlock) }),
		"entry.icmp.code":       none[types.NetworkAcl],
		"entry.icmp.type":       none[types.NetworkAcl],
		"entry.ipv6-cidr":       none[types.NetworkAcl],
		"entry.port-range.from": none[types.NetworkAcl],
		"entry.port-range.to":   none[types.NetworkAcl],
		"entry.protocol":        entryValues(func(e types.NetworkAclEntry) []string { return one(e.Protocol) }),
		"entry.rule-action":     entryValues(func(e types.NetworkAclEntry) []string { return word(e.RuleAction) }),
		"entry.egress":          entryValues(func(e types.NetworkAclEntry) []string { return flag(e.Egress) }),
		"entry.rule-number":     entryValues(func(e types.NetworkAclEntry) []string { return number(e.RuleNumber) }),
		"network-acl-id":        func(n *types.NetworkAcl) []string { return one(n.NetworkAclId) },
		"owner-id":              func(n *types.NetworkAcl) []string { return one(n.OwnerId) },
		"vpc-id":                func(n *types.NetworkAcl) []string { return one(n.VpcId) },
	},
}

func entryValues(values func(types.NetworkAclEntry) []string) func(*types.NetworkAcl) []string {
	return func(n *types.NetworkAcl) []string { return every(n.Entries, values) }
}

// lastRule is the number of the rule that denies what no other allows; AWS
// shows it as *.
const lastRule = 32767

func newDefaultACL(p place, vpc string) *types.NetworkAcl {
	entry := func(rule int32, egress bool, action types.RuleAction) types.NetworkAclEntry {
		return types.NetworkAclEntry{CidrBlock: aws.String("0.0.0.0/0"), Egress: &egress, Protocol: aws.String("-1"), RuleAction: action, RuleNumber: &rule}
	}
	return &types.NetworkAcl{
		NetworkAclId: aws.String(newID("acl-")), VpcId: &vpc, OwnerId: aws.String(p.account), IsDefault: aws.Bool(true),
		Entries: []types.NetworkAclEntry{
			entry(100, true, types.RuleActionAllow), entry(lastRule, true, types.RuleActionDeny),
			entry(100, false, types.RuleActionAllow), entry(lastRule, false, types.RuleActionDeny),
		},
	}
}

// joinDefaultACL puts a new subnet under its VPC's network ACL.
func joinDefaultACL(tx *store.Tx, p place, vpc, subnet string) error {
	acls, err := networkACLs.list(tx, p, inVPC, vpc)
	if err != nil {
		return err
	}
	for i := range acls {
		acls[i].Associations = append(acls[i].Associations, types.NetworkAclAssociation{
			NetworkAclAssociationId: aws.String(newID("aclassoc-")), NetworkAclId: acls[i].NetworkAclId, SubnetId: &subnet,
		})
		if err := networkACLs.put(tx, p, &acls[i]); err != nil {
			return err
		}
	}
	return nil
}

// leaveACL takes a subnet from under its network ACL.
func leaveACL(tx *store.Tx, p place, vpc, subnet string) error {
	acls, err := networkACLs.list(tx, p, inVPC, vpc)
	if err != nil {
		return err
	}
	for i := range acls {
		acls[i].Associations = slices.DeleteFunc(acls[i].Associations, func(a types.NetworkAclAssociation) bool { return aws.ToString(a.SubnetId) == subnet })
		if err := networkACLs.put(tx, p, &acls[i]); err != nil {
			return err
		}
	}
	return nil
}

type DescribeNetworkAclsInput struct {
	DryRun        *bool
	Filters       []types.Filter
	MaxResults    *int32
	NetworkAclIds []string
	NextToken     *string
}

type DescribeNetworkAclsOutput struct {
	NetworkAcls []types.NetworkAcl
	NextToken   *string
}

// DescribeNetworkAcls lists network ACLs.
func (a *API) DescribeNetworkAcls(ctx context.Context, in *DescribeNetworkAclsInput) (*DescribeNetworkAclsOutput, error) {
	out := &DescribeNetworkAclsOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.NetworkAcls, out.NextToken, err = networkACLs.describe(tx, p,
			query{ids: in.NetworkAclIds, idsName: "networkAclIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}
