package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is network ACLs, as records: they stop nothing. Each VPC has a
// default one, which lets everything pass; a subnet is under it until it is put
// under another. Their entries are in network_acl_entry.go.

var networkACLs = &resource[types.NetworkAcl]{
	table: store.NewTable("ec2/network-acl",
		store.By(inVPC, func(_ string, n *types.NetworkAcl) []string { return one(n.VpcId) }),
		store.By(association, func(_ string, n *types.NetworkAcl) []string { return aclAssociations(n) })),
	kind:   "network-acl",
	prefix: "acl-",
	id:     func(n *types.NetworkAcl) *string { return n.NetworkAclId },
	tags:   func(n *types.NetworkAcl) *[]types.Tag { return &n.Tags },
	noun:   "networkAcl", notFound: "InvalidNetworkAclID.NotFound", malformed: "InvalidNetworkAclId.Malformed",
	fields: fields[types.NetworkAcl]{
		"association.association-id": aclAssociations,
		"association.network-acl-id": func(n *types.NetworkAcl) []string {
			return each(n.Associations, func(a types.NetworkAclAssociation) *string { return a.NetworkAclId })
		},
		"association.subnet-id": func(n *types.NetworkAcl) []string {
			return each(n.Associations, func(a types.NetworkAclAssociation) *string { return a.SubnetId })
		},
		"default":    func(n *types.NetworkAcl) []string { return flag(n.IsDefault) },
		"entry.cidr": entryValues(func(e types.NetworkAclEntry) []string { return one(e.CidrBlock) }),
		"entry.icmp.code": entryValues(func(e types.NetworkAclEntry) []string {
			return icmpValues(e, func(c *types.IcmpTypeCode) *int32 { return c.Code })
		}),
		"entry.icmp.type": entryValues(func(e types.NetworkAclEntry) []string {
			return icmpValues(e, func(c *types.IcmpTypeCode) *int32 { return c.Type })
		}),
		"entry.ipv6-cidr": entryValues(func(e types.NetworkAclEntry) []string { return one(e.Ipv6CidrBlock) }),
		"entry.port-range.from": entryValues(func(e types.NetworkAclEntry) []string {
			return portValues(e, func(r *types.PortRange) *int32 { return r.From })
		}),
		"entry.port-range.to": entryValues(func(e types.NetworkAclEntry) []string {
			return portValues(e, func(r *types.PortRange) *int32 { return r.To })
		}),
		"entry.protocol":    entryValues(func(e types.NetworkAclEntry) []string { return one(e.Protocol) }),
		"entry.rule-action": entryValues(func(e types.NetworkAclEntry) []string { return word(e.RuleAction) }),
		"entry.egress":      entryValues(func(e types.NetworkAclEntry) []string { return flag(e.Egress) }),
		"entry.rule-number": entryValues(func(e types.NetworkAclEntry) []string { return number(e.RuleNumber) }),
		"network-acl-id":    func(n *types.NetworkAcl) []string { return one(n.NetworkAclId) },
		"owner-id":          func(n *types.NetworkAcl) []string { return one(n.OwnerId) },
		"vpc-id":            func(n *types.NetworkAcl) []string { return one(n.VpcId) },
	},
}

func aclAssociations(n *types.NetworkAcl) []string {
	return each(n.Associations, func(a types.NetworkAclAssociation) *string { return a.NetworkAclAssociationId })
}

func icmpValues(e types.NetworkAclEntry, member func(*types.IcmpTypeCode) *int32) []string {
	if e.IcmpTypeCode == nil {
		return nil
	}
	return number(member(e.IcmpTypeCode))
}

func portValues(e types.NetworkAclEntry, member func(*types.PortRange) *int32) []string {
	if e.PortRange == nil {
		return nil
	}
	return number(member(e.PortRange))
}

func entryValues(values func(types.NetworkAclEntry) []string) func(*types.NetworkAcl) []string {
	return func(n *types.NetworkAcl) []string { return every(n.Entries, values) }
}

// lastRule is the number of the rule that denies what no other allows; AWS
// shows it as *.
const lastRule = 32767

// firstRule is the number of the rule that lets everything pass in a default
// network ACL.
const firstRule = 100

func everything(rule int32, egress bool, action types.RuleAction) types.NetworkAclEntry {
	return types.NetworkAclEntry{CidrBlock: aws.String("0.0.0.0/0"), Egress: &egress, Protocol: aws.String(allProtocols), RuleAction: action, RuleNumber: &rule}
}

// newACL returns a network ACL that lets nothing pass.
func newACL(p place, vpc string, tags []types.Tag) *types.NetworkAcl {
	return &types.NetworkAcl{
		NetworkAclId: aws.String(newID("acl-")), VpcId: &vpc, OwnerId: aws.String(p.account), IsDefault: aws.Bool(false), Tags: tags,
		Entries: []types.NetworkAclEntry{everything(lastRule, true, types.RuleActionDeny), everything(lastRule, false, types.RuleActionDeny)},
	}
}

func newDefaultACL(p place, vpc string) *types.NetworkAcl {
	n := newACL(p, vpc, nil)
	n.IsDefault = aws.Bool(true)
	n.Entries = append(n.Entries, everything(firstRule, true, types.RuleActionAllow), everything(firstRule, false, types.RuleActionAllow))
	sortEntries(n)
	return n
}

func isDefaultACL(n *types.NetworkAcl) bool { return aws.ToBool(n.IsDefault) }

func newACLAssociation(n *types.NetworkAcl, subnet *string) types.NetworkAclAssociation {
	return types.NetworkAclAssociation{NetworkAclAssociationId: aws.String(newID("aclassoc-")), NetworkAclId: n.NetworkAclId, SubnetId: subnet}
}

// joinDefaultACL puts a new subnet under its VPC's default network ACL.
func joinDefaultACL(tx *store.Tx, p place, vpc, subnet string) error {
	acls, err := networkACLs.list(tx, p, inVPC, vpc)
	if err != nil {
		return err
	}
	for i := range acls {
		if !isDefaultACL(&acls[i]) {
			continue
		}
		acls[i].Associations = append(acls[i].Associations, newACLAssociation(&acls[i], &subnet))
		return networkACLs.put(tx, p, &acls[i])
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

type CreateNetworkAclInput struct {
	ClientToken       *string
	DryRun            *bool
	TagSpecifications []types.TagSpecification
	VpcId             *string
}

type CreateNetworkAclOutput struct {
	ClientToken *string
	NetworkAcl  *types.NetworkAcl
}

// CreateNetworkAcl makes a network ACL that lets nothing pass.
func (a *API) CreateNetworkAcl(ctx context.Context, in *CreateNetworkAclInput) (*CreateNetworkAclOutput, error) {
	if err := require("vpcId", in.VpcId); err != nil {
		return nil, err
	}
	tags, err := newTags(in.TagSpecifications, networkACLs.kind)
	if err != nil {
		return nil, err
	}
	out := &CreateNetworkAclOutput{ClientToken: in.ClientToken}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.NetworkAcl, err = networkACLs.once(tx, p, "CreateNetworkAcl", in.ClientToken, in, func() (*types.NetworkAcl, error) {
			if _, err := vpcs.get(tx, p, *in.VpcId); err != nil {
				return nil, err
			}
			n := newACL(p, *in.VpcId, tags)
			return n, networkACLs.put(tx, p, n)
		})
		return err
	})
	return out, err
}

type DeleteNetworkAclInput struct {
	DryRun       *bool
	NetworkAclId *string
}

type DeleteNetworkAclOutput struct{}

// DeleteNetworkAcl removes a network ACL that no subnet is under.
func (a *API) DeleteNetworkAcl(ctx context.Context, in *DeleteNetworkAclInput) (*DeleteNetworkAclOutput, error) {
	if err := require("networkAclId", in.NetworkAclId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		n, err := networkACLs.get(tx, p, *in.NetworkAclId)
		switch {
		case err != nil:
			return err
		case isDefaultACL(n):
			return fail("InvalidParameterValue", "Cannot delete default network ACL %s", *n.NetworkAclId)
		case len(n.Associations) > 0:
			return dependency("The networkAcl '%s' has dependencies and cannot be deleted.", *n.NetworkAclId)
		}
		return networkACLs.delete(tx, p, *n.NetworkAclId)
	})
	return &DeleteNetworkAclOutput{}, err
}

type ReplaceNetworkAclAssociationInput struct {
	AssociationId *string
	DryRun        *bool
	NetworkAclId  *string
}

type ReplaceNetworkAclAssociationOutput struct {
	NewAssociationId *string
}

// ReplaceNetworkAclAssociation puts a subnet under another network ACL of its
// VPC.
func (a *API) ReplaceNetworkAclAssociation(ctx context.Context, in *ReplaceNetworkAclAssociationInput) (*ReplaceNetworkAclAssociationOutput, error) {
	if err := require("associationId", in.AssociationId, "networkAclId", in.NetworkAclId); err != nil {
		return nil, err
	}
	out := &ReplaceNetworkAclAssociationOutput{}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		to, err := networkACLs.get(tx, p, *in.NetworkAclId)
		if err != nil {
			return err
		}
		from, err := networkACLs.list(tx, p, association, *in.AssociationId)
		if err != nil {
			return err
		}
		if len(from) == 0 {
			return fail("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", *in.AssociationId)
		}
		if *from[0].VpcId != *to.VpcId {
			return fail("InvalidParameterValue", "Network ACL %s and association %s belong to different networks", *to.NetworkAclId, *in.AssociationId)
		}
		i := slices.IndexFunc(from[0].Associations, func(a types.NetworkAclAssociation) bool { return *a.NetworkAclAssociationId == *in.AssociationId })
		subnet := from[0].Associations[i].SubnetId
		if err := leaveACL(tx, p, *to.VpcId, *subnet); err != nil {
			return err
		}
		if to, err = networkACLs.get(tx, p, *in.NetworkAclId); err != nil {
			return err
		}
		made := newACLAssociation(to, subnet)
		out.NewAssociationId = made.NetworkAclAssociationId
		to.Associations = append(to.Associations, made)
		return networkACLs.put(tx, p, to)
	})
	return out, err
}
