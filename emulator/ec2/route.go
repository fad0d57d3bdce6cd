package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the routes of route tables. Targets are internet gateways, NAT
// gateways and network interfaces.

// localGateway is the target of the route within the VPC.
const localGateway = "local"

type CreateRouteInput struct {
	DestinationCidrBlock *string
	DryRun               *bool
	GatewayId            *string
	NatGatewayId         *string
	NetworkInterfaceId   *string
	RouteTableId         *string
}

type CreateRouteOutput struct {
	Return *bool
}

// CreateRoute adds a route to a table.
func (a *API) CreateRoute(ctx context.Context, in *CreateRouteInput) (*CreateRouteOutput, error) {
	to := routeTarget{gateway: in.GatewayId, nat: in.NatGatewayId, eni: in.NetworkInterfaceId}
	err := a.changeRoutes(ctx, in.DryRun, in.RouteTableId, in.DestinationCidrBlock, func(tx *store.Tx, p place, t *types.RouteTable, cidr string) error {
		if routeIndex(t, cidr) >= 0 {
			return fail("RouteAlreadyExists", "The route identified by %s already exists.", cidr)
		}
		r, err := a.route(tx, p, t, to)
		if err != nil {
			return err
		}
		r.DestinationCidrBlock, r.Origin = &cidr, types.RouteOriginCreateRoute
		t.Routes = append(t.Routes, r)
		return nil
	})
	return &CreateRouteOutput{Return: aws.Bool(true)}, err
}

type ReplaceRouteInput struct {
	DestinationCidrBlock *string
	DryRun               *bool
	GatewayId            *string
	LocalTarget          *bool
	NatGatewayId         *string
	NetworkInterfaceId   *string
	RouteTableId         *string
}

type ReplaceRouteOutput struct{}

// ReplaceRoute gives a route another target.
func (a *API) ReplaceRoute(ctx context.Context, in *ReplaceRouteInput) (*ReplaceRouteOutput, error) {
	to := routeTarget{gateway: in.GatewayId, nat: in.NatGatewayId, eni: in.NetworkInterfaceId}
	if aws.ToBool(in.LocalTarget) {
		to.gateway = aws.String(localGateway)
	}
	err := a.changeRoutes(ctx, in.DryRun, in.RouteTableId, in.DestinationCidrBlock, func(tx *store.Tx, p place, t *types.RouteTable, cidr string) error {
		i := routeIndex(t, cidr)
		if i < 0 {
			return fail("InvalidParameterValue", "There is no route defined for '%s' in the route table. Use CreateRoute instead.", cidr)
		}
		isLocal := t.Routes[i].Origin == types.RouteOriginCreateRouteTable
		if aws.ToString(to.gateway) == localGateway && !isLocal {
			return fail("InvalidParameterValue", "The destination CIDR block %s is not a local route", cidr)
		}
		r, err := a.route(tx, p, t, to)
		if err != nil {
			return err
		}
		r.DestinationCidrBlock, r.Origin = &cidr, t.Routes[i].Origin
		t.Routes[i] = r
		return nil
	})
	return &ReplaceRouteOutput{}, err
}

type DeleteRouteInput struct {
	DestinationCidrBlock *string
	DryRun               *bool
	RouteTableId         *string
}

type DeleteRouteOutput struct{}

// DeleteRoute removes a route; the local one stays.
func (a *API) DeleteRoute(ctx context.Context, in *DeleteRouteInput) (*DeleteRouteOutput, error) {
	err := a.changeRoutes(ctx, in.DryRun, in.RouteTableId, in.DestinationCidrBlock, func(_ *store.Tx, _ place, t *types.RouteTable, cidr string) error {
		i := routeIndex(t, cidr)
		if i < 0 {
			return fail("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", cidr, *t.RouteTableId)
		}
		if t.Routes[i].Origin == types.RouteOriginCreateRouteTable {
			return fail("InvalidParameterValue", "cannot remove local route %s in route table %s", cidr, *t.RouteTableId)
		}
		t.Routes = slices.Delete(t.Routes, i, i+1)
		return nil
	})
	return &DeleteRouteOutput{}, err
}

// changeRoutes changes the routes of a table; cidr is the canonical
// destination.
func (a *API) changeRoutes(ctx context.Context, dryRun *bool, table, destination *string, change func(tx *store.Tx, p place, t *types.RouteTable, cidr string) error) error {
	if err := require("routeTableId", table, "destinationCidrBlock", destination); err != nil {
		return err
	}
	block, err := parseCIDR("destinationCidrBlock", *destination)
	if err != nil {
		return err
	}
	return a.update(ctx, dryRun, func(tx *store.Tx, p place) error {
		t, err := routeTables.get(tx, p, *table)
		if err != nil {
			return err
		}
		if err := change(tx, p, t, block.String()); err != nil {
			return err
		}
		return routeTables.put(tx, p, t)
	})
}

func routeIndex(t *types.RouteTable, cidr string) int {
	return slices.IndexFunc(t.Routes, func(r types.Route) bool { return aws.ToString(r.DestinationCidrBlock) == cidr })
}

// routeTarget is where a route leads: exactly one of them.
type routeTarget struct{ gateway, nat, eni *string }

// route makes the route to a target that is there and belongs to the table's
// VPC.
func (a *API) route(tx *store.Tx, p place, t *types.RouteTable, to routeTarget) (types.Route, error) {
	r := types.Route{State: types.RouteStateActive, GatewayId: to.gateway, NatGatewayId: to.nat, NetworkInterfaceId: to.eni}
	given := len(one(to.gateway)) + len(one(to.nat)) + len(one(to.eni))
	if given != 1 {
		return r, badCombination("The request must contain exactly one of gatewayId, natGatewayId and networkInterfaceId")
	}
	vpcID, err := a.targetVPC(tx, p, t, to)
	if err == nil && vpcID != *t.VpcId {
		err = fail("InvalidParameterValue", "route table %s and network gateway %s belong to different networks",
			*t.RouteTableId, slices.Concat(one(to.gateway), one(to.nat), one(to.eni))[0])
	}
	return r, err
}

// targetVPC returns the VPC that a route's target is in, "" for none.
func (a *API) targetVPC(tx *store.Tx, p place, t *types.RouteTable, to routeTarget) (string, error) {
	switch {
	case aws.ToString(to.gateway) == localGateway:
		return *t.VpcId, nil
	case to.gateway != nil:
		g, err := internetGateways.get(tx, p, *to.gateway)
		if err != nil || len(g.Attachments) == 0 {
			return "", err
		}
		return *g.Attachments[0].VpcId, nil
	case to.nat != nil:
		n, err := natGateways.get(tx, p, *to.nat)
		if err != nil || n.State == types.NatGatewayStateDeleted {
			return "", fail("InvalidNatGatewayID.NotFound", "The natGateway ID '%s' does not exist", *to.nat)
		}
		return *n.VpcId, nil
	}
	eni, err := a.networkInterface(tx, p, *to.eni)
	if err != nil {
		return "", err
	}
	return *eni.VpcId, nil
}

// markRoutes sets the state of a VPC's routes to a target that came or went.
func markRoutes(tx *store.Tx, p place, vpc, target string, state types.RouteState) error {
	tables, err := routeTables.list(tx, p, inVPC, vpc)
	if err != nil {
		return err
	}
	for i := range tables {
		for j, r := range tables[i].Routes {
			if aws.ToString(r.GatewayId) == target || aws.ToString(r.NatGatewayId) == target || aws.ToString(r.NetworkInterfaceId) == target {
				tables[i].Routes[j].State = state
			}
		}
		if err := routeTables.put(tx, p, &tables[i]); err != nil {
			return err
		}
	}
	return nil
}
