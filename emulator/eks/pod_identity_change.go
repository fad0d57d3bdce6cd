package eks

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes, changes and deletes pod identity associations.

// CreatePodIdentityAssociation gives a service account a role.
func (a *API) CreatePodIdentityAssociation(ctx context.Context, in *eks.CreatePodIdentityAssociationInput) (*eks.CreatePodIdentityAssociationOutput, error) {
	out := &eks.CreatePodIdentityAssociationOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := activeCluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		p, err := a.createPodIdentity(tx, c, in)
		if err != nil {
			return err
		}
		out.Association = &p.PodIdentityAssociation
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *API) createPodIdentity(tx *store.Tx, c *Cluster, in *eks.CreatePodIdentityAssociationInput) (*PodIdentity, error) {
	about := about{cluster: c.name()}
	mark, err := askedBy(in.ClientRequestToken, in)
	if err != nil {
		return nil, err
	}
	if first, err := askedPodIdentity(tx, c.arn(), mark); err != nil || first != nil {
		return first, err
	}
	if err := checkTags(about.invalid, in.Tags); err != nil {
		return nil, err
	}
	if err := about.checkTarget(in.TargetRoleArn); err != nil {
		return nil, err
	}
	p := newPodIdentity(tx, c, aws.ToString(in.Namespace), aws.ToString(in.ServiceAccount), aws.ToString(in.RoleArn))
	p.Asked, p.Tags, p.Policy = mark, givenTags(in.Tags), named(aws.ToString(in.Policy))
	p.DisableSessionTags = aws.Bool(aws.ToBool(in.DisableSessionTags))
	p.setTarget(c, in.TargetRoleArn)
	return p, a.insertPodIdentity(tx, about, c, p)
}

// askedPodIdentity is what the same request made the first time; nil when it
// is new.
func askedPodIdentity(tx *store.Tx, cluster string, mark asked) (*PodIdentity, error) {
	if mark.Token == "" {
		return nil, nil
	}
	for r, err := range podIdentities.All(tx, store.Range{Prefix: cluster + "/"}) {
		if err != nil {
			return nil, err
		}
		if mark.again(r.Value.Asked) {
			return &r.Value, nil
		}
	}
	return nil, nil
}

// checkTarget looks only at the form of a target role: it may be another
// account's.
func (a about) checkTarget(arn *string) error {
	if aws.ToString(arn) == "" {
		return nil
	}
	if p, ok := parsePrincipal(*arn); !ok || p.kind != "role" {
		return a.invalid("Invalid Role Arn: '%s'", *arn)
	}
	return nil
}

// UpdatePodIdentityAssociation changes the roles of an association. What is
// not given stays; an empty target role or policy takes it away.
func (a *API) UpdatePodIdentityAssociation(ctx context.Context, in *eks.UpdatePodIdentityAssociationInput) (*eks.UpdatePodIdentityAssociationOutput, error) {
	out := &eks.UpdatePodIdentityAssociationOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := podIdentity(tx, call, in.ClusterName, in.AssociationId)
		if err != nil {
			return err
		}
		about, p := about{cluster: c.name()}, &r.Value
		if err := about.checkTarget(in.TargetRoleArn); err != nil {
			return err
		}
		if in.RoleArn != nil {
			p.RoleArn = in.RoleArn
		}
		if in.TargetRoleArn != nil {
			p.setTarget(c, in.TargetRoleArn)
		}
		if in.DisableSessionTags != nil {
			p.DisableSessionTags = in.DisableSessionTags
		}
		if in.Policy != nil {
			p.Policy = named(*in.Policy)
		}
		if err := a.checkPodIdentity(tx, about, p); err != nil {
			return err
		}
		now := tx.Now()
		p.ModifiedAt, out.Association = &now, &p.PodIdentityAssociation
		return podIdentities.Put(tx, r.Key, p)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeletePodIdentityAssociation takes a service account's role away. An add-on
// that owned the association has it no more.
func (a *API) DeletePodIdentityAssociation(ctx context.Context, in *eks.DeletePodIdentityAssociationInput) (*eks.DeletePodIdentityAssociationOutput, error) {
	out := &eks.DeletePodIdentityAssociationOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := podIdentity(tx, call, in.ClusterName, in.AssociationId)
		if err != nil {
			return err
		}
		out.Association = &r.Value.PodIdentityAssociation
		if r.Value.OwnerArn != nil {
			if err := disown(tx, c.arn(), *r.Value.AssociationArn); err != nil {
				return err
			}
		}
		return podIdentities.Delete(tx, r.Key)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// disown takes an association out of the add-on that owns it.
func disown(tx *store.Tx, cluster, association string) error {
	for r, err := range addons.All(tx, store.Range{Prefix: cluster + "/"}) {
		if err != nil {
			return err
		}
		i := slices.Index(r.Value.PodIdentityAssociations, association)
		if i < 0 {
			continue
		}
		r.Value.PodIdentityAssociations = slices.Delete(r.Value.PodIdentityAssociations, i, i+1)
		return addons.Put(tx, r.Key, &r.Value)
	}
	return nil
}
