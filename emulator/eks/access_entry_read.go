package eks

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows access entries.

// DescribeAccessEntry shows the entry of a principal.
func (a *API) DescribeAccessEntry(ctx context.Context, in *eks.DescribeAccessEntryInput) (*eks.DescribeAccessEntryOutput, error) {
	out := &eks.DescribeAccessEntryOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		_, r, err := accessEntry(tx, call, in.ClusterName, in.PrincipalArn)
		out.AccessEntry = &r.Value.AccessEntry
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListAccessEntries lists the principals that have an entry, or those of them
// that have a policy.
func (a *API) ListAccessEntries(ctx context.Context, in *eks.ListAccessEntriesInput) (*eks.ListAccessEntriesOutput, error) {
	out := &eks.ListAccessEntriesOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := entryCluster(tx, call, in.ClusterName)
		if err != nil {
			return err
		}
		policy := aws.ToString(in.AssociatedPolicyArn)
		principals := []string{}
		for e, err := range parts(tx, accessEntries, c.arn()) {
			if err != nil {
				return err
			}
			if policy == "" || slices.ContainsFunc(e.Policies, isPolicy(policy)) {
				principals = append(principals, *e.PrincipalArn)
			}
		}
		out.AccessEntries, out.NextToken, err = pageOfNames(principals, query{
			of: "access-entries " + c.arn() + " " + policy, max: in.MaxResults, token: in.NextToken,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
