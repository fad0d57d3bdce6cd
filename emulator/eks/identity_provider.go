package eks

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the record of an OIDC identity provider that a cluster takes
// tokens of. The operations are in identity_provider_change.go and
// identity_provider_read.go.

// IdentityProvider is an associated provider as it is stored.
type IdentityProvider struct {
	types.OidcIdentityProviderConfig
	// Update is the one that associates or disassociates it.
	Update string
	Asked  asked // by which request it was associated
}

// identityProviders are kept under their cluster and name. A cluster has one
// at most.
var identityProviders = store.NewTable[IdentityProvider]("eks/identity-provider")

// oidcType is the only type of identity provider configurations.
const oidcType = "oidc"

func (p *IdentityProvider) name() string { return aws.ToString(p.IdentityProviderConfigName) }

// identityIssuerOf is the provider as the control plane is told it; nil when
// there is none, or none any more.
func identityIssuerOf(tx *store.Tx, cluster string) (*link.IdentityIssuer, error) {
	for p, err := range parts(tx, identityProviders, cluster) {
		if err != nil {
			return nil, err
		}
		if p.Status == types.ConfigStatusDeleting {
			continue
		}
		return &link.IdentityIssuer{
			Name: p.name(), IssuerURL: aws.ToString(p.IssuerUrl), ClientID: aws.ToString(p.ClientId),
			UsernameClaim: aws.ToString(p.UsernameClaim), UsernamePrefix: aws.ToString(p.UsernamePrefix),
			GroupsClaim: aws.ToString(p.GroupsClaim), GroupsPrefix: aws.ToString(p.GroupsPrefix), RequiredClaims: p.RequiredClaims,
		}, nil
	}
	return nil, nil
}

// advanceIdentityProviders moves a cluster's provider on: it is ACTIVE when it
// is in force, and gone when it is not any more. Both end the update. A
// control plane that failed leaves things as they were before it.
func advanceIdentityProviders(tx *store.Tx, c *Cluster, s seen) error {
	for r, err := range identityProviders.All(tx, store.Range{Prefix: c.arn() + "/"}) {
		if err != nil {
			return err
		}
		failed := s.status.Phase == link.Failed
		if r.Value.Status == types.ConfigStatusActive || !s.settled && !failed {
			continue
		}
		if (r.Value.Status == types.ConfigStatusDeleting) != failed {
			err = identityProviders.Delete(tx, r.Key)
		} else {
			r.Value.Status = types.ConfigStatusActive
			err = identityProviders.Put(tx, r.Key, &r.Value)
		}
		if err != nil {
			return err
		}
		var why []types.ErrorDetail
		if failed {
			why = append(why, types.ErrorDetail{ErrorCode: types.ErrorCodeClusterUnreachable, ErrorMessage: failure(s.status).Message, ResourceIds: []string{c.name()}})
		}
		if err := endUpdate(tx, c.arn(), &r.Value.Update, why...); err != nil {
			return err
		}
	}
	return nil
}

func taggedIdentityProvider(tx *store.Tx, arn apiwire.ARN) (tagged, error) {
	cluster, rest := arnParts(arn) // oidc/NAME/UUID
	_, rest, _ = strings.Cut(rest, "/")
	name, _, _ := strings.Cut(rest, "/")
	r, err := identityProviders.Get(tx, partKey(cluster, name))
	if err != nil {
		return tagged{}, err
	}
	if aws.ToString(r.Value.IdentityProviderConfigArn) != arn.String() {
		return tagged{}, store.ErrNotFound
	}
	return tagsOf(tx, identityProviders, r.Key, func(p *IdentityProvider) *map[string]string { return &p.Tags })
}
