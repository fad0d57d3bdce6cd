package eks

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file changes where in its VPC a cluster is and who may reach its
// endpoint.

func givesAccess(in *eks.UpdateClusterConfigInput) bool {
	v := in.ResourcesVpcConfig
	return v != nil && (v.EndpointPublicAccess != nil || v.EndpointPrivateAccess != nil || len(v.PublicAccessCidrs) > 0)
}

func changeAccess(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	before := c.ResourcesVpcConfig
	after, err := accessOf(in.ResourcesVpcConfig, before)
	if err != nil {
		return nil, err
	}
	if reflect.DeepEqual(after, before) {
		return nil, about{cluster: c.name()}.invalid(
			"Cluster is already at the desired configuration with endpointPrivateAccess: %t , endpointPublicAccess: %t, and Public Endpoint Restrictions: [%s]",
			before.EndpointPrivateAccess, before.EndpointPublicAccess, join(before.PublicAccessCidrs))
	}
	c.ResourcesVpcConfig = after
	return []types.UpdateParam{
		param(types.UpdateParamTypeEndpointPublicAccess, strconv.FormatBool(after.EndpointPublicAccess)),
		param(types.UpdateParamTypeEndpointPrivateAccess, strconv.FormatBool(after.EndpointPrivateAccess)),
		param(types.UpdateParamTypePublicAccessCidrs, jsonText(after.PublicAccessCidrs)),
	}, nil
}

func givesPlace(in *eks.UpdateClusterConfigInput) bool {
	v := in.ResourcesVpcConfig
	return v != nil && (v.SubnetIds != nil || v.SecurityGroupIds != nil)
}

func changePlace(a *API, tx *store.Tx, call apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	v := *c.ResourcesVpcConfig
	if in.ResourcesVpcConfig.SubnetIds != nil {
		v.SubnetIds = slices.Clone(in.ResourcesVpcConfig.SubnetIds)
	}
	if in.ResourcesVpcConfig.SecurityGroupIds != nil {
		v.SecurityGroupIds = append([]string{}, in.ResourcesVpcConfig.SecurityGroupIds...)
	}
	fail := about{cluster: c.name()}.invalid
	if sameSet(v.SubnetIds, c.ResourcesVpcConfig.SubnetIds) && sameSet(v.SecurityGroupIds, c.ResourcesVpcConfig.SecurityGroupIds) {
		return nil, fail("Cluster is already at the desired configuration with subnets: [%s], and security groups: [%s]", join(v.SubnetIds), join(v.SecurityGroupIds))
	}
	place, err := a.checkPlace(tx, call, c.name(), v.SubnetIds, v.SecurityGroupIds)
	if err != nil {
		return nil, err
	}
	if place.VPC != aws.ToString(v.VpcId) {
		return nil, fail("Subnets specified must belong to the VPC of the cluster, %s", *v.VpcId)
	}
	c.ResourcesVpcConfig = &v
	return []types.UpdateParam{
		param(types.UpdateParamTypeSubnets, jsonText(v.SubnetIds)), param(types.UpdateParamTypeSecurityGroups, jsonText(v.SecurityGroupIds)),
	}, nil
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func givesEgress(in *eks.UpdateClusterConfigInput) bool {
	return in.ResourcesVpcConfig != nil && in.ResourcesVpcConfig.ControlPlaneEgressMode != ""
}

func changeEgress(_ *API, _ *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	mode := in.ResourcesVpcConfig.ControlPlaneEgressMode
	if c.ResourcesVpcConfig.ControlPlaneEgressMode == mode {
		return nil, noChange(c, "control plane egress mode")
	}
	c.ResourcesVpcConfig.ControlPlaneEgressMode = mode
	return []types.UpdateParam{param(types.UpdateParamTypeControlPlaneEgressMode, string(mode))}, nil
}
