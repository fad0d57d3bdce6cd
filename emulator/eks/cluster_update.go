package eks

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file begins updates of clusters: each operation makes an update that is
// InProgress and a cluster that is UPDATING. What each kind of change does is
// in cluster_change.go; the controller ends an update when what it changed is
// in force.

// UpdateClusterConfig changes one thing about a cluster.
func (a *API) UpdateClusterConfig(ctx context.Context, in *eks.UpdateClusterConfigInput) (*eks.UpdateClusterConfigOutput, error) {
	var wanted []change
	for _, ch := range changes {
		if ch.given(in) {
			wanted = append(wanted, ch)
		}
	}
	that := about{cluster: *in.Name}
	switch {
	case len(wanted) == 0:
		return nil, that.invalid("No update was specified: the request has nothing that could be changed.")
	case len(wanted) > 1:
		return nil, that.invalid("Only one type of update can be allowed.")
	}
	u, err := a.beginClusterUpdate(ctx, in.Name, wanted[0].kind, in.ClientRequestToken, in, func(tx *store.Tx, call apiwire.Call, c *Cluster) ([]types.UpdateParam, error) {
		return wanted[0].apply(a, tx, call, c, in)
	})
	if err != nil {
		return nil, err
	}
	u, err = a.settledUpdate(ctx, &eks.DescribeUpdateInput{Name: in.Name}, u)
	return &eks.UpdateClusterConfigOutput{Update: u}, err
}

// UpdateClusterVersion leads a cluster to the next minor version. Its pods and
// nodes stay as they are.
func (a *API) UpdateClusterVersion(ctx context.Context, in *eks.UpdateClusterVersionInput) (*eks.UpdateClusterVersionOutput, error) {
	u, err := a.beginClusterUpdate(ctx, in.Name, types.UpdateTypeVersionUpdate, in.ClientRequestToken, in, func(_ *store.Tx, _ apiwire.Call, c *Cluster) ([]types.UpdateParam, error) {
		that := about{cluster: c.name()}
		if !isServed(*in.Version) {
			return nil, that.invalid("unsupported Kubernetes version %s", *in.Version)
		}
		if !isNextMinor(*c.Version, *in.Version) {
			return nil, that.invalid("Unsupported Kubernetes minor version update from %s to %s", *c.Version, *in.Version)
		}
		c.Target = *in.Version
		return []types.UpdateParam{param(types.UpdateParamTypeVersion, c.Target), param(types.UpdateParamTypePlatformVersion, platformVersion)}, nil
	})
	if err != nil {
		return nil, err
	}
	u, err = a.settledUpdate(ctx, &eks.DescribeUpdateInput{Name: in.Name}, u)
	return &eks.UpdateClusterVersionOutput{Update: u}, err
}

// AssociateEncryptionConfig adds the encryption of secrets to a cluster. It
// cannot be taken away again.
func (a *API) AssociateEncryptionConfig(ctx context.Context, in *eks.AssociateEncryptionConfigInput) (*eks.AssociateEncryptionConfigOutput, error) {
	u, err := a.beginClusterUpdate(ctx, in.ClusterName, types.UpdateTypeAssociateEncryptionConfig, in.ClientRequestToken, in, func(_ *store.Tx, call apiwire.Call, c *Cluster) ([]types.UpdateParam, error) {
		fail := about{cluster: c.name()}.invalid
		if len(in.EncryptionConfig) == 0 {
			return nil, fail("encryptionConfig can not be empty.")
		}
		if err := checkEncryption(fail, in.EncryptionConfig); err != nil {
			return nil, err
		}
		if err := checkKeyRegion(fail, call, in.EncryptionConfig); err != nil {
			return nil, err
		}
		if len(c.EncryptionConfig) > 0 {
			return nil, fail("Cluster already has an encryption configuration, which cannot be changed.")
		}
		c.EncryptionConfig = slices.Clone(in.EncryptionConfig)
		return []types.UpdateParam{param(types.UpdateParamTypeEncryptionConfig, encryptionText(in.EncryptionConfig))}, nil
	})
	if err != nil {
		return nil, err
	}
	u, err = a.settledUpdate(ctx, &eks.DescribeUpdateInput{Name: in.ClusterName}, u)
	return &eks.AssociateEncryptionConfigOutput{Update: u}, err
}

// beginClusterUpdate applies a change to an ACTIVE cluster that has no other
// update in progress. A request that comes again with its token is answered
// with the update that it began.
func (a *API) beginClusterUpdate(ctx context.Context, name *string, kind types.UpdateType, token *string, in any,
	apply func(*store.Tx, apiwire.Call, *Cluster) ([]types.UpdateParam, error)) (u *types.Update, err error) {
	mark, err := askedBy(token, in)
	if err != nil {
		return nil, err
	}
	err = a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *name)
		if err != nil {
			return err
		}
		if u, err = updateAskedBy(tx, c.arn(), mark); err != nil || u != nil {
			return err
		}
		if err := mayBeUpdated(tx, c, kind); err != nil {
			return err
		}
		params, err := apply(tx, call, c)
		if err != nil {
			return err
		}
		c.Status = types.ClusterStatusUpdating
		if err := c.put(tx); err != nil {
			return err
		}
		u, err = beginUpdate(tx, c.arn(), Update{Update: types.Update{Type: kind, Params: params}, Asked: mark})
		return err
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// updateAskedBy finds the update that the request with that mark began.
func updateAskedBy(tx *store.Tx, cluster string, mark asked) (*types.Update, error) {
	for u, err := range parts(tx, updates, cluster) {
		if err != nil {
			return nil, err
		}
		if mark.again(u.Asked) {
			return &u.Update, nil
		}
	}
	return nil, nil
}

func mayBeUpdated(tx *store.Tx, c *Cluster, kind types.UpdateType) error {
	that := about{cluster: c.name()}
	open, err := openUpdate(tx, c.arn(), "", "")
	switch {
	case err != nil:
		return err
	case open != nil:
		return that.inUse("Cannot %s because cluster %s currently has update %s in progress", kind, c.name(), aws.ToString(open.Id))
	case c.Status != types.ClusterStatusActive:
		return that.invalidRequest("Cluster '%s' is not in ACTIVE status", c.name())
	}
	return nil
}
