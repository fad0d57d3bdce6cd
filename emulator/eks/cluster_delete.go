package eks

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file begins the end of clusters; the controller brings it about.

// DeleteCluster makes a cluster DELETING. One that is so already is answered
// as it is.
func (a *API) DeleteCluster(ctx context.Context, in *eks.DeleteClusterInput) (*eks.DeleteClusterOutput, error) {
	out := &eks.DeleteClusterOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *in.Name)
		if err != nil {
			return err
		}
		if err := mayBeDeleted(tx, c); err != nil {
			return err
		}
		c.Status, c.Health = types.ClusterStatusDeleting, nil
		out.Cluster = a.show(c)
		return c.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return out, a.settle(ctx, in.Name)
}

func mayBeDeleted(tx *store.Tx, c *Cluster) error {
	that := about{cluster: c.name()}
	switch {
	case c.Status == types.ClusterStatusDeleting:
		return nil
	case aws.ToBool(c.DeletionProtection):
		return that.invalidRequest("Cluster '%s' cannot be deleted because deletion protection is enabled. Disable deletion protection and try again.", c.name())
	}
	if has, err := hasNodegroups(tx, c.arn()); err != nil {
		return err
	} else if has {
		return that.inUse("Cluster has nodegroups attached")
	}
	if has, err := hasProfiles(tx, c.arn()); err != nil {
		return err
	} else if has {
		return that.inUse("Cluster has Fargate profiles attached")
	}
	switch c.Status {
	case types.ClusterStatusCreating:
		return that.inUse("Cannot delete cluster %s because its creation is in progress", c.name())
	case types.ClusterStatusUpdating:
		return that.inUse("Cannot delete cluster %s because it currently has an update in progress", c.name())
	}
	return nil
}

// hasProfiles tells whether a cluster has profiles that could still have pods;
// those that failed because there is no control plane any more have none.
func hasProfiles(tx *store.Tx, cluster string) (bool, error) {
	for p, err := range parts(tx, profiles, cluster) {
		if err != nil {
			return false, err
		}
		if p.Status != types.FargateProfileStatusCreateFailed && p.Status != types.FargateProfileStatusDeleteFailed {
			return true, nil
		}
	}
	return false, nil
}
