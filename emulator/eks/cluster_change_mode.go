package eks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file changes by what a cluster's callers are let in.

// nextMode is the one way that authentication modes go.
var nextMode = map[types.AuthenticationMode]types.AuthenticationMode{
	types.AuthenticationModeConfigMap:       types.AuthenticationModeApiAndConfigMap,
	types.AuthenticationModeApiAndConfigMap: types.AuthenticationModeApi,
}

// changeMode goes on to the next authentication mode. Whoever was let in
// without an access entry so far gets one when clusters begin to have them.
func changeMode(_ *API, tx *store.Tx, _ apiwire.Call, c *Cluster, in *eks.UpdateClusterConfigInput) ([]types.UpdateParam, error) {
	from, to := c.mode(), in.AccessConfig.AuthenticationMode
	if nextMode[from] != to || to == "" {
		return nil, about{cluster: c.name()}.invalid("Unsupported authentication mode update from %s to %s", from, to)
	}
	c.AccessConfig.AuthenticationMode = to
	if from == types.AuthenticationModeConfigMap {
		if err := makeEntries(tx, c); err != nil {
			return nil, err
		}
	}
	return []types.UpdateParam{param(types.UpdateParamTypeAuthenticationMode, string(to))}, nil
}

// makeEntries makes the access entries of the creator and of nodes' roles.
func makeEntries(tx *store.Tx, c *Cluster) error {
	if err := putCreatorEntry(tx, c.arn(), c.Creator); err != nil {
		return err
	}
	for p, err := range parts(tx, profiles, c.arn()) {
		if err != nil {
			return err
		}
		if err := putNodeEntry(tx, c.arn(), aws.ToString(p.PodExecutionRoleArn), fargateEntry); err != nil {
			return err
		}
	}
	for n, err := range parts(tx, nodegroups, c.arn()) {
		if err != nil {
			return err
		}
		if err := putNodeEntry(tx, c.arn(), aws.ToString(n.NodeRole), ec2Type); err != nil {
			return err
		}
	}
	return nil
}
