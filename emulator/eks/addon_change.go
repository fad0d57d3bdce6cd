package eks

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes, updates and deletes add-ons.

// CreateAddon adds an add-on that Neargate provides to a cluster. It is
// CREATING until the control plane says that it is there.
func (a *API) CreateAddon(ctx context.Context, in *eks.CreateAddonInput) (*eks.CreateAddonOutput, error) {
	out := &eks.CreateAddonOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := activeCluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		made, err := a.createAddon(tx, c, in)
		if err != nil {
			return err
		}
		out.Addon = &made.Addon
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := a.settle(ctx, in.ClusterName); err != nil || !a.settles {
		return out, err
	}
	now, err := a.DescribeAddon(ctx, &eks.DescribeAddonInput{ClusterName: in.ClusterName, AddonName: in.AddonName})
	if err != nil {
		return nil, err
	}
	return &eks.CreateAddonOutput{Addon: now.Addon}, nil
}

func (a *API) createAddon(tx *store.Tx, c *Cluster, in *eks.CreateAddonInput) (*Addon, error) {
	wanted, err := a.newAddon(tx, c, in)
	if err != nil {
		return nil, err
	}
	key := partKey(c.arn(), *wanted.AddonName)
	r, err := addons.Get(tx, key)
	switch {
	case err == nil && !r.Value.Kept && wanted.Asked.again(r.Value.Asked):
		return &r.Value, nil
	case err == nil && !r.Value.Kept:
		return nil, aboutAddon(c, *wanted.AddonName).inUse("Addon already exists.")
	case err != nil && !hasNot(err):
		return nil, err
	}
	if err := a.ownIdentities(tx, c, wanted, in.PodIdentityAssociations); err != nil {
		return nil, err
	}
	return wanted, addons.Put(tx, key, wanted)
}

// newAddon is the record that a request asks for.
func (a *API) newAddon(tx *store.Tx, c *Cluster, in *eks.CreateAddonInput) (*Addon, error) {
	name, kubernetes := aws.ToString(in.AddonName), aws.ToString(c.Version)
	about := aboutAddon(c, name)
	k, err := about.checkAddon(name, kubernetes)
	if err != nil {
		return nil, err
	}
	version, namespace := aws.ToString(in.AddonVersion), defaultAddonNamespace
	if version == "" {
		version = k.defaultVersion(kubernetes)
	}
	if in.NamespaceConfig != nil && in.NamespaceConfig.Namespace != nil {
		namespace = *in.NamespaceConfig.Namespace
	}
	if err := about.checkAddonVersion(k, version, kubernetes); err != nil {
		return nil, err
	}
	if err := about.checkAddonNamespace(namespace); err != nil {
		return nil, err
	}
	if err := a.checkAddonRequest(tx, about, k, in.ConfigurationValues, in.ServiceAccountRoleArn); err != nil {
		return nil, err
	}
	if err := checkTags(about.invalid, in.Tags); err != nil {
		return nil, err
	}
	now, made := tx.Now(), &Addon{}
	made.Addon = types.Addon{
		AddonName: &name, ClusterName: aws.String(c.name()), Status: types.AddonStatusCreating, AddonVersion: &version,
		AddonArn:  aws.String(partARN(c.arn(), "addon", name+"/"+uuid())),
		CreatedAt: &now, ModifiedAt: &now, Health: &types.AddonHealth{Issues: []types.AddonIssue{}},
		Tags: givenTags(in.Tags), ServiceAccountRoleArn: in.ServiceAccountRoleArn, ConfigurationValues: in.ConfigurationValues,
		PodIdentityAssociations: nil, NamespaceConfig: &types.AddonNamespaceConfigResponse{Namespace: &namespace},
		Publisher: &k.publisher, Owner: &k.owner,
	}
	made.Asked, err = askedBy(in.ClientRequestToken, in)
	return made, err
}

// checkAddonRequest checks what CreateAddon and UpdateAddon have in common.
func (a *API) checkAddonRequest(tx *store.Tx, about about, k addonKind, values, roleARN *string) error {
	if err := about.checkConfiguration(k, aws.ToString(values)); err != nil {
		return err
	}
	if aws.ToString(roleARN) == "" {
		return nil
	}
	return a.mustHaveRole(tx, about, *roleARN)
}

// ownIdentities replaces the pod identity associations that an add-on owns.
func (a *API) ownIdentities(tx *store.Tx, c *Cluster, owner *Addon, wanted []types.AddonPodIdentityAssociations) error {
	if err := deleteIdentitiesOf(tx, c.arn(), *owner.AddonArn); err != nil {
		return err
	}
	owner.PodIdentityAssociations = nil
	about := aboutAddon(c, *owner.AddonName)
	for _, w := range wanted {
		p := newPodIdentity(tx, c, *owner.NamespaceConfig.Namespace, aws.ToString(w.ServiceAccount), aws.ToString(w.RoleArn))
		p.OwnerArn = owner.AddonArn
		if err := a.insertPodIdentity(tx, about, c, p); err != nil {
			return err
		}
		owner.PodIdentityAssociations = append(owner.PodIdentityAssociations, *p.AssociationArn)
	}
	return nil
}

// UpdateAddon changes an add-on. What is not given stays, but for the role:
// without one the add-on has none any more.
func (a *API) UpdateAddon(ctx context.Context, in *eks.UpdateAddonInput) (*eks.UpdateAddonOutput, error) {
	out := &eks.UpdateAddonOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := addon(tx, call, in.ClusterName, in.AddonName)
		if err != nil {
			return err
		}
		mark, err := askedBy(in.ClientRequestToken, in)
		if err != nil {
			return err
		}
		if out.Update, err = updateAskedBy(tx, c.arn(), mark); out.Update != nil || err != nil {
			return err
		}
		if c.Status != types.ClusterStatusActive {
			return about{cluster: c.name()}.invalidRequest("Cluster '%s' is not in ACTIVE status", c.name())
		}
		out.Update, err = a.updateAddon(tx, c, r, in, mark)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Update, err = a.settledUpdate(ctx, &eks.DescribeUpdateInput{Name: in.ClusterName, AddonName: in.AddonName}, out.Update)
	return out, err
}

func (a *API) updateAddon(tx *store.Tx, c *Cluster, r store.Record[Addon], in *eks.UpdateAddonInput, mark asked) (*types.Update, error) {
	name, is := *r.Value.AddonName, &r.Value
	about, kubernetes := aboutAddon(c, name), aws.ToString(c.Version)
	if is.Status == types.AddonStatusUpdating || is.Status == types.AddonStatusDeleting || is.Status == types.AddonStatusCreating {
		return nil, about.inUse("Addon %s cannot be updated as it is currently in %s state", name, is.Status)
	}
	k, err := about.checkAddon(name, kubernetes)
	if err != nil {
		return nil, err
	}
	if in.AddonVersion != nil {
		if err := about.checkAddonVersion(k, *in.AddonVersion, kubernetes); err != nil {
			return nil, err
		}
		is.AddonVersion = in.AddonVersion
	}
	if err := a.checkAddonRequest(tx, about, k, in.ConfigurationValues, in.ServiceAccountRoleArn); err != nil {
		return nil, err
	}
	if in.ConfigurationValues != nil {
		is.ConfigurationValues = named(*in.ConfigurationValues)
	}
	if in.PodIdentityAssociations != nil {
		if err := a.ownIdentities(tx, c, is, in.PodIdentityAssociations); err != nil {
			return nil, err
		}
	}
	now := tx.Now()
	is.ServiceAccountRoleArn, is.Status, is.ModifiedAt = named(aws.ToString(in.ServiceAccountRoleArn)), types.AddonStatusUpdating, &now
	if err := addons.Put(tx, r.Key, is); err != nil {
		return nil, err
	}
	params, err := addonParams(in)
	if err != nil {
		return nil, err
	}
	return beginUpdate(tx, c.arn(), Update{Addon: name, Asked: mark, Update: types.Update{Type: types.UpdateTypeAddonUpdate, Params: params}})
}

// addonParams are an update's parameters: what the request gave.
func addonParams(in *eks.UpdateAddonInput) ([]types.UpdateParam, error) {
	list := []types.UpdateParam{}
	for _, p := range []struct {
		kind  types.UpdateParamType
		value *string
	}{
		{types.UpdateParamTypeAddonVersion, in.AddonVersion},
		{types.UpdateParamTypeServiceAccountRoleArn, in.ServiceAccountRoleArn},
		{types.UpdateParamTypeResolveConflicts, named(string(in.ResolveConflicts))},
		{types.UpdateParamTypeConfigurationValues, in.ConfigurationValues},
	} {
		if p.value != nil {
			list = append(list, param(p.kind, *p.value))
		}
	}
	if in.PodIdentityAssociations == nil {
		return list, nil
	}
	pairs := make([]map[string]string, 0, len(in.PodIdentityAssociations))
	for _, p := range in.PodIdentityAssociations {
		pairs = append(pairs, map[string]string{"serviceAccount": aws.ToString(p.ServiceAccount), "roleArn": aws.ToString(p.RoleArn)})
	}
	raw, err := json.Marshal(pairs)
	return append(list, param(types.UpdateParamTypePodIdentityAssociations, string(raw))), err
}

// DeleteAddon removes an add-on and the pod identity associations that it
// owns. With preserve its software stays, as what it does is Neargate's own.
func (a *API) DeleteAddon(ctx context.Context, in *eks.DeleteAddonInput) (*eks.DeleteAddonOutput, error) {
	out := &eks.DeleteAddonOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := addon(tx, call, in.ClusterName, in.AddonName)
		if err != nil {
			return err
		}
		out.Addon = &r.Value.Addon
		if r.Value.Status == types.AddonStatusDeleting {
			return nil
		}
		if err := a.ownIdentities(tx, c, &r.Value, nil); err != nil {
			return err
		}
		if u, err := openUpdate(tx, c.arn(), "", *in.AddonName); err != nil {
			return err
		} else if u != nil {
			failed := types.ErrorDetail{ErrorCode: types.ErrorCodeUnknown, ErrorMessage: aws.String("The add-on was deleted."), ResourceIds: []string{*in.AddonName}}
			if err := endUpdate(tx, c.arn(), u.Id, failed); err != nil {
				return err
			}
		}
		now := tx.Now()
		r.Value.Status, r.Value.ModifiedAt, r.Value.Kept = types.AddonStatusDeleting, &now, in.Preserve
		return addons.Put(tx, r.Key, &r.Value)
	})
	if err != nil {
		return nil, err
	}
	return out, a.settle(ctx, in.ClusterName)
}
