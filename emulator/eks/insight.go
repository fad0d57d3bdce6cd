package eks

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file answers questions for cluster insights. Neargate checks nothing of
// a cluster by itself, so there are none, which is also what AWS says of a
// cluster with nothing to tell.

// refresh is when somebody last asked for a cluster's insights anew.
type refresh struct{ At time.Time }

var refreshes = store.NewTable[refresh]("eks/insights-refresh")

// ListInsights lists nothing.
func (a *API) ListInsights(ctx context.Context, in *eks.ListInsightsInput) (*eks.ListInsightsOutput, error) {
	out := &eks.ListInsightsOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		of := []string{"insights", c.arn()}
		if f := in.Filter; f != nil {
			of = slices.Concat(of, f.KubernetesVersions)
		}
		out.Insights, out.NextToken, err = page([]types.InsightSummary{}, func(i types.InsightSummary) string { return aws.ToString(i.Id) },
			query{of: strings.Join(of, " "), max: in.MaxResults, token: in.NextToken})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DescribeInsight finds none.
func (a *API) DescribeInsight(ctx context.Context, in *eks.DescribeInsightInput) (*eks.DescribeInsightOutput, error) {
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		return about{cluster: c.name()}.notFound("No insight found with id: %s", aws.ToString(in.Id))
	})
	return nil, err
}

// StartInsightsRefresh looks for insights anew, which is over at once.
func (a *API) StartInsightsRefresh(ctx context.Context, in *eks.StartInsightsRefreshInput) (*eks.StartInsightsRefreshOutput, error) {
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := activeCluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		return refreshes.Put(tx, partKey(c.arn(), "latest"), &refresh{At: tx.Now()})
	})
	if err != nil {
		return nil, err
	}
	return &eks.StartInsightsRefreshOutput{Status: types.InsightsRefreshStatusCompleted, Message: aws.String(textNoInsights)}, nil
}

const textNoInsights = "Neargate has no insights to find."

// DescribeInsightsRefresh tells when insights were last looked for.
func (a *API) DescribeInsightsRefresh(ctx context.Context, in *eks.DescribeInsightsRefreshInput) (*eks.DescribeInsightsRefreshOutput, error) {
	out := &eks.DescribeInsightsRefreshOutput{Status: types.InsightsRefreshStatusCompleted, Message: aws.String(textNoInsights)}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		r, err := refreshes.Get(tx, partKey(c.arn(), "latest"))
		if hasNot(err) {
			return about{cluster: c.name()}.notFound("No insights refresh found for cluster: %s", c.name())
		}
		out.StartedAt, out.EndedAt = &r.Value.At, &r.Value.At
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
