package eks

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows identity provider configurations.

// DescribeIdentityProviderConfig shows an associated provider.
func (a *API) DescribeIdentityProviderConfig(ctx context.Context, in *eks.DescribeIdentityProviderConfigInput) (*eks.DescribeIdentityProviderConfigOutput, error) {
	out := &eks.DescribeIdentityProviderConfigOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		r, err := provider(tx, c, in.IdentityProviderConfig)
		if hasNot(err) {
			return about{cluster: c.name()}.notFound("No identity provider config found for name: %s.", aws.ToString(in.IdentityProviderConfig.Name))
		}
		out.IdentityProviderConfig = &types.IdentityProviderConfigResponse{Oidc: &r.Value.OidcIdentityProviderConfig}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListIdentityProviderConfigs lists a cluster's providers by type and name.
func (a *API) ListIdentityProviderConfigs(ctx context.Context, in *eks.ListIdentityProviderConfigsInput) (*eks.ListIdentityProviderConfigsOutput, error) {
	out := &eks.ListIdentityProviderConfigsOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		list := []types.IdentityProviderConfig{}
		for p, err := range parts(tx, identityProviders, c.arn()) {
			if err != nil {
				return err
			}
			list = append(list, types.IdentityProviderConfig{Type: aws.String(oidcType), Name: p.IdentityProviderConfigName})
		}
		out.IdentityProviderConfigs, out.NextToken, err = page(list, func(p types.IdentityProviderConfig) string { return *p.Name },
			query{of: "identity-provider-configs " + c.arn(), max: in.MaxResults, token: in.NextToken})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
