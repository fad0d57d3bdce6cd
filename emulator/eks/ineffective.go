package eks

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// This file names what Neargate accepts of a cluster, stores and returns, but
// does nothing with. Whoever makes one of these work takes its row out.

var ineffectiveOfCluster = []struct {
	field string
	given func(c *types.Cluster) bool
	why   string
}{
	{"roleArn", func(c *types.Cluster) bool { return c.RoleArn != nil },
		"nobody assumes the role: the control plane works as the emulator"},
	{"resourcesVpcConfig.endpointPublicAccess", func(c *types.Cluster) bool { return !c.ResourcesVpcConfig.EndpointPublicAccess },
		"the endpoint is on this machine's loopback address, whoever may reach it"},
	{"resourcesVpcConfig.publicAccessCidrs", func(c *types.Cluster) bool {
		return c.ResourcesVpcConfig.EndpointPublicAccess && !slices.Equal(c.ResourcesVpcConfig.PublicAccessCidrs, []string{everywhere})
	}, "the endpoint is on this machine's loopback address, whoever may reach it"},
	{"resourcesVpcConfig.securityGroupIds", func(c *types.Cluster) bool { return len(c.ResourcesVpcConfig.SecurityGroupIds) > 0 },
		"security groups stop no traffic"},
	{"resourcesVpcConfig.controlPlaneEgressMode", func(c *types.Cluster) bool { return c.ResourcesVpcConfig.ControlPlaneEgressMode != "" },
		"the control plane is a process of this machine and reaches what that does"},
	{"encryptionConfig", func(c *types.Cluster) bool { return len(c.EncryptionConfig) > 0 },
		"there is no AWS KMS: secrets are kept as they are"},
	{"upgradePolicy", func(c *types.Cluster) bool {
		return c.UpgradePolicy != nil && c.UpgradePolicy.SupportType == types.SupportTypeStandard
	}, "no cluster is upgraded by itself"},
	{"zonalShiftConfig", func(c *types.Cluster) bool {
		return c.ZonalShiftConfig != nil && aws.ToBool(c.ZonalShiftConfig.Enabled)
	},
		"no Availability Zone is ever impaired"},
	{"computeConfig", func(c *types.Cluster) bool { return c.ComputeConfig != nil && aws.ToBool(c.ComputeConfig.Enabled) },
		"there is no EKS Auto Mode: pods run on Fargate profiles and managed node groups"},
	{"storageConfig", func(c *types.Cluster) bool {
		return c.StorageConfig != nil && c.StorageConfig.BlockStorage != nil && aws.ToBool(c.StorageConfig.BlockStorage.Enabled)
	}, "there is no Amazon EBS"},
	{"kubernetesNetworkConfig.elasticLoadBalancing", func(c *types.Cluster) bool {
		n := c.KubernetesNetworkConfig
		return n != nil && n.ElasticLoadBalancing != nil && aws.ToBool(n.ElasticLoadBalancing.Enabled)
	}, "Services of type LoadBalancer are served whether it is enabled or not"},
	{"remoteNetworkConfig", func(c *types.Cluster) bool { return c.RemoteNetworkConfig != nil },
		"there are no hybrid nodes"},
	{"controlPlaneScalingConfig", func(c *types.Cluster) bool {
		s := c.ControlPlaneScalingConfig
		return s != nil && s.Tier != "" && s.Tier != types.ProvisionedControlPlaneTierStandard
	}, "a control plane has as much as this machine gives it"},
	{"kubeApiServerConfig", func(c *types.Cluster) bool { return c.KubeApiServerConfig != nil },
		"the API server runs with its defaults"},
	{"kubeControllerManagerConfig", func(c *types.Cluster) bool { return c.KubeControllerManagerConfig != nil },
		"the controller manager runs with its defaults"},
	{"kubeSchedulerConfig", func(c *types.Cluster) bool { return c.KubeSchedulerConfig != nil },
		"pods are placed by Neargate's own scheduler"},
}

// Ineffective names, in plain words, everything of a cluster that was accepted
// and is shown, but has no effect: "encryptionConfig: there is no AWS KMS:
// secrets are kept as they are". It is empty when all of it works.
func Ineffective(c *types.Cluster) []string {
	var list []string
	for _, row := range ineffectiveOfCluster {
		if row.given(c) {
			list = append(list, row.field+": "+row.why)
		}
	}
	return list
}
