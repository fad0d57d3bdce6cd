package eks

import (
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file changes what consists of several members: EKS Auto Mode, and the
// configuration of Kubernetes' components.

func givesAutoMode(in *eks.UpdateClusterConfigInput) bool {
	return in.ComputeConfig != nil || in.KubernetesNetworkConfig != nil || in.StorageConfig != nil
}

func changeAutoMode(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	fail := about{cluster: c.name()}.invalid
	var balancing *types.ElasticLoadBalancing
	if n := in.KubernetesNetworkConfig; n != nil {
		if n.ServiceIpv4Cidr != nil || n.IpFamily != "" {
			return nil, fail("serviceIpv4Cidr and ipFamily of a cluster cannot be changed.")
		}
		balancing = n.ElasticLoadBalancing
	}
	m := switches(c.autoMode(), in.ComputeConfig, balancing, in.StorageConfig)
	if err := checkSwitches(fail, m, c.mode()); err != nil {
		return nil, err
	}
	before := *c
	c.takeAutoMode(in.ComputeConfig, in.StorageConfig)
	if balancing != nil {
		network := *c.KubernetesNetworkConfig
		network.ElasticLoadBalancing = balancing
		c.KubernetesNetworkConfig = &network
	}
	if reflect.DeepEqual(before.Cluster, c.Cluster) {
		return nil, noChange(c, "EKS Auto Mode config")
	}
	return []types.UpdateParam{
		param(types.UpdateParamTypeComputeConfig, jsonText(map[string]bool{"enabled": m.compute})),
		param(types.UpdateParamTypeKubernetesNetworkConfig, jsonText(map[string]any{"elasticLoadBalancing": map[string]bool{"enabled": m.balancing}})),
		param(types.UpdateParamTypeStorageConfig, jsonText(map[string]any{"blockStorage": map[string]bool{"enabled": m.storage}})),
	}, nil
}

// autoMode is whether a cluster has EKS Auto Mode, part by part.
func (c *Cluster) autoMode() (m autoMode) {
	m.compute = c.ComputeConfig != nil && aws.ToBool(c.ComputeConfig.Enabled)
	if n := c.KubernetesNetworkConfig; n != nil && n.ElasticLoadBalancing != nil {
		m.balancing = aws.ToBool(n.ElasticLoadBalancing.Enabled)
	}
	if s := c.StorageConfig; s != nil && s.BlockStorage != nil {
		m.storage = aws.ToBool(s.BlockStorage.Enabled)
	}
	return m
}

// wireText is a value of the SDK in JSON with the names of the wire; members
// that are not given are left out.
func wireText(v any) string {
	var members map[string]any
	if err := reshape(v, &members); err != nil {
		panic(err) // a struct of texts and numbers always is such a map
	}
	return jsonText(wireNames(members))
}

func wireNames(members map[string]any) map[string]any {
	named := map[string]any{}
	for name, value := range members {
		if inner, ok := value.(map[string]any); ok {
			value = wireNames(inner)
		}
		if value != nil {
			named[strings.ToLower(name[:1])+name[1:]] = value
		}
	}
	return named
}

func givesComponents(in *eks.UpdateClusterConfigInput) bool {
	return in.KubeApiServerConfig != nil || in.KubeControllerManagerConfig != nil || in.KubeSchedulerConfig != nil
}

func changeComponents(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	before := c.Cluster
	if err := c.takeComponents(in.KubeApiServerConfig, in.KubeControllerManagerConfig, in.KubeSchedulerConfig); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(before, c.Cluster) {
		return nil, noChange(c, "control plane component config")
	}
	var list []types.UpdateParam
	for _, given := range []struct {
		kind types.UpdateParamType
		has  bool
		what any
	}{
		{types.UpdateParamTypeKubeApiServerConfig, in.KubeApiServerConfig != nil, in.KubeApiServerConfig},
		{types.UpdateParamTypeKubeControllerManagerConfig, in.KubeControllerManagerConfig != nil, in.KubeControllerManagerConfig},
		{types.UpdateParamTypeKubeSchedulerConfig, in.KubeSchedulerConfig != nil, in.KubeSchedulerConfig},
	} {
		if given.has {
			list = append(list, param(given.kind, wireText(given.what)))
		}
	}
	return list, nil
}
