package ec2

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

func subnetFields() fields[types.Subnet] {
	zoneName := func(s *types.Subnet) []string { return one(s.AvailabilityZone) }
	zoneID := func(s *types.Subnet) []string { return one(s.AvailabilityZoneId) }
	cidr := func(s *types.Subnet) []string { return one(s.CidrBlock) }
	isDefault := func(s *types.Subnet) []string { return flag(s.DefaultForAz) }
	const dns = "private-dns-name-options-on-launch."
	return fields[types.Subnet]{
		"availability-zone": zoneName, "availabilityZone": zoneName,
		"availability-zone-id": zoneID, "availabilityZoneId": zoneID,
		"available-ip-address-count": func(s *types.Subnet) []string { return number(s.AvailableIpAddressCount) },
		"cidr-block":                 cidr, "cidr": cidr, "cidrBlock": cidr,
		"customer-owned-ipv4-pool": func(s *types.Subnet) []string { return one(s.CustomerOwnedIpv4Pool) },
		"default-for-az":           isDefault, "defaultForAz": isDefault,
		"enable-dns64":                                func(s *types.Subnet) []string { return flag(s.EnableDns64) },
		"enable-lni-at-device-index":                  func(s *types.Subnet) []string { return number(s.EnableLniAtDeviceIndex) },
		"ipv6-cidr-block-association.ipv6-cidr-block": none[types.Subnet],
		"ipv6-cidr-block-association.association-id":  none[types.Subnet],
		"ipv6-cidr-block-association.state":           none[types.Subnet],
		"ipv6-native":                                 func(s *types.Subnet) []string { return flag(s.Ipv6Native) },
		"map-customer-owned-ip-on-launch":             func(s *types.Subnet) []string { return flag(s.MapCustomerOwnedIpOnLaunch) },
		"map-public-ip-on-launch":                     func(s *types.Subnet) []string { return flag(s.MapPublicIpOnLaunch) },
		"mapPublicIpOnLaunch":                         func(s *types.Subnet) []string { return flag(s.MapPublicIpOnLaunch) },
		"outpost-arn":                                 func(s *types.Subnet) []string { return one(s.OutpostArn) },
		"owner-id":                                    func(s *types.Subnet) []string { return one(s.OwnerId) },
		dns + "hostname-type":                         func(s *types.Subnet) []string { return word(s.PrivateDnsNameOptionsOnLaunch.HostnameType) },
		dns + "enable-resource-name-dns-a-record": func(s *types.Subnet) []string {
			return flag(s.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord)
		},
		dns + "enable-resource-name-dns-aaaa-record": func(s *types.Subnet) []string {
			return flag(s.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord)
		},
		"state":      func(s *types.Subnet) []string { return word(s.State) },
		"subnet-arn": func(s *types.Subnet) []string { return one(s.SubnetArn) },
		"subnet-id":  func(s *types.Subnet) []string { return one(s.SubnetId) },
		"vpc-id":     func(s *types.Subnet) []string { return one(s.VpcId) },
	}
}

type DescribeSubnetsInput struct {
	DryRun     *bool
	Filters    []types.Filter
	MaxResults *int32
	NextToken  *string
	SubnetIds  []string
}

type DescribeSubnetsOutput struct {
	NextToken *string
	Subnets   []types.Subnet
}

// DescribeSubnets lists subnets with the addresses that are free in them.
func (a *API) DescribeSubnets(ctx context.Context, in *DescribeSubnetsInput) (*DescribeSubnetsOutput, error) {
	out := &DescribeSubnetsOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		taken, err := a.addressesTaken(tx, p)
		if err != nil {
			return err
		}
		out.Subnets, out.NextToken, err = subnets.pick(counted(subnets.all(tx, p), taken),
			query{ids: in.SubnetIds, idsName: "subnetIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}

// reserved is how many addresses of each subnet AWS keeps: the first four and
// the last.
const reserved = 5

// counted sets the number of free addresses of each subnet.
func counted(seq iter.Seq2[*types.Subnet, error], taken map[string]int) iter.Seq2[*types.Subnet, error] {
	return func(yield func(*types.Subnet, error) bool) {
		for s, err := range seq {
			if err == nil {
				s.AvailableIpAddressCount = aws.Int32(free(s, taken))
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func free(s *types.Subnet, taken map[string]int) int32 {
	size := 1 << (32 - subnetBlock(s).Bits())
	return int32(max(0, size-reserved-taken[*s.SubnetId]))
}

// addressesTaken counts the private addresses in use, by subnet.
func (a *API) addressesTaken(tx *store.Tx, p place) (map[string]int, error) {
	taken := map[string]int{}
	for eni, err := range a.allInterfaces(tx, p) {
		if err != nil {
			return nil, err
		}
		taken[aws.ToString(eni.SubnetId)] += max(1, len(eni.PrivateIpAddresses))
	}
	return taken, nil
}

type ModifySubnetAttributeInput struct {
	AssignIpv6AddressOnCreation             *types.AttributeBooleanValue
	EnableDns64                             *types.AttributeBooleanValue
	EnableResourceNameDnsAAAARecordOnLaunch *types.AttributeBooleanValue
	EnableResourceNameDnsARecordOnLaunch    *types.AttributeBooleanValue
	MapPublicIpOnLaunch                     *types.AttributeBooleanValue
	PrivateDnsHostnameTypeOnLaunch          types.HostnameType
	SubnetId                                *string
}

type ModifySubnetAttributeOutput struct{}

// ModifySubnetAttribute sets one attribute of a subnet.
func (a *API) ModifySubnetAttribute(ctx context.Context, in *ModifySubnetAttributeInput) (*ModifySubnetAttributeOutput, error) {
	if err := require("subnetId", in.SubnetId); err != nil {
		return nil, err
	}
	given := givenFlags(in.AssignIpv6AddressOnCreation, in.EnableDns64, in.EnableResourceNameDnsAAAARecordOnLaunch,
		in.EnableResourceNameDnsARecordOnLaunch, in.MapPublicIpOnLaunch) + len(word(in.PrivateDnsHostnameTypeOnLaunch))
	switch {
	case given == 0:
		return nil, missing("attribute")
	case given > 1:
		return nil, badCombination("Only one subnet attribute can be modified at a time")
	case isTrue(in.AssignIpv6AddressOnCreation) || isTrue(in.EnableDns64) || isTrue(in.EnableResourceNameDnsAAAARecordOnLaunch):
		return nil, unsupported("IPv6 attributes of subnets are")
	case in.PrivateDnsHostnameTypeOnLaunch == types.HostnameTypeResourceName:
		return nil, unsupported("Resource names for instances are")
	}
	err := a.update(ctx, nil, func(tx *store.Tx, p place) error {
		s, err := subnets.get(tx, p, *in.SubnetId)
		if err != nil {
			return err
		}
		if in.MapPublicIpOnLaunch != nil {
			s.MapPublicIpOnLaunch = in.MapPublicIpOnLaunch.Value
		}
		if in.EnableResourceNameDnsARecordOnLaunch != nil {
			s.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord = in.EnableResourceNameDnsARecordOnLaunch.Value
		}
		if in.PrivateDnsHostnameTypeOnLaunch != "" {
			s.PrivateDnsNameOptionsOnLaunch.HostnameType = in.PrivateDnsHostnameTypeOnLaunch
		}
		return subnets.put(tx, p, s)
	})
	return &ModifySubnetAttributeOutput{}, err
}

func isTrue(b *types.AttributeBooleanValue) bool { return b != nil && aws.ToBool(b.Value) }
