package eks_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

const textAutoMode = "InvalidParameterException: For EKS Auto Mode, please ensure that all required configs, including computeConfig, kubernetesNetworkConfig, and blockStorage are all either fully enabled or fully disabled."

func key(arn string) []types.EncryptionConfig {
	return []types.EncryptionConfig{{Resources: []string{"secrets"}, Provider: &types.Provider{KeyArn: &arn}}}
}

func TestRefusedClusters(t *testing.T) {
	on := aws.Bool(true)
	place := func(ids ...string) func(*sdk.CreateClusterInput) {
		return func(in *sdk.CreateClusterInput) { in.ResourcesVpcConfig.SubnetIds = ids }
	}
	services := func(cidr string) func(*sdk.CreateClusterInput) {
		return func(in *sdk.CreateClusterInput) {
			in.KubernetesNetworkConfig = &types.KubernetesNetworkConfigRequest{ServiceIpv4Cidr: &cidr}
		}
	}
	w := newWorld(t)
	w.roles.trust["arn:aws:iam::"+testAccount+":role/other"] = "ec2.amazonaws.com"
	for _, row := range []struct {
		name string
		make func(in *sdk.CreateClusterInput)
		want string
	}{
		{"name", func(in *sdk.CreateClusterInput) { in.Name = aws.String("-web") },
			`InvalidParameterException: 1 validation error detected: Value '-web' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9A-Za-z][A-Za-z0-9\-_]*`},
		{"role", func(in *sdk.CreateClusterInput) { in.RoleArn = aws.String("cluster") }, "InvalidParameterException: Invalid Role Arn: 'cluster'"},
		{"no role", func(in *sdk.CreateClusterInput) { in.RoleArn = aws.String(clusterRole + "2") },
			"InvalidParameterException: Role with arn: " + clusterRole + "2 could not be assumed because it does not exist or the trusted entity is not correct"},
		{"role of another service", func(in *sdk.CreateClusterInput) {
			in.RoleArn = aws.String("arn:aws:iam::" + testAccount + ":role/other")
		},
			"InvalidParameterException: Role with arn: arn:aws:iam::" + testAccount + ":role/other could not be assumed because it does not exist or the trusted entity is not correct"},
		{"role of another account", func(in *sdk.CreateClusterInput) { in.RoleArn = aws.String("arn:aws:iam::222233334444:role/cluster") },
			"AccessDeniedException: Cross-account pass role is not allowed."},
		{"one subnet", place("subnet-a"), "InvalidParameterException: Subnets specified must be in at least two different AZs"},
		{"one zone", place("subnet-a", "subnet-a2"), "InvalidParameterException: Subnets specified must be in at least two different AZs"},
		{"no subnet", place(), "InvalidParameterException: Subnets specified must be in at least two different AZs"},
		{"unknown subnet", place("subnet-a", "subnet-x"),
			"InvalidParameterException: The subnet ID 'subnet-x' does not exist (Service: AmazonEC2; Status Code: 400; Error Code: InvalidSubnetID.NotFound)"},
		{"two VPCs", place("subnet-a", "subnet-10b"), "InvalidParameterException: Subnets specified must belong to the same VPC: subnet-a and subnet-10b do not"},
		{"zone without capacity", place("subnet-a", "subnet-b", "subnet-full"),
			"UnsupportedAvailabilityZoneException: Cannot create cluster 'web' because us-east-1e, the targeted availability zone, does not currently have sufficient capacity to support the cluster. " +
				"Retry and choose from these availability zones: eu-west-1a, eu-west-1b"},
		{"group elsewhere", func(in *sdk.CreateClusterInput) { in.ResourcesVpcConfig.SecurityGroupIds = []string{"sg-2"} },
			"InvalidParameterException: Security group(s) are not (in/associated to) the same VPC as the subnets"},
		{"unknown group", func(in *sdk.CreateClusterInput) { in.ResourcesVpcConfig.SecurityGroupIds = []string{"sg-x"} },
			"InvalidParameterException: The security group 'sg-x' does not exist (Service: AmazonEC2; Status Code: 400; Error Code: InvalidGroup.NotFound)"},
		{"many groups", func(in *sdk.CreateClusterInput) {
			in.ResourcesVpcConfig.SecurityGroupIds = slices.Repeat([]string{"sg-1"}, 6)
		}, "InvalidParameterException: securityGroupIds can have at most 5 items."},
		{"no endpoint", func(in *sdk.CreateClusterInput) { in.ResourcesVpcConfig.EndpointPublicAccess = aws.Bool(false) },
			"InvalidParameterException: Private and public endpoint access cannot be false"},
		{"public range", func(in *sdk.CreateClusterInput) { in.ResourcesVpcConfig.PublicAccessCidrs = []string{"203.0.113.1/24"} },
			"InvalidParameterException: The following CIDRs are invalid in publicAccessCidrs: [203.0.113.1/24]"},
		{"version", func(in *sdk.CreateClusterInput) { in.Version = aws.String("1.29") }, "InvalidParameterException: unsupported Kubernetes version 1.29"},
		{"patch version", func(in *sdk.CreateClusterInput) { in.Version = aws.String("1.35.0") }, "InvalidParameterException: unsupported Kubernetes version 1.35.0"},
		{"services public", services("8.8.0.0/16"), "InvalidParameterException: ServiceIpv4Cidr 8.8.0.0/16 must be within RFC1918 range"},
		{"services small", services("10.100.0.0/28"), "InvalidParameterException: ServiceIpv4Cidr 10.100.0.0/28 must have netmask size between /12 and /24 inclusive"},
		{"services large", services("10.0.0.0/8"), "InvalidParameterException: ServiceIpv4Cidr 10.0.0.0/8 must have netmask size between /12 and /24 inclusive"},
		{"services in the VPC", services("192.168.16.0/20"), "InvalidParameterException: ServiceIpv4Cidr 192.168.16.0/20 overlaps with the VPC's CIDR 192.168.0.0/16"},
		{"services malformed", services("10.100.0.1/16"), "InvalidParameterException: ServiceIpv4Cidr 10.100.0.1/16 is not a valid CIDR block"},
		{"IPv6 with a range", func(in *sdk.CreateClusterInput) {
			in.KubernetesNetworkConfig = &types.KubernetesNetworkConfigRequest{IpFamily: types.IpFamilyIpv6, ServiceIpv4Cidr: aws.String("10.100.0.0/16")}
		}, `InvalidParameterException: serviceIpv4Cidr cannot be specified when creating an "ipv6" cluster`},
		{"IPv6", func(in *sdk.CreateClusterInput) {
			in.KubernetesNetworkConfig = &types.KubernetesNetworkConfigRequest{IpFamily: types.IpFamilyIpv6}
		}, "InvalidParameterException: ipFamily: Neargate has no IPv6; clusters have the ipFamily ipv4 only."},
		{"encrypted pods", func(in *sdk.CreateClusterInput) {
			in.EncryptionConfig = []types.EncryptionConfig{{Resources: []string{"pods"}, Provider: &types.Provider{KeyArn: aws.String("arn:aws:kms:eu-west-1:1:key/k")}}}
		}, "InvalidParameterException: Invalid k8s resource for encryption"},
		{"key elsewhere", func(in *sdk.CreateClusterInput) { in.EncryptionConfig = key("arn:aws:kms:us-east-1:1:key/k") },
			"InvalidParameterException: The keyArn for encryptionConfig is scoped to invalid aws region."},
		{"no key", func(in *sdk.CreateClusterInput) { in.EncryptionConfig = key("k") }, "InvalidParameterException: The keyArn for encryptionConfig is invalid: k"},
		{"half of Auto Mode", func(in *sdk.CreateClusterInput) { in.ComputeConfig = &types.ComputeConfigRequest{Enabled: on} }, textAutoMode},
		{"Auto Mode by aws-auth", func(in *sdk.CreateClusterInput) {
			in.ComputeConfig, in.StorageConfig = &types.ComputeConfigRequest{Enabled: on}, &types.StorageConfigRequest{BlockStorage: &types.BlockStorage{Enabled: on}}
			in.KubernetesNetworkConfig = &types.KubernetesNetworkConfigRequest{ElasticLoadBalancing: &types.ElasticLoadBalancing{Enabled: on}}
		}, "InvalidParameterException: When EKS Auto Mode is enabled, you must use an EKS access config authentication mode of API_AND_CONFIG_MAP or API"},
		{"nobody let in", func(in *sdk.CreateClusterInput) {
			in.AccessConfig = &types.CreateAccessConfigRequest{BootstrapClusterCreatorAdminPermissions: aws.Bool(false)}
		}, "InvalidParameterException: bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is set to CONFIG_MAP"},
		{"logged twice", func(in *sdk.CreateClusterInput) {
			in.Logging = &types.Logging{ClusterLogging: []types.LogSetup{{Enabled: on, Types: allLogs}, {Types: allLogs[:1]}}}
		}, "InvalidParameterException: Invalid cluster logging type: api"},
		{"outpost", func(in *sdk.CreateClusterInput) {
			in.OutpostConfig = &types.OutpostConfigRequest{OutpostArns: []string{"o"}, ControlPlaneInstanceType: aws.String("m5.large")}
		}, "InvalidParameterException: outpostConfig: Neargate has no AWS Outposts."},
		{"tags", func(in *sdk.CreateClusterInput) { in.Tags = map[string]string{"aws:x": "y"} },
			"InvalidParameterException: Tag keys and values that begin with aws: are reserved: aws:x"},
	} {
		t.Run(row.name, func(t *testing.T) {
			in := newCluster("web")
			row.make(in)
			_, err := w.CreateCluster(w.ctx, in)
			refused(t, err, row.want)
		})
	}
	if out := must[*sdk.ListClustersOutput](t)(w.ListClusters(w.ctx, &sdk.ListClustersInput{})); len(out.Clusters) != 0 {
		t.Errorf("stored though refused: %v", out.Clusters)
	}
}

func TestRefusedDeletions(t *testing.T) {
	w := newWorld(t)
	drop := func() error {
		_, err := w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")})
		return err
	}
	w.planes.hold()
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("web")))
	refused(t, drop(), "ResourceInUseException: Cannot delete cluster web because its creation is in progress")
	w.reconcile()
	w.planes.release()
	w.reconcile()
	w.updated(t, &sdk.UpdateClusterConfigInput{Name: aws.String("web"), DeletionProtection: aws.Bool(true)})
	refused(t, drop(), "InvalidRequestException: Cluster 'web' cannot be deleted because deletion protection is enabled. Disable deletion protection and try again.")
	must[*sdk.UpdateClusterConfigOutput](t)(w.UpdateClusterConfig(w.ctx, &sdk.UpdateClusterConfigInput{Name: aws.String("web"), DeletionProtection: aws.Bool(false)}))
	refused(t, drop(), "ResourceInUseException: Cannot delete cluster web because it currently has an update in progress")
	w.reconcile()
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp")))
	refused(t, drop(), "ResourceInUseException: Cluster has Fargate profiles attached")
	w.reconcile()
	refused(t, drop(), "ResourceInUseException: Cluster has Fargate profiles attached")
	must[*sdk.DeleteFargateProfileOutput](t)(w.DeleteFargateProfile(w.ctx, &sdk.DeleteFargateProfileInput{ClusterName: aws.String("web"), FargateProfileName: aws.String("fp")}))
	w.reconcile()
	if err := drop(); err != nil {
		t.Fatal(err)
	}
	if c := w.describe("web"); c.Status != types.ClusterStatusDeleting || c.Health != nil {
		t.Errorf("cluster is %s: %v", c.Status, c.Health)
	}
	if err := drop(); err != nil {
		t.Errorf("a second deletion: %v", err)
	}
	_, err := w.CreateFargateProfile(w.ctx, newProfile("web", "fp"))
	refused(t, err, "InvalidRequestException: Cluster 'web' is not in ACTIVE status")
}
