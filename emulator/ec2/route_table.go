package ec2

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is route tables; which subnet uses which is in
// route_association.go, their routes are in route.go.

var routeTables = &resource[types.RouteTable]{
	table: store.NewTable("ec2/route-table",
		store.By(inVPC, func(_ string, t *types.RouteTable) []string { return one(t.VpcId) }),
		store.By(inSubnet, func(_ string, t *types.RouteTable) []string { return tableSubnets(t) }),
		store.By(association, func(_ string, t *types.RouteTable) []string { return tableAssociations(t) })),
	kind:   "route-table",
	prefix: "rtb-",
	id:     func(t *types.RouteTable) *string { return t.RouteTableId },
	tags:   func(t *types.RouteTable) *[]types.Tag { return &t.Tags },
	noun:   "routeTable", notFound: "InvalidRouteTableID.NotFound", malformed: "InvalidRouteTableId.Malformed",
	fields: fields[types.RouteTable]{
		"association.gateway-id":                 none[types.RouteTable],
		"association.route-table-association-id": tableAssociations,
		"association.route-table-id": func(t *types.RouteTable) []string {
			return each(t.Associations, func(a types.RouteTableAssociation) *string { return a.RouteTableId })
		},
		"association.subnet-id": tableSubnets,
		"association.main": func(t *types.RouteTable) []string {
			return every(t.Associations, func(a types.RouteTableAssociation) []string { return flag(a.Main) })
		},
		"owner-id":                              func(t *types.RouteTable) []string { return one(t.OwnerId) },
		"route-table-id":                        func(t *types.RouteTable) []string { return one(t.RouteTableId) },
		"route.destination-cidr-block":          routeValues(func(r types.Route) []string { return one(r.DestinationCidrBlock) }),
		"route.destination-ipv6-cidr-block":     none[types.RouteTable],
		"route.destination-prefix-list-id":      none[types.RouteTable],
		"route.egress-only-internet-gateway-id": none[types.RouteTable],
		"route.gateway-id":                      routeValues(func(r types.Route) []string { return one(r.GatewayId) }),
		"route.instance-id":                     none[types.RouteTable],
		"route.nat-gateway-id":                  routeValues(func(r types.Route) []string { return one(r.NatGatewayId) }),
		"route.network-interface-id":            routeValues(func(r types.Route) []string { return one(r.NetworkInterfaceId) }),
		"route.transit-gateway-id":              none[types.RouteTable],
		"route.origin":                          routeValues(func(r types.Route) []string { return word(r.Origin) }),
		"route.state":                           routeValues(func(r types.Route) []string { return word(r.State) }),
		"route.vpc-peering-connection-id":       none[types.RouteTable],
		"vpc-id":                                func(t *types.RouteTable) []string { return one(t.VpcId) },
	},
}

func routeValues(values func(types.Route) []string) func(*types.RouteTable) []string {
	return func(t *types.RouteTable) []string { return every(t.Routes, values) }
}

func tableSubnets(t *types.RouteTable) []string {
	return each(t.Associations, func(a types.RouteTableAssociation) *string { return a.SubnetId })
}

func tableAssociations(t *types.RouteTable) []string {
	return each(t.Associations, func(a types.RouteTableAssociation) *string { return a.RouteTableAssociationId })
}

// newRouteTable returns a table with the route that no table is without.
func newRouteTable(p place, v *vpc, tags []types.Tag, main bool) *types.RouteTable {
	t := &types.RouteTable{
		RouteTableId: aws.String(newID("rtb-")), VpcId: v.Vpc.VpcId, OwnerId: aws.String(p.account), Tags: tags,
		Routes: []types.Route{{
			DestinationCidrBlock: v.Vpc.CidrBlock, GatewayId: aws.String(localGateway),
			Origin: types.RouteOriginCreateRouteTable, State: types.RouteStateActive,
		}},
	}
	if main {
		t.Associations = []types.RouteTableAssociation{newAssociation(t, nil)}
	}
	return t
}

// newAssociation associates a table with a subnet, or makes it its VPC's main
// table when there is none.
func newAssociation(t *types.RouteTable, subnet *string) types.RouteTableAssociation {
	return types.RouteTableAssociation{
		RouteTableAssociationId: aws.String(newID("rtbassoc-")), RouteTableId: t.RouteTableId, SubnetId: subnet, Main: aws.Bool(subnet == nil),
		AssociationState: associated(),
	}
}

func associated() *types.RouteTableAssociationState {
	return &types.RouteTableAssociationState{State: types.RouteTableAssociationStateCodeAssociated}
}

func isMain(t *types.RouteTable) bool {
	return slices.ContainsFunc(t.Associations, func(a types.RouteTableAssociation) bool { return aws.ToBool(a.Main) })
}

// mainRouteTable returns the table that subnets without one of their own use.
func mainRouteTable(tx *store.Tx, p place, vpc string) (*types.RouteTable, error) {
	for t, err := range routeTables.lookBy(tx, p, inVPC, vpc) {
		if err != nil || isMain(t) {
			return t, err
		}
	}
	return nil, fail("InvalidRouteTableID.NotFound", "The vpc '%s' has no main route table", vpc)
}

// routeTableOf returns the table that a subnet uses, to be read only.
func routeTableOf(tx *store.Tx, p place, s *types.Subnet) (*types.RouteTable, error) {
	for t, err := range routeTables.lookBy(tx, p, inSubnet, *s.SubnetId) {
		return t, err
	}
	return mainRouteTable(tx, p, *s.VpcId)
}

// leadsOut tells whether a table routes to an internet gateway: what makes a
// subnet public.
func leadsOut(t *types.RouteTable) bool {
	return slices.ContainsFunc(t.Routes, func(r types.Route) bool {
		return r.State == types.RouteStateActive && strings.HasPrefix(aws.ToString(r.GatewayId), internetGateways.prefix)
	})
}

type DescribeRouteTablesInput struct {
	DryRun        *bool
	Filters       []types.Filter
	MaxResults    *int32
	NextToken     *string
	RouteTableIds []string
}

type DescribeRouteTablesOutput struct {
	NextToken   *string
	RouteTables []types.RouteTable
}

// DescribeRouteTables lists route tables with routes and associations.
func (a *API) DescribeRouteTables(ctx context.Context, in *DescribeRouteTablesInput) (*DescribeRouteTablesOutput, error) {
	out := &DescribeRouteTablesOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.RouteTables, out.NextToken, err = routeTables.describe(tx, p,
			query{ids: in.RouteTableIds, idsName: "routeTableIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}

type CreateRouteTableInput struct {
	ClientToken       *string
	DryRun            *bool
	TagSpecifications []types.TagSpecification
	VpcId             *string
}

type CreateRouteTableOutput struct {
	ClientToken *string
	RouteTable  *types.RouteTable
}

// CreateRouteTable makes a route table of a VPC.
func (a *API) CreateRouteTable(ctx context.Context, in *CreateRouteTableInput) (*CreateRouteTableOutput, error) {
	if err := require("vpcId", in.VpcId); err != nil {
		return nil, err
	}
	tags, err := newTags(in.TagSpecifications, routeTables.kind)
	if err != nil {
		return nil, err
	}
	out := &CreateRouteTableOutput{ClientToken: in.ClientToken}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.RouteTable, err = routeTables.once(tx, p, "CreateRouteTable", in.ClientToken, in, func() (*types.RouteTable, error) {
			v, err := vpcs.get(tx, p, *in.VpcId)
			if err != nil {
				return nil, err
			}
			t := newRouteTable(p, v, tags, false)
			return t, routeTables.put(tx, p, t)
		})
		return err
	})
	return out, err
}

type DeleteRouteTableInput struct {
	DryRun       *bool
	RouteTableId *string
}

type DeleteRouteTableOutput struct{}

// DeleteRouteTable removes a table that is associated with nothing.
func (a *API) DeleteRouteTable(ctx context.Context, in *DeleteRouteTableInput) (*DeleteRouteTableOutput, error) {
	if err := require("routeTableId", in.RouteTableId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		t, err := routeTables.get(tx, p, *in.RouteTableId)
		if err != nil {
			return err
		}
		if len(t.Associations) > 0 {
			return dependency("The routeTable '%s' has dependencies and cannot be deleted.", *t.RouteTableId)
		}
		return routeTables.delete(tx, p, *t.RouteTableId)
	})
	return &DeleteRouteTableOutput{}, err
}
