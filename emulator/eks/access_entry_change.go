package eks

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes, changes and deletes access entries.

const (
	textNoEntryMode = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
	textNoEntry     = "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'."
)

// entryCluster finds a cluster whose authentication mode has access entries.
func entryCluster(tx *store.Tx, call apiwire.Call, name *string) (*Cluster, error) {
	c, err := cluster(tx, call, aws.ToString(name))
	if err != nil {
		return nil, err
	}
	about := about{cluster: c.name()}
	switch {
	case c.mode() == types.AuthenticationModeConfigMap:
		return nil, about.invalidRequest(textNoEntryMode)
	case c.Status != types.ClusterStatusActive && c.Status != types.ClusterStatusUpdating:
		return nil, about.invalidRequest("Cluster '%s' is not in ACTIVE status", c.name())
	}
	return c, nil
}

// accessEntry finds the entry of a principal in the caller's cluster.
func accessEntry(tx *store.Tx, call apiwire.Call, name, principalARN *string) (*Cluster, store.Record[AccessEntry], error) {
	c, err := entryCluster(tx, call, name)
	if err != nil {
		return nil, store.Record[AccessEntry]{}, err
	}
	r, err := accessEntries.Get(tx, partKey(c.arn(), aws.ToString(principalARN)))
	if hasNot(err) {
		err = about{cluster: c.name()}.notFound(textNoEntry)
	}
	return c, r, err
}

// CreateAccessEntry lets an IAM principal into a cluster.
func (a *API) CreateAccessEntry(ctx context.Context, in *eks.CreateAccessEntryInput) (*eks.CreateAccessEntryOutput, error) {
	out := &eks.CreateAccessEntryOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := entryCluster(tx, call, in.ClusterName)
		if err != nil {
			return err
		}
		e, err := a.createAccessEntry(tx, call, c, in)
		if err != nil {
			return err
		}
		out.AccessEntry = &e.AccessEntry
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *API) createAccessEntry(tx *store.Tx, call apiwire.Call, c *Cluster, in *eks.CreateAccessEntryInput) (*AccessEntry, error) {
	about := about{cluster: c.name()}
	wanted, err := a.wantedAccessEntry(tx, call, c, in)
	if err != nil {
		return nil, err
	}
	key := partKey(c.arn(), *wanted.PrincipalArn)
	r, err := accessEntries.Get(tx, key)
	switch {
	case err == nil && wanted.Asked.again(r.Value.Asked):
		return &r.Value, nil
	case err == nil:
		return nil, about.inUse("The specified access entry resource is already in use on this cluster.")
	case !hasNot(err):
		return nil, err
	}
	return wanted, accessEntries.Insert(tx, key, wanted)
}

// wantedAccessEntry is the record that a request asks for.
func (a *API) wantedAccessEntry(tx *store.Tx, call apiwire.Call, c *Cluster, in *eks.CreateAccessEntryInput) (*AccessEntry, error) {
	about := about{cluster: c.name()}
	kind := aws.ToString(in.Type)
	if kind == "" {
		kind = standardType
	}
	p, ok := parsePrincipal(aws.ToString(in.PrincipalArn))
	if !ok {
		return nil, about.invalid("The principalArn parameter format is not valid")
	}
	if err := about.checkPrincipal(p, kind, call.Account); err != nil {
		return nil, err
	}
	if err := about.checkUsername(aws.ToString(in.Username), kind); err != nil {
		return nil, err
	}
	if err := about.checkGroups(in.KubernetesGroups, kind); err != nil {
		return nil, err
	}
	if err := checkTags(about.invalid, in.Tags); err != nil {
		return nil, err
	}
	if err := a.mustHavePrincipal(tx, about, p.arn); err != nil {
		return nil, err
	}
	e := newAccessEntry(tx, c.arn(), p, kind)
	e.Tags = givenTags(in.Tags)
	e.setNames(in.Username, in.KubernetesGroups)
	var err error
	e.Asked, err = askedBy(in.ClientRequestToken, in)
	return e, err
}

func (a *API) mustHavePrincipal(tx *store.Tx, about about, arn string) error {
	if a.roles == nil {
		return nil
	}
	there, err := a.roles.HasPrincipal(tx, arn)
	if err == nil && !there {
		err = about.invalid("The specified principalArn is invalid: invalid principal.")
	}
	return err
}

// setNames takes what a caller gives; what is not given stays. An empty user
// name asks for the one that EKS gives.
func (e *AccessEntry) setNames(username *string, groups []string) {
	switch {
	case aws.ToString(username) != "":
		e.Username = username
	case username != nil:
		if p, ok := parsePrincipal(*e.PrincipalArn); ok {
			name, _ := p.defaultNames(*e.Type)
			e.Username = &name
		}
	}
	if groups != nil && *e.Type == standardType {
		e.KubernetesGroups = append([]string{}, groups...)
	}
}

// UpdateAccessEntry changes the names that a principal has in Kubernetes.
func (a *API) UpdateAccessEntry(ctx context.Context, in *eks.UpdateAccessEntryInput) (*eks.UpdateAccessEntryOutput, error) {
	out := &eks.UpdateAccessEntryOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := accessEntry(tx, call, in.ClusterName, in.PrincipalArn)
		if err != nil {
			return err
		}
		about, e := about{cluster: c.name()}, &r.Value
		if err := about.checkUsername(aws.ToString(in.Username), *e.Type); err != nil {
			return err
		}
		if err := about.checkGroups(in.KubernetesGroups, *e.Type); err != nil {
			return err
		}
		was := *e.Username
		e.setNames(in.Username, slices.Clone(in.KubernetesGroups))
		out.AccessEntry = &e.AccessEntry
		if in.KubernetesGroups == nil && was == *e.Username {
			return nil
		}
		e.touch(tx.Now())
		return accessEntries.Put(tx, r.Key, e)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteAccessEntry takes a principal's access away, with its policies.
func (a *API) DeleteAccessEntry(ctx context.Context, in *eks.DeleteAccessEntryInput) (*eks.DeleteAccessEntryOutput, error) {
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		_, r, err := accessEntry(tx, call, in.ClusterName, in.PrincipalArn)
		if err != nil {
			return err
		}
		return accessEntries.Delete(tx, r.Key)
	})
	if err != nil {
		return nil, err
	}
	return &eks.DeleteAccessEntryOutput{}, nil
}
