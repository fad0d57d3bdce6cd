package ec2_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/ec2"
	"github.com/neargate/neargate/emulator/store"
	"github.com/rs/zerolog"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	scope   = account + "/" + region
)

// world is an EC2 on a fresh store.
type world struct {
	*ec2.API
	store *store.Store
	ctx   context.Context
	tasks *tasks
}

// tasks plays the service that owns network interfaces of tasks.
type tasks struct{ enis []types.NetworkInterface }

func (t *tasks) Interfaces(_ *store.Tx, scope string) ([]types.NetworkInterface, error) {
	if scope != account+"/"+region {
		return nil, nil
	}
	return t.enis, nil
}

func newWorld(t *testing.T) world {
	t.Helper()
	st, err := store.Open(t.Context(), "memory", store.Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	owner := &tasks{}
	return world{API: ec2.New(ec2.Config{Store: st, Attached: owner}), store: st, ctx: in(t.Context(), account, region), tasks: owner}
}

func in(ctx context.Context, account, region string) context.Context {
	return apiwire.WithCall(ctx, apiwire.Call{
		Service: "ec2", Operation: "Test", Account: account, Region: region, Partition: apiwire.PartitionOf(region), RequestID: "r",
	})
}

// must returns what an operation answered.
func must[T any](t *testing.T) func(*T, error) *T {
	return func(out *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// wantError checks an error's code and text.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	e, ok := errors.AsType[*ec2.Error](err)
	if !ok {
		t.Fatalf("error = %v, want %s", err, code)
	}
	if e.Code != code || message != "" && e.Message != message {
		t.Errorf("error = %s: %s\nwant    %s: %s", e.Code, e.Message, code, message)
	}
}

func filter(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: aws.String(name), Values: values}}
}

// defaultVPC returns the id of the default VPC.
func (w world) defaultVPC(t *testing.T) string {
	t.Helper()
	out := must[ec2.DescribeVpcsOutput](t)(w.DescribeVpcs(w.ctx, &ec2.DescribeVpcsInput{Filters: filter("is-default", "true")}))
	if len(out.Vpcs) != 1 {
		t.Fatalf("%d default VPCs, want 1", len(out.Vpcs))
	}
	return *out.Vpcs[0].VpcId
}

// vpc makes a VPC of 10.0.0.0/16.
func (w world) vpc(t *testing.T) string {
	t.Helper()
	return *must[ec2.CreateVpcOutput](t)(w.CreateVpc(w.ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})).Vpc.VpcId
}

func (w world) subnet(t *testing.T, vpc, cidr string) string {
	t.Helper()
	return *must[ec2.CreateSubnetOutput](t)(w.CreateSubnet(w.ctx, &ec2.CreateSubnetInput{VpcId: &vpc, CidrBlock: &cidr})).Subnet.SubnetId
}

func TestDefaultVPC(t *testing.T) {
	w := newWorld(t)
	vpcID := w.defaultVPC(t)
	subnets := must[ec2.DescribeSubnetsOutput](t)(w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{Filters: filter("vpc-id", vpcID)})).Subnets
	if len(subnets) != 6 {
		t.Fatalf("%d subnets in us-east-1, want 6", len(subnets))
	}
	for _, s := range subnets {
		if !*s.DefaultForAz || !*s.MapPublicIpOnLaunch || *s.AvailableIpAddressCount != 4091 {
			t.Errorf("subnet %s: default %v, public %v, %d addresses", *s.CidrBlock, *s.DefaultForAz, *s.MapPublicIpOnLaunch, *s.AvailableIpAddressCount)
		}
		if want := "arn:aws:ec2:us-east-1:000000000000:subnet/" + *s.SubnetId; *s.SubnetArn != want {
			t.Errorf("arn = %s, want %s", *s.SubnetArn, want)
		}
	}
	groups := must[ec2.DescribeSecurityGroupsOutput](t)(w.DescribeSecurityGroups(w.ctx, &ec2.DescribeSecurityGroupsInput{})).SecurityGroups
	if len(groups) != 1 || *groups[0].GroupName != "default" || len(groups[0].IpPermissions) != 1 || len(groups[0].IpPermissionsEgress) != 1 {
		t.Errorf("security groups = %+v", groups)
	}
	main := must[ec2.DescribeRouteTablesOutput](t)(w.DescribeRouteTables(w.ctx, &ec2.DescribeRouteTablesInput{Filters: filter("association.main", "true")})).RouteTables
	if len(main) != 1 || len(main[0].Routes) != 2 {
		t.Fatalf("main route table = %+v", main)
	}
	acls := must[ec2.DescribeNetworkAclsOutput](t)(w.DescribeNetworkAcls(w.ctx, &ec2.DescribeNetworkAclsInput{Filters: filter("default", "true")})).NetworkAcls
	if len(acls) != 1 || len(acls[0].Associations) != 6 {
		t.Errorf("network ACLs = %+v", acls)
	}
}

func TestScopesAreApart(t *testing.T) {
	w := newWorld(t)
	here := w.defaultVPC(t)
	for _, other := range []context.Context{in(t.Context(), account, "eu-west-1"), in(t.Context(), "111111111111", region)} {
		out := must[ec2.DescribeVpcsOutput](t)(w.DescribeVpcs(other, &ec2.DescribeVpcsInput{}))
		if len(out.Vpcs) != 1 || *out.Vpcs[0].VpcId == here {
			t.Errorf("VPCs elsewhere = %+v", out.Vpcs)
		}
		_, err := w.DescribeVpcs(other, &ec2.DescribeVpcsInput{VpcIds: []string{here}})
		wantError(t, err, "InvalidVpcID.NotFound", "The vpc ID '"+here+"' does not exist")
	}
}

func TestDefaultVPCStaysDeleted(t *testing.T) {
	w := newWorld(t)
	id := w.defaultVPC(t)
	_, err := w.CreateDefaultVpc(w.ctx, &ec2.CreateDefaultVpcInput{})
	wantError(t, err, "DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
	w.clear(t, id)
	if vpcs := must[ec2.DescribeVpcsOutput](t)(w.DescribeVpcs(w.ctx, &ec2.DescribeVpcsInput{})).Vpcs; len(vpcs) != 0 {
		t.Fatalf("VPCs after deleting = %+v", vpcs)
	}
	_, err = w.CreateSecurityGroup(w.ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web")})
	wantError(t, err, "VPCIdNotSpecified", "No default VPC for this user")
	made := must[ec2.CreateDefaultVpcOutput](t)(w.CreateDefaultVpc(w.ctx, &ec2.CreateDefaultVpcInput{}))
	if *made.Vpc.VpcId == id || !*made.Vpc.IsDefault {
		t.Errorf("new default VPC = %+v", made.Vpc)
	}
}

// clear deletes a VPC with its subnets and gateway, checking that it does not
// go before them.
func (w world) clear(t *testing.T, vpc string) {
	t.Helper()
	_, err := w.DeleteVpc(w.ctx, &ec2.DeleteVpcInput{VpcId: &vpc})
	wantError(t, err, "DependencyViolation", "The vpc '"+vpc+"' has dependencies and cannot be deleted.")
	for _, s := range must[ec2.DescribeSubnetsOutput](t)(w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{Filters: filter("vpc-id", vpc)})).Subnets {
		must[ec2.DeleteSubnetOutput](t)(w.DeleteSubnet(w.ctx, &ec2.DeleteSubnetInput{SubnetId: s.SubnetId}))
	}
	gateways := must[ec2.DescribeInternetGatewaysOutput](t)(w.DescribeInternetGateways(w.ctx, &ec2.DescribeInternetGatewaysInput{Filters: filter("attachment.vpc-id", vpc)}))
	for _, g := range gateways.InternetGateways {
		_, err := w.DeleteInternetGateway(w.ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId})
		wantError(t, err, "DependencyViolation", "")
		must[ec2.DetachInternetGatewayOutput](t)(w.DetachInternetGateway(w.ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: &vpc}))
		must[ec2.DeleteInternetGatewayOutput](t)(w.DeleteInternetGateway(w.ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId}))
	}
	must[ec2.DeleteVpcOutput](t)(w.DeleteVpc(w.ctx, &ec2.DeleteVpcInput{VpcId: &vpc}))
}
