package eks

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes calls answer when their effect has settled, with
// --timing=instant: nobody who waits with the AWS CLI then waits half a minute
// for something that took three seconds.

// settle waits until nothing of a cluster is on its way to anything, or the
// cluster is gone. Without Config.Settle it returns at once.
func (a *API) settle(ctx context.Context, cluster *string) error {
	if !a.settles || cluster == nil {
		return nil
	}
	arn := clusterARN(apiwire.CallFrom(ctx), *cluster)
	var since int64
	var calm bool
	look := func(tx *store.Tx) (err error) {
		since = tx.Revision()
		calm, err = isCalm(tx, arn)
		return err
	}
	if err := a.store.View(ctx, look); err != nil || calm {
		return err
	}
	kinds := append(partKinds(), clusters.Kind(), profiles.Kind(), updates.Kind())
	for _, err := range a.store.Watch(ctx, since, kinds...) {
		if err != nil {
			return err
		}
		if err := a.store.View(ctx, look); err != nil || calm {
			return err
		}
	}
	return ctx.Err()
}

// moving are the statuses of what is on its way.
var moving = []string{
	string(types.ClusterStatusCreating), string(types.ClusterStatusUpdating), string(types.ClusterStatusDeleting),
}

// isCalm tells whether neither a cluster nor anything of it is on its way.
func isCalm(tx *store.Tx, arn string) (bool, error) {
	c, _, err := clusters.Peek(tx, arn)
	if hasNot(err) {
		return true, nil
	}
	if err != nil || slices.Contains(moving, string(c.Status)) {
		return false, err
	}
	for _, look := range []func() (bool, error){
		func() (bool, error) {
			return allRest(tx, profiles, arn, func(p *FargateProfile) string { return string(p.Status) })
		},
		func() (bool, error) {
			return allRest(tx, nodegroups, arn, func(n *Nodegroup) string { return string(n.Status) })
		},
		func() (bool, error) {
			return allRest(tx, addons, arn, func(d *Addon) string { return string(d.Status) })
		},
		func() (bool, error) {
			return allRest(tx, identityProviders, arn, func(p *IdentityProvider) string { return string(p.Status) })
		},
	} {
		if calm, err := look(); err != nil || !calm {
			return false, err
		}
	}
	return true, nil
}

func allRest[T any](tx *store.Tx, t *store.Table[T], arn string, status func(*T) string) (bool, error) {
	for one, err := range parts(tx, t, arn) {
		if err != nil || slices.Contains(moving, status(one)) {
			return false, err
		}
	}
	return true, nil
}

// settledUpdate settles, and returns what has become of an update.
func (a *API) settledUpdate(ctx context.Context, of *eks.DescribeUpdateInput, u *types.Update) (*types.Update, error) {
	if err := a.settle(ctx, of.Name); err != nil || !a.settles || u == nil {
		return u, err
	}
	of.UpdateId = u.Id
	out, err := a.DescribeUpdate(ctx, of)
	if err != nil {
		return nil, err
	}
	return out.Update, nil
}
