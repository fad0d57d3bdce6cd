package logs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// This file is about what could be attached to a log group but cannot be made
// here: it lists none, which is the truth.

// TestMetricFilter tells which messages match a pattern and what is extracted
// from them.
func (a *API) TestMetricFilter(_ context.Context, in *cloudwatchlogs.TestMetricFilterInput) (*cloudwatchlogs.TestMetricFilterOutput, error) {
	p, err := parsePattern(*in.FilterPattern)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.TestMetricFilterOutput{Matches: []types.MetricFilterMatchRecord{}}
	for i, m := range in.LogEventMessages {
		if ok, values := p.Extract(m); ok {
			out.Matches = append(out.Matches, types.MetricFilterMatchRecord{EventNumber: int64(i), EventMessage: aws.String(m), ExtractedValues: values})
		}
	}
	return out, nil
}

// exists tells of a group that is not there.
func (a *API) exists(ctx context.Context, find func(p place) (string, error)) error {
	return a.view(ctx, func(tx *store.Tx, p place) error {
		key, err := find(p)
		if err != nil {
			return err
		}
		_, err = getGroup(tx, key)
		return err
	})
}

// DescribeMetricFilters lists no metric filters.
func (a *API) DescribeMetricFilters(ctx context.Context, in *cloudwatchlogs.DescribeMetricFiltersInput) (*cloudwatchlogs.DescribeMetricFiltersOutput, error) {
	if in.LogGroupName != nil {
		if err := a.exists(ctx, named(in.LogGroupName)); err != nil {
			return nil, err
		}
	}
	return &cloudwatchlogs.DescribeMetricFiltersOutput{MetricFilters: []types.MetricFilter{}}, nil
}

// DescribeSubscriptionFilters lists no subscription filters.
func (a *API) DescribeSubscriptionFilters(ctx context.Context, in *cloudwatchlogs.DescribeSubscriptionFiltersInput) (*cloudwatchlogs.DescribeSubscriptionFiltersOutput, error) {
	if err := a.exists(ctx, named(in.LogGroupName)); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DescribeSubscriptionFiltersOutput{SubscriptionFilters: []types.SubscriptionFilter{}}, nil
}

// DescribeIndexPolicies lists no field index policies.
func (a *API) DescribeIndexPolicies(ctx context.Context, in *cloudwatchlogs.DescribeIndexPoliciesInput) (*cloudwatchlogs.DescribeIndexPoliciesOutput, error) {
	for _, id := range in.LogGroupIdentifiers {
		if err := a.exists(ctx, func(p place) (string, error) { return p.groupKey(nil, &id) }); err != nil {
			return nil, err
		}
	}
	return &cloudwatchlogs.DescribeIndexPoliciesOutput{IndexPolicies: []types.IndexPolicy{}}, nil
}

// DescribeResourcePolicies lists no resource policies.
func (a *API) DescribeResourcePolicies(context.Context, *cloudwatchlogs.DescribeResourcePoliciesInput) (*cloudwatchlogs.DescribeResourcePoliciesOutput, error) {
	return &cloudwatchlogs.DescribeResourcePoliciesOutput{ResourcePolicies: []types.ResourcePolicy{}}, nil
}

// DescribeAccountPolicies lists no account policies.
func (a *API) DescribeAccountPolicies(context.Context, *cloudwatchlogs.DescribeAccountPoliciesInput) (*cloudwatchlogs.DescribeAccountPoliciesOutput, error) {
	return &cloudwatchlogs.DescribeAccountPoliciesOutput{AccountPolicies: []types.AccountPolicy{}}, nil
}
