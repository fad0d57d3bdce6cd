package ec2_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/neargate/neargate/apiwire"
)

// cli runs the real AWS CLI against an EC2 that is served over HTTP, and
// remembers answers under names.
type cli struct {
	path     string
	endpoint string
	names    map[string]string
}

// run runs "aws ec2 …" and returns what it prints to either stream, without
// space around it. $name stands for an answer remembered.
func (c cli) run(t *testing.T, line string) string {
	t.Helper()
	line = os.Expand(line, func(name string) string { return c.names[name] })
	args := []string{"ec2", "--endpoint-url", c.endpoint, "--output", "text"}
	cmd := exec.CommandContext(t.Context(), c.path, append(args, strings.Fields(line)...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1", "AWS_MAX_ATTEMPTS=1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatalf("aws ec2 %s: %v", line, err)
	}
	return strings.TrimSpace(string(out))
}

// TestCLI walks through what tutorials do, with the real AWS CLI: its model of
// EC2 is the judge of names on the wire.
func TestCLI(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: half a minute of starting the AWS CLI")
	}
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("SKIPPED: the AWS CLI is not installed, so EC2's wire form is not checked against it")
	}
	service := apiwire.EC2Query("ec2", "2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/", newWorld(t).API).
		WithConstraints(apiwire.ConstraintsOf("ec2"), apiwire.VoiceEC2)
	server := httptest.NewServer(apiwire.New(apiwire.Options{}, service))
	t.Cleanup(server.Close)
	c := cli{path: path, endpoint: server.URL, names: map[string]string{}}
	for _, step := range []struct{ name, line, want string }{ // want is a regular expression
		{"zones", "describe-subnets --filters Name=default-for-az,Values=true --query length(Subnets)", `6`},
		{"vpc", "create-vpc --cidr-block 10.0.0.0/16 --tag-specifications ResourceType=vpc,Tags=[{Key=Name,Value=main}] --query Vpc.VpcId", `vpc-[0-9a-f]{17}`},
		{"", "modify-vpc-attribute --vpc-id $vpc --enable-dns-hostnames", ``},
		{"", "describe-vpc-attribute --vpc-id $vpc --attribute enableDnsHostnames --query EnableDnsHostnames.Value", `True`},
		{"", "describe-vpcs --filters Name=tag:Name,Values=ma* --query Vpcs[].[VpcId,CidrBlock,IsDefault,CidrBlockAssociationSet[0].CidrBlockState.State]", `vpc-\w+\t10.0.0.0/16\tFalse\tassociated`},
		{"public", "create-subnet --vpc-id $vpc --cidr-block 10.0.1.0/24 --availability-zone us-east-1b --query Subnet.SubnetId", `subnet-[0-9a-f]{17}`},
		{"", "modify-subnet-attribute --subnet-id $public --map-public-ip-on-launch", ``},
		{"", "describe-subnets --subnet-ids $public --query Subnets[].[AvailabilityZoneId,AvailableIpAddressCount,MapPublicIpOnLaunch,State]", `use1-az2\t251\tTrue\tavailable`},
		{"igw", "create-internet-gateway --query InternetGateway.InternetGatewayId", `igw-[0-9a-f]{17}`},
		{"", "attach-internet-gateway --internet-gateway-id $igw --vpc-id $vpc", ``},
		{"rtb", "create-route-table --vpc-id $vpc --query RouteTable.RouteTableId", `rtb-[0-9a-f]{17}`},
		{"", "create-route --route-table-id $rtb --destination-cidr-block 0.0.0.0/0 --gateway-id $igw --query Return", `True`},
		{"assoc", "associate-route-table --route-table-id $rtb --subnet-id $public --query AssociationId", `rtbassoc-[0-9a-f]{17}`},
		{"", "describe-route-tables --filters Name=association.subnet-id,Values=$public --query RouteTables[].Routes[].[DestinationCidrBlock,GatewayId,State]", `10.0.0.0/16\tlocal\tactive\n0.0.0.0/0\tigw-\w+\tactive`},
		{"eip", "allocate-address --domain vpc --query AllocationId", `eipalloc-[0-9a-f]{17}`},
		{"nat", "create-nat-gateway --subnet-id $public --allocation-id $eip --query NatGateway.NatGatewayId", `nat-[0-9a-f]{17}`},
		{"", "describe-nat-gateways --filter Name=vpc-id,Values=$vpc --query NatGateways[].[State,NatGatewayAddresses[0].PrivateIp,NatGatewayAddresses[0].PublicIp]", `available\t10.0.1.4\t203.0.113.4`},
		{"", "describe-network-interfaces --filters Name=subnet-id,Values=$public --query NetworkInterfaces[].[InterfaceType,Status,Attachment.Status,Association.PublicIp]", `nat_gateway\tin-use\tattached\t203.0.113.4`},
		{"sg", "create-security-group --group-name web --description web --vpc-id $vpc --query GroupId", `sg-[0-9a-f]{17}`},
		{"", "authorize-security-group-ingress --group-id $sg --protocol tcp --port 80 --cidr 0.0.0.0/0 --query SecurityGroupRules[].[IpProtocol,FromPort,CidrIpv4,IsEgress]", `tcp\t80\t0.0.0.0/0\tFalse`},
		{"", "authorize-security-group-ingress --group-id $sg --protocol tcp --port 80 --cidr 0.0.0.0/0", `(?s).*\(InvalidPermission.Duplicate\).*: the specified rule "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW" already exists`},
		{"", "describe-security-groups --group-ids $sg --query SecurityGroups[].[GroupName,IpPermissions[0].IpRanges[0].CidrIp,IpPermissionsEgress[0].IpProtocol]", `web\t0.0.0.0/0\t-1`},
		{"", "describe-security-group-rules --filters Name=group-id,Values=$sg --query length(SecurityGroupRules)", `2`},
		{"", "create-tags --resources $sg $public --tags Key=team,Value=a", ``},
		{"", "describe-tags --filters Name=key,Values=team --query Tags[].ResourceType", `security-group\tsubnet`},
		{"", "describe-network-acls --filters Name=vpc-id,Values=$vpc --query NetworkAcls[].[IsDefault,length(Entries),length(Associations)]", `True\t4\t1`},
		{"", "describe-availability-zones --query AvailabilityZones[0].[ZoneName,ZoneId,State,OptInStatus,ZoneType]", `us-east-1a\tuse1-az1\tavailable\topt-in-not-required\tavailability-zone`},
		{"", "describe-regions --region-names eu-west-1 --query Regions[].Endpoint", `ec2.eu-west-1.amazonaws.com`},
		{"", "describe-account-attributes --attribute-names supported-platforms --query AccountAttributes[].AttributeValues[].AttributeValue", `VPC`},
		{"", "describe-vpc-endpoints --query length(VpcEndpoints)", `0`},
		{"", "describe-instances --query length(Reservations)", `0`},
		{"", "describe-subnets --filters Name=colour,Values=red", `(?s).*\(InvalidParameterValue\).*: The filter 'colour' is invalid`},
		{"", "describe-vpcs --vpc-ids vpc-00000000000000000", `(?s).*\(InvalidVpcID.NotFound\).*: The vpc ID 'vpc-00000000000000000' does not exist`},
		{"", "delete-vpc --vpc-id $vpc", `(?s).*\(DependencyViolation\).*: The vpc 'vpc-\w+' has dependencies and cannot be deleted.`},
		{"", "delete-security-group --group-id $sg --dry-run", `(?s).*\(DryRunOperation\).*: Request would have succeeded, but DryRun flag is set.`},
		{"", "delete-nat-gateway --nat-gateway-id $nat --query NatGatewayId", `nat-\w+`},
		{"", "disassociate-route-table --association-id $assoc", ``},
		{"", "delete-security-group --group-id $sg --query GroupId", `sg-\w+`},
	} {
		got := c.run(t, step.line)
		if !regexp.MustCompile(`^(?:` + step.want + `)$`).MatchString(got) {
			t.Errorf("aws ec2 %s\n%s\nwant %s", step.line, got, step.want)
		}
		c.names[step.name] = got
	}
}
