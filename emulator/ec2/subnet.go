package ec2

import (
	"context"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes and removes subnets; subnet_describe.go shows and changes
// them.

var subnets = &resource[types.Subnet]{
	table: store.NewTable("ec2/subnet",
		store.By(inVPC, func(_ string, s *types.Subnet) []string { return one(s.VpcId) })),
	kind:   "subnet",
	prefix: "subnet-",
	id:     func(s *types.Subnet) *string { return s.SubnetId },
	tags:   func(s *types.Subnet) *[]types.Tag { return &s.Tags },
	noun:   "subnet", notFound: "InvalidSubnetID.NotFound", malformed: "InvalidSubnetID.Malformed",
	fields: subnetFields(),
}

type CreateSubnetInput struct {
	AvailabilityZone   *string
	AvailabilityZoneId *string
	CidrBlock          *string
	DryRun             *bool
	Ipv6CidrBlock      *string
	Ipv6Native         *bool
	TagSpecifications  []types.TagSpecification
	VpcId              *string
}

type CreateSubnetOutput struct {
	Subnet *types.Subnet
}

// CreateSubnet makes a subnet, in the region's first zone unless one is named.
func (a *API) CreateSubnet(ctx context.Context, in *CreateSubnetInput) (*CreateSubnetOutput, error) {
	if in.Ipv6CidrBlock != nil || aws.ToBool(in.Ipv6Native) {
		return nil, unsupported("IPv6 subnets are")
	}
	if err := require("vpcId", in.VpcId, "cidrBlock", in.CidrBlock); err != nil {
		return nil, err
	}
	tags, err := newTags(in.TagSpecifications, subnets.kind)
	if err != nil {
		return nil, err
	}
	out := &CreateSubnetOutput{}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		z, err := chosenZone(p.region, in.AvailabilityZone, in.AvailabilityZoneId)
		if err != nil {
			return err
		}
		out.Subnet, err = makeSubnet(tx, p, subnetSpec{vpc: *in.VpcId, zone: z, cidr: *in.CidrBlock, tags: tags})
		return err
	})
	return out, err
}

// chosenZone is the zone that a request names, by name or id, else the first.
func chosenZone(region string, name, id *string) (zone, error) {
	if name != nil && id != nil {
		return zone{}, badCombination("You cannot specify both availabilityZone and availabilityZoneId")
	}
	zones := zonesOf(region)
	parameter, value := "availabilityZone", aws.ToString(name)
	if id != nil {
		parameter, value = "availabilityZoneId", *id
	}
	if value == "" {
		return zones[0], nil
	}
	z, ok := findZone(region, value)
	if !ok {
		names := make([]string, len(zones))
		for i, z := range zones {
			names[i] = z.name
		}
		return zone{}, invalid(parameter, value, "Subnets can currently only be created in the following availability zones: "+strings.Join(names, ", ")+".")
	}
	return z, nil
}

// subnetSpec is what a new subnet is made from.
type subnetSpec struct {
	vpc, cidr string
	zone      zone
	isDefault bool
	tags      []types.Tag
}

// makeSubnet makes a subnet and puts it under its VPC's network ACL.
func makeSubnet(tx *store.Tx, p place, spec subnetSpec) (*types.Subnet, error) {
	v, err := vpcs.get(tx, p, spec.vpc)
	if err != nil {
		return nil, err
	}
	block, err := parseCIDR("cidrBlock", spec.cidr)
	if err != nil {
		return nil, err
	}
	siblings, err := subnets.list(tx, p, inVPC, spec.vpc)
	if err != nil {
		return nil, err
	}
	if err := checkBlock(v.block(), block, siblings); err != nil {
		return nil, err
	}
	s := newSubnet(p, spec, block)
	if err := subnets.put(tx, p, s); err != nil {
		return nil, err
	}
	return s, joinDefaultACL(tx, p, spec.vpc, *s.SubnetId)
}

// checkBlock refuses a subnet's block that does not fit its VPC.
func checkBlock(vpc, block netip.Prefix, siblings []types.Subnet) error {
	if block.Bits() < 16 || block.Bits() > 28 || block.Bits() < vpc.Bits() || !vpc.Contains(block.Addr()) {
		return fail("InvalidSubnet.Range", "The CIDR '%s' is invalid.", block)
	}
	for i := range siblings {
		if block.Overlaps(subnetBlock(&siblings[i])) {
			return fail("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", block)
		}
	}
	return nil
}

func subnetBlock(s *types.Subnet) netip.Prefix {
	block, _ := netip.ParsePrefix(aws.ToString(s.CidrBlock)) // stored after it was parsed
	return block
}

func newSubnet(p place, spec subnetSpec, block netip.Prefix) *types.Subnet {
	id := newID("subnet-")
	return &types.Subnet{
		SubnetId: &id, SubnetArn: aws.String(p.arn("subnet", id)), VpcId: aws.String(spec.vpc), OwnerId: aws.String(p.account),
		CidrBlock: aws.String(block.String()), AvailabilityZone: aws.String(spec.zone.name), AvailabilityZoneId: aws.String(spec.zone.id),
		State: types.SubnetStateAvailable, Tags: spec.tags,
		DefaultForAz: aws.Bool(spec.isDefault), MapPublicIpOnLaunch: aws.Bool(spec.isDefault),
		AssignIpv6AddressOnCreation: aws.Bool(false), MapCustomerOwnedIpOnLaunch: aws.Bool(false),
		EnableDns64: aws.Bool(false), Ipv6Native: aws.Bool(false),
		PrivateDnsNameOptionsOnLaunch: &types.PrivateDnsNameOptionsOnLaunch{
			HostnameType: types.HostnameTypeIpName, EnableResourceNameDnsARecord: aws.Bool(false), EnableResourceNameDnsAAAARecord: aws.Bool(false),
		},
		BlockPublicAccessStates: &types.BlockPublicAccessStates{InternetGatewayBlockMode: types.BlockPublicAccessModeOff},
	}
}

type CreateDefaultSubnetInput struct {
	AvailabilityZone   *string
	AvailabilityZoneId *string
	DryRun             *bool
	Ipv6Native         *bool
}

type CreateDefaultSubnetOutput struct {
	Subnet *types.Subnet
}

// CreateDefaultSubnet makes the default subnet of a zone again, a /20 of the
// default VPC.
func (a *API) CreateDefaultSubnet(ctx context.Context, in *CreateDefaultSubnetInput) (*CreateDefaultSubnetOutput, error) {
	if aws.ToBool(in.Ipv6Native) {
		return nil, unsupported("IPv6 subnets are")
	}
	if in.AvailabilityZone == nil && in.AvailabilityZoneId == nil {
		return nil, missing("availabilityZone")
	}
	out := &CreateDefaultSubnetOutput{}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		z, err := chosenZone(p.region, in.AvailabilityZone, in.AvailabilityZoneId)
		if err != nil {
			return err
		}
		v, err := defaultVPC(tx, p)
		if err != nil {
			return err
		}
		if v == nil {
			return fail("DefaultVpcDoesNotExist", "There is no default VPC in this region.")
		}
		siblings, err := subnets.list(tx, p, inVPC, *v.Vpc.VpcId)
		if err != nil {
			return err
		}
		block, err := freeDefaultBlock(v.block(), z, siblings)
		if err != nil {
			return err
		}
		out.Subnet, err = makeSubnet(tx, p, subnetSpec{vpc: *v.Vpc.VpcId, zone: z, cidr: block.String(), isDefault: true})
		return err
	})
	return out, err
}

// freeDefaultBlock finds the first /20 of the default VPC that no subnet
// overlaps.
func freeDefaultBlock(vpc netip.Prefix, z zone, siblings []types.Subnet) (netip.Prefix, error) {
	for i := range siblings {
		if aws.ToBool(siblings[i].DefaultForAz) && aws.ToString(siblings[i].AvailabilityZone) == z.name {
			return netip.Prefix{}, fail("DefaultSubnetAlreadyExistsInAvailabilityZone", "'%s' is already the default subnet in %s.", *siblings[i].SubnetId, z.name)
		}
	}
	base := vpc.Addr().As4()
	for third := 0; third < 256; third += 16 {
		block := netip.PrefixFrom(netip.AddrFrom4([4]byte{base[0], base[1], byte(third), 0}), 20)
		if checkBlock(vpc, block, siblings) == nil {
			return block, nil
		}
	}
	return netip.Prefix{}, fail("InsufficientFreeAddressesInVpc", "There is not enough free address space in the default VPC to create a default subnet.")
}

type DeleteSubnetInput struct {
	DryRun   *bool
	SubnetId *string
}

type DeleteSubnetOutput struct{}

// DeleteSubnet removes a subnet that no network interface is in, those of
// tasks included. Its route table and network ACL let go of it.
func (a *API) DeleteSubnet(ctx context.Context, in *DeleteSubnetInput) (*DeleteSubnetOutput, error) {
	if err := require("subnetId", in.SubnetId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		id := *in.SubnetId
		s, err := subnets.get(tx, p, id)
		if err != nil {
			return err
		}
		inside, err := a.interfacesIn(tx, p, id)
		if err != nil {
			return err
		}
		if len(inside) > 0 {
			return dependency("The subnet '%s' has dependencies and cannot be deleted.", id)
		}
		if err := leaveACL(tx, p, *s.VpcId, id); err != nil {
			return err
		}
		if err := leaveRouteTable(tx, p, id); err != nil {
			return err
		}
		return subnets.delete(tx, p, id)
	})
	return &DeleteSubnetOutput{}, err
}
