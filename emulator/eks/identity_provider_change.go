package eks

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file associates clusters with OIDC identity providers and takes them
// away again.

// AssociateIdentityProviderConfig makes a cluster take the tokens of an OIDC
// provider.
func (a *API) AssociateIdentityProviderConfig(ctx context.Context, in *eks.AssociateIdentityProviderConfigInput) (*eks.AssociateIdentityProviderConfigOutput, error) {
	out := &eks.AssociateIdentityProviderConfigOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := activeCluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		p, u, err := associateProvider(tx, c, in)
		if err != nil {
			return err
		}
		out.Update, out.Tags = u, p.Tags
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Update, err = a.settledUpdate(ctx, &eks.DescribeUpdateInput{Name: in.ClusterName}, out.Update)
	return out, err
}

func associateProvider(tx *store.Tx, c *Cluster, in *eks.AssociateIdentityProviderConfigInput) (*IdentityProvider, *types.Update, error) {
	about := about{cluster: c.name()}
	mark, err := askedBy(in.ClientRequestToken, in)
	if err != nil {
		return nil, nil, err
	}
	for r, err := range identityProviders.All(tx, store.Range{Prefix: c.arn() + "/"}) {
		switch {
		case err != nil:
			return nil, nil, err
		case mark.again(r.Value.Asked):
			u, err := updates.Get(tx, partKey(c.arn(), r.Value.Update))
			return &r.Value, &u.Value.Update, err
		case r.Value.name() == aws.ToString(in.Oidc.IdentityProviderConfigName):
			return nil, nil, about.inUse("Identity provider config already exists with name %s and cluster name %s", r.Value.name(), c.name())
		}
		return nil, nil, about.tooMany("A cluster can have one identity provider config at most; cluster %s has %s.", c.name(), r.Value.name())
	}
	if err := about.checkProvider(in.Oidc); err != nil {
		return nil, nil, err
	}
	if err := checkTags(about.invalid, in.Tags); err != nil {
		return nil, nil, err
	}
	p := newProvider(c, in)
	p.Asked = mark
	u, err := beginProviderUpdate(tx, c, types.UpdateTypeAssociateIdentityProviderConfig, p, mark)
	if err != nil {
		return nil, nil, err
	}
	p.Update = *u.Id
	return p, u, identityProviders.Insert(tx, partKey(c.arn(), p.name()), p)
}

// checkProvider is whether a cluster can take tokens of a provider.
func (a about) checkProvider(o *types.OidcIdentityProviderConfigRequest) error {
	issuer, err := url.Parse(aws.ToString(o.IssuerUrl))
	switch {
	case err != nil || issuer.Scheme != "https":
		return a.invalid("IssuerURL must use https:// scheme.")
	case issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || issuer.User != nil:
		return a.invalid("IssuerURL must be a host and a path: %s", aws.ToString(o.IssuerUrl))
	case aws.ToString(o.IdentityProviderConfigName) == "":
		return a.invalid("The identity provider config name can't be empty.")
	case aws.ToString(o.ClientId) == "":
		return a.invalid("The client id can't be empty.")
	}
	return nil
}

func newProvider(c *Cluster, in *eks.AssociateIdentityProviderConfigInput) *IdentityProvider {
	o, p := in.Oidc, &IdentityProvider{}
	p.OidcIdentityProviderConfig = types.OidcIdentityProviderConfig{
		IdentityProviderConfigName: o.IdentityProviderConfigName, ClusterName: aws.String(c.name()), Status: types.ConfigStatusCreating,
		IdentityProviderConfigArn: aws.String(partARN(c.arn(), "identityproviderconfig", oidcType+"/"+*o.IdentityProviderConfigName+"/"+uuid())),
		IssuerUrl:                 o.IssuerUrl, ClientId: o.ClientId, UsernameClaim: o.UsernameClaim, UsernamePrefix: o.UsernamePrefix,
		GroupsClaim: o.GroupsClaim, GroupsPrefix: o.GroupsPrefix, RequiredClaims: givenTags(o.RequiredClaims), Tags: givenTags(in.Tags),
	}
	return p
}

func beginProviderUpdate(tx *store.Tx, c *Cluster, kind types.UpdateType, p *IdentityProvider, mark asked) (*types.Update, error) {
	raw, err := json.Marshal([]map[string]string{{"type": oidcType, "name": p.name()}})
	if err != nil {
		return nil, err
	}
	return beginUpdate(tx, c.arn(), Update{Asked: mark, Update: types.Update{
		Type: kind, Params: []types.UpdateParam{param(types.UpdateParamTypeIdentityProviderConfig, string(raw))},
	}})
}

// provider finds the identity provider configuration that a request names.
func provider(tx *store.Tx, c *Cluster, ref *types.IdentityProviderConfig) (store.Record[IdentityProvider], error) {
	if aws.ToString(ref.Type) != oidcType {
		return store.Record[IdentityProvider]{}, about{cluster: c.name()}.invalid("Identity provider config type must be %s", oidcType)
	}
	return identityProviders.Get(tx, partKey(c.arn(), aws.ToString(ref.Name)))
}

// DisassociateIdentityProviderConfig makes a cluster take a provider's tokens
// no more.
func (a *API) DisassociateIdentityProviderConfig(ctx context.Context, in *eks.DisassociateIdentityProviderConfigInput) (*eks.DisassociateIdentityProviderConfigOutput, error) {
	out := &eks.DisassociateIdentityProviderConfigOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := activeCluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		about := about{cluster: c.name()}
		r, err := provider(tx, c, in.IdentityProviderConfig)
		switch {
		case hasNot(err):
			return about.invalidRequest("Identity provider config is not associated with cluster %s", c.name())
		case err != nil:
			return err
		case r.Value.Status != types.ConfigStatusActive:
			return about.inUse("Identity provider config %s cannot be disassociated as it is currently in %s state", r.Value.name(), r.Value.Status)
		}
		mark, err := askedBy(in.ClientRequestToken, in)
		if err != nil {
			return err
		}
		out.Update, err = beginProviderUpdate(tx, c, types.UpdateTypeDisassociateIdentityProviderConfig, &r.Value, mark)
		if err != nil {
			return err
		}
		r.Value.Status, r.Value.Update = types.ConfigStatusDeleting, *out.Update.Id
		return identityProviders.Put(tx, r.Key, &r.Value)
	})
	if err != nil {
		return nil, err
	}
	out.Update, err = a.settledUpdate(ctx, &eks.DescribeUpdateInput{Name: in.ClusterName}, out.Update)
	return out, err
}
