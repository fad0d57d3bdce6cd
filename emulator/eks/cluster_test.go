package eks_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks/link"
)

func TestRoutesAreThoseOfTheSDK(t *testing.T) {
	ours, err := os.ReadFile("routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("../../apiwire/testdata/routes/eks.golden")
	if err != nil {
		t.Fatal(err)
	}
	if string(ours) != string(golden) {
		t.Error("routes.txt is not apiwire/testdata/routes/eks.golden any more: copy it")
	}
}

var allLogs = []types.LogType{"api", "audit", "authenticator", "controllerManager", "scheduler"}

// bare is a cluster of newCluster as it is shown while it is CREATING.
func bare(c *types.Cluster) *types.Cluster {
	return &types.Cluster{
		Name: aws.String("web"), Arn: aws.String(arnPrefix + "cluster/web"), CreatedAt: c.CreatedAt, Version: aws.String("1.35"), RoleArn: aws.String(clusterRole),
		ResourcesVpcConfig: &types.VpcConfigResponse{
			SubnetIds: []string{"subnet-a", "subnet-b"}, SecurityGroupIds: []string{}, VpcId: aws.String("vpc-1"),
			EndpointPublicAccess: true, PublicAccessCidrs: []string{"0.0.0.0/0"},
		},
		KubernetesNetworkConfig: &types.KubernetesNetworkConfigResponse{
			ServiceIpv4Cidr: aws.String("10.100.0.0/16"), IpFamily: types.IpFamilyIpv4, ElasticLoadBalancing: &types.ElasticLoadBalancing{Enabled: aws.Bool(false)},
		},
		Logging: &types.Logging{ClusterLogging: []types.LogSetup{{Enabled: aws.Bool(false), Types: allLogs}}},
		Status:  types.ClusterStatusCreating, CertificateAuthority: &types.Certificate{}, PlatformVersion: aws.String("eks.1"), Tags: map[string]string{},
		AccessConfig:  &types.AccessConfigResponse{AuthenticationMode: types.AuthenticationModeConfigMap, BootstrapClusterCreatorAdminPermissions: aws.Bool(true)},
		UpgradePolicy: &types.UpgradePolicyResponse{SupportType: types.SupportTypeExtended}, DeletionProtection: aws.Bool(false),
		ControlPlaneScalingConfig: &types.ControlPlaneScalingConfig{Tier: types.ProvisionedControlPlaneTierStandard},
	}
}

func TestClusterAppearsPartByPart(t *testing.T) {
	w := newWorld(t)
	w.planes.hold()
	made := must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("web"))).Cluster
	if made.CreatedAt == nil || made.CreatedAt.IsZero() {
		t.Error("it was never created")
	}
	if d := cmp.Diff(bare(made), made, smithyEqual); d != "" {
		t.Error(d)
	}
	w.reconcile()
	creating := w.describe("web")
	want := bare(made)
	want.ResourcesVpcConfig.ClusterSecurityGroupId = aws.String("sg-of-web")
	if d := cmp.Diff(want, creating, smithyEqual); d != "" {
		t.Errorf("while its control plane starts: %s", d)
	}
	w.planes.release()
	w.reconcile()
	active := w.describe("web")
	id := w.planes.all[*made.Arn].config.ID
	want.Status, want.Endpoint = types.ClusterStatusActive, aws.String("https://127.0.0.1:40123")
	want.CertificateAuthority = &types.Certificate{Data: aws.String(base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\n")))}
	want.Identity = &types.Identity{Oidc: &types.OIDC{Issuer: aws.String("https://oidc.eks.eu-west-1.amazonaws.com/id/" + id)}}
	want.Health = &types.ClusterHealth{Issues: []types.ClusterIssue{}}
	if d := cmp.Diff(want, active, smithyEqual); d != "" {
		t.Errorf("with its control plane: %s", d)
	}
	if len(id) != 32 || strings.ToUpper(id) != id {
		t.Errorf("id is %s", id)
	}
}

func TestControlPlaneIsStartedWithWhatTheClusterIs(t *testing.T) {
	w := newWorld(t)
	in := newCluster("web")
	in.Version, in.BootstrapSelfManagedAddons = aws.String("1.34"), aws.Bool(false)
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in))
	w.reconcile()
	arn := arnPrefix + "cluster/web"
	got := w.planes.all[arn].config
	want := link.Config{
		Name: "web", ARN: arn, Account: testAccount, Region: testRegion, ID: got.ID, Version: "1.34", ServiceCIDR: "10.100.0.0/16",
		Issuer:   "https://oidc.eks.eu-west-1.amazonaws.com/id/" + got.ID,
		Settings: link.Settings{Revision: 1, AuthenticationMode: "CONFIG_MAP", CreatorARN: "arn:aws:iam::" + testAccount + ":role/Admin", Version: "1.34"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	w.create("api", types.AuthenticationModeApi)
	settings := w.planes.told(arnPrefix + "cluster/api")
	if settings.CreatorARN != "" || len(settings.AccessEntries) != 1 || !settings.BootstrapAddons {
		t.Errorf("settings of a cluster with access entries: %+v", settings)
	}
}

func TestClusterSecurityGroup(t *testing.T) {
	w := newWorld(t)
	c := w.create("web", "")
	g, ok := w.network.groups[*c.ResourcesVpcConfig.ClusterSecurityGroupId]
	if !ok || !strings.HasPrefix(g.Name, "eks-cluster-sg-web-") || g.VPC != "vpc-1" {
		t.Errorf("group is %+v", g)
	}
	want := map[string]string{"Name": g.Name, "kubernetes.io/cluster/web": "owned", "aws:eks:cluster-name": "web"}
	if d := cmp.Diff(want, g.Tags); d != "" {
		t.Error(d)
	}
	must[*sdk.DeleteClusterOutput](t)(w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")}))
	w.reconcile()
	if len(w.network.groups) != 0 {
		t.Errorf("left behind: %v", w.network.groups)
	}
}

func TestClusterWithoutAPlaceFails(t *testing.T) {
	w := newWorld(t)
	w.network.groups["sg-of-web"] = w.network.groups["none"]
	c := w.create("web", "")
	if c.Status != types.ClusterStatusFailed || *c.Health.Issues[0].Message != "The cluster security group cannot be made: sg-of-web is there" {
		t.Errorf("cluster is %s: %+v", c.Status, c.Health)
	}
	if len(w.planes.all) != 0 {
		t.Error("its control plane runs on")
	}
}

func TestEverythingGivenIsKept(t *testing.T) {
	w := newWorld(t)
	in := newCluster("web")
	in.ResourcesVpcConfig.SecurityGroupIds = []string{"sg-1"}
	in.ResourcesVpcConfig.EndpointPrivateAccess, in.ResourcesVpcConfig.PublicAccessCidrs = aws.Bool(true), []string{"203.0.113.0/24"}
	in.KubernetesNetworkConfig = &types.KubernetesNetworkConfigRequest{ServiceIpv4Cidr: aws.String("172.16.0.0/20")}
	in.Logging = &types.Logging{ClusterLogging: []types.LogSetup{{Enabled: aws.Bool(true), Types: []types.LogType{"audit", "api"}}}}
	in.EncryptionConfig = []types.EncryptionConfig{{Resources: []string{"secrets"}, Provider: &types.Provider{KeyArn: aws.String("arn:aws:kms:eu-west-1:1:key/k")}}}
	in.AccessConfig = &types.CreateAccessConfigRequest{AuthenticationMode: types.AuthenticationModeApi, BootstrapClusterCreatorAdminPermissions: aws.Bool(false)}
	in.UpgradePolicy = &types.UpgradePolicyRequest{SupportType: types.SupportTypeStandard}
	in.ZonalShiftConfig = &types.ZonalShiftConfigRequest{Enabled: aws.Bool(true)}
	in.DeletionProtection, in.Tags = aws.Bool(true), map[string]string{"team": "blue"}
	in.ControlPlaneScalingConfig = &types.ControlPlaneScalingConfig{Tier: types.ProvisionedControlPlaneTierTierXl}
	in.KubeApiServerConfig = &types.KubeApiServerConfigRequest{EventTtl: aws.String("30m")}
	in.RemoteNetworkConfig = &types.RemoteNetworkConfigRequest{RemoteNodeNetworks: []types.RemoteNodeNetwork{{Cidrs: []string{"10.9.0.0/16"}}}}
	in.ComputeConfig = &types.ComputeConfigRequest{Enabled: aws.Bool(true), NodePools: []string{"system"}, NodeRoleArn: aws.String(nodeRole)}
	in.StorageConfig = &types.StorageConfigRequest{BlockStorage: &types.BlockStorage{Enabled: aws.Bool(true)}}
	in.KubernetesNetworkConfig.ElasticLoadBalancing = &types.ElasticLoadBalancing{Enabled: aws.Bool(true)}
	made := must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in)).Cluster
	want := bare(made)
	v := want.ResourcesVpcConfig
	v.SecurityGroupIds, v.EndpointPrivateAccess, v.PublicAccessCidrs = []string{"sg-1"}, true, []string{"203.0.113.0/24"}
	want.KubernetesNetworkConfig.ServiceIpv4Cidr, want.KubernetesNetworkConfig.ElasticLoadBalancing.Enabled = aws.String("172.16.0.0/20"), aws.Bool(true)
	want.Logging.ClusterLogging = []types.LogSetup{
		{Enabled: aws.Bool(true), Types: []types.LogType{"api", "audit"}}, {Enabled: aws.Bool(false), Types: []types.LogType{"authenticator", "controllerManager", "scheduler"}}}
	want.EncryptionConfig, want.Tags, want.DeletionProtection = in.EncryptionConfig, in.Tags, aws.Bool(true)
	want.AccessConfig = &types.AccessConfigResponse{AuthenticationMode: types.AuthenticationModeApi, BootstrapClusterCreatorAdminPermissions: aws.Bool(false)}
	want.UpgradePolicy.SupportType, want.ZonalShiftConfig = types.SupportTypeStandard, &types.ZonalShiftConfigResponse{Enabled: aws.Bool(true)}
	want.ControlPlaneScalingConfig.Tier = types.ProvisionedControlPlaneTierTierXl
	want.KubeApiServerConfig = &types.KubeApiServerConfigResponse{EventTtl: aws.String("30m")}
	want.RemoteNetworkConfig = &types.RemoteNetworkConfigResponse{RemoteNodeNetworks: in.RemoteNetworkConfig.RemoteNodeNetworks}
	want.ComputeConfig = &types.ComputeConfigResponse{Enabled: aws.Bool(true), NodePools: []string{"system"}, NodeRoleArn: aws.String(nodeRole)}
	want.StorageConfig = &types.StorageConfigResponse{BlockStorage: in.StorageConfig.BlockStorage}
	if d := cmp.Diff(want, made, smithyEqual); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(made, w.describe("web"), smithyEqual); d != "" {
		t.Errorf("shown differs from answered: %s", d)
	}
}

func TestServicesAreBesideTheVPC(t *testing.T) {
	w := newWorld(t)
	in := newCluster("ten")
	in.ResourcesVpcConfig.SubnetIds = []string{"subnet-10a", "subnet-10b"}
	out := must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in))
	if got := *out.Cluster.KubernetesNetworkConfig.ServiceIpv4Cidr; got != "172.20.0.0/16" {
		t.Errorf("services are in %s", got)
	}
}

func TestCreateClusterIsIdempotentByItsToken(t *testing.T) {
	w := newWorld(t)
	in := newCluster("web")
	in.ClientRequestToken = aws.String("t1")
	first := must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in)).Cluster
	again := must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in)).Cluster
	if d := cmp.Diff(first, again, smithyEqual); d != "" {
		t.Error(d)
	}
	in.Version = aws.String("1.34")
	_, err := w.CreateCluster(w.ctx, in)
	refused(t, err, "ResourceInUseException: Cluster already exists with name: web")
	wantStatus(t, err, 409)
	_, err = w.CreateCluster(w.ctx, newCluster("web"))
	refused(t, err, "ResourceInUseException: Cluster already exists with name: web")
}

func TestListClusters(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster(fmt.Sprint("c", i))))
	}
	var names []string
	pages := sdk.NewListClustersPaginator(w.Client, &sdk.ListClustersInput{MaxResults: aws.Int32(2), Include: []string{"all"}})
	n := 0
	for pages.HasMorePages() {
		names = append(names, must[*sdk.ListClustersOutput](t)(pages.NextPage(w.ctx)).Clusters...)
		n++
	}
	if got := strings.Join(names, " "); got != "c0 c1 c2 c3 c4" || n != 3 {
		t.Errorf("%d pages of %s", n, got)
	}
	_, err := w.ListClusters(w.ctx, &sdk.ListClustersInput{NextToken: aws.String("x")})
	refused(t, err, "InvalidParameterException: Invalid nextToken: x")
	_, err = w.ListClusters(w.ctx, &sdk.ListClustersInput{Include: []string{"some"}})
	refused(t, err, "InvalidParameterException: include should be one of [all]")
	elsewhere := func(o *sdk.Options) { o.Region = "us-east-1" }
	if out := must[*sdk.ListClustersOutput](t)(w.ListClusters(w.ctx, &sdk.ListClustersInput{}, elsewhere)); len(out.Clusters) != 0 {
		t.Errorf("another region has %v", out.Clusters)
	}
	first := must[*sdk.ListClustersOutput](t)(w.ListClusters(w.ctx, &sdk.ListClustersInput{MaxResults: aws.Int32(1)}))
	_, err = w.ListFargateProfiles(w.ctx, &sdk.ListFargateProfilesInput{ClusterName: aws.String("c0"), NextToken: first.NextToken})
	refused(t, err, "InvalidParameterException: Invalid nextToken: "+*first.NextToken)
}

func TestUnknownCluster(t *testing.T) {
	w := newWorld(t)
	name := aws.String("nope")
	_, described := w.DescribeCluster(w.ctx, &sdk.DescribeClusterInput{Name: name})
	_, deleted := w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: name})
	_, updated := w.UpdateClusterConfig(w.ctx, &sdk.UpdateClusterConfigInput{Name: name, DeletionProtection: aws.Bool(true)})
	_, versioned := w.UpdateClusterVersion(w.ctx, &sdk.UpdateClusterVersionInput{Name: name, Version: aws.String("1.36")})
	_, listed := w.ListFargateProfiles(w.ctx, &sdk.ListFargateProfilesInput{ClusterName: name})
	_, profile := w.DescribeFargateProfile(w.ctx, &sdk.DescribeFargateProfileInput{ClusterName: name, FargateProfileName: name})
	_, update := w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{Name: name, UpdateId: name})
	_, encrypted := w.AssociateEncryptionConfig(w.ctx, &sdk.AssociateEncryptionConfigInput{ClusterName: name, EncryptionConfig: []types.EncryptionConfig{}})
	for _, err := range []error{described, deleted, updated, versioned, listed, profile, update, encrypted} {
		refused(t, err, "ResourceNotFoundException: No cluster found for name: nope.")
		wantStatus(t, err, 404)
	}
}

func TestRecordsOnly(t *testing.T) {
	w := recordsWorld(t)
	c := w.create("web", "")
	if c.Status != types.ClusterStatusActive || len(c.Health.Issues) != 1 || !strings.Contains(*c.Health.Issues[0].Message, "keeps records only") {
		t.Errorf("cluster is %s: %+v", c.Status, c.Health)
	}
	text, err := base64.StdEncoding.DecodeString(*c.CertificateAuthority.Data)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if ca, err := x509.ParseCertificate(block.Bytes); err != nil || !ca.IsCA {
		t.Errorf("not an authority: %v", err)
	}
	if !strings.HasPrefix(*c.Endpoint, "https://") || !strings.HasSuffix(*c.Endpoint, ".eu-west-1.eks.amazonaws.com") {
		t.Errorf("endpoint is %s", *c.Endpoint)
	}
	w.reconcile()
	if again := w.describe("web"); *again.CertificateAuthority.Data != *c.CertificateAuthority.Data {
		t.Error("the authority changes by itself")
	}
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp")))
	w.reconcile()
	if p := w.profile("web", "fp"); p.Status != types.FargateProfileStatusActive {
		t.Errorf("profile is %s", p.Status)
	}
	must[*sdk.UpdateClusterVersionOutput](t)(w.UpdateClusterVersion(w.ctx, &sdk.UpdateClusterVersionInput{Name: aws.String("web"), Version: aws.String("1.36")}))
	w.reconcile()
	if c := w.describe("web"); *c.Version != "1.36" || c.Status != types.ClusterStatusActive {
		t.Errorf("cluster is %s in %s", *c.Version, c.Status)
	}
	must[*sdk.DeleteFargateProfileOutput](t)(w.DeleteFargateProfile(w.ctx, &sdk.DeleteFargateProfileInput{ClusterName: aws.String("web"), FargateProfileName: aws.String("fp")}))
	w.reconcile()
	must[*sdk.DeleteClusterOutput](t)(w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")}))
	w.reconcile()
	if out := must[*sdk.ListClustersOutput](t)(w.ListClusters(w.ctx, &sdk.ListClustersInput{})); len(out.Clusters) != 0 {
		t.Errorf("left: %v", out.Clusters)
	}
}
