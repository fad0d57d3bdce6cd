package ecs

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows clusters.

// everything is what the answers of operations that change a cluster include.
var everything = []types.ClusterField{
	types.ClusterFieldAttachments, types.ClusterFieldConfigurations, types.ClusterFieldSettings, types.ClusterFieldTags,
}

const maxDescribedClusters = 100

// DescribeClusters shows clusters; the unknown ones are failures. Without
// names it shows the one named default.
func (a *API) DescribeClusters(ctx context.Context, in *ecs.DescribeClustersInput) (*ecs.DescribeClustersOutput, error) {
	refs := in.Clusters
	if len(refs) == 0 {
		refs = []string{defaultCluster}
	}
	if len(refs) > maxDescribedClusters {
		return nil, invalid("clusters can have at most %d items.", maxDescribedClusters)
	}
	for _, f := range in.Include {
		if err := oneOf(invalid, "include", f, f.Values()); err != nil {
			return nil, err
		}
	}
	out := &ecs.DescribeClustersOutput{Clusters: []types.Cluster{}, Failures: []types.Failure{}}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		for _, ref := range refs {
			if err := a.describeInto(tx, apiwire.CallFrom(ctx), ref, in.Include, out); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *API) describeInto(tx *store.Tx, call apiwire.Call, ref string, include []types.ClusterField, out *ecs.DescribeClustersOutput) error {
	c, err := a.anyCluster(tx, call, ref)
	if missing := (*types.ClusterNotFoundException)(nil); errors.As(err, &missing) {
		out.Failures = append(out.Failures, missingFailure(call, "cluster", ref))
		return nil
	}
	if err != nil {
		return err
	}
	shown, err := describeCluster(tx, c, include)
	if err == nil {
		out.Clusters = append(out.Clusters, *shown)
	}
	return err
}

// missingFailure is what Describe operations say of something that is not
// there, by the ARN that it would have.
func missingFailure(call apiwire.Call, kind, ref string) types.Failure {
	arn := ref
	if !apiwire.IsARN(ref) {
		arn = call.ARN("ecs", kind+"/"+ref)
	}
	return types.Failure{Arn: aws.String(arn), Reason: aws.String("MISSING")}
}

// ListClusters lists the ARNs of the clusters that are not INACTIVE.
func (a *API) ListClusters(ctx context.Context, in *ecs.ListClustersInput) (*ecs.ListClustersOutput, error) {
	call := apiwire.CallFrom(ctx)
	var arns []string
	err := a.store.View(ctx, func(tx *store.Tx) error {
		for arn, err := range clusters.Keys(tx, "status", call.Scope()+"/"+clusterActive, store.Range{}) {
			if err != nil {
				return err
			}
			arns = append(arns, arn)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	q := query{of: "ListClusters", max: in.MaxResults, token: in.NextToken, lo: 1, hi: 100, size: 100}
	arns, next, err := page(arns, func(arn string) string { return arn }, q)
	if err != nil {
		return nil, err
	}
	return &ecs.ListClustersOutput{ClusterArns: arns, NextToken: next}, nil
}

// describeCluster shows a cluster with its counts as they are at this moment.
// What include does not name is left empty.
func describeCluster(tx *store.Tx, c *Cluster, include []types.ClusterField) (*types.Cluster, error) {
	use, err := clusterUse(tx, *c.ClusterArn)
	if err != nil {
		return nil, err
	}
	v := c.Cluster
	v.RunningTasksCount, v.PendingTasksCount = use.running.total(), use.pending.total()
	v.ActiveServicesCount = use.activeServices.total()
	v.CapacityProviders = append([]string{}, c.CapacityProviders...)
	v.DefaultCapacityProviderStrategy = append([]types.CapacityProviderStrategyItem{}, c.DefaultCapacityProviderStrategy...)
	v.Settings, v.Tags, v.Statistics, v.Configuration = []types.ClusterSetting{}, []types.Tag{}, []types.KeyValuePair{}, nil
	if slices.Contains(include, types.ClusterFieldSettings) {
		v.Settings = c.Settings
	}
	if slices.Contains(include, types.ClusterFieldTags) {
		v.Tags = append(v.Tags, c.Tags...)
	}
	if slices.Contains(include, types.ClusterFieldConfigurations) {
		v.Configuration = c.Configuration
	}
	if slices.Contains(include, types.ClusterFieldStatistics) {
		v.Statistics = use.statistics()
	}
	if slices.Contains(include, types.ClusterFieldAttachments) {
		v.Attachments = []types.Attachment{}
	}
	return &v, nil
}
