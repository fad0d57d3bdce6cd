package eks

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
)

// This file is the parts of a cluster that are checked, kept and shown, and
// have little or no effect on its control plane: ineffective.go names those.

func join(words []string) string { return strings.Join(words, ", ") }

// takeExtras takes over what a request says of them.
func (c *Cluster) takeExtras(in *eks.CreateClusterInput) (err error) {
	c.UpgradePolicy = &types.UpgradePolicyResponse{SupportType: types.SupportTypeExtended}
	if in.UpgradePolicy != nil && in.UpgradePolicy.SupportType != "" {
		c.UpgradePolicy.SupportType = in.UpgradePolicy.SupportType
	}
	if in.ZonalShiftConfig != nil {
		c.ZonalShiftConfig = &types.ZonalShiftConfigResponse{Enabled: aws.Bool(aws.ToBool(in.ZonalShiftConfig.Enabled))}
	}
	c.ControlPlaneScalingConfig = &types.ControlPlaneScalingConfig{Tier: types.ProvisionedControlPlaneTierStandard}
	if in.ControlPlaneScalingConfig != nil && in.ControlPlaneScalingConfig.Tier != "" {
		c.ControlPlaneScalingConfig.Tier = in.ControlPlaneScalingConfig.Tier
	}
	if in.RemoteNetworkConfig != nil {
		c.RemoteNetworkConfig = &types.RemoteNetworkConfigResponse{
			RemoteNodeNetworks: in.RemoteNetworkConfig.RemoteNodeNetworks, RemotePodNetworks: in.RemoteNetworkConfig.RemotePodNetworks}
	}
	c.takeAutoMode(in.ComputeConfig, in.StorageConfig)
	return c.takeComponents(in.KubeApiServerConfig, in.KubeControllerManagerConfig, in.KubeSchedulerConfig)
}

func (c *Cluster) takeAutoMode(compute *types.ComputeConfigRequest, storage *types.StorageConfigRequest) {
	if compute != nil {
		c.ComputeConfig = &types.ComputeConfigResponse{Enabled: compute.Enabled, NodePools: append([]string{}, compute.NodePools...), NodeRoleArn: compute.NodeRoleArn}
	}
	if storage != nil {
		c.StorageConfig = &types.StorageConfigResponse{BlockStorage: storage.BlockStorage}
	}
}

// takeComponents takes over what is configured of Kubernetes' components. What
// was there is replaced, not written into: it may be shared.
func (c *Cluster) takeComponents(api *types.KubeApiServerConfigRequest, manager *types.KubeControllerManagerConfigRequest, scheduler *types.KubeSchedulerConfigRequest) error {
	if api != nil {
		c.KubeApiServerConfig = nil
		if err := reshape(api, &c.KubeApiServerConfig); err != nil {
			return err
		}
	}
	if manager != nil {
		c.KubeControllerManagerConfig = nil
		if err := reshape(manager, &c.KubeControllerManagerConfig); err != nil {
			return err
		}
	}
	if scheduler != nil {
		c.KubeSchedulerConfig = nil
		return reshape(scheduler, &c.KubeSchedulerConfig)
	}
	return nil
}

// reshape copies a value into another type whose members have the same names:
// EKS's requests and answers are such pairs.
func reshape(from, to any) error {
	body, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, to)
}

const textAutoMode = "For EKS Auto Mode, please ensure that all required configs, including computeConfig, kubernetesNetworkConfig, and blockStorage are all either fully enabled or fully disabled."

// autoMode is what is said of the three switches of EKS Auto Mode.
type autoMode struct{ compute, balancing, storage bool }

func (m autoMode) agree() bool { return m.compute == m.balancing && m.compute == m.storage }

// switches reads them: what is not given is as before.
func switches(before autoMode, compute *types.ComputeConfigRequest, balancing *types.ElasticLoadBalancing, storage *types.StorageConfigRequest) autoMode {
	if compute != nil && compute.Enabled != nil {
		before.compute = *compute.Enabled
	}
	if balancing != nil && balancing.Enabled != nil {
		before.balancing = *balancing.Enabled
	}
	if storage != nil && storage.BlockStorage != nil && storage.BlockStorage.Enabled != nil {
		before.storage = *storage.BlockStorage.Enabled
	}
	return before
}

func checkAutoMode(fail func(string, ...any) error, in *eks.CreateClusterInput) error {
	var balancing *types.ElasticLoadBalancing
	if in.KubernetesNetworkConfig != nil {
		balancing = in.KubernetesNetworkConfig.ElasticLoadBalancing
	}
	mode := types.AuthenticationModeConfigMap
	if in.AccessConfig != nil && in.AccessConfig.AuthenticationMode != "" {
		mode = in.AccessConfig.AuthenticationMode
	}
	return checkSwitches(fail, switches(autoMode{}, in.ComputeConfig, balancing, in.StorageConfig), mode)
}

func checkSwitches(fail func(string, ...any) error, m autoMode, mode types.AuthenticationMode) error {
	switch {
	case !m.agree():
		return fail("%s", textAutoMode)
	case m.compute && mode == types.AuthenticationModeConfigMap:
		return fail("When EKS Auto Mode is enabled, you must use an EKS access config authentication mode of API_AND_CONFIG_MAP or API")
	}
	return nil
}

// checkEncryption knows the one kind of resource that can be encrypted.
func checkEncryption(fail func(string, ...any) error, given []types.EncryptionConfig) error {
	for _, e := range given {
		if len(e.Resources) != 1 || e.Resources[0] != "secrets" {
			return fail("Invalid k8s resource for encryption")
		}
		if e.Provider == nil || e.Provider.KeyArn == nil {
			return fail("The keyArn for encryptionConfig is required.")
		}
		if _, err := apiwire.ParseARN(*e.Provider.KeyArn); err != nil {
			return fail("The keyArn for encryptionConfig is invalid: %s", *e.Provider.KeyArn)
		}
	}
	return nil
}

// checkKeyRegion refuses keys of another region.
func checkKeyRegion(fail func(string, ...any) error, call apiwire.Call, given []types.EncryptionConfig) error {
	for _, e := range given {
		if arn, err := apiwire.ParseARN(*e.Provider.KeyArn); err != nil || arn.Region != call.Region {
			return fail("The keyArn for encryptionConfig is scoped to invalid aws region.")
		}
	}
	return nil
}

// logTypes are the control plane's logs, in the order in which AWS shows them.
var logTypes = []types.LogType{
	types.LogTypeApi, types.LogTypeAudit, types.LogTypeAuthenticator, types.LogTypeControllerManager, types.LogTypeScheduler,
}

// newLogging is which logs are exported, none being the default.
func newLogging(given *types.Logging) (*types.Logging, error) {
	return changedLogging(&types.Logging{}, given)
}

// changedLogging puts what is given over what was before: those that are
// enabled come first, all others after them.
func changedLogging(before, given *types.Logging) (*types.Logging, error) {
	on := map[types.LogType]bool{}
	for _, l := range []*types.Logging{before, given} {
		if l == nil {
			continue
		}
		seen := map[types.LogType]bool{}
		for _, setup := range l.ClusterLogging {
			for _, t := range setup.Types {
				if !slices.Contains(logTypes, t) || seen[t] {
					return nil, about{}.invalid("Invalid cluster logging type: %s", t)
				}
				seen[t], on[t] = true, aws.ToBool(setup.Enabled)
			}
		}
	}
	var enabled, disabled []types.LogType
	for _, t := range logTypes {
		if on[t] {
			enabled = append(enabled, t)
		} else {
			disabled = append(disabled, t)
		}
	}
	out := &types.Logging{}
	if len(enabled) > 0 {
		out.ClusterLogging = append(out.ClusterLogging, types.LogSetup{Enabled: aws.Bool(true), Types: enabled})
	}
	if len(disabled) > 0 {
		out.ClusterLogging = append(out.ClusterLogging, types.LogSetup{Enabled: aws.Bool(false), Types: disabled})
	}
	return out, nil
}
