package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is OpenID Connect providers, as records: whom an account would
// believe.

// oidcProvider is what is stored.
type oidcProvider struct {
	ARN      string
	Provider iam.GetOpenIDConnectProviderOutput
}

// oidcProviders are keyed by account and URL without its scheme.
var oidcProviders = &kind[oidcProvider]{
	table:  store.NewTable[oidcProvider]("iam/oidc-provider"),
	absent: "OpenIDConnect Provider not found for arn %s",
	taken:  "Provider with url %s already exists.",
	tags:   func(p *oidcProvider) *[]types.Tag { return &p.Provider.Tags },
}

// AWS's quotas for one provider.
const (
	maxClientIDs   = 100
	maxThumbprints = 5
)

// CreateOpenIDConnectProvider records a provider. Its server is not asked for
// the thumbprint of its certificate: what is not given stays empty.
func (a *API) CreateOpenIDConnectProvider(ctx context.Context, in *iam.CreateOpenIDConnectProviderInput) (*iam.CreateOpenIDConnectProviderOutput, error) {
	issuer, ok := strings.CutPrefix(*in.Url, "https://")
	if !ok || issuer == "" || strings.ContainsAny(issuer, "?# ") {
		return nil, invalid("Invalid Open ID Connect Provider URL")
	}
	if err := checkProvider(in.ClientIDList, in.ThumbprintList); err != nil {
		return nil, err
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	out := &iam.CreateOpenIDConnectProviderOutput{Tags: tags}
	err = a.update(ctx, func(tx *store.Tx, h home) error {
		arn := h.arn("oidc-provider/", "", issuer)
		out.OpenIDConnectProviderArn = &arn
		return oidcProviders.add(tx, providerKey(h, arn), *in.Url, &oidcProvider{ARN: arn, Provider: iam.GetOpenIDConnectProviderOutput{
			Url: &issuer, ClientIDList: in.ClientIDList, ThumbprintList: in.ThumbprintList, CreateDate: seconds(tx), Tags: tags,
		}})
	})
	return out, err
}

func checkProvider(clients, thumbprints []string) error {
	switch {
	case len(clients) > maxClientIDs:
		return limit("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClientIDs)
	case len(thumbprints) > maxThumbprints:
		return invalid("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	for _, t := range thumbprints {
		if len(t) != 40 || strings.Trim(strings.ToLower(t), "0123456789abcdef") != "" {
			return invalid("Invalid thumbprint: %s", t)
		}
	}
	return nil
}

// providerKey is the key of a provider, by its ARN.
func providerKey(h home, arn string) string {
	_, issuer, _ := strings.Cut(arn, "oidc-provider/")
	return h.prefix() + issuer
}

// GetOpenIDConnectProvider shows a provider.
func (a *API) GetOpenIDConnectProvider(ctx context.Context, in *iam.GetOpenIDConnectProviderInput) (*iam.GetOpenIDConnectProviderOutput, error) {
	out := &iam.GetOpenIDConnectProviderOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := oidcProviders.get(tx, providerKey(h, *in.OpenIDConnectProviderArn), *in.OpenIDConnectProviderArn)
		if err == nil {
			*out = p.Provider
		}
		return err
	})
	return out, err
}

// ListOpenIDConnectProviders lists providers.
func (a *API) ListOpenIDConnectProviders(ctx context.Context, _ *iam.ListOpenIDConnectProvidersInput) (*iam.ListOpenIDConnectProvidersOutput, error) {
	out := &iam.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []types.OpenIDConnectProviderListEntry{}}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		for p, err := range oidcProviders.all(tx, h) {
			if err != nil {
				return err
			}
			out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, types.OpenIDConnectProviderListEntry{Arn: aws.String(p.ARN)})
		}
		return nil
	})
	return out, err
}

// changeProvider changes a provider.
func (a *API) changeProvider(ctx context.Context, arn string, fn func(p *iam.GetOpenIDConnectProviderOutput) error) error {
	return a.update(ctx, func(tx *store.Tx, h home) error {
		return oidcProviders.change(tx, providerKey(h, arn), arn, func(p *oidcProvider) error { return fn(&p.Provider) })
	})
}

// AddClientIDToOpenIDConnectProvider adds an audience; one that is there is no
// error.
func (a *API) AddClientIDToOpenIDConnectProvider(ctx context.Context, in *iam.AddClientIDToOpenIDConnectProviderInput) (*iam.AddClientIDToOpenIDConnectProviderOutput, error) {
	return &iam.AddClientIDToOpenIDConnectProviderOutput{}, a.changeProvider(ctx, *in.OpenIDConnectProviderArn, func(p *iam.GetOpenIDConnectProviderOutput) error {
		if !slices.Contains(p.ClientIDList, *in.ClientID) {
			p.ClientIDList = append(p.ClientIDList, *in.ClientID)
		}
		return checkProvider(p.ClientIDList, nil)
	})
}

// RemoveClientIDFromOpenIDConnectProvider removes an audience; one that is not
// there is no error.
func (a *API) RemoveClientIDFromOpenIDConnectProvider(ctx context.Context, in *iam.RemoveClientIDFromOpenIDConnectProviderInput) (*iam.RemoveClientIDFromOpenIDConnectProviderOutput, error) {
	return &iam.RemoveClientIDFromOpenIDConnectProviderOutput{}, a.changeProvider(ctx, *in.OpenIDConnectProviderArn, func(p *iam.GetOpenIDConnectProviderOutput) error {
		p.ClientIDList = slices.DeleteFunc(p.ClientIDList, func(id string) bool { return id == *in.ClientID })
		return nil
	})
}

// UpdateOpenIDConnectProviderThumbprint replaces a provider's thumbprints.
func (a *API) UpdateOpenIDConnectProviderThumbprint(ctx context.Context, in *iam.UpdateOpenIDConnectProviderThumbprintInput) (*iam.UpdateOpenIDConnectProviderThumbprintOutput, error) {
	if err := checkProvider(nil, in.ThumbprintList); err != nil {
		return nil, err
	}
	return &iam.UpdateOpenIDConnectProviderThumbprintOutput{}, a.changeProvider(ctx, *in.OpenIDConnectProviderArn, func(p *iam.GetOpenIDConnectProviderOutput) error {
		p.ThumbprintList = in.ThumbprintList
		return nil
	})
}

// DeleteOpenIDConnectProvider removes a provider; one that is not there is no
// error.
func (a *API) DeleteOpenIDConnectProvider(ctx context.Context, in *iam.DeleteOpenIDConnectProviderInput) (*iam.DeleteOpenIDConnectProviderOutput, error) {
	return &iam.DeleteOpenIDConnectProviderOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return oidcProviders.table.Delete(tx, providerKey(h, *in.OpenIDConnectProviderArn))
	})
}

// TagOpenIDConnectProvider adds tags to a provider.
func (a *API) TagOpenIDConnectProvider(ctx context.Context, in *iam.TagOpenIDConnectProviderInput) (*iam.TagOpenIDConnectProviderOutput, error) {
	return &iam.TagOpenIDConnectProviderOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return oidcProviders.tag(tx, providerKey(h, *in.OpenIDConnectProviderArn), *in.OpenIDConnectProviderArn, in.Tags)
	})
}

// UntagOpenIDConnectProvider removes tags from a provider.
func (a *API) UntagOpenIDConnectProvider(ctx context.Context, in *iam.UntagOpenIDConnectProviderInput) (*iam.UntagOpenIDConnectProviderOutput, error) {
	return &iam.UntagOpenIDConnectProviderOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return oidcProviders.untag(tx, providerKey(h, *in.OpenIDConnectProviderArn), *in.OpenIDConnectProviderArn, in.TagKeys)
	})
}

// ListOpenIDConnectProviderTags lists a provider's tags.
func (a *API) ListOpenIDConnectProviderTags(ctx context.Context, in *iam.ListOpenIDConnectProviderTagsInput) (*iam.ListOpenIDConnectProviderTagsOutput, error) {
	out := &iam.ListOpenIDConnectProviderTagsOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := oidcProviders.tagPage(tx, providerKey(h, *in.OpenIDConnectProviderArn), *in.OpenIDConnectProviderArn, in.Marker, in.MaxItems)
		out.Tags, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}

// ProviderClients returns the client ids of an account's provider for an
// issuer, given without its scheme; store.ErrNotFound when it has none.
func (a *API) ProviderClients(tx *store.Tx, account, issuer string) ([]string, error) {
	p, err := oidcProviders.table.Get(tx, home{account: account}.prefix()+issuer)
	return p.Value.Provider.ClientIDList, err
}
