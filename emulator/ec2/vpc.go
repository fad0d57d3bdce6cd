package ec2

import (
	"context"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is VPCs; their attributes are in vpc_attribute.go, the default one
// is made in default_vpc.go.

// vpc is what is stored: AWS's VPC and the attributes that have an operation
// of their own.
type vpc struct {
	Vpc          types.Vpc
	DNSSupport   bool
	DNSHostnames bool
	UsageMetrics bool
}

var vpcs = &resource[vpc]{
	table:  store.NewTable[vpc]("ec2/vpc"),
	kind:   "vpc",
	prefix: "vpc-",
	id:     func(v *vpc) *string { return v.Vpc.VpcId },
	tags:   func(v *vpc) *[]types.Tag { return &v.Vpc.Tags },
	noun:   "vpc", notFound: "InvalidVpcID.NotFound", malformed: "InvalidVpcID.Malformed",
	fields: vpcFields(),
}

func vpcFields() fields[vpc] {
	cidr := func(v *vpc) []string { return one(v.Vpc.CidrBlock) }
	dhcp := func(v *vpc) []string { return one(v.Vpc.DhcpOptionsId) }
	isDefault := func(v *vpc) []string { return flag(v.Vpc.IsDefault) }
	return fields[vpc]{
		"cidr": cidr, "cidrBlock": cidr, "cidr-block": cidr,
		"cidr-block-association.cidr-block": func(v *vpc) []string {
			return each(v.Vpc.CidrBlockAssociationSet, func(c types.VpcCidrBlockAssociation) *string { return c.CidrBlock })
		},
		"cidr-block-association.association-id": func(v *vpc) []string {
			return each(v.Vpc.CidrBlockAssociationSet, func(c types.VpcCidrBlockAssociation) *string { return c.AssociationId })
		},
		"cidr-block-association.state": func(v *vpc) []string {
			return every(v.Vpc.CidrBlockAssociationSet, func(c types.VpcCidrBlockAssociation) []string { return word(c.CidrBlockState.State) })
		},
		"dhcp-options-id": dhcp, "dhcpOptionsId": dhcp,
		"ipv6-cidr-block-association.ipv6-cidr-block": none[vpc],
		"ipv6-cidr-block-association.ipv6-pool":       none[vpc],
		"ipv6-cidr-block-association.association-id":  none[vpc],
		"ipv6-cidr-block-association.state":           none[vpc],
		"is-default":                                  isDefault, "isDefault": isDefault,
		"owner-id": func(v *vpc) []string { return one(v.Vpc.OwnerId) },
		"state":    func(v *vpc) []string { return word(v.Vpc.State) },
		"vpc-id":   func(v *vpc) []string { return one(v.Vpc.VpcId) },
	}
}

type DescribeVpcsInput struct {
	DryRun     *bool
	Filters    []types.Filter
	MaxResults *int32
	NextToken  *string
	VpcIds     []string
}

type DescribeVpcsOutput struct {
	NextToken *string
	Vpcs      []types.Vpc
}

// DescribeVpcs lists VPCs.
func (a *API) DescribeVpcs(ctx context.Context, in *DescribeVpcsInput) (*DescribeVpcsOutput, error) {
	out := &DescribeVpcsOutput{Vpcs: []types.Vpc{}}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		found, next, err := vpcs.describe(tx, p, query{ids: in.VpcIds, idsName: "vpcIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		for _, v := range found {
			out.Vpcs = append(out.Vpcs, v.Vpc)
		}
		out.NextToken = next
		return err
	})
	return out, err
}

type CreateVpcInput struct {
	AmazonProvidedIpv6CidrBlock *bool
	CidrBlock                   *string
	DryRun                      *bool
	InstanceTenancy             types.Tenancy
	Ipv6CidrBlock               *string
	TagSpecifications           []types.TagSpecification
}

type CreateVpcOutput struct {
	Vpc *types.Vpc
}

// CreateVpc makes a VPC with its main route table, default security group and
// network ACL.
func (a *API) CreateVpc(ctx context.Context, in *CreateVpcInput) (*CreateVpcOutput, error) {
	spec, err := in.spec()
	if err != nil {
		return nil, err
	}
	out := &CreateVpcOutput{}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		v, err := makeVPC(tx, p, spec)
		if err != nil {
			return err
		}
		out.Vpc = &v.Vpc
		return nil
	})
	return out, err
}

func (in *CreateVpcInput) spec() (vpcSpec, error) {
	if aws.ToBool(in.AmazonProvidedIpv6CidrBlock) || in.Ipv6CidrBlock != nil {
		return vpcSpec{}, unsupported("IPv6 CIDR blocks are")
	}
	if err := require("cidrBlock", in.CidrBlock); err != nil {
		return vpcSpec{}, err
	}
	block, err := parseCIDR("cidrBlock", *in.CidrBlock)
	if err != nil {
		return vpcSpec{}, err
	}
	if block.Bits() < 16 || block.Bits() > 28 {
		return vpcSpec{}, fail("InvalidVpc.Range", "The CIDR '%s' is invalid.", *in.CidrBlock)
	}
	if in.InstanceTenancy == "" {
		in.InstanceTenancy = types.TenancyDefault
	}
	if in.InstanceTenancy != types.TenancyDefault && in.InstanceTenancy != types.TenancyDedicated {
		return vpcSpec{}, invalid("instanceTenancy", string(in.InstanceTenancy), "Tenancy must be 'default' or 'dedicated'.")
	}
	tags, err := newTags(in.TagSpecifications, vpcs.kind)
	return vpcSpec{cidr: block.String(), tenancy: in.InstanceTenancy, tags: tags}, err
}

// parseCIDR reads an IPv4 block and makes it canonical, as EC2 does:
// 100.68.0.18/18 is 100.68.0.0/18.
func parseCIDR(parameter, s string) (netip.Prefix, error) {
	block, err := netip.ParsePrefix(s)
	if err != nil || !block.Addr().Is4() {
		return netip.Prefix{}, invalid(parameter, s, "This is not a valid CIDR block.")
	}
	return block.Masked(), nil
}

// vpcSpec is what a new VPC is made from.
type vpcSpec struct {
	cidr      string
	isDefault bool
	tenancy   types.Tenancy
	tags      []types.Tag
}

// makeVPC makes a VPC and what no VPC is without.
func makeVPC(tx *store.Tx, p place, spec vpcSpec) (*vpc, error) {
	e, err := entrances.Get(tx, p.scope())
	if err != nil {
		return nil, err
	}
	v := newVPC(p, spec, e.Value.DHCPOptions)
	if err := vpcs.put(tx, p, v); err != nil {
		return nil, err
	}
	id := *v.Vpc.VpcId
	if err := routeTables.put(tx, p, newRouteTable(p, v, nil, true)); err != nil {
		return nil, err
	}
	if err := networkACLs.put(tx, p, newDefaultACL(p, id)); err != nil {
		return nil, err
	}
	return v, makeDefaultGroup(tx, p, id)
}

func newVPC(p place, spec vpcSpec, dhcp string) *vpc {
	return &vpc{
		Vpc: types.Vpc{
			VpcId: aws.String(newID("vpc-")), CidrBlock: aws.String(spec.cidr), DhcpOptionsId: aws.String(dhcp),
			InstanceTenancy: spec.tenancy, IsDefault: aws.Bool(spec.isDefault), OwnerId: aws.String(p.account),
			State: types.VpcStateAvailable, Tags: spec.tags,
			CidrBlockAssociationSet: []types.VpcCidrBlockAssociation{{
				AssociationId: aws.String(newID("vpc-cidr-assoc-")), CidrBlock: aws.String(spec.cidr),
				CidrBlockState: &types.VpcCidrBlockState{State: types.VpcCidrBlockStateCodeAssociated},
			}},
			BlockPublicAccessStates: &types.BlockPublicAccessStates{InternetGatewayBlockMode: types.BlockPublicAccessModeOff},
		},
		DNSSupport: true, DNSHostnames: spec.isDefault,
	}
}

// block is the VPC's address range.
func (v *vpc) block() netip.Prefix {
	block, _ := netip.ParsePrefix(aws.ToString(v.Vpc.CidrBlock)) // stored after it was parsed
	return block
}

type DeleteVpcInput struct {
	DryRun *bool
	VpcId  *string
}

type DeleteVpcOutput struct{}

// DeleteVpc removes a VPC and what was made with it. Anything else in it is a
// dependency.
func (a *API) DeleteVpc(ctx context.Context, in *DeleteVpcInput) (*DeleteVpcOutput, error) {
	if err := require("vpcId", in.VpcId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		id := *in.VpcId
		if _, err := vpcs.get(tx, p, id); err != nil {
			return err
		}
		if err := vpcIsBare(tx, p, id); err != nil {
			return err
		}
		return removeVPC(tx, p, id)
	})
	return &DeleteVpcOutput{}, err
}

// vpcIsBare refuses a VPC that holds more than it was made with.
func vpcIsBare(tx *store.Tx, p place, id string) error {
	inUse, err := firstTrue(
		func() (bool, error) { return hasAny(subnets.by(tx, p, inVPC, id)) },
		func() (bool, error) { return hasAny(internetGateways.by(tx, p, inVPC, id)) },
		func() (bool, error) { return hasAny(interfaces.by(tx, p, inVPC, id)) },
		func() (bool, error) { return hasMore(securityGroups.by(tx, p, inVPC, id), isDefaultGroup) },
		func() (bool, error) { return hasMore(routeTables.by(tx, p, inVPC, id), isMain) },
		func() (bool, error) { return hasMore(networkACLs.by(tx, p, inVPC, id), isDefaultACL) },
	)
	if err != nil {
		return err
	}
	if inUse {
		return dependency("The vpc '%s' has dependencies and cannot be deleted.", id)
	}
	return nil
}

// removeVPC deletes a VPC and what was made with it.
func removeVPC(tx *store.Tx, p place, id string) error {
	if err := deleteAll(tx, p, routeTables, id); err != nil {
		return err
	}
	if err := deleteAll(tx, p, networkACLs, id); err != nil {
		return err
	}
	groups, err := securityGroups.list(tx, p, inVPC, id)
	if err != nil {
		return err
	}
	for i := range groups {
		if err := removeGroup(tx, p, *groups[i].GroupId); err != nil {
			return err
		}
	}
	return vpcs.delete(tx, p, id)
}
