package eks

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows Fargate profiles and begins their end.

// DescribeFargateProfile shows a profile.
func (a *API) DescribeFargateProfile(ctx context.Context, in *eks.DescribeFargateProfileInput) (*eks.DescribeFargateProfileOutput, error) {
	out := &eks.DescribeFargateProfileOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *in.ClusterName)
		if err != nil {
			return err
		}
		r, err := profile(tx, c.arn(), *in.FargateProfileName)
		out.FargateProfile = &r.Value.FargateProfile
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListFargateProfiles lists the names of a cluster's profiles.
func (a *API) ListFargateProfiles(ctx context.Context, in *eks.ListFargateProfilesInput) (*eks.ListFargateProfilesOutput, error) {
	var names []string
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *in.ClusterName)
		if err != nil {
			return err
		}
		for p, err := range parts(tx, profiles, c.arn()) {
			if err != nil {
				return err
			}
			names = append(names, p.name())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	names, next, err := pageOfNames(names, query{of: "ListFargateProfiles " + *in.ClusterName, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &eks.ListFargateProfilesOutput{FargateProfileNames: names, NextToken: next}, nil
}

// DeleteFargateProfile makes a profile DELETING; it is gone when its pods are.
func (a *API) DeleteFargateProfile(ctx context.Context, in *eks.DeleteFargateProfileInput) (*eks.DeleteFargateProfileOutput, error) {
	out := &eks.DeleteFargateProfileOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, *in.ClusterName)
		if err != nil {
			return err
		}
		r, err := profile(tx, c.arn(), *in.FargateProfileName)
		if err != nil {
			return err
		}
		if _, err := activeCluster(tx, call, *in.ClusterName); err != nil {
			return err
		}
		if err := mayChangeProfiles(tx, c, "delete", r.Value.name()); err != nil {
			return err
		}
		r.Value.Status = types.FargateProfileStatusDeleting
		r.Value.Health = &types.FargateProfileHealth{Issues: []types.FargateProfileIssue{}}
		out.FargateProfile = &r.Value.FargateProfile
		return profiles.Replace(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return out, a.settle(ctx, in.ClusterName)
}
