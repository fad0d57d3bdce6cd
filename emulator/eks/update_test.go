package eks_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks/link"
)

// updated changes a cluster and has the change come into force.
func (w *world) updated(t *testing.T, in *sdk.UpdateClusterConfigInput) *types.Update {
	t.Helper()
	u := must[*sdk.UpdateClusterConfigOutput](t)(w.UpdateClusterConfig(w.ctx, in)).Update
	if u.Status != types.UpdateStatusInProgress || w.describe(*in.Name).Status != types.ClusterStatusUpdating {
		t.Errorf("update is %s of a cluster that is %s", u.Status, w.describe(*in.Name).Status)
	}
	w.reconcile()
	u = w.updateOf(t, *in.Name, *u.Id)
	if u.Status != types.UpdateStatusSuccessful || w.describe(*in.Name).Status != types.ClusterStatusActive {
		t.Errorf("update is %s of a cluster that is %s", u.Status, w.describe(*in.Name).Status)
	}
	return u
}

func (w *world) updateOf(t *testing.T, cluster, id string) *types.Update {
	t.Helper()
	return must[*sdk.DescribeUpdateOutput](t)(w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{Name: &cluster, UpdateId: &id})).Update
}

func params(pairs ...string) (list []types.UpdateParam) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.UpdateParam{Type: types.UpdateParamType(pairs[i]), Value: &pairs[i+1]})
	}
	return list
}

func TestUpdateClusterConfig(t *testing.T) {
	on := aws.Bool(true)
	for _, row := range []struct {
		kind  types.UpdateType
		give  func(in *sdk.UpdateClusterConfigInput)
		want  []types.UpdateParam
		show  func(c *types.Cluster) // what the change makes of the cluster
		again string                 // said when it is asked for once more
	}{
		{types.UpdateTypeLoggingUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.Logging = &types.Logging{ClusterLogging: []types.LogSetup{{Enabled: on, Types: []types.LogType{"audit"}}}}
		}, params("ClusterLogging", `{"clusterLogging":[{"types":["audit"],"enabled":true}]}`), func(c *types.Cluster) {
			c.Logging.ClusterLogging = []types.LogSetup{
				{Enabled: on, Types: []types.LogType{"audit"}}, {Enabled: aws.Bool(false), Types: []types.LogType{"api", "authenticator", "controllerManager", "scheduler"}}}
		}, "No changes needed for the logging config provided"},
		{types.UpdateTypeEndpointAccessUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.ResourcesVpcConfig = &types.VpcConfigRequest{EndpointPrivateAccess: on, PublicAccessCidrs: []string{"203.0.113.0/24"}}
		}, params("EndpointPublicAccess", "true", "EndpointPrivateAccess", "true", "PublicAccessCidrs", `["203.0.113.0/24"]`), func(c *types.Cluster) {
			c.ResourcesVpcConfig.EndpointPrivateAccess, c.ResourcesVpcConfig.PublicAccessCidrs = true, []string{"203.0.113.0/24"}
		}, "Cluster is already at the desired configuration with endpointPrivateAccess: true , endpointPublicAccess: true, and Public Endpoint Restrictions: [203.0.113.0/24]"},
		{types.UpdateTypeVpcConfigUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.ResourcesVpcConfig = &types.VpcConfigRequest{SubnetIds: []string{"subnet-a2", "subnet-b"}, SecurityGroupIds: []string{"sg-1"}}
		}, params("Subnets", `["subnet-a2","subnet-b"]`, "SecurityGroups", `["sg-1"]`), func(c *types.Cluster) {
			c.ResourcesVpcConfig.SubnetIds, c.ResourcesVpcConfig.SecurityGroupIds = []string{"subnet-a2", "subnet-b"}, []string{"sg-1"}
		}, "Cluster is already at the desired configuration with subnets: [subnet-a2, subnet-b], and security groups: [sg-1]"},
		{types.UpdateTypeAccessConfigUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.AccessConfig = &types.UpdateAccessConfigRequest{AuthenticationMode: types.AuthenticationModeApiAndConfigMap}
		}, params("AuthenticationMode", "API_AND_CONFIG_MAP"), func(c *types.Cluster) {
			c.AccessConfig.AuthenticationMode = types.AuthenticationModeApiAndConfigMap
		}, "Unsupported authentication mode update from API_AND_CONFIG_MAP to API_AND_CONFIG_MAP"},
		{types.UpdateTypeUpgradePolicyUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.UpgradePolicy = &types.UpgradePolicyRequest{SupportType: types.SupportTypeStandard}
		}, params("UpgradePolicy", `{"supportType":"STANDARD"}`), func(c *types.Cluster) { c.UpgradePolicy.SupportType = types.SupportTypeStandard },
			"No changes needed for the upgrade policy provided"},
		{types.UpdateTypeZonalShiftConfigUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.ZonalShiftConfig = &types.ZonalShiftConfigRequest{Enabled: on}
		}, params("ZonalShiftConfig", `{"enabled":true}`), func(c *types.Cluster) { c.ZonalShiftConfig = &types.ZonalShiftConfigResponse{Enabled: on} },
			"No changes needed for the zonal shift config provided"},
		{types.UpdateTypeDeletionProtectionUpdate, func(in *sdk.UpdateClusterConfigInput) { in.DeletionProtection = on },
			params("DeletionProtection", "true"), func(c *types.Cluster) { c.DeletionProtection = on }, "No changes needed for the deletion protection provided"},
		{types.UpdateTypeControlPlaneScalingConfigUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.ControlPlaneScalingConfig = &types.ControlPlaneScalingConfig{Tier: types.ProvisionedControlPlaneTierTierXl}
		}, params("PreviousTier", "standard", "UpdatedTier", "tier-xl"), func(c *types.Cluster) {
			c.ControlPlaneScalingConfig.Tier = types.ProvisionedControlPlaneTierTierXl
		}, "No changes needed for the control plane scaling config provided"},
		{types.UpdateTypeRemoteNetworkConfigUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.RemoteNetworkConfig = &types.RemoteNetworkConfigRequest{RemoteNodeNetworks: []types.RemoteNodeNetwork{{Cidrs: []string{"10.9.0.0/16"}}}}
		}, params("RemoteNetworkConfig", `{"remoteNodeNetworks":[{"cidrs":["10.9.0.0/16"]}]}`), func(c *types.Cluster) {
			c.RemoteNetworkConfig = &types.RemoteNetworkConfigResponse{RemoteNodeNetworks: []types.RemoteNodeNetwork{{Cidrs: []string{"10.9.0.0/16"}}}}
		}, "No changes needed for the remote network config provided"},
		{types.UpdateTypeControlPlaneComponentConfigUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.KubeApiServerConfig = &types.KubeApiServerConfigRequest{EventTtl: aws.String("30m")}
		}, params("KubeApiServerConfig", `{"eventTtl":"30m"}`), func(c *types.Cluster) {
			c.KubeApiServerConfig = &types.KubeApiServerConfigResponse{EventTtl: aws.String("30m")}
		}, "No changes needed for the control plane component config provided"},
		{types.UpdateTypeControlPlaneEgressUpdate, func(in *sdk.UpdateClusterConfigInput) {
			in.ResourcesVpcConfig = &types.VpcConfigRequest{ControlPlaneEgressMode: types.ControlPlaneEgressModeTypeCustomerRouted}
		}, params("ControlPlaneEgressMode", "CUSTOMER_ROUTED"), func(c *types.Cluster) {
			c.ResourcesVpcConfig.ControlPlaneEgressMode = types.ControlPlaneEgressModeTypeCustomerRouted
		}, "No changes needed for the control plane egress mode provided"},
	} {
		t.Run(string(row.kind), func(t *testing.T) {
			w := newWorld(t)
			want := w.create("web", "")
			in := &sdk.UpdateClusterConfigInput{Name: aws.String("web")}
			row.give(in)
			u := w.updated(t, in)
			if u.Type != row.kind {
				t.Errorf("type is %s", u.Type)
			}
			if d := cmp.Diff(row.want, u.Params, smithyEqual); d != "" {
				t.Error(d)
			}
			row.show(want)
			if d := cmp.Diff(want, w.describe("web"), smithyEqual); d != "" {
				t.Error(d)
			}
			in.ClientRequestToken = nil
			_, err := w.UpdateClusterConfig(w.ctx, in)
			refused(t, err, "InvalidParameterException: "+row.again)
			if c := w.describe("web"); c.Status != types.ClusterStatusActive {
				t.Errorf("cluster is %s after a refusal", c.Status)
			}
		})
	}
}

func TestAutoModeUpdate(t *testing.T) {
	w := newWorld(t)
	w.create("web", types.AuthenticationModeApi)
	on := aws.Bool(true)
	in := &sdk.UpdateClusterConfigInput{Name: aws.String("web"), ComputeConfig: &types.ComputeConfigRequest{Enabled: on, NodePools: []string{"system"}, NodeRoleArn: aws.String(nodeRole)}}
	_, err := w.UpdateClusterConfig(w.ctx, in)
	refused(t, err, textAutoMode)
	in.StorageConfig = &types.StorageConfigRequest{BlockStorage: &types.BlockStorage{Enabled: on}}
	in.KubernetesNetworkConfig = &types.KubernetesNetworkConfigRequest{ElasticLoadBalancing: &types.ElasticLoadBalancing{Enabled: on}}
	u := w.updated(t, in)
	want := params("ComputeConfig", `{"enabled":true}`, "KubernetesNetworkConfig", `{"elasticLoadBalancing":{"enabled":true}}`, "StorageConfig", `{"blockStorage":{"enabled":true}}`)
	if d := cmp.Diff(want, u.Params, smithyEqual); u.Type != types.UpdateTypeAutoModeUpdate || d != "" {
		t.Errorf("%s: %s", u.Type, d)
	}
	if c := w.describe("web"); !*c.ComputeConfig.Enabled || !*c.StorageConfig.BlockStorage.Enabled || !*c.KubernetesNetworkConfig.ElasticLoadBalancing.Enabled {
		t.Errorf("cluster is %+v", c)
	}
	in.ClientRequestToken, in.KubernetesNetworkConfig.ServiceIpv4Cidr = nil, aws.String("10.200.0.0/16")
	_, err = w.UpdateClusterConfig(w.ctx, in)
	refused(t, err, "InvalidParameterException: serviceIpv4Cidr and ipFamily of a cluster cannot be changed.")
}

func TestOneUpdateAtATime(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	name := aws.String("web")
	in := &sdk.UpdateClusterConfigInput{Name: name, DeletionProtection: aws.Bool(true), ClientRequestToken: aws.String("t")}
	first := must[*sdk.UpdateClusterConfigOutput](t)(w.UpdateClusterConfig(w.ctx, in)).Update
	if again := must[*sdk.UpdateClusterConfigOutput](t)(w.UpdateClusterConfig(w.ctx, in)).Update; *again.Id != *first.Id {
		t.Error("the same request began two updates")
	}
	_, err := w.UpdateClusterConfig(w.ctx, &sdk.UpdateClusterConfigInput{Name: name, Logging: &types.Logging{ClusterLogging: []types.LogSetup{{Enabled: aws.Bool(true), Types: allLogs}}}})
	refused(t, err, "ResourceInUseException: Cannot LoggingUpdate because cluster web currently has update "+*first.Id+" in progress")
	wantStatus(t, err, 409)
	_, err = w.CancelUpdate(w.ctx, &sdk.CancelUpdateInput{Name: name, UpdateId: first.Id})
	refused(t, err, "InvalidRequestException: Update "+*first.Id+" cannot be cancelled because its type is DeletionProtectionUpdate. Only a VersionRollback can.")
	w.reconcile()
	_, err = w.CancelUpdate(w.ctx, &sdk.CancelUpdateInput{Name: name, UpdateId: first.Id})
	refused(t, err, "InvalidRequestException: Update "+*first.Id+" cannot be cancelled because it is in status Successful")
	_, err = w.CancelUpdate(w.ctx, &sdk.CancelUpdateInput{Name: name, UpdateId: aws.String("u")})
	refused(t, err, "ResourceNotFoundException: No update found for ID: u")
	_, err = w.UpdateClusterConfig(w.ctx, &sdk.UpdateClusterConfigInput{Name: name, DeletionProtection: aws.Bool(false), UpgradePolicy: &types.UpgradePolicyRequest{}})
	refused(t, err, "InvalidParameterException: Only one type of update can be allowed.")
	_, err = w.UpdateClusterConfig(w.ctx, &sdk.UpdateClusterConfigInput{Name: name,
		ResourcesVpcConfig: &types.VpcConfigRequest{EndpointPrivateAccess: aws.Bool(true), SubnetIds: []string{"subnet-a2", "subnet-b"}}})
	refused(t, err, "InvalidParameterException: Only one type of update can be allowed.")
	_, err = w.UpdateClusterConfig(w.ctx, &sdk.UpdateClusterConfigInput{Name: name})
	refused(t, err, "InvalidParameterException: No update was specified: the request has nothing that could be changed.")
	_, err = w.UpdateClusterConfig(w.ctx, &sdk.UpdateClusterConfigInput{Name: name, ResourcesVpcConfig: &types.VpcConfigRequest{EndpointPublicAccess: aws.Bool(false)}})
	refused(t, err, "InvalidParameterException: Private and public endpoint access cannot be false")
	_, err = w.UpdateClusterConfig(w.ctx, &sdk.UpdateClusterConfigInput{Name: name, ResourcesVpcConfig: &types.VpcConfigRequest{SubnetIds: []string{"subnet-10a", "subnet-10b"}}})
	refused(t, err, "InvalidParameterException: Subnets specified must belong to the VPC of the cluster, vpc-1")
}

func TestAuthenticationModeGoesOneWay(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp")))
	must[*sdk.CreateNodegroupOutput](t)(w.CreateNodegroup(w.ctx, newGroup("workers")))
	w.reconcile()
	arn := arnPrefix + "cluster/web"
	if s := w.planes.told(arn); s.CreatorARN == "" || len(s.AccessEntries) != 0 {
		t.Errorf("before: %+v", s)
	}
	mode := func(m types.AuthenticationMode) *sdk.UpdateClusterConfigInput {
		return &sdk.UpdateClusterConfigInput{Name: aws.String("web"), AccessConfig: &types.UpdateAccessConfigRequest{AuthenticationMode: m}}
	}
	_, err := w.UpdateClusterConfig(w.ctx, mode(types.AuthenticationModeApi))
	refused(t, err, "InvalidParameterException: Unsupported authentication mode update from CONFIG_MAP to API")
	w.updated(t, mode(types.AuthenticationModeApiAndConfigMap))
	s := w.planes.told(arn)
	if s.AuthenticationMode != "API_AND_CONFIG_MAP" || s.CreatorARN != "" || len(s.AccessEntries) != 3 {
		t.Errorf("with access entries: %+v", s)
	}
	w.updated(t, mode(types.AuthenticationModeApi))
	_, err = w.UpdateClusterConfig(w.ctx, mode(types.AuthenticationModeApiAndConfigMap))
	refused(t, err, "InvalidParameterException: Unsupported authentication mode update from API to API_AND_CONFIG_MAP")
}

func TestUpdateClusterVersion(t *testing.T) {
	w := newWorld(t)
	in := newCluster("web")
	in.Version = aws.String("1.34")
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in))
	w.reconcile()
	to := func(version string) (*sdk.UpdateClusterVersionOutput, error) {
		return w.UpdateClusterVersion(w.ctx, &sdk.UpdateClusterVersionInput{Name: aws.String("web"), Version: &version})
	}
	for version, want := range map[string]string{
		"1.36":   "Unsupported Kubernetes minor version update from 1.34 to 1.36",
		"1.34":   "Unsupported Kubernetes minor version update from 1.34 to 1.34",
		"1.33":   "unsupported Kubernetes version 1.33",
		"1.35.1": "unsupported Kubernetes version 1.35.1",
	} {
		_, err := to(version)
		refused(t, err, "InvalidParameterException: "+want)
	}
	w.planes.hold()
	u := must[*sdk.UpdateClusterVersionOutput](t)(to("1.35")).Update
	if d := cmp.Diff(params("Version", "1.35", "PlatformVersion", "eks.1"), u.Params, smithyEqual); d != "" || u.Type != types.UpdateTypeVersionUpdate {
		t.Errorf("%s: %s", u.Type, d)
	}
	w.reconcile()
	arn := arnPrefix + "cluster/web"
	if c := w.describe("web"); c.Status != types.ClusterStatusUpdating || *c.Version != "1.34" || len(c.Health.Issues) != 0 || w.planes.starts != 2 {
		t.Errorf("%s, %s, %d starts: %+v", c.Status, *c.Version, w.planes.starts, c.Health)
	}
	w.planes.release()
	w.reconcile()
	if c := w.describe("web"); c.Status != types.ClusterStatusActive || *c.Version != "1.35" || w.planes.all[arn].config.Version != "1.35" {
		t.Errorf("%s in %s", *c.Version, c.Status)
	}
	if u := w.updateOf(t, "web", *u.Id); u.Status != types.UpdateStatusSuccessful {
		t.Errorf("update is %s", u.Status)
	}
	if _, err := to("1.34"); err == nil {
		t.Error("a downgrade is taken")
	}
}

func TestVersionThatCannotBeHadIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	w.planes.hold()
	u := must[*sdk.UpdateClusterVersionOutput](t)(w.UpdateClusterVersion(w.ctx, &sdk.UpdateClusterVersionInput{Name: aws.String("web"), Version: aws.String("1.36")})).Update
	w.reconcile()
	arn := arnPrefix + "cluster/web"
	w.planes.becomes(arn, func(s *link.Status) { s.Phase, s.Error = link.Failed, "it does not know 1.36" })
	w.reconcile()
	if u = w.updateOf(t, "web", *u.Id); u.Status != types.UpdateStatusFailed || *u.Errors[0].ErrorMessage != "it does not know 1.36" {
		t.Errorf("update is %s: %+v", u.Status, u.Errors)
	}
	w.planes.release()
	w.reconcile()
	if c := w.describe("web"); c.Status != types.ClusterStatusActive || *c.Version != "1.35" || w.planes.all[arn].config.Version != "1.35" {
		t.Errorf("%s in %s", *c.Version, c.Status)
	}
}

func TestAssociateEncryptionConfig(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	const arn = "arn:aws:kms:eu-west-1:1:key/k"
	associate := func(given []types.EncryptionConfig) (*sdk.AssociateEncryptionConfigOutput, error) {
		return w.AssociateEncryptionConfig(w.ctx, &sdk.AssociateEncryptionConfigInput{ClusterName: aws.String("web"), EncryptionConfig: given})
	}
	_, err := associate(key("arn:aws:kms:us-east-1:1:key/k"))
	refused(t, err, "InvalidParameterException: The keyArn for encryptionConfig is scoped to invalid aws region.")
	_, err = associate([]types.EncryptionConfig{})
	refused(t, err, "InvalidParameterException: encryptionConfig can not be empty.")
	u := must[*sdk.AssociateEncryptionConfigOutput](t)(associate(key(arn))).Update
	w.reconcile()
	u = w.updateOf(t, "web", *u.Id)
	want := params("EncryptionConfig", `[{"provider":{"keyArn":"`+arn+`"},"resources":["secrets"]}]`)
	if d := cmp.Diff(want, u.Params, smithyEqual); d != "" || u.Status != types.UpdateStatusSuccessful {
		t.Errorf("%s: %s", u.Status, d)
	}
	if d := cmp.Diff(key(arn), w.describe("web").EncryptionConfig, smithyEqual); d != "" {
		t.Error(d)
	}
	_, err = associate(key(arn))
	refused(t, err, "InvalidParameterException: Cluster already has an encryption configuration, which cannot be changed.")
}

func TestListUpdates(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	var want []string
	for i := range 3 {
		u := w.updated(t, &sdk.UpdateClusterConfigInput{Name: aws.String("web"), DeletionProtection: aws.Bool(i%2 == 0)})
		want = append(want, *u.Id)
	}
	seen := map[string]bool{}
	pages := sdk.NewListUpdatesPaginator(w.Client, &sdk.ListUpdatesInput{Name: aws.String("web"), MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		for _, id := range must[*sdk.ListUpdatesOutput](t)(pages.NextPage(w.ctx)).UpdateIds {
			seen[id] = true
		}
	}
	for _, id := range want {
		if !seen[id] {
			t.Errorf("%s is not listed", id)
		}
	}
	if len(seen) != 3 {
		t.Errorf("listed: %v", seen)
	}
	out := must[*sdk.ListUpdatesOutput](t)(w.ListUpdates(w.ctx, &sdk.ListUpdatesInput{Name: aws.String("web"), AddonName: aws.String("coredns")}))
	if len(out.UpdateIds) != 0 {
		t.Errorf("updates of an add-on: %v", out.UpdateIds)
	}
	_, err := w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{Name: aws.String("web"), UpdateId: &want[0], AddonName: aws.String("coredns")})
	refused(t, err, "ResourceNotFoundException: No update found for ID: "+want[0])
}
