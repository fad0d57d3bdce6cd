package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file maps Elastic IP addresses (address.go) to private addresses of
// network interfaces. The mapping is a record as both are.

type AssociateAddressInput struct {
	AllocationId       *string
	AllowReassociation *bool
	DryRun             *bool
	InstanceId         *string
	NetworkInterfaceId *string
	PrivateIpAddress   *string
	PublicIp           *string
}

type AssociateAddressOutput struct {
	AssociationId *string
}

// AssociateAddress maps an Elastic IP address to an interface's primary
// private address, or to the one that is named. An address that is mapped
// elsewhere moves unless AllowReassociation is false, and one that was mapped
// there before is free afterwards. There are no instances to map one to.
func (a *API) AssociateAddress(ctx context.Context, in *AssociateAddressInput) (*AssociateAddressOutput, error) {
	switch named := aws.ToString(in.NetworkInterfaceId) != ""; {
	case named && aws.ToString(in.InstanceId) != "":
		return nil, badCombination("You may specify an instance ID or a network interface ID, but not both in the same call.")
	case !named && aws.ToString(in.InstanceId) == "":
		return nil, missing("networkInterfaceId")
	case !named:
		return nil, nothing([]string{*in.InstanceId}, "i-", "InvalidInstanceID", "The instance ID '%s' does not exist")
	}
	out := &AssociateAddressOutput{}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		e, err := oneAddress(tx, p, in.AllocationId, in.PublicIp)
		if err != nil {
			return err
		}
		eni, err := a.mappable(tx, p, *in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		out.AssociationId, err = a.associateAddress(tx, p, e, eni, in)
		return err
	})
	return out, err
}

// mappable finds an interface to which its owner may map addresses: those of
// NAT gateways, tasks and pods are their services'.
func (a *API) mappable(tx *store.Tx, p place, id string) (*types.NetworkInterface, error) {
	eni, err := a.networkInterface(tx, p, id)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(eni.RequesterManaged) {
		return nil, notYours()
	}
	reachable, err := hasAny(internetGateways.by(tx, p, inVPC, *eni.VpcId))
	if err == nil && !reachable {
		err = fail("Gateway.NotAttached", "Network %s is not attached to any internet gateway", *eni.VpcId)
	}
	return eni, err
}

// associateAddress maps an address after it has let go what it and the private
// address were mapped to. What is so already is left as it is.
func (a *API) associateAddress(tx *store.Tx, p place, e *types.Address, eni *types.NetworkInterface, in *AssociateAddressInput) (*string, error) {
	private := aws.ToString(in.PrivateIpAddress)
	at := slices.IndexFunc(eni.PrivateIpAddresses, func(i types.NetworkInterfacePrivateIpAddress) bool {
		return private == "" && aws.ToBool(i.Primary) || private == aws.ToString(i.PrivateIpAddress)
	})
	if at < 0 {
		return nil, invalid("privateIpAddress", private, "The address is not assigned to network interface "+*eni.NetworkInterfaceId+".")
	}
	now := eni.PrivateIpAddresses[at].Association
	switch {
	case now != nil && *now.AllocationId == *e.AllocationId:
		return now.AssociationId, nil
	case e.AssociationId != nil && in.AllowReassociation != nil && !*in.AllowReassociation:
		return nil, fail("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", *e.AllocationId, *e.AssociationId)
	}
	if e.AssociationId != nil {
		if err := a.unmap(tx, p, e); err != nil {
			return nil, err
		}
	}
	if now != nil {
		old, err := addresses.get(tx, p, *now.AllocationId)
		if err != nil {
			return nil, err
		}
		if err := a.unmap(tx, p, old); err != nil {
			return nil, err
		}
	}
	// Unmapping may have written the interface.
	eni, err := interfaces.get(tx, p, *eni.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	associate(p, e, eni, at)
	if err := addresses.put(tx, p, e); err != nil {
		return nil, err
	}
	return e.AssociationId, interfaces.put(tx, p, eni)
}

// associate maps an address to an interface's private address of that index,
// in both records.
func associate(p place, e *types.Address, eni *types.NetworkInterface, at int) {
	e.AssociationId, e.NetworkInterfaceId, e.NetworkInterfaceOwnerId = aws.String(newID("eipassoc-")), eni.NetworkInterfaceId, eni.OwnerId
	e.PrivateIpAddress = eni.PrivateIpAddresses[at].PrivateIpAddress
	association := &types.NetworkInterfaceAssociation{
		AllocationId: e.AllocationId, AssociationId: e.AssociationId, IpOwnerId: &p.account, PublicIp: e.PublicIp,
	}
	eni.PrivateIpAddresses[at].Association = association
	if aws.ToBool(eni.PrivateIpAddresses[at].Primary) {
		eni.Association = association
	}
}

type DisassociateAddressInput struct {
	AssociationId *string
	DryRun        *bool
	PublicIp      *string
}

type DisassociateAddressOutput struct{}

// DisassociateAddress ends the mapping of an Elastic IP address. Those of NAT
// gateways end with their gateway.
func (a *API) DisassociateAddress(ctx context.Context, in *DisassociateAddressInput) (*DisassociateAddressOutput, error) {
	if aws.ToString(in.AssociationId) == "" && aws.ToString(in.PublicIp) != "" {
		return nil, fail("InvalidParameterValue", "You must specify an association id when unmapping an address from a VPC instance")
	}
	if err := require("associationId", in.AssociationId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		for e, err := range addresses.all(tx, p) {
			switch {
			case err != nil:
				return err
			case aws.ToString(e.AssociationId) == *in.AssociationId:
				return a.unmap(tx, p, e)
			}
		}
		return fail("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", *in.AssociationId)
	})
	return &DisassociateAddressOutput{}, err
}

// unmap ends the mapping of an address in its record and the interface's.
func (a *API) unmap(tx *store.Tx, p place, e *types.Address) error {
	eni, err := interfaces.get(tx, p, *e.NetworkInterfaceId)
	if err != nil {
		return err
	}
	if aws.ToBool(eni.RequesterManaged) {
		return notYours()
	}
	for i := range eni.PrivateIpAddresses {
		if at := eni.PrivateIpAddresses[i].Association; at != nil && *at.AllocationId == *e.AllocationId {
			eni.PrivateIpAddresses[i].Association = nil
		}
	}
	if eni.Association != nil && *eni.Association.AllocationId == *e.AllocationId {
		eni.Association = nil
	}
	if err := interfaces.put(tx, p, eni); err != nil {
		return err
	}
	return freeAddress(tx, p, *e.AllocationId)
}

// freeAddress stores that an address is mapped to nothing.
func freeAddress(tx *store.Tx, p place, allocation string) error {
	e, err := addresses.get(tx, p, allocation)
	if err != nil {
		return err
	}
	e.AssociationId, e.NetworkInterfaceId, e.NetworkInterfaceOwnerId, e.PrivateIpAddress = nil, nil, nil, nil
	return addresses.put(tx, p, e)
}

// freeAddresses frees the addresses that are mapped to an interface which goes.
func freeAddresses(tx *store.Tx, p place, eni *types.NetworkInterface) error {
	for _, i := range eni.PrivateIpAddresses {
		if i.Association == nil || i.Association.AllocationId == nil {
			continue
		}
		if err := freeAddress(tx, p, *i.Association.AllocationId); err != nil {
			return err
		}
	}
	return nil
}

// notYours is AWS's answer to whoever changes an address of a NAT gateway or
// another interface that a service manages.
func notYours() error {
	return fail("AuthFailure", "You do not have permission to access the specified resource.")
}
