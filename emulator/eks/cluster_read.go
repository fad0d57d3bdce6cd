package eks

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows clusters.

// DescribeCluster shows a cluster; what comes with its control plane appears
// when that is there.
func (a *API) DescribeCluster(ctx context.Context, in *eks.DescribeClusterInput) (*eks.DescribeClusterOutput, error) {
	out := &eks.DescribeClusterOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *in.Name)
		if err == nil {
			out.Cluster = a.show(c)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// show is a cluster as the API tells it. How a control plane that was ready
// once is doing is read at this moment, so that no answer is better than it.
func (a *API) show(c *Cluster) *types.Cluster {
	v := c.Cluster
	if v.Status == types.ClusterStatusActive || v.Status == types.ClusterStatusUpdating {
		v.Health = &types.ClusterHealth{Issues: a.issues(c)}
	}
	return &v
}

// ListClusters lists the names of the caller's clusters. There are no
// connected ones that include=all would add.
func (a *API) ListClusters(ctx context.Context, in *eks.ListClustersInput) (*eks.ListClustersOutput, error) {
	if slices.ContainsFunc(in.Include, func(s string) bool { return s != "all" }) {
		return nil, about{}.invalid("include should be one of [all]")
	}
	var names []string
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		for arn, err := range clusters.Keys(tx, "scope", call.Scope(), store.Range{}) {
			if err != nil {
				return err
			}
			names = append(names, clusterName(arn))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	names, next, err := pageOfNames(names, query{of: "ListClusters", max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &eks.ListClustersOutput{Clusters: names, NextToken: next}, nil
}
