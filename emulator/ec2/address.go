package ec2

import (
	"context"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is Elastic IP addresses. They are records: their addresses come
// from the documentation ranges and lead nowhere. What they are mapped to is in
// address_association.go.

var addresses = &resource[types.Address]{
	table:  store.NewTable[types.Address]("ec2/elastic-ip"),
	kind:   "elastic-ip",
	prefix: "eipalloc-",
	id:     func(e *types.Address) *string { return e.AllocationId },
	tags:   func(e *types.Address) *[]types.Tag { return &e.Tags },
	noun:   "allocation", notFound: "InvalidAllocationID.NotFound", malformed: "InvalidAllocationID.Malformed",
	fields: fields[types.Address]{
		"allocation-id":              func(e *types.Address) []string { return one(e.AllocationId) },
		"association-id":             func(e *types.Address) []string { return one(e.AssociationId) },
		"domain":                     func(e *types.Address) []string { return word(e.Domain) },
		"instance-id":                func(e *types.Address) []string { return one(e.InstanceId) },
		"network-border-group":       func(e *types.Address) []string { return one(e.NetworkBorderGroup) },
		"network-interface-id":       func(e *types.Address) []string { return one(e.NetworkInterfaceId) },
		"network-interface-owner-id": func(e *types.Address) []string { return one(e.NetworkInterfaceOwnerId) },
		"private-ip-address":         func(e *types.Address) []string { return one(e.PrivateIpAddress) },
		"public-ip":                  func(e *types.Address) []string { return one(e.PublicIp) },
	},
}

// addressPools are the ranges for documentation (RFC 5737).
var addressPools = []netip.Prefix{
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
}

// publicAddresses is how many addresses there are to give out.
func publicAddresses() int {
	n := 0
	for _, pool := range addressPools {
		n += 1<<(32-pool.Bits()) - reserved
	}
	return n
}

type AllocateAddressInput struct {
	Domain             types.DomainType
	DryRun             *bool
	NetworkBorderGroup *string
	TagSpecifications  []types.TagSpecification
}

type AllocateAddressOutput struct {
	AllocationId       *string
	Domain             types.DomainType
	NetworkBorderGroup *string
	PublicIp           *string
	PublicIpv4Pool     *string
}

// AllocateAddress records an Elastic IP address.
func (a *API) AllocateAddress(ctx context.Context, in *AllocateAddressInput) (*AllocateAddressOutput, error) {
	if in.Domain != "" && in.Domain != types.DomainTypeVpc {
		return nil, invalid("domain", string(in.Domain), "The domain must be vpc.")
	}
	tags, err := newTags(in.TagSpecifications, addresses.kind)
	if err != nil {
		return nil, err
	}
	out := &AllocateAddressOutput{Domain: types.DomainTypeVpc, PublicIpv4Pool: aws.String("amazon")}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		if group := aws.ToString(in.NetworkBorderGroup); group != "" && group != p.region {
			return invalid("networkBorderGroup", group, "The network border group is not available.")
		}
		ip, err := freePublicAddress(tx, p)
		if err != nil {
			return err
		}
		out.AllocationId, out.PublicIp, out.NetworkBorderGroup = aws.String(newID("eipalloc-")), aws.String(ip.String()), &p.region
		return addresses.put(tx, p, &types.Address{
			AllocationId: out.AllocationId, PublicIp: out.PublicIp, Domain: out.Domain,
			NetworkBorderGroup: out.NetworkBorderGroup, PublicIpv4Pool: out.PublicIpv4Pool, Tags: tags,
		})
	})
	return out, err
}

func freePublicAddress(tx *store.Tx, p place) (netip.Addr, error) {
	taken := map[string]bool{}
	for e, err := range addresses.all(tx, p) {
		if err != nil {
			return netip.Addr{}, err
		}
		taken[*e.PublicIp] = true
	}
	for _, pool := range addressPools {
		first, last := usable(pool)
		for ip := first; !last.Less(ip); ip = ip.Next() {
			if !taken[ip.String()] {
				return ip, nil
			}
		}
	}
	return netip.Addr{}, fail("AddressLimitExceeded", "The maximum number of addresses has been reached.")
}

type DescribeAddressesInput struct {
	AllocationIds []string
	DryRun        *bool
	Filters       []types.Filter
	PublicIps     []string
}

type DescribeAddressesOutput struct {
	Addresses []types.Address
}

// DescribeAddresses lists Elastic IP addresses.
func (a *API) DescribeAddresses(ctx context.Context, in *DescribeAddressesInput) (*DescribeAddressesOutput, error) {
	out := &DescribeAddressesOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		ids := in.AllocationIds
		for _, ip := range in.PublicIps {
			e, err := addressByIP(tx, p, ip)
			if err != nil {
				return err
			}
			ids = append(ids, *e.AllocationId)
		}
		var err error
		out.Addresses, _, err = addresses.describe(tx, p, query{ids: ids, filters: in.Filters})
		return err
	})
	return out, err
}

func addressByIP(tx *store.Tx, p place, ip string) (*types.Address, error) {
	for e, err := range addresses.all(tx, p) {
		if err != nil || *e.PublicIp == ip {
			return e, err
		}
	}
	return nil, fail("InvalidAddress.NotFound", "Address '%s' not found.", ip)
}

type DescribeAddressesAttributeInput struct {
	AllocationIds []string
	Attribute     types.AddressAttributeName
	DryRun        *bool
	MaxResults    *int32
	NextToken     *string
}

type DescribeAddressesAttributeOutput struct {
	Addresses []types.AddressAttribute
	NextToken *string
}

// DescribeAddressesAttribute lists attributes of Elastic IP addresses: none
// has a reverse DNS record.
func (a *API) DescribeAddressesAttribute(ctx context.Context, in *DescribeAddressesAttributeInput) (*DescribeAddressesAttributeOutput, error) {
	out := &DescribeAddressesAttributeOutput{Addresses: []types.AddressAttribute{}}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		found, next, err := addresses.describe(tx, p, query{ids: in.AllocationIds, idsName: "allocationIds", max: in.MaxResults, next: in.NextToken})
		for i := range found {
			out.Addresses = append(out.Addresses, types.AddressAttribute{AllocationId: found[i].AllocationId, PublicIp: found[i].PublicIp})
		}
		out.NextToken = next
		return err
	})
	return out, err
}

type ReleaseAddressInput struct {
	AllocationId       *string
	DryRun             *bool
	NetworkBorderGroup *string
	PublicIp           *string
}

type ReleaseAddressOutput struct{}

// ReleaseAddress gives an address back that nothing uses. Under another network
// border group than its own it cannot be found.
func (a *API) ReleaseAddress(ctx context.Context, in *ReleaseAddressInput) (*ReleaseAddressOutput, error) {
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		e, err := oneAddress(tx, p, in.AllocationId, in.PublicIp)
		if err != nil {
			return err
		}
		if group := aws.ToString(in.NetworkBorderGroup); group != "" && group != aws.ToString(e.NetworkBorderGroup) {
			return fail("InvalidAddress.NotFound", "Address '%s' not found.", *e.PublicIp)
		}
		if e.AssociationId != nil {
			eni, err := interfaces.get(tx, p, *e.NetworkInterfaceId)
			if err != nil {
				return err
			}
			if aws.ToBool(eni.RequesterManaged) {
				return notYours()
			}
			return fail("InvalidIPAddress.InUse", "Address %s is in use.", *e.PublicIp)
		}
		return addresses.delete(tx, p, *e.AllocationId)
	})
	return &ReleaseAddressOutput{}, err
}

// oneAddress finds the address that a request names in one of two ways.
func oneAddress(tx *store.Tx, p place, allocation, ip *string) (*types.Address, error) {
	switch {
	case strings.TrimSpace(aws.ToString(allocation)) != "":
		return addresses.get(tx, p, *allocation)
	case aws.ToString(ip) != "":
		return addressByIP(tx, p, *ip)
	}
	return nil, missing("allocationId")
}
