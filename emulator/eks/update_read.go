package eks

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows updates.

// DescribeUpdate shows an update of a cluster, or of the node group or add-on
// that the request names.
func (a *API) DescribeUpdate(ctx context.Context, in *eks.DescribeUpdateInput) (*eks.DescribeUpdateOutput, error) {
	out := &eks.DescribeUpdateOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *in.Name)
		if err != nil {
			return err
		}
		u, err := findUpdate(tx, c, *in.UpdateId)
		if err != nil {
			return err
		}
		if u.Nodegroup != aws.ToString(in.NodegroupName) || u.Addon != aws.ToString(in.AddonName) || in.CapabilityName != nil {
			return noUpdate(c, *in.UpdateId)
		}
		out.Update = &u.Update
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func findUpdate(tx *store.Tx, c *Cluster, id string) (*Update, error) {
	r, err := updates.Get(tx, partKey(c.arn(), id))
	if hasNot(err) {
		return nil, noUpdate(c, id)
	}
	return &r.Value, err
}

func noUpdate(c *Cluster, id string) error {
	return about{cluster: c.name()}.notFound("No update found for ID: %s", id)
}

// ListUpdates lists the ids of a cluster's updates, or of those of the node
// group or add-on that the request names, oldest first.
func (a *API) ListUpdates(ctx context.Context, in *eks.ListUpdatesInput) (*eks.ListUpdatesOutput, error) {
	var list []*Update
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *in.Name)
		if err != nil {
			return err
		}
		for u, err := range parts(tx, updates, c.arn()) {
			if err != nil {
				return err
			}
			if u.Nodegroup == aws.ToString(in.NodegroupName) && u.Addon == aws.ToString(in.AddonName) && in.CapabilityName == nil {
				list = append(list, u)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	of := "ListUpdates " + *in.Name + " " + cmp.Or(aws.ToString(in.NodegroupName), aws.ToString(in.AddonName))
	shown, next, err := page(list, byAge, query{of: of, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(shown))
	for _, u := range shown {
		ids = append(ids, *u.Id)
	}
	return &eks.ListUpdatesOutput{UpdateIds: ids, NextToken: next}, nil
}

// byAge is a key in the order in which updates began.
func byAge(u *Update) string {
	return u.CreatedAt.UTC().Format("2006-01-02T15:04:05.000000000") + " " + *u.Id
}

// CancelUpdate refuses: what AWS can cancel is the rollback of a version on a
// cluster with EKS Auto Mode, which nothing here is.
func (a *API) CancelUpdate(ctx context.Context, in *eks.CancelUpdateInput) (*eks.CancelUpdateOutput, error) {
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *in.Name)
		if err != nil {
			return err
		}
		u, err := findUpdate(tx, c, *in.UpdateId)
		if err != nil {
			return err
		}
		if u.Status != types.UpdateStatusInProgress {
			return about{cluster: c.name()}.invalidRequest("Update %s cannot be cancelled because it is in status %s", *u.Id, u.Status)
		}
		return about{cluster: c.name()}.invalidRequest("Update %s cannot be cancelled because its type is %s. Only a VersionRollback can.", *u.Id, u.Type)
	})
	return nil, err
}
