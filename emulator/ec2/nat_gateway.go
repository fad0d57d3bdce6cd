package ec2

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is NAT gateways. They are records with an interface in their
// subnet and carry no traffic: containers reach the internet, or not, through
// the host's own network.

var natGateways = &resource[types.NatGateway]{
	table:  store.NewTable[types.NatGateway]("ec2/natgateway"),
	kind:   "natgateway",
	prefix: "nat-",
	id:     func(n *types.NatGateway) *string { return n.NatGatewayId },
	tags:   func(n *types.NatGateway) *[]types.Tag { return &n.Tags },
	absent: func(ids []string) string { return "The Nat Gateway " + ids[0] + " was not found" }, notFound: "NatGatewayNotFound", malformed: "NatGatewayMalformed",
	fields: fields[types.NatGateway]{
		"nat-gateway-id": func(n *types.NatGateway) []string { return one(n.NatGatewayId) },
		"state":          func(n *types.NatGateway) []string { return word(n.State) },
		"subnet-id":      func(n *types.NatGateway) []string { return one(n.SubnetId) },
		"vpc-id":         func(n *types.NatGateway) []string { return one(n.VpcId) },
	},
}

// natInterface is the type of a NAT gateway's interface; AWS answers this word
// although the SDK spells it natGateway.
const natInterface types.NetworkInterfaceType = "nat_gateway"

// afterlife is how long a deleted or failed gateway is still shown.
const afterlife = time.Hour

// visible leaves out gateways that have been gone for long.
func visible(seq iter.Seq2[*types.NatGateway, error], now time.Time) iter.Seq2[*types.NatGateway, error] {
	return func(yield func(*types.NatGateway, error) bool) {
		for n, err := range seq {
			if err == nil && forgotten(n, now) {
				continue
			}
			if !yield(n, err) {
				return
			}
		}
	}
}

func forgotten(n *types.NatGateway, now time.Time) bool {
	return n.DeleteTime != nil && now.Sub(*n.DeleteTime) > afterlife
}

type DescribeNatGatewaysInput struct {
	DryRun        *bool
	Filter        []types.Filter
	MaxResults    *int32
	NatGatewayIds []string
	NextToken     *string
}

type DescribeNatGatewaysOutput struct {
	NatGateways []types.NatGateway
	NextToken   *string
}

// DescribeNatGateways lists NAT gateways, deleted ones for another hour.
func (a *API) DescribeNatGateways(ctx context.Context, in *DescribeNatGatewaysInput) (*DescribeNatGatewaysOutput, error) {
	out := &DescribeNatGatewaysOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.NatGateways, out.NextToken, err = natGateways.pick(visible(natGateways.all(tx, p), tx.Now()),
			query{ids: in.NatGatewayIds, idsName: "natGatewayIds", filters: in.Filter, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}

type CreateNatGatewayInput struct {
	AllocationId      *string
	AvailabilityMode  types.AvailabilityMode
	ClientToken       *string
	ConnectivityType  types.ConnectivityType
	DryRun            *bool
	PrivateIpAddress  *string
	SubnetId          *string
	TagSpecifications []types.TagSpecification
}

type CreateNatGatewayOutput struct {
	ClientToken *string
	NatGateway  *types.NatGateway
}

// CreateNatGateway records a NAT gateway in a subnet. A public one needs an
// Elastic IP address, and fails, as with AWS, where the VPC has no internet
// gateway.
func (a *API) CreateNatGateway(ctx context.Context, in *CreateNatGatewayInput) (*CreateNatGatewayOutput, error) {
	if in.AvailabilityMode != "" && in.AvailabilityMode != types.AvailabilityModeZonal {
		return nil, unsupported("Regional NAT gateways are")
	}
	if err := require("subnetId", in.SubnetId); err != nil {
		return nil, err
	}
	private := in.ConnectivityType == types.ConnectivityTypePrivate
	switch {
	case private && in.AllocationId != nil:
		return nil, badCombination("AllocationId is not supported for private NAT gateways.")
	case !private && aws.ToString(in.AllocationId) == "":
		return nil, fail("MissingParameter", "The request must include the AllocationId parameter. Add the required parameter and retry the request.")
	}
	tags, err := newTags(in.TagSpecifications, natGateways.kind)
	if err != nil {
		return nil, err
	}
	out := &CreateNatGatewayOutput{ClientToken: in.ClientToken}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		if err := forgetGateways(tx, p); err != nil {
			return err
		}
		out.NatGateway, err = natGateways.once(tx, p, "CreateNatGateway", in.ClientToken, in, func() (*types.NatGateway, error) {
			return a.makeNatGateway(tx, p, in, tags)
		})
		return err
	})
	return out, err
}

// forgetGateways deletes the records of gateways that are no longer shown.
func forgetGateways(tx *store.Tx, p place) error {
	all, err := collect(natGateways.all(tx, p))
	if err != nil {
		return err
	}
	for i := range all {
		if !forgotten(&all[i], tx.Now()) {
			continue
		}
		if err := natGateways.delete(tx, p, *all[i].NatGatewayId); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) makeNatGateway(tx *store.Tx, p place, in *CreateNatGatewayInput, tags []types.Tag) (*types.NatGateway, error) {
	s, err := subnets.get(tx, p, *in.SubnetId)
	if err != nil {
		return nil, err
	}
	n := &types.NatGateway{
		NatGatewayId: aws.String(newID("nat-")), SubnetId: s.SubnetId, VpcId: s.VpcId, CreateTime: aws.Time(tx.Now()), Tags: tags,
		ConnectivityType: types.ConnectivityTypePublic, AvailabilityMode: types.AvailabilityModeZonal, State: types.NatGatewayStateAvailable,
	}
	public := in.ConnectivityType != types.ConnectivityTypePrivate
	if !public {
		n.ConnectivityType = types.ConnectivityTypePrivate
	}
	reachable, err := hasAny(internetGateways.by(tx, p, inVPC, *s.VpcId))
	if err != nil {
		return nil, err
	}
	if public && !reachable {
		n.State, n.FailureCode = types.NatGatewayStateFailed, aws.String("Gateway.NotAttached")
		n.FailureMessage, n.DeleteTime = aws.String("Network "+*s.VpcId+" has no Internet gateway attached"), aws.Time(tx.Now())
		n.NatGatewayAddresses = []types.NatGatewayAddress{{AllocationId: in.AllocationId}}
		return n, natGateways.put(tx, p, n)
	}
	return n, a.connect(tx, p, n, in)
}

// connect gives a NAT gateway its interface and address, and stores all three.
func (a *API) connect(tx *store.Tx, p place, n *types.NatGateway, in *CreateNatGatewayInput) error {
	eni, err := a.makeInterface(tx, p, interfaceSpec{
		subnet: *n.SubnetId, description: "Interface for NAT Gateway " + *n.NatGatewayId, kind: natInterface, wanted: one(in.PrivateIpAddress),
	})
	if err != nil {
		return err
	}
	eni.RequesterManaged, eni.Status, eni.SourceDestCheck = aws.Bool(true), types.NetworkInterfaceStatusInUse, aws.Bool(false)
	eni.Attachment = &types.NetworkInterfaceAttachment{
		AttachTime: aws.Time(tx.Now()), AttachmentId: aws.String(newID("eni-attach-")), InstanceOwnerId: aws.String("amazon-aws"),
		DeviceIndex: aws.Int32(1), DeleteOnTermination: aws.Bool(false), Status: types.AttachmentStatusAttached,
	}
	at := types.NatGatewayAddress{
		NetworkInterfaceId: eni.NetworkInterfaceId, PrivateIp: eni.PrivateIpAddress, IsPrimary: aws.Bool(true), Status: types.NatGatewayAddressStatusSucceeded,
	}
	if in.AllocationId != nil {
		if err := mapAddress(tx, p, *in.AllocationId, eni, &at); err != nil {
			return err
		}
	}
	n.NatGatewayAddresses = []types.NatGatewayAddress{at}
	if err := interfaces.put(tx, p, eni); err != nil {
		return err
	}
	return natGateways.put(tx, p, n)
}

// mapAddress gives an Elastic IP address to a NAT gateway's interface.
func mapAddress(tx *store.Tx, p place, allocation string, eni *types.NetworkInterface, at *types.NatGatewayAddress) error {
	e, err := addresses.get(tx, p, allocation)
	if err != nil {
		return err
	}
	if e.AssociationId != nil {
		return fail("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", allocation, *e.AssociationId)
	}
	associate(p, e, eni, 0)
	at.AllocationId, at.AssociationId, at.PublicIp = e.AllocationId, e.AssociationId, e.PublicIp
	return addresses.put(tx, p, e)
}

type DeleteNatGatewayInput struct {
	DryRun       *bool
	NatGatewayId *string
}

type DeleteNatGatewayOutput struct {
	NatGatewayId *string
}

// DeleteNatGateway removes a NAT gateway's interface at once and lets its
// address go; the record is shown as deleted for another hour.
func (a *API) DeleteNatGateway(ctx context.Context, in *DeleteNatGatewayInput) (*DeleteNatGatewayOutput, error) {
	if err := require("natGatewayId", in.NatGatewayId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		n, err := natGateways.get(tx, p, *in.NatGatewayId)
		if err != nil {
			return err
		}
		if n.State == types.NatGatewayStateDeleted {
			return natGateways.unknown(*n.NatGatewayId)
		}
		if n.State == types.NatGatewayStateAvailable {
			if err := disconnect(tx, p, n); err != nil {
				return err
			}
		}
		n.State, n.DeleteTime = types.NatGatewayStateDeleted, aws.Time(tx.Now())
		if err := markRoutes(tx, p, *n.VpcId, *n.NatGatewayId, types.RouteStateBlackhole); err != nil {
			return err
		}
		return natGateways.put(tx, p, n)
	})
	return &DeleteNatGatewayOutput{NatGatewayId: in.NatGatewayId}, err
}

// disconnect takes a NAT gateway's interface and address away.
func disconnect(tx *store.Tx, p place, n *types.NatGateway) error {
	for _, at := range n.NatGatewayAddresses {
		if err := interfaces.delete(tx, p, *at.NetworkInterfaceId); err != nil {
			return err
		}
		if at.AllocationId == nil {
			continue
		}
		if err := freeAddress(tx, p, *at.AllocationId); err != nil {
			return err
		}
	}
	return nil
}
