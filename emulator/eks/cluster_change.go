package eks

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is what UpdateClusterConfig can change, one kind at a time.

// change is a kind of change.
type change struct {
	kind  types.UpdateType
	given func(in *eks.UpdateClusterConfigInput) bool
	// apply changes the cluster and tells the update's parameters. That
	// nothing would change is an error too.
	apply func(a *API, tx *store.Tx, call apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error)
}

var changes = []change{
	{types.UpdateTypeLoggingUpdate, func(in *eks.UpdateClusterConfigInput) bool { return in.Logging != nil }, changeLogging},
	{types.UpdateTypeEndpointAccessUpdate, givesAccess, changeAccess},
	{types.UpdateTypeVpcConfigUpdate, givesPlace, changePlace},
	{types.UpdateTypeControlPlaneEgressUpdate, givesEgress, changeEgress},
	{types.UpdateTypeAccessConfigUpdate, func(in *eks.UpdateClusterConfigInput) bool { return in.AccessConfig != nil }, changeMode},
	{types.UpdateTypeUpgradePolicyUpdate, func(in *eks.UpdateClusterConfigInput) bool { return in.UpgradePolicy != nil }, changeUpgradePolicy},
	{types.UpdateTypeZonalShiftConfigUpdate, func(in *eks.UpdateClusterConfigInput) bool { return in.ZonalShiftConfig != nil }, changeZonalShift},
	{types.UpdateTypeAutoModeUpdate, givesAutoMode, changeAutoMode},
	{types.UpdateTypeRemoteNetworkConfigUpdate, func(in *eks.UpdateClusterConfigInput) bool { return in.RemoteNetworkConfig != nil }, changeRemoteNetwork},
	{types.UpdateTypeDeletionProtectionUpdate, func(in *eks.UpdateClusterConfigInput) bool { return in.DeletionProtection != nil }, changeProtection},
	{types.UpdateTypeControlPlaneScalingConfigUpdate, func(in *eks.UpdateClusterConfigInput) bool { return in.ControlPlaneScalingConfig != nil }, changeTier},
	{types.UpdateTypeControlPlaneComponentConfigUpdate, givesComponents, changeComponents},
}

func noChange(c *Cluster, what string) error {
	return about{cluster: c.name()}.invalid("No changes needed for the %s provided", what)
}

func changeLogging(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	logging, err := changedLogging(c.Logging, in.Logging)
	if err != nil {
		return nil, err
	}
	if reflect.DeepEqual(logging, c.Logging) {
		return nil, noChange(c, "logging config")
	}
	c.Logging = logging
	return []types.UpdateParam{param(types.UpdateParamTypeClusterLogging, loggingText(in.Logging))}, nil
}

func changeUpgradePolicy(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	to := in.UpgradePolicy.SupportType
	if to == "" || to == c.UpgradePolicy.SupportType {
		return nil, noChange(c, "upgrade policy")
	}
	c.UpgradePolicy = &types.UpgradePolicyResponse{SupportType: to}
	return []types.UpdateParam{param(types.UpdateParamTypeUpgradePolicy, jsonText(map[string]string{"supportType": string(to)}))}, nil
}

func changeZonalShift(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	to := aws.ToBool(in.ZonalShiftConfig.Enabled)
	if c.ZonalShiftConfig != nil && aws.ToBool(c.ZonalShiftConfig.Enabled) == to {
		return nil, noChange(c, "zonal shift config")
	}
	c.ZonalShiftConfig = &types.ZonalShiftConfigResponse{Enabled: aws.Bool(to)}
	return []types.UpdateParam{param(types.UpdateParamTypeZonalShiftConfig, jsonText(map[string]bool{"enabled": to}))}, nil
}

func changeRemoteNetwork(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	to := &types.RemoteNetworkConfigResponse{RemoteNodeNetworks: in.RemoteNetworkConfig.RemoteNodeNetworks, RemotePodNetworks: in.RemoteNetworkConfig.RemotePodNetworks}
	if reflect.DeepEqual(to, c.RemoteNetworkConfig) {
		return nil, noChange(c, "remote network config")
	}
	c.RemoteNetworkConfig = to
	cidrs := map[string]any{}
	for _, n := range to.RemoteNodeNetworks {
		cidrs["remoteNodeNetworks"] = []any{map[string]any{"cidrs": n.Cidrs}}
	}
	for _, n := range to.RemotePodNetworks {
		cidrs["remotePodNetworks"] = []any{map[string]any{"cidrs": n.Cidrs}}
	}
	return []types.UpdateParam{param(types.UpdateParamTypeRemoteNetworkConfig, jsonText(cidrs))}, nil
}

func changeProtection(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	if aws.ToBool(c.DeletionProtection) == *in.DeletionProtection {
		return nil, noChange(c, "deletion protection")
	}
	c.DeletionProtection = in.DeletionProtection
	return []types.UpdateParam{param(types.UpdateParamTypeDeletionProtection, strconv.FormatBool(*in.DeletionProtection))}, nil
}

func changeTier(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	from, to := c.ControlPlaneScalingConfig.Tier, in.ControlPlaneScalingConfig.Tier
	if to == "" || from == to {
		return nil, noChange(c, "control plane scaling config")
	}
	c.ControlPlaneScalingConfig = &types.ControlPlaneScalingConfig{Tier: to}
	return []types.UpdateParam{param(types.UpdateParamTypePreviousTier, string(from)), param(types.UpdateParamTypeUpdatedTier, string(to))}, nil
}

// loggingText is a logging configuration as updates tell it.
func loggingText(l *types.Logging) string {
	type setup struct {
		Types   []types.LogType `json:"types"`
		Enabled bool            `json:"enabled"`
	}
	var list []setup
	for _, s := range l.ClusterLogging {
		list = append(list, setup{s.Types, aws.ToBool(s.Enabled)})
	}
	return jsonText(map[string][]setup{"clusterLogging": list})
}

// encryptionText is an encryption configuration as updates tell it.
func encryptionText(list []types.EncryptionConfig) string {
	var told []map[string]any
	for _, e := range list {
		told = append(told, map[string]any{"resources": e.Resources, "provider": map[string]string{"keyArn": aws.ToString(e.Provider.KeyArn)}})
	}
	return jsonText(told)
}

// jsonText is a value of strings, numbers and lists in JSON.
func jsonText(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // such values always marshal
	}
	return strings.TrimSuffix(b.String(), "\n")
}
