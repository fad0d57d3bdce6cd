package ec2

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes default VPCs: on the first call in an account and region,
// and on CreateDefaultVpc.

// entrance is stored once an account and region has had its default VPC.
type entrance struct {
	DHCPOptions string // id of the default set
}

// entrances are keyed by scope.
var entrances = store.NewTable[entrance]("ec2/entrance")

// entered returns store.ErrNotFound when the place has never had a default
// VPC.
func (p place) entered(tx *store.Tx) error {
	_, err := entrances.Get(tx, p.scope())
	return err
}

// enter makes the default VPC and DHCP options, once and for all.
func (p place) enter(tx *store.Tx) error {
	if err := p.entered(tx); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	d := defaultDHCPOptions(p)
	if err := dhcpOptions.put(tx, p, d); err != nil {
		return err
	}
	if err := entrances.Put(tx, p.scope(), &entrance{DHCPOptions: *d.DhcpOptionsId}); err != nil {
		return err
	}
	_, err := makeDefaultVPC(tx, p)
	return err
}

// makeDefaultVPC makes a default VPC with its internet gateway, the route to
// it, and a public subnet in each zone.
func makeDefaultVPC(tx *store.Tx, p place) (*vpc, error) {
	v, err := makeVPC(tx, p, vpcSpec{cidr: "172.31.0.0/16", isDefault: true, tenancy: types.TenancyDefault})
	if err != nil {
		return nil, err
	}
	igw := newInternetGateway(p, nil)
	igw.Attachments = []types.InternetGatewayAttachment{{State: attachmentAvailable, VpcId: v.Vpc.VpcId}}
	if err := internetGateways.put(tx, p, igw); err != nil {
		return nil, err
	}
	main, err := mainRouteTable(tx, p, *v.Vpc.VpcId)
	if err != nil {
		return nil, err
	}
	if main, err = routeTables.get(tx, p, *main.RouteTableId); err != nil {
		return nil, err
	}
	main.Routes = append(main.Routes, types.Route{
		DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: igw.InternetGatewayId,
		Origin: types.RouteOriginCreateRoute, State: types.RouteStateActive,
	})
	if err := routeTables.put(tx, p, main); err != nil {
		return nil, err
	}
	for i, z := range zonesOf(p.region) {
		if _, err := makeSubnet(tx, p, subnetSpec{vpc: *v.Vpc.VpcId, zone: z, cidr: fmt.Sprintf("172.31.%d.0/20", 16*i), isDefault: true}); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// defaultVPC returns the default VPC, nil when it was deleted.
func defaultVPC(tx *store.Tx, p place) (*vpc, error) {
	for v, err := range vpcs.all(tx, p) {
		if err != nil || aws.ToBool(v.Vpc.IsDefault) {
			return v, err
		}
	}
	return nil, nil
}

type CreateDefaultVpcInput struct {
	DryRun *bool
}

type CreateDefaultVpcOutput struct {
	Vpc *types.Vpc
}

// CreateDefaultVpc makes a default VPC where the old one was deleted.
func (a *API) CreateDefaultVpc(ctx context.Context, in *CreateDefaultVpcInput) (*CreateDefaultVpcOutput, error) {
	out := &CreateDefaultVpcOutput{}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		old, err := defaultVPC(tx, p)
		if err != nil {
			return err
		}
		if old != nil {
			return fail("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
		}
		v, err := makeDefaultVPC(tx, p)
		if err != nil {
			return err
		}
		out.Vpc = &v.Vpc
		return nil
	})
	return out, err
}
