package eks

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows and deletes node groups.

// DescribeNodegroup shows a node group.
func (a *API) DescribeNodegroup(ctx context.Context, in *eks.DescribeNodegroupInput) (*eks.DescribeNodegroupOutput, error) {
	out := &eks.DescribeNodegroupOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		_, r, err := nodegroup(tx, call, in.ClusterName, in.NodegroupName)
		out.Nodegroup = &r.Value.Nodegroup
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListNodegroups lists the names of a cluster's node groups.
func (a *API) ListNodegroups(ctx context.Context, in *eks.ListNodegroupsInput) (*eks.ListNodegroupsOutput, error) {
	out := &eks.ListNodegroupsOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		names := []string{}
		for n, err := range parts(tx, nodegroups, c.arn()) {
			if err != nil {
				return err
			}
			names = append(names, n.name())
		}
		out.Nodegroups, out.NextToken, err = pageOfNames(names, query{of: "nodegroups " + c.arn(), max: in.MaxResults, token: in.NextToken})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteNodegroup makes a node group DELETING. It goes when its pods have. One
// that is so already is answered as it is.
func (a *API) DeleteNodegroup(ctx context.Context, in *eks.DeleteNodegroupInput) (*eks.DeleteNodegroupOutput, error) {
	out := &eks.DeleteNodegroupOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := nodegroup(tx, call, in.ClusterName, in.NodegroupName)
		if err != nil {
			return err
		}
		n, now := &r.Value, tx.Now()
		out.Nodegroup = &n.Nodegroup
		if n.Status == types.NodegroupStatusDeleting {
			return nil
		}
		gone := types.ErrorDetail{ErrorCode: types.ErrorCodeUnknown, ErrorMessage: aws.String("The node group was deleted."), ResourceIds: []string{n.name()}}
		if err := endNodegroupUpdate(tx, c, n.name(), gone); err != nil {
			return err
		}
		n.Status, n.ModifiedAt = types.NodegroupStatusDeleting, &now
		return nodegroups.Put(tx, r.Key, n)
	})
	if err != nil {
		return nil, err
	}
	return out, a.settle(ctx, in.ClusterName)
}
