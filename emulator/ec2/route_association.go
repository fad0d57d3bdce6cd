package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is about which subnet uses which route table. Associations are
// part of the table they lead to.

type AssociateRouteTableInput struct {
	DryRun       *bool
	RouteTableId *string
	SubnetId     *string
}

type AssociateRouteTableOutput struct {
	AssociationId    *string
	AssociationState *types.RouteTableAssociationState
}

// AssociateRouteTable gives a subnet a route table of its own. Asking again
// answers the association there is; another table is refused.
func (a *API) AssociateRouteTable(ctx context.Context, in *AssociateRouteTableInput) (*AssociateRouteTableOutput, error) {
	if err := require("routeTableId", in.RouteTableId, "subnetId", in.SubnetId); err != nil {
		return nil, err
	}
	out := &AssociateRouteTableOutput{AssociationState: associated()}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		t, err := routeTables.get(tx, p, *in.RouteTableId)
		if err != nil {
			return err
		}
		s, err := subnets.get(tx, p, *in.SubnetId)
		if err != nil {
			return err
		}
		if *s.VpcId != *t.VpcId {
			return fail("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", *t.RouteTableId, *s.SubnetId)
		}
		for _, old := range t.Associations {
			if aws.ToString(old.SubnetId) == *s.SubnetId {
				out.AssociationId = old.RouteTableAssociationId
				return nil
			}
		}
		taken, err := hasAny(routeTables.by(tx, p, inSubnet, *s.SubnetId))
		if err != nil {
			return err
		}
		if taken {
			return fail("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", *t.RouteTableId)
		}
		made := newAssociation(t, s.SubnetId)
		t.Associations = append(t.Associations, made)
		out.AssociationId = made.RouteTableAssociationId
		return routeTables.put(tx, p, t)
	})
	return out, err
}

type DisassociateRouteTableInput struct {
	AssociationId *string
	DryRun        *bool
}

type DisassociateRouteTableOutput struct{}

// DisassociateRouteTable takes a subnet back to the main route table.
func (a *API) DisassociateRouteTable(ctx context.Context, in *DisassociateRouteTableInput) (*DisassociateRouteTableOutput, error) {
	if err := require("associationId", in.AssociationId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		t, old, err := takeAssociation(tx, p, *in.AssociationId)
		if err != nil {
			return err
		}
		if aws.ToBool(old.Main) {
			return fail("InvalidParameterValue", "cannot disassociate the main route table association %s", *in.AssociationId)
		}
		return routeTables.put(tx, p, t)
	})
	return &DisassociateRouteTableOutput{}, err
}

type ReplaceRouteTableAssociationInput struct {
	AssociationId *string
	DryRun        *bool
	RouteTableId  *string
}

type ReplaceRouteTableAssociationOutput struct {
	AssociationState *types.RouteTableAssociationState
	NewAssociationId *string
}

// ReplaceRouteTableAssociation moves a subnet, or the role of main table, to
// another route table of the VPC.
func (a *API) ReplaceRouteTableAssociation(ctx context.Context, in *ReplaceRouteTableAssociationInput) (*ReplaceRouteTableAssociationOutput, error) {
	if err := require("associationId", in.AssociationId, "routeTableId", in.RouteTableId); err != nil {
		return nil, err
	}
	out := &ReplaceRouteTableAssociationOutput{AssociationState: associated()}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		from, old, err := takeAssociation(tx, p, *in.AssociationId)
		if err != nil {
			return err
		}
		to, err := routeTables.get(tx, p, *in.RouteTableId)
		if err != nil {
			return err
		}
		if *to.VpcId != *from.VpcId {
			return fail("InvalidParameterValue", "Route table %s and association %s belong to different networks", *to.RouteTableId, *in.AssociationId)
		}
		if err := routeTables.put(tx, p, from); err != nil {
			return err
		}
		if *to.RouteTableId == *from.RouteTableId {
			to = from
		}
		made := newAssociation(to, old.SubnetId)
		to.Associations = append(to.Associations, made)
		out.NewAssociationId = made.RouteTableAssociationId
		return routeTables.put(tx, p, to)
	})
	return out, err
}

// takeAssociation finds a route table by one of its associations and takes
// that out of it; the table is not stored yet.
func takeAssociation(tx *store.Tx, p place, id string) (*types.RouteTable, types.RouteTableAssociation, error) {
	var none types.RouteTableAssociation
	if !wellFormed("rtbassoc-", id) {
		return nil, none, fail("InvalidRouteTableAssociationId.Malformed", "Invalid id: %q (expecting %q)", id, "rtbassoc-...")
	}
	for t, err := range routeTables.by(tx, p, association, id) {
		if err != nil {
			return nil, none, err
		}
		i := slices.IndexFunc(t.Associations, func(a types.RouteTableAssociation) bool { return *a.RouteTableAssociationId == id })
		old := t.Associations[i]
		t.Associations = slices.Delete(t.Associations, i, i+1)
		return t, old, nil
	}
	return nil, none, fail("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
}

// leaveRouteTable ends the association of a subnet that goes away.
func leaveRouteTable(tx *store.Tx, p place, subnet string) error {
	tables, err := routeTables.list(tx, p, inSubnet, subnet)
	if err != nil {
		return err
	}
	for i := range tables {
		tables[i].Associations = slices.DeleteFunc(tables[i].Associations, func(a types.RouteTableAssociation) bool { return aws.ToString(a.SubnetId) == subnet })
		if err := routeTables.put(tx, p, &tables[i]); err != nil {
			return err
		}
	}
	return nil
}
