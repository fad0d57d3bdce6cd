package ec2_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/ec2"
	"github.com/neargate/neargate/emulator/store"
	"github.com/rs/zerolog"
)

func TestBlocks(t *testing.T) {
	w := newWorld(t)
	for cidr, want := range map[string]struct{ code, message string }{
		"10.0.0.0/15": {"InvalidVpc.Range", "The CIDR '10.0.0.0/15' is invalid."},
		"10.0.0.0/29": {"InvalidVpc.Range", "The CIDR '10.0.0.0/29' is invalid."},
		"10.0.0.0":    {"InvalidParameterValue", "Value (10.0.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
		"fd00::/16":   {"InvalidParameterValue", ""},
	} {
		_, err := w.CreateVpc(w.ctx, &ec2.CreateVpcInput{CidrBlock: &cidr})
		wantError(t, err, want.code, want.message)
	}
	made := must[ec2.CreateVpcOutput](t)(w.CreateVpc(w.ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("100.68.0.18/18")})).Vpc
	if *made.CidrBlock != "100.68.0.0/18" {
		t.Errorf("block = %s", *made.CidrBlock)
	}
	vpc := w.vpc(t)
	w.subnet(t, vpc, "10.0.1.0/24")
	for cidr, want := range map[string]struct{ code, message string }{
		"10.1.0.0/24":   {"InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid."},
		"10.0.0.0/15":   {"InvalidSubnet.Range", "The CIDR '10.0.0.0/15' is invalid."},
		"10.0.0.0/29":   {"InvalidSubnet.Range", "The CIDR '10.0.0.0/29' is invalid."},
		"10.0.1.128/25": {"InvalidSubnet.Conflict", "The CIDR '10.0.1.128/25' conflicts with another subnet"},
		"10.0.0.0/16":   {"InvalidSubnet.Conflict", "The CIDR '10.0.0.0/16' conflicts with another subnet"},
	} {
		_, err := w.CreateSubnet(w.ctx, &ec2.CreateSubnetInput{VpcId: &vpc, CidrBlock: &cidr})
		wantError(t, err, want.code, want.message)
	}
	_, err := w.CreateSubnet(w.ctx, &ec2.CreateSubnetInput{VpcId: &vpc, CidrBlock: aws.String("10.0.2.0/24"), AvailabilityZone: aws.String("us-east-1z")})
	wantError(t, err, "InvalidParameterValue", "Value (us-east-1z) for parameter availabilityZone is invalid. "+
		"Subnets can currently only be created in the following availability zones: us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f.")
}

// subnets asks for subnets as ECS does.
func (w world) subnets(t *testing.T, ids ...string) (found []ec2.Subnet, err error) {
	t.Helper()
	viewErr := w.store.View(t.Context(), func(tx *store.Tx) error {
		found, err = w.Subnets(tx, scope, ids)
		return nil
	})
	if viewErr != nil {
		t.Fatal(viewErr)
	}
	return found, err
}

func TestPublicSubnets(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc(t)
	public, private := w.subnet(t, vpc, "10.0.1.0/24"), w.subnet(t, vpc, "10.0.2.0/24")
	igw := must[ec2.CreateInternetGatewayOutput](t)(w.CreateInternetGateway(w.ctx, &ec2.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	rtb := must[ec2.CreateRouteTableOutput](t)(w.CreateRouteTable(w.ctx, &ec2.CreateRouteTableInput{VpcId: &vpc})).RouteTable.RouteTableId
	route := &ec2.CreateRouteInput{RouteTableId: rtb, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: igw}
	_, err := w.CreateRoute(w.ctx, route)
	wantError(t, err, "InvalidParameterValue", "route table "+*rtb+" and network gateway "+*igw+" belong to different networks")
	attach := &ec2.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: &vpc}
	must[ec2.AttachInternetGatewayOutput](t)(w.AttachInternetGateway(w.ctx, attach))
	_, err = w.AttachInternetGateway(w.ctx, attach)
	wantError(t, err, "Resource.AlreadyAssociated", "resource "+*igw+" is already attached to network "+vpc)
	must[ec2.CreateRouteOutput](t)(w.CreateRoute(w.ctx, route))
	_, err = w.CreateRoute(w.ctx, route)
	wantError(t, err, "RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists.")
	assoc := must[ec2.AssociateRouteTableOutput](t)(w.AssociateRouteTable(w.ctx, &ec2.AssociateRouteTableInput{RouteTableId: rtb, SubnetId: &public}))

	found, err := w.subnets(t, private, public)
	if err != nil || len(found) != 2 || found[0].ID != private || found[0].InternetGateway || !found[1].InternetGateway {
		t.Errorf("subnets = %+v, %v", found, err)
	}
	if s := found[1]; s.CIDR.String() != "10.0.1.0/24" || s.VPCCIDR.String() != "10.0.0.0/16" || s.Zone != "us-east-1a" || s.ZoneID != "use1-az1" || s.MapPublicIPOnStart {
		t.Errorf("subnet = %+v", s)
	}
	_, err = w.subnets(t, "subnet-00000000000000000")
	if err == nil || err.Error() != "The subnet ID 'subnet-00000000000000000' does not exist" {
		t.Errorf("unknown subnet: %v", err)
	}
	_, err = w.DeleteRouteTable(w.ctx, &ec2.DeleteRouteTableInput{RouteTableId: rtb})
	wantError(t, err, "DependencyViolation", "The routeTable '"+*rtb+"' has dependencies and cannot be deleted.")
	must[ec2.DetachInternetGatewayOutput](t)(w.DetachInternetGateway(w.ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: &vpc}))
	if found, err := w.subnets(t, public); err != nil || found[0].InternetGateway {
		t.Errorf("public without a gateway: %+v, %v", found, err)
	}
	must[ec2.AttachInternetGatewayOutput](t)(w.AttachInternetGateway(w.ctx, attach))
	if found, err := w.subnets(t, public); err != nil || !found[0].InternetGateway {
		t.Errorf("private with a gateway: %+v, %v", found, err)
	}
	must[ec2.DisassociateRouteTableOutput](t)(w.DisassociateRouteTable(w.ctx, &ec2.DisassociateRouteTableInput{AssociationId: assoc.AssociationId}))
	if found, err := w.subnets(t, public); err != nil || found[0].InternetGateway {
		t.Errorf("public by the main table: %+v, %v", found, err)
	}
}

func TestMainRouteTable(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc(t)
	tables := must[ec2.DescribeRouteTablesOutput](t)(w.DescribeRouteTables(w.ctx, &ec2.DescribeRouteTablesInput{Filters: filter("vpc-id", vpc)})).RouteTables
	main := tables[0].Associations[0].RouteTableAssociationId
	_, err := w.DisassociateRouteTable(w.ctx, &ec2.DisassociateRouteTableInput{AssociationId: main})
	wantError(t, err, "InvalidParameterValue", "cannot disassociate the main route table association "+*main)
	rtb := must[ec2.CreateRouteTableOutput](t)(w.CreateRouteTable(w.ctx, &ec2.CreateRouteTableInput{VpcId: &vpc})).RouteTable.RouteTableId
	out := must[ec2.ReplaceRouteTableAssociationOutput](t)(w.ReplaceRouteTableAssociation(w.ctx, &ec2.ReplaceRouteTableAssociationInput{AssociationId: main, RouteTableId: rtb}))
	if *out.NewAssociationId == *main {
		t.Errorf("association kept its id %s", *main)
	}
	now := must[ec2.DescribeRouteTablesOutput](t)(w.DescribeRouteTables(w.ctx, &ec2.DescribeRouteTablesInput{
		Filters: append(filter("vpc-id", vpc), filter("association.main", "true")...),
	})).RouteTables
	if len(now) != 1 || *now[0].RouteTableId != *rtb {
		t.Errorf("main = %+v", now)
	}
	_, err = w.DeleteRoute(w.ctx, &ec2.DeleteRouteInput{RouteTableId: rtb, DestinationCidrBlock: aws.String("10.0.0.0/16")})
	wantError(t, err, "InvalidParameterValue", "cannot remove local route 10.0.0.0/16 in route table "+*rtb)
	_, err = w.DeleteRoute(w.ctx, &ec2.DeleteRouteInput{RouteTableId: rtb, DestinationCidrBlock: aws.String("0.0.0.0/0")})
	wantError(t, err, "InvalidRoute.NotFound", "no route with destination-cidr-block 0.0.0.0/0 in route table "+*rtb)
	must[ec2.DeleteRouteTableOutput](t)(w.DeleteRouteTable(w.ctx, &ec2.DeleteRouteTableInput{RouteTableId: tables[0].RouteTableId}))
	must[ec2.DeleteVpcOutput](t)(w.DeleteVpc(w.ctx, &ec2.DeleteVpcInput{VpcId: &vpc}))
}

func TestNetworkInterfaces(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc(t)
	subnet := w.subnet(t, vpc, "10.0.1.0/28")
	create := func(address string) (*ec2.CreateNetworkInterfaceOutput, error) {
		in := &ec2.CreateNetworkInterfaceInput{SubnetId: &subnet}
		if address != "" {
			in.PrivateIpAddress = &address
		}
		return w.CreateNetworkInterface(w.ctx, in)
	}
	for address, want := range map[string]string{
		"10.0.2.1":  "Address does not fall within the subnet's address range",
		"10.0.1.3":  "Address is in subnet's reserved address range",
		"10.0.1.15": "Address is in subnet's reserved address range",
	} {
		_, err := create(address)
		wantError(t, err, "InvalidParameterValue", want)
	}
	// A task has 10.0.1.4 already.
	w.tasks.enis = []types.NetworkInterface{{
		NetworkInterfaceId: aws.String("eni-0aaaaaaaaaaaaaaaa"), SubnetId: &subnet, VpcId: &vpc, PrivateIpAddress: aws.String("10.0.1.4"),
		Description: aws.String("arn:aws:ecs:us-east-1:000000000000:attachment/x"), Status: types.NetworkInterfaceStatusInUse,
		TagSet: []types.Tag{{Key: aws.String("aws:ecs:clusterName"), Value: aws.String("c")}},
	}}
	first := must[ec2.CreateNetworkInterfaceOutput](t)(create("")).NetworkInterface
	if *first.PrivateIpAddress != "10.0.1.5" || len(first.Groups) != 1 || *first.Groups[0].GroupName != "default" {
		t.Errorf("interface = %s %+v", *first.PrivateIpAddress, first.Groups)
	}
	_, err := create("10.0.1.4")
	wantError(t, err, "InvalidIPAddress.InUse", "The specified address is already in use.")
	for range 9 {
		must[ec2.CreateNetworkInterfaceOutput](t)(create(""))
	}
	_, err = create("")
	wantError(t, err, "InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
	s := must[ec2.DescribeSubnetsOutput](t)(w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{subnet}})).Subnets[0]
	if *s.AvailableIpAddressCount != 0 {
		t.Errorf("%d addresses free", *s.AvailableIpAddressCount)
	}
	mine := must[ec2.DescribeNetworkInterfacesOutput](t)(w.DescribeNetworkInterfaces(w.ctx, &ec2.DescribeNetworkInterfacesInput{
		Filters: filter("description", "arn:aws:ecs:*attachment/?"),
	})).NetworkInterfaces
	if len(mine) != 1 || *mine[0].NetworkInterfaceId != "eni-0aaaaaaaaaaaaaaaa" {
		t.Errorf("interfaces of tasks = %+v", mine)
	}
	tags := must[ec2.DescribeTagsOutput](t)(w.DescribeTags(w.ctx, &ec2.DescribeTagsInput{Filters: filter("resource-type", "network-interface")})).Tags
	if len(tags) != 1 || *tags[0].Value != "c" {
		t.Errorf("tags = %+v", tags)
	}
	_, err = w.CreateTags(w.ctx, &ec2.CreateTagsInput{Resources: []string{"eni-0aaaaaaaaaaaaaaaa"}, Tags: []types.Tag{{Key: aws.String("k")}}})
	wantError(t, err, "OperationNotPermitted", "")
	_, err = w.DeleteNetworkInterface(w.ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: aws.String("eni-0aaaaaaaaaaaaaaaa")})
	wantError(t, err, "InvalidParameterValue", "Network interface 'eni-0aaaaaaaaaaaaaaaa' is currently in use.")
	_, err = w.DeleteSubnet(w.ctx, &ec2.DeleteSubnetInput{SubnetId: &subnet})
	wantError(t, err, "DependencyViolation", "The subnet '"+subnet+"' has dependencies and cannot be deleted.")
}

func TestNatGateways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), "memory", store.Options{Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		w := world{API: ec2.New(ec2.Config{Store: st}), store: st, ctx: in(t.Context(), account, region)}
		vpc := w.vpc(t)
		subnet := w.subnet(t, vpc, "10.0.1.0/24")
		eip := must[ec2.AllocateAddressOutput](t)(w.AllocateAddress(w.ctx, &ec2.AllocateAddressInput{}))
		in := &ec2.CreateNatGatewayInput{SubnetId: &subnet, AllocationId: eip.AllocationId, ClientToken: aws.String("t")}
		failed := must[ec2.CreateNatGatewayOutput](t)(w.CreateNatGateway(w.ctx, in)).NatGateway
		if failed.State != types.NatGatewayStateFailed || *failed.FailureCode != "Gateway.NotAttached" {
			t.Errorf("without an internet gateway: %+v", failed)
		}
		igw := must[ec2.CreateInternetGatewayOutput](t)(w.CreateInternetGateway(w.ctx, &ec2.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
		must[ec2.AttachInternetGatewayOutput](t)(w.AttachInternetGateway(w.ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: &vpc}))
		again := must[ec2.CreateNatGatewayOutput](t)(w.CreateNatGateway(w.ctx, in)).NatGateway
		if *again.NatGatewayId != *failed.NatGatewayId {
			t.Errorf("the same token made %s, then %s", *failed.NatGatewayId, *again.NatGatewayId)
		}
		in.ClientToken = aws.String("u")
		made := must[ec2.CreateNatGatewayOutput](t)(w.CreateNatGateway(w.ctx, in)).NatGateway
		if made.State != types.NatGatewayStateAvailable || *made.NatGatewayAddresses[0].PublicIp != *eip.PublicIp {
			t.Errorf("NAT gateway = %+v", made)
		}
		in.PrivateIpAddress = aws.String("10.0.1.9")
		_, err = w.CreateNatGateway(w.ctx, in)
		wantError(t, err, "IdempotentParameterMismatch", "")
		in.ClientToken = nil
		_, err = w.CreateNatGateway(w.ctx, in)
		wantError(t, err, "Resource.AlreadyAssociated", "resource "+*eip.AllocationId+" is already associated with associate-id "+*made.NatGatewayAddresses[0].AssociationId)
		_, err = w.ReleaseAddress(w.ctx, &ec2.ReleaseAddressInput{AllocationId: eip.AllocationId})
		wantError(t, err, "AuthFailure", "You do not have permission to access the specified resource.")
		_, err = w.DisassociateAddress(w.ctx, &ec2.DisassociateAddressInput{AssociationId: made.NatGatewayAddresses[0].AssociationId})
		wantError(t, err, "AuthFailure", "You do not have permission to access the specified resource.")
		_, err = w.DetachInternetGateway(w.ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: &vpc})
		wantError(t, err, "DependencyViolation", "Network "+vpc+" has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.")
		must[ec2.DeleteNatGatewayOutput](t)(w.DeleteNatGateway(w.ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: made.NatGatewayId}))
		must[ec2.ReleaseAddressOutput](t)(w.ReleaseAddress(w.ctx, &ec2.ReleaseAddressInput{AllocationId: eip.AllocationId}))
		shown := must[ec2.DescribeNatGatewaysOutput](t)(w.DescribeNatGateways(w.ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{*made.NatGatewayId}})).NatGateways
		if len(shown) != 1 || shown[0].State != types.NatGatewayStateDeleted {
			t.Errorf("after deleting: %+v", shown)
		}
		time.Sleep(time.Hour + time.Second)
		_, err = w.DescribeNatGateways(w.ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{*made.NatGatewayId}})
		wantError(t, err, "NatGatewayNotFound", "The Nat Gateway "+*made.NatGatewayId+" was not found")
	})
}

func TestNetworkACLs(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc(t)
	subnet := w.subnet(t, vpc, "10.0.1.0/24")
	find := func(id string) types.NetworkAcl {
		return must[ec2.DescribeNetworkAclsOutput](t)(w.DescribeNetworkAcls(w.ctx, &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{id}})).NetworkAcls[0]
	}
	old := must[ec2.DescribeNetworkAclsOutput](t)(w.DescribeNetworkAcls(w.ctx, &ec2.DescribeNetworkAclsInput{Filters: filter("association.subnet-id", subnet)})).NetworkAcls[0]
	if len(old.Entries) != 4 || *old.Entries[0].RuleNumber != 100 || !*old.Entries[0].Egress {
		t.Errorf("entries = %+v", old.Entries)
	}
	made := must[ec2.CreateNetworkAclOutput](t)(w.CreateNetworkAcl(w.ctx, &ec2.CreateNetworkAclInput{VpcId: &vpc})).NetworkAcl
	entry := &ec2.CreateNetworkAclEntryInput{
		NetworkAclId: made.NetworkAclId, RuleNumber: aws.Int32(101), Protocol: aws.String("tcp"), RuleAction: types.RuleActionAllow,
		Ipv6CidrBlock: aws.String("::/0"), PortRange: &types.PortRange{From: aws.Int32(80), To: aws.Int32(81)},
	}
	must[ec2.CreateNetworkAclEntryOutput](t)(w.CreateNetworkAclEntry(w.ctx, entry))
	_, err := w.CreateNetworkAclEntry(w.ctx, entry)
	wantError(t, err, "NetworkAclEntryAlreadyExists", "The network acl entry identified by 101 already exists.")
	if e := find(*made.NetworkAclId).Entries; len(e) != 3 || *e[1].Protocol != "6" || *e[1].Ipv6CidrBlock != "::/0" || *e[1].PortRange.To != 81 {
		t.Errorf("entries = %+v", e)
	}
	out := must[ec2.ReplaceNetworkAclAssociationOutput](t)(w.ReplaceNetworkAclAssociation(w.ctx, &ec2.ReplaceNetworkAclAssociationInput{
		AssociationId: old.Associations[0].NetworkAclAssociationId, NetworkAclId: made.NetworkAclId,
	}))
	if a := find(*made.NetworkAclId).Associations; len(a) != 1 || *a[0].NetworkAclAssociationId != *out.NewAssociationId || len(find(*old.NetworkAclId).Associations) != 0 {
		t.Errorf("associations = %+v", a)
	}
	_, err = w.DeleteNetworkAcl(w.ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: made.NetworkAclId})
	wantError(t, err, "DependencyViolation", "The networkAcl '"+*made.NetworkAclId+"' has dependencies and cannot be deleted.")
	_, err = w.DeleteNetworkAcl(w.ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: old.NetworkAclId})
	wantError(t, err, "InvalidParameterValue", "Cannot delete default network ACL "+*old.NetworkAclId)
	must[ec2.DeleteSubnetOutput](t)(w.DeleteSubnet(w.ctx, &ec2.DeleteSubnetInput{SubnetId: &subnet}))
	_, err = w.DeleteVpc(w.ctx, &ec2.DeleteVpcInput{VpcId: &vpc})
	wantError(t, err, "DependencyViolation", "")
	must[ec2.DeleteNetworkAclOutput](t)(w.DeleteNetworkAcl(w.ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: made.NetworkAclId}))
	must[ec2.DeleteNetworkAclEntryOutput](t)(w.DeleteNetworkAclEntry(w.ctx, &ec2.DeleteNetworkAclEntryInput{NetworkAclId: old.NetworkAclId, RuleNumber: aws.Int32(100), Egress: aws.Bool(true)}))
	_, err = w.DeleteNetworkAclEntry(w.ctx, &ec2.DeleteNetworkAclEntryInput{NetworkAclId: old.NetworkAclId, RuleNumber: aws.Int32(100), Egress: aws.Bool(true)})
	wantError(t, err, "InvalidNetworkAclEntry.NotFound", "The network acl entry identified by 100 does not exist.")
	must[ec2.DeleteVpcOutput](t)(w.DeleteVpc(w.ctx, &ec2.DeleteVpcInput{VpcId: &vpc}))
}
