package ec2_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/ec2"
)

func TestUnknownAndMalformedIDs(t *testing.T) {
	w := newWorld(t)
	const zeros = "00000000000000000"
	for name, c := range map[string]struct {
		ask           func(id string) error
		prefix        string
		code, message string
		malformed     string
	}{
		"vpc": {func(id string) error {
			_, err := w.DescribeVpcs(w.ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
			return err
		}, "vpc-", "InvalidVpcID.NotFound", "The vpc ID 'vpc-" + zeros + "' does not exist", "InvalidVpcID.Malformed"},
		"subnet": {func(id string) error {
			_, err := w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
			return err
		}, "subnet-", "InvalidSubnetID.NotFound", "The subnet ID 'subnet-" + zeros + "' does not exist", "InvalidSubnetID.Malformed"},
		"group": {func(id string) error {
			_, err := w.DescribeSecurityGroups(w.ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
			return err
		}, "sg-", "InvalidGroup.NotFound", "The security group 'sg-" + zeros + "' does not exist", "InvalidGroupId.Malformed"},
		"interface": {func(id string) error {
			_, err := w.DescribeNetworkInterfaces(w.ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id}})
			return err
		}, "eni-", "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-" + zeros + "' does not exist", "InvalidNetworkInterfaceId.Malformed"},
		"route table": {func(id string) error {
			_, err := w.DescribeRouteTables(w.ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{id}})
			return err
		}, "rtb-", "InvalidRouteTableID.NotFound", "The routeTable ID 'rtb-" + zeros + "' does not exist", "InvalidRouteTableId.Malformed"},
		"gateway": {func(id string) error {
			_, err := w.DescribeInternetGateways(w.ctx, &ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{id}})
			return err
		}, "igw-", "InvalidInternetGatewayID.NotFound", "The internetGateway ID 'igw-" + zeros + "' does not exist", "InvalidInternetGatewayId.Malformed"},
		"instance": {func(id string) error {
			_, err := w.DescribeInstances(w.ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
			return err
		}, "i-", "InvalidInstanceID.NotFound", "The instance ID 'i-" + zeros + "' does not exist", "InvalidInstanceID.Malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, c.ask(c.prefix+zeros), c.code, c.message)
			wantError(t, c.ask("web"), c.malformed, `Invalid id: "web" (expecting "`+c.prefix+`...")`)
			wantError(t, c.ask(c.prefix+"XYZ"), c.malformed, "")
		})
	}
	_, err := w.DescribeVpcs(w.ctx, &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-0000000a", w.defaultVPC(t), "vpc-0000000b"}})
	wantError(t, err, "InvalidVpcID.NotFound", "The vpc IDs 'vpc-0000000a, vpc-0000000b' do not exist")
}

func TestFilters(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc(t)
	named := func(cidr, name string) string {
		return *must[ec2.CreateSubnetOutput](t)(w.CreateSubnet(w.ctx, &ec2.CreateSubnetInput{VpcId: &vpc, CidrBlock: &cidr, TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeSubnet, Tags: []types.Tag{{Key: aws.String("Name"), Value: &name}},
		}}})).Subnet.SubnetId
	}
	a, b := named("10.0.1.0/24", "app-a"), named("10.0.2.0/24", "app*b")
	for name, c := range map[string]struct {
		filters []types.Filter
		want    []string
	}{
		"tag":            {filter("tag:Name", "app-a"), []string{a}},
		"wildcard":       {filter("tag:Name", "app*"), []string{a, b}},
		"one character":  {filter("tag:Name", "app-?"), []string{a}},
		"escaped":        {filter("tag:Name", `app\*b`), []string{b}},
		"any value":      {filter("tag:Name", "x", "app-a"), []string{a}},
		"key":            {filter("tag-key", "Name"), []string{a, b}},
		"case matters":   {filter("tag:name", "app-a"), nil},
		"all filters":    {append(filter("tag-key", "Name"), filter("cidr-block", "10.0.2.0/24")...), []string{b}},
		"other spelling": {filter("cidrBlock", "10.0.1.0/24"), []string{a}},
		"flag":           {append(filter("vpc-id", vpc), filter("map-public-ip-on-launch", "false")...), []string{a, b}},
		"count":          {append(filter("vpc-id", vpc), filter("available-ip-address-count", "251")...), []string{a, b}},
		"nothing":        {filter("vpc-id", "vpc-x"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			out := must[ec2.DescribeSubnetsOutput](t)(w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{Filters: c.filters}))
			var got []string
			for _, s := range out.Subnets {
				got = append(got, *s.SubnetId)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
	_, err := w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{Filters: filter("colour", "red")})
	wantError(t, err, "InvalidParameterValue", "The filter 'colour' is invalid")
	groups := must[ec2.DescribeSecurityGroupsOutput](t)(w.DescribeSecurityGroups(w.ctx, &ec2.DescribeSecurityGroupsInput{
		Filters: append(filter("egress.ip-permission.cidr", "0.0.0.0/0"), filter("vpc-id", vpc)...),
	})).SecurityGroups
	if len(groups) != 1 {
		t.Errorf("groups = %+v", groups)
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	in := &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(5)}
	for pages := 1; ; pages++ {
		out := must[ec2.DescribeSubnetsOutput](t)(w.DescribeSubnets(w.ctx, in))
		for _, s := range out.Subnets {
			seen[*s.SubnetId] = true
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			if pages != 2 || len(seen) != 6 {
				t.Errorf("%d subnets on %d pages", len(seen), pages)
			}
			break
		}
	}
	_, err := w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{NextToken: aws.String("nonsense")})
	wantError(t, err, "InvalidNextToken", "")
	_, err = w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(4)})
	wantError(t, err, "InvalidParameterValue", "Value (4) for parameter maxResults is invalid. Expecting a value greater than or equal to 5.")
	_, err = w.DescribeSubnets(w.ctx, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(5), SubnetIds: []string{"subnet-00000000000000000"}})
	wantError(t, err, "InvalidParameterCombination", "The parameter subnetIds cannot be used with the parameter maxResults")
}

func TestDryRun(t *testing.T) {
	w := newWorld(t)
	_, err := w.CreateVpc(w.ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), DryRun: aws.Bool(true)})
	wantError(t, err, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	if vpcs := must[ec2.DescribeVpcsOutput](t)(w.DescribeVpcs(w.ctx, &ec2.DescribeVpcsInput{})).Vpcs; len(vpcs) != 1 {
		t.Errorf("a dry run made a VPC: %+v", vpcs)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	vpc := w.defaultVPC(t)
	tag := func(key, value string) error {
		_, err := w.CreateTags(w.ctx, &ec2.CreateTagsInput{Resources: []string{vpc}, Tags: []types.Tag{{Key: &key, Value: &value}}})
		return err
	}
	for _, kv := range [][2]string{{"b", "1"}, {"a", "2"}, {"b", "3"}} {
		if err := tag(kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, tag("aws:x", ""), "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
	remove := func(tags ...types.Tag) string {
		must[ec2.DeleteTagsOutput](t)(w.DeleteTags(w.ctx, &ec2.DeleteTagsInput{Resources: []string{vpc}, Tags: tags}))
		left := ""
		for _, d := range must[ec2.DescribeTagsOutput](t)(w.DescribeTags(w.ctx, &ec2.DescribeTagsInput{Filters: filter("resource-id", vpc)})).Tags {
			left += *d.Key + "=" + *d.Value + " "
		}
		return left
	}
	if got := remove(types.Tag{Key: aws.String("b"), Value: aws.String("1")}); got != "a=2 b=3 " {
		t.Errorf("another value: %s", got)
	}
	if got := remove(types.Tag{Key: aws.String("b")}); got != "a=2 " {
		t.Errorf("by key: %s", got)
	}
	if got := remove(); got != "" {
		t.Errorf("all: %s", got)
	}
	_, err := w.CreateTags(w.ctx, &ec2.CreateTagsInput{Resources: []string{"x-1"}, Tags: []types.Tag{{Key: aws.String("k")}}})
	wantError(t, err, "InvalidID", "The ID 'x-1' is not valid")
}

func TestZonesAndRegions(t *testing.T) {
	w := newWorld(t)
	for region, want := range map[string][]string{
		"us-east-1":      {"use1-az1", "use1-az2", "use1-az3", "use1-az4", "use1-az5", "use1-az6"},
		"ap-northeast-1": {"apne1-az4", "apne1-az1", "apne1-az2"},
		"us-gov-west-1":  {"usgw1-az1", "usgw1-az2", "usgw1-az3"},
		"mars-north-7":   {"marsn7-az1", "marsn7-az2", "marsn7-az3"},
	} {
		out := must[ec2.DescribeAvailabilityZonesOutput](t)(w.DescribeAvailabilityZones(in(t.Context(), account, region), &ec2.DescribeAvailabilityZonesInput{}))
		var got []string
		for _, z := range out.AvailabilityZones {
			got = append(got, *z.ZoneId)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", region, got, want)
		}
	}
	out := must[ec2.DescribeRegionsOutput](t)(w.DescribeRegions(in(t.Context(), account, "cn-north-1"), &ec2.DescribeRegionsInput{}))
	if len(out.Regions) != 2 || *out.Regions[0].Endpoint != "ec2.cn-north-1.amazonaws.com.cn" {
		t.Errorf("regions of China = %+v", out.Regions)
	}
	_, err := w.DescribeRegions(w.ctx, &ec2.DescribeRegionsInput{RegionNames: []string{"mars-north-7"}})
	wantError(t, err, "InvalidParameterValue", "Invalid region provided: mars-north-7")
}
