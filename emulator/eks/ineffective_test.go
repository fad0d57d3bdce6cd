package eks_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/store"
)

func TestIneffective(t *testing.T) {
	const role = "roleArn: nobody assumes the role: the control plane works as the emulator"
	on := aws.Bool(true)
	for _, row := range []struct {
		name string
		make func(in *sdk.CreateClusterInput)
		want []string
	}{
		{"the defaults", func(*sdk.CreateClusterInput) {}, []string{role}},
		{"endpoint", func(in *sdk.CreateClusterInput) {
			in.ResourcesVpcConfig.EndpointPublicAccess, in.ResourcesVpcConfig.EndpointPrivateAccess = aws.Bool(false), on
			in.ResourcesVpcConfig.SecurityGroupIds = []string{"sg-1"}
		}, []string{role, "resourcesVpcConfig.endpointPublicAccess: the endpoint is on this machine's loopback address, whoever may reach it",
			"resourcesVpcConfig.securityGroupIds: security groups stop no traffic"}},
		{"restrictions", func(in *sdk.CreateClusterInput) {
			in.ResourcesVpcConfig.PublicAccessCidrs, in.ResourcesVpcConfig.ControlPlaneEgressMode = []string{"203.0.113.0/24"}, types.ControlPlaneEgressModeTypeAwsManaged
		}, []string{role, "resourcesVpcConfig.publicAccessCidrs: the endpoint is on this machine's loopback address, whoever may reach it",
			"resourcesVpcConfig.controlPlaneEgressMode: the control plane is a process of this machine and reaches what that does"}},
		{"encryption and policies", func(in *sdk.CreateClusterInput) {
			in.EncryptionConfig, in.ZonalShiftConfig = key("arn:aws:kms:eu-west-1:1:key/k"), &types.ZonalShiftConfigRequest{Enabled: on}
			in.UpgradePolicy = &types.UpgradePolicyRequest{SupportType: types.SupportTypeStandard}
			in.ControlPlaneScalingConfig = &types.ControlPlaneScalingConfig{Tier: types.ProvisionedControlPlaneTierTier2xl}
			in.RemoteNetworkConfig = &types.RemoteNetworkConfigRequest{}
		}, []string{role, "encryptionConfig: there is no AWS KMS: secrets are kept as they are", "upgradePolicy: no cluster is upgraded by itself",
			"zonalShiftConfig: no Availability Zone is ever impaired", "remoteNetworkConfig: there are no hybrid nodes",
			"controlPlaneScalingConfig: a control plane has as much as this machine gives it"}},
		{"components", func(in *sdk.CreateClusterInput) {
			in.KubeApiServerConfig, in.KubeControllerManagerConfig = &types.KubeApiServerConfigRequest{}, &types.KubeControllerManagerConfigRequest{}
			in.KubeSchedulerConfig = &types.KubeSchedulerConfigRequest{}
		}, []string{role, "kubeApiServerConfig: the API server runs with its defaults", "kubeControllerManagerConfig: the controller manager runs with its defaults",
			"kubeSchedulerConfig: pods are placed by Neargate's own scheduler"}},
		{"Auto Mode", func(in *sdk.CreateClusterInput) {
			in.AccessConfig = &types.CreateAccessConfigRequest{AuthenticationMode: types.AuthenticationModeApi}
			in.ComputeConfig, in.StorageConfig = &types.ComputeConfigRequest{Enabled: on}, &types.StorageConfigRequest{BlockStorage: &types.BlockStorage{Enabled: on}}
			in.KubernetesNetworkConfig = &types.KubernetesNetworkConfigRequest{ElasticLoadBalancing: &types.ElasticLoadBalancing{Enabled: on}}
		}, []string{role, "computeConfig: there is no EKS Auto Mode: pods run on Fargate profiles and managed node groups", "storageConfig: there is no Amazon EBS",
			"kubernetesNetworkConfig.elasticLoadBalancing: Services of type LoadBalancer are served whether it is enabled or not"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			in := newCluster("web")
			row.make(in)
			c := must[*sdk.CreateClusterOutput](t)(newWorld(t).CreateCluster(t.Context(), in)).Cluster
			if d := cmp.Diff(row.want, eks.Ineffective(c)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestEnabledLogs(t *testing.T) {
	w := newWorld(t)
	in := newCluster("web")
	in.Logging = &types.Logging{ClusterLogging: []types.LogSetup{{Enabled: aws.Bool(true), Types: []types.LogType{"scheduler", "audit"}}}}
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in))
	err := w.st.View(w.ctx, func(tx *store.Tx) error {
		got, err := eks.EnabledLogs(tx, webARN)
		if d := cmp.Diff([]types.LogType{"audit", "scheduler"}, got); d != "" {
			t.Error(d)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
