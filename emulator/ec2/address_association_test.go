package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/neargate/neargate/emulator/ec2"
)

// TestAssociateAddress maps addresses to interfaces and back.
func TestAssociateAddress(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc(t)
	subnet := w.subnet(t, vpc, "10.0.1.0/24")
	newInterface := func() *types.NetworkInterface {
		return must[ec2.CreateNetworkInterfaceOutput](t)(w.CreateNetworkInterface(w.ctx, &ec2.CreateNetworkInterfaceInput{
			SubnetId: &subnet, SecondaryPrivateIpAddressCount: aws.Int32(1),
		})).NetworkInterface
	}
	one, two := newInterface(), newInterface()
	eip := must[ec2.AllocateAddressOutput](t)(w.AllocateAddress(w.ctx, &ec2.AllocateAddressInput{}))
	associate := func(in ec2.AssociateAddressInput) (string, error) {
		out, err := w.AssociateAddress(w.ctx, &in)
		if err != nil {
			return "", err
		}
		return *out.AssociationId, nil
	}
	to := func(n *types.NetworkInterface) ec2.AssociateAddressInput {
		return ec2.AssociateAddressInput{AllocationId: eip.AllocationId, NetworkInterfaceId: n.NetworkInterfaceId}
	}
	describe := func() types.Address {
		return must[ec2.DescribeAddressesOutput](t)(w.DescribeAddresses(w.ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{*eip.AllocationId}})).Addresses[0]
	}
	show := func(n *types.NetworkInterface) types.NetworkInterface {
		return must[ec2.DescribeNetworkInterfacesOutput](t)(w.DescribeNetworkInterfaces(w.ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{*n.NetworkInterfaceId}})).NetworkInterfaces[0]
	}

	_, err := associate(to(one))
	wantError(t, err, "Gateway.NotAttached", "Network "+vpc+" is not attached to any internet gateway")
	igw := must[ec2.CreateInternetGatewayOutput](t)(w.CreateInternetGateway(w.ctx, &ec2.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	must[ec2.AttachInternetGatewayOutput](t)(w.AttachInternetGateway(w.ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: &vpc}))
	first, err := associate(to(one))
	if err != nil {
		t.Fatal(err)
	}
	if e := describe(); *e.AssociationId != first || *e.NetworkInterfaceId != *one.NetworkInterfaceId || *e.PrivateIpAddress != *one.PrivateIpAddress {
		t.Errorf("address = %+v", e)
	}
	if n := show(one); n.Association == nil || *n.Association.PublicIp != *eip.PublicIp || n.PrivateIpAddresses[1].Association != nil {
		t.Errorf("interface = %+v", n)
	}
	if again, err := associate(to(one)); err != nil || again != first {
		t.Errorf("again: %s %v, want %s", again, err, first)
	}
	_, err = w.ReleaseAddress(w.ctx, &ec2.ReleaseAddressInput{AllocationId: eip.AllocationId})
	wantError(t, err, "InvalidIPAddress.InUse", "")

	in := to(two)
	in.AllowReassociation, in.PrivateIpAddress = aws.Bool(false), two.PrivateIpAddresses[1].PrivateIpAddress
	_, err = associate(in)
	wantError(t, err, "Resource.AlreadyAssociated", "resource "+*eip.AllocationId+" is already associated with associate-id "+first)
	in.AllowReassociation = nil
	second, err := associate(in)
	if err != nil || second == first {
		t.Fatalf("moved: %s %v", second, err)
	}
	if n := show(one); n.Association != nil || n.PrivateIpAddresses[0].Association != nil {
		t.Errorf("the interface that it left = %+v", n)
	}
	if n := show(two); n.Association != nil || *n.PrivateIpAddresses[1].Association.AssociationId != second {
		t.Errorf("the interface that it is at = %+v", n)
	}

	_, err = w.DisassociateAddress(w.ctx, &ec2.DisassociateAddressInput{AssociationId: &first})
	wantError(t, err, "InvalidAssociationID.NotFound", "The association ID '"+first+"' does not exist")
	_, err = w.DisassociateAddress(w.ctx, &ec2.DisassociateAddressInput{PublicIp: eip.PublicIp})
	wantError(t, err, "InvalidParameterValue", "You must specify an association id when unmapping an address from a VPC instance")
	must[ec2.DisassociateAddressOutput](t)(w.DisassociateAddress(w.ctx, &ec2.DisassociateAddressInput{AssociationId: &second}))
	if e := describe(); e.AssociationId != nil || e.NetworkInterfaceId != nil || e.PrivateIpAddress != nil {
		t.Errorf("address = %+v", e)
	}
}

// TestAssociateAddressElsewhere tells what becomes of addresses that others
// displace, and what cannot have one.
func TestAssociateAddressElsewhere(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc(t)
	subnet := w.subnet(t, vpc, "10.0.1.0/24")
	igw := must[ec2.CreateInternetGatewayOutput](t)(w.CreateInternetGateway(w.ctx, &ec2.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	must[ec2.AttachInternetGatewayOutput](t)(w.AttachInternetGateway(w.ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: &vpc}))
	n := must[ec2.CreateNetworkInterfaceOutput](t)(w.CreateNetworkInterface(w.ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: &subnet})).NetworkInterface
	allocate := func() *ec2.AllocateAddressOutput {
		return must[ec2.AllocateAddressOutput](t)(w.AllocateAddress(w.ctx, &ec2.AllocateAddressInput{}))
	}
	old, next := allocate(), allocate()
	for _, e := range []*ec2.AllocateAddressOutput{old, next} {
		must[ec2.AssociateAddressOutput](t)(w.AssociateAddress(w.ctx, &ec2.AssociateAddressInput{PublicIp: e.PublicIp, NetworkInterfaceId: n.NetworkInterfaceId}))
	}
	must[ec2.ReleaseAddressOutput](t)(w.ReleaseAddress(w.ctx, &ec2.ReleaseAddressInput{AllocationId: old.AllocationId}))

	gateway := must[ec2.CreateNatGatewayOutput](t)(w.CreateNatGateway(w.ctx, &ec2.CreateNatGatewayInput{SubnetId: &subnet, AllocationId: allocate().AllocationId})).NatGateway
	for want, in := range map[string]ec2.AssociateAddressInput{
		"MissingParameter":              {AllocationId: next.AllocationId},
		"InvalidParameterCombination":   {AllocationId: next.AllocationId, NetworkInterfaceId: n.NetworkInterfaceId, InstanceId: aws.String("i-0123456789abcdef0")},
		"InvalidInstanceID.NotFound":    {AllocationId: next.AllocationId, InstanceId: aws.String("i-0123456789abcdef0")},
		"AuthFailure":                   {AllocationId: next.AllocationId, NetworkInterfaceId: gateway.NatGatewayAddresses[0].NetworkInterfaceId},
		"InvalidAllocationID.NotFound":  {AllocationId: aws.String("eipalloc-0123456789abcdef0"), NetworkInterfaceId: n.NetworkInterfaceId},
		"InvalidParameterValue":         {AllocationId: next.AllocationId, NetworkInterfaceId: n.NetworkInterfaceId, PrivateIpAddress: aws.String("10.0.1.200")},
		"InvalidAllocationID.Malformed": {AllocationId: aws.String("next"), NetworkInterfaceId: n.NetworkInterfaceId},
	} {
		_, err := w.AssociateAddress(w.ctx, &in)
		wantError(t, err, want, "")
	}

	must[ec2.DeleteNetworkInterfaceOutput](t)(w.DeleteNetworkInterface(w.ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: n.NetworkInterfaceId}))
	_, err := w.ReleaseAddress(w.ctx, &ec2.ReleaseAddressInput{AllocationId: next.AllocationId, NetworkBorderGroup: aws.String("us-west-2-lax-1")})
	wantError(t, err, "InvalidAddress.NotFound", "Address '"+*next.PublicIp+"' not found.")
	must[ec2.ReleaseAddressOutput](t)(w.ReleaseAddress(w.ctx, &ec2.ReleaseAddressInput{AllocationId: next.AllocationId, NetworkBorderGroup: next.NetworkBorderGroup}))
}
