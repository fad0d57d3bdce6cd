package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// attachmentAvailable is the state of an attached internet gateway; AWS says
// this word although it is not among the SDK's.
const attachmentAvailable types.AttachmentStatus = "available"

var internetGateways = &resource[types.InternetGateway]{
	table:  store.NewTable("ec2/internet-gateway", store.By(inVPC, func(_ string, g *types.InternetGateway) []string { return gatewayVPCs(g) })),
	kind:   "internet-gateway",
	prefix: "igw-",
	id:     func(g *types.InternetGateway) *string { return g.InternetGatewayId },
	tags:   func(g *types.InternetGateway) *[]types.Tag { return &g.Tags },
	noun:   "internetGateway", notFound: "InvalidInternetGatewayID.NotFound", malformed: "InvalidInternetGatewayId.Malformed",
	fields: fields[types.InternetGateway]{
		"attachment.state": func(g *types.InternetGateway) []string {
			return every(g.Attachments, func(a types.InternetGatewayAttachment) []string { return word(a.State) })
		},
		"attachment.vpc-id":   gatewayVPCs,
		"internet-gateway-id": func(g *types.InternetGateway) []string { return one(g.InternetGatewayId) },
		"owner-id":            func(g *types.InternetGateway) []string { return one(g.OwnerId) },
	},
}

func gatewayVPCs(g *types.InternetGateway) []string {
	return each(g.Attachments, func(a types.InternetGatewayAttachment) *string { return a.VpcId })
}

func newInternetGateway(p place, tags []types.Tag) *types.InternetGateway {
	return &types.InternetGateway{InternetGatewayId: aws.String(newID("igw-")), OwnerId: aws.String(p.account), Tags: tags}
}

type DescribeInternetGatewaysInput struct {
	DryRun             *bool
	Filters            []types.Filter
	InternetGatewayIds []string
	MaxResults         *int32
	NextToken          *string
}

type DescribeInternetGatewaysOutput struct {
	InternetGateways []types.InternetGateway
	NextToken        *string
}

// DescribeInternetGateways lists internet gateways.
func (a *API) DescribeInternetGateways(ctx context.Context, in *DescribeInternetGatewaysInput) (*DescribeInternetGatewaysOutput, error) {
	out := &DescribeInternetGatewaysOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.InternetGateways, out.NextToken, err = internetGateways.describe(tx, p,
			query{ids: in.InternetGatewayIds, idsName: "internetGatewayIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}

type CreateInternetGatewayInput struct {
	DryRun            *bool
	TagSpecifications []types.TagSpecification
}

type CreateInternetGatewayOutput struct {
	InternetGateway *types.InternetGateway
}

// CreateInternetGateway makes an internet gateway that is attached to nothing.
func (a *API) CreateInternetGateway(ctx context.Context, in *CreateInternetGatewayInput) (*CreateInternetGatewayOutput, error) {
	tags, err := newTags(in.TagSpecifications, internetGateways.kind)
	if err != nil {
		return nil, err
	}
	out := &CreateInternetGatewayOutput{}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		out.InternetGateway = newInternetGateway(p, tags)
		return internetGateways.put(tx, p, out.InternetGateway)
	})
	return out, err
}

type AttachInternetGatewayInput struct {
	DryRun            *bool
	InternetGatewayId *string
	VpcId             *string
}

type AttachInternetGatewayOutput struct{}

// AttachInternetGateway attaches a gateway to a VPC; both have one another at
// most.
func (a *API) AttachInternetGateway(ctx context.Context, in *AttachInternetGatewayInput) (*AttachInternetGatewayOutput, error) {
	err := a.changeGateway(ctx, in.DryRun, in.InternetGatewayId, in.VpcId, func(tx *store.Tx, p place, g *types.InternetGateway, vpc string) error {
		if attached := gatewayVPCs(g); len(attached) > 0 {
			return fail("Resource.AlreadyAssociated", "resource %s is already attached to network %s", *g.InternetGatewayId, attached[0])
		}
		taken, err := hasAny(internetGateways.by(tx, p, inVPC, vpc))
		if err != nil {
			return err
		}
		if taken {
			return fail("InvalidParameterValue", "Network %s already has an internet gateway attached", vpc)
		}
		g.Attachments = []types.InternetGatewayAttachment{{State: attachmentAvailable, VpcId: &vpc}}
		return markRoutes(tx, p, vpc, *g.InternetGatewayId, types.RouteStateActive)
	})
	return &AttachInternetGatewayOutput{}, err
}

type DetachInternetGatewayInput struct {
	DryRun            *bool
	InternetGatewayId *string
	VpcId             *string
}

type DetachInternetGatewayOutput struct{}

// DetachInternetGateway detaches a gateway. As with AWS it does not go while
// public addresses are in use in the VPC.
func (a *API) DetachInternetGateway(ctx context.Context, in *DetachInternetGatewayInput) (*DetachInternetGatewayOutput, error) {
	err := a.changeGateway(ctx, in.DryRun, in.InternetGatewayId, in.VpcId, func(tx *store.Tx, p place, g *types.InternetGateway, vpc string) error {
		if !slices.Contains(gatewayVPCs(g), vpc) {
			return fail("Gateway.NotAttached", "resource %s is not attached to network %s", *g.InternetGatewayId, vpc)
		}
		for eni, err := range a.allInterfaces(tx, p) {
			if err != nil {
				return err
			}
			if aws.ToString(eni.VpcId) == vpc && eni.Association != nil {
				return dependency("Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", vpc)
			}
		}
		g.Attachments = nil
		return markRoutes(tx, p, vpc, *g.InternetGatewayId, types.RouteStateBlackhole)
	})
	return &DetachInternetGatewayOutput{}, err
}

// changeGateway changes a gateway in its relation to a VPC.
func (a *API) changeGateway(ctx context.Context, dryRun *bool, gateway, vpc *string, change func(*store.Tx, place, *types.InternetGateway, string) error) error {
	if err := require("internetGatewayId", gateway, "vpcId", vpc); err != nil {
		return err
	}
	return a.update(ctx, dryRun, func(tx *store.Tx, p place) error {
		g, err := internetGateways.get(tx, p, *gateway)
		if err != nil {
			return err
		}
		if _, err := vpcs.get(tx, p, *vpc); err != nil {
			return err
		}
		if err := change(tx, p, g, *vpc); err != nil {
			return err
		}
		return internetGateways.put(tx, p, g)
	})
}

type DeleteInternetGatewayInput struct {
	DryRun            *bool
	InternetGatewayId *string
}

type DeleteInternetGatewayOutput struct{}

// DeleteInternetGateway removes a gateway that is attached to nothing.
func (a *API) DeleteInternetGateway(ctx context.Context, in *DeleteInternetGatewayInput) (*DeleteInternetGatewayOutput, error) {
	if err := require("internetGatewayId", in.InternetGatewayId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		g, err := internetGateways.get(tx, p, *in.InternetGatewayId)
		if err != nil {
			return err
		}
		if len(g.Attachments) > 0 {
			return dependency("The internetGateway '%s' has dependencies and cannot be deleted.", *g.InternetGatewayId)
		}
		return internetGateways.delete(tx, p, *g.InternetGatewayId)
	})
	return &DeleteInternetGatewayOutput{}, err
}
