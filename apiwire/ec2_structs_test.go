package apiwire_test

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// This file has inputs and outputs of the EC2 operations that AWS's VPC
// tutorials use, as a service writes them by hand.

type (
	CreateVpcInput struct {
		AmazonProvidedIpv6CidrBlock, DryRun      *bool
		CidrBlock, Ipv6CidrBlock, Ipv4IpamPoolId *string
		Ipv4NetmaskLength                        *int32
		InstanceTenancy                          types.Tenancy
		TagSpecifications                        []types.TagSpecification
	}
	CreateVpcOutput   struct{ Vpc *types.Vpc }
	DescribeVpcsInput struct {
		DryRun     *bool
		Filters    []types.Filter
		MaxResults *int32
		NextToken  *string
		VpcIds     []string
	}
	DescribeVpcsOutput struct {
		NextToken *string
		Vpcs      []types.Vpc
	}
	DescribeVpcAttributeInput struct {
		VpcId     *string
		Attribute types.VpcAttributeName
	}
	DescribeVpcAttributeOutput struct {
		VpcId                                *string
		EnableDnsHostnames, EnableDnsSupport *types.AttributeBooleanValue
	}
	ModifyVpcAttributeInput struct {
		VpcId                                *string
		EnableDnsHostnames, EnableDnsSupport *types.AttributeBooleanValue
	}
	ModifyVpcAttributeOutput struct{}
	CreateSubnetInput        struct {
		VpcId, AvailabilityZone, CidrBlock, Ipv6CidrBlock *string
		TagSpecifications                                 []types.TagSpecification
	}
	CreateSubnetOutput   struct{ Subnet *types.Subnet }
	DescribeSubnetsInput struct {
		Filters    []types.Filter
		SubnetIds  []string
		MaxResults *int32
	}
	DescribeSubnetsOutput struct {
		Subnets   []types.Subnet
		NextToken *string
	}
	ModifySubnetAttributeInput struct {
		SubnetId                                         *string
		MapPublicIpOnLaunch, AssignIpv6AddressOnCreation *types.AttributeBooleanValue
	}
	ModifySubnetAttributeOutput struct{}
	CreateSecurityGroupInput    struct {
		Description, GroupName, VpcId *string
		TagSpecifications             []types.TagSpecification
	}
	CreateSecurityGroupOutput struct {
		GroupId, SecurityGroupArn *string
		Tags                      []types.Tag
	}
	DescribeSecurityGroupsInput struct {
		Filters              []types.Filter
		GroupIds, GroupNames []string
	}
	DescribeSecurityGroupsOutput struct {
		SecurityGroups []types.SecurityGroup
		NextToken      *string
	}
	AuthorizeSecurityGroupIngressInput struct {
		GroupId, GroupName, CidrIp, IpProtocol              *string
		FromPort, ToPort                                    *int32
		IpPermissions                                       []types.IpPermission
		SourceSecurityGroupName, SourceSecurityGroupOwnerId *string
		TagSpecifications                                   []types.TagSpecification
	}
	AuthorizeSecurityGroupIngressOutput struct {
		Return             *bool
		SecurityGroupRules []types.SecurityGroupRule
	}
	RevokeSecurityGroupEgressInput struct {
		GroupId              *string
		IpPermissions        []types.IpPermission
		SecurityGroupRuleIds []string
	}
	RevokeSecurityGroupEgressOutput struct {
		Return                    *bool
		RevokedSecurityGroupRules []types.RevokedSecurityGroupRule
		UnknownIpPermissions      []types.IpPermission
	}
	DescribeSecurityGroupRulesInput struct {
		Filters              []types.Filter
		SecurityGroupRuleIds []string
	}
	DescribeSecurityGroupRulesOutput struct{ SecurityGroupRules []types.SecurityGroupRule }
	CreateInternetGatewayInput       struct{ TagSpecifications []types.TagSpecification }
	CreateInternetGatewayOutput      struct{ InternetGateway *types.InternetGateway }
	AttachInternetGatewayInput       struct{ InternetGatewayId, VpcId *string }
	AttachInternetGatewayOutput      struct{}
	DescribeInternetGatewaysInput    struct {
		Filters            []types.Filter
		InternetGatewayIds []string
	}
	DescribeInternetGatewaysOutput struct{ InternetGateways []types.InternetGateway }
	AllocateAddressInput           struct {
		Domain            types.DomainType
		TagSpecifications []types.TagSpecification
	}
	AllocateAddressOutput struct {
		AllocationId, PublicIp, NetworkBorderGroup *string
		Domain                                     types.DomainType
	}
	DescribeAddressesInput struct {
		AllocationIds, PublicIps []string
		Filters                  []types.Filter
	}
	DescribeAddressesOutput struct{ Addresses []types.Address }
	CreateNatGatewayInput   struct {
		SubnetId, AllocationId, ClientToken *string
		ConnectivityType                    types.ConnectivityType
		TagSpecifications                   []types.TagSpecification
	}
	CreateNatGatewayOutput struct {
		ClientToken *string
		NatGateway  *types.NatGateway
	}
	DescribeNatGatewaysInput struct {
		Filter        []types.Filter
		NatGatewayIds []string
	}
	DescribeNatGatewaysOutput struct{ NatGateways []types.NatGateway }
	CreateRouteTableInput     struct {
		VpcId             *string
		TagSpecifications []types.TagSpecification
	}
	CreateRouteTableOutput struct {
		ClientToken *string
		RouteTable  *types.RouteTable
	}
	CreateRouteInput struct {
		RouteTableId, DestinationCidrBlock, GatewayId, NatGatewayId, VpcPeeringConnectionId *string
	}
	CreateRouteOutput        struct{ Return *bool }
	AssociateRouteTableInput struct{ RouteTableId, SubnetId, GatewayId *string }

	AssociateRouteTableOutput struct {
		AssociationId    *string
		AssociationState *types.RouteTableAssociationState
	}
	DescribeRouteTablesInput struct {
		Filters       []types.Filter
		RouteTableIds []string
	}
	DescribeRouteTablesOutput struct{ RouteTables []types.RouteTable }
	CreateTagsInput           struct {
		Resources []string
		Tags      []types.Tag
	}
	CreateTagsOutput  struct{}
	DeleteTagsInput   CreateTagsInput
	DeleteTagsOutput  struct{}
	DescribeTagsInput struct {
		Filters    []types.Filter
		MaxResults *int32
	}
	DescribeTagsOutput             struct{ Tags []types.TagDescription }
	DescribeAvailabilityZonesInput struct {
		AllAvailabilityZones *bool
		Filters              []types.Filter
		ZoneIds, ZoneNames   []string
	}
	DescribeAvailabilityZonesOutput struct{ AvailabilityZones []types.AvailabilityZone }
	DescribeRegionsInput            struct {
		AllRegions  *bool
		RegionNames []string
		Filters     []types.Filter
	}
	DescribeRegionsOutput           struct{ Regions []types.Region }
	DescribeAccountAttributesInput  struct{ AttributeNames []types.AccountAttributeName }
	DescribeAccountAttributesOutput struct{ AccountAttributes []types.AccountAttribute }
	DescribeNetworkInterfacesInput  struct {
		Filters             []types.Filter
		NetworkInterfaceIds []string
	}
	DescribeNetworkInterfacesOutput struct{ NetworkInterfaces []types.NetworkInterface }
	DescribeInstancesInput          struct {
		Filters     []types.Filter
		InstanceIds []string
	}
	DescribeInstancesOutput struct{ Reservations []types.Reservation }
	CreateVpcEndpointInput  struct {
		VpcId, ServiceName, PolicyDocument         *string
		VpcEndpointType                            types.VpcEndpointType
		RouteTableIds, SubnetIds, SecurityGroupIds []string
		PrivateDnsEnabled                          *bool
		DnsOptions                                 *types.DnsOptionsSpecification
	}
	CreateVpcEndpointOutput   struct{ VpcEndpoint *types.VpcEndpoint }
	DescribeVpcEndpointsInput struct {
		Filters        []types.Filter
		VpcEndpointIds []string
	}
	DescribeVpcEndpointsOutput struct{ VpcEndpoints []types.VpcEndpoint }
	DescribeNetworkAclsInput   struct {
		Filters       []types.Filter
		NetworkAclIds []string
	}
	DescribeNetworkAclsOutput struct{ NetworkAcls []types.NetworkAcl }
	// RunInstances and launch templates are not served, but their names are the
	// oddest.
	RunInstancesInput struct {
		ImageId, SubnetId, UserData *string
		SecurityGroupIds            []string
		NetworkInterfaces           []types.InstanceNetworkInterfaceSpecification
		BlockDeviceMappings         []types.BlockDeviceMapping
		TagSpecifications           []types.TagSpecification
	}
	RunInstancesOutput                   struct{ Instances []types.Instance }
	DescribeLaunchTemplateVersionsInput  struct{ Versions []string }
	DescribeLaunchTemplateVersionsOutput struct{ LaunchTemplateVersions []types.LaunchTemplateVersion }
)
