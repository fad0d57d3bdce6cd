package ecs

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes clusters. What may stand in one is checked in
// cluster_check.go.

const textInconsistent = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."

// CreateCluster makes a cluster, wakes an INACTIVE one of that name, or
// returns the ACTIVE one when the arguments do not contradict it.
func (a *API) CreateCluster(ctx context.Context, in *ecs.CreateClusterInput) (*ecs.CreateClusterOutput, error) {
	call := apiwire.CallFrom(ctx)
	principal, err := a.callingPrincipal(ctx)
	if err != nil {
		return nil, err
	}
	out := &ecs.CreateClusterOutput{}
	err = a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		c, err := a.createCluster(tx, call, principal, in)
		if err != nil {
			return err
		}
		out.Cluster, err = describeCluster(tx, c, everything)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *API) createCluster(tx *store.Tx, call apiwire.Call, principal string, in *ecs.CreateClusterInput) (*Cluster, error) {
	wanted, err := newCluster(call, in)
	if err != nil {
		return nil, err
	}
	key := *wanted.ClusterArn
	r, err := clusters.Get(tx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err == nil && r.Value.active() {
		return sameCluster(&r.Value, wanted, in)
	}
	if err := checkClusterQuota(tx, call); err != nil {
		return nil, err
	}
	if len(wanted.Settings) == 0 {
		insights, err := effective(tx, call, principal, types.SettingNameContainerInsights)
		if err != nil {
			return nil, err
		}
		wanted.Settings = insightsSetting(insights.Value)
	}
	return wanted, clusters.Put(tx, key, wanted)
}

// newCluster is the record that a request asks for. Settings stay empty when
// none are given: the account's setting decides then.
func newCluster(call apiwire.Call, in *ecs.CreateClusterInput) (*Cluster, error) {
	name := defaultCluster
	if in.ClusterName != nil {
		name = *in.ClusterName
	}
	if !isName(name) {
		return nil, invalid("Invalid cluster name. Cluster names can have up to %d letters (uppercase and lowercase), numbers, hyphens, and underscores.", maxName)
	}
	c := &Cluster{Scope: call.Scope()}
	c.ClusterName, c.ClusterArn, c.Status = aws.String(name), aws.String(clusterARN(call, name)), aws.String(clusterActive)
	var err error
	if c.CapacityProviders, err = checkProviders(call, in.CapacityProviders); err != nil {
		return nil, err
	}
	if c.DefaultCapacityProviderStrategy, err = validStrategy(in.DefaultCapacityProviderStrategy, c.CapacityProviders, twoBasesOfCluster); err != nil {
		return nil, err
	}
	c.noteProviders()
	if c.Settings, err = checkClusterSettings(in.Settings); err != nil {
		return nil, err
	}
	if c.Configuration, err = checkConfiguration(in.Configuration); err != nil {
		return nil, err
	}
	if err := checkNamespace(in.ServiceConnectDefaults); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	c.Tags = slices.Clone(in.Tags)
	return c, nil
}

// sameCluster answers a second CreateCluster: only what the request does say
// is compared.
func sameCluster(there, wanted *Cluster, in *ecs.CreateClusterInput) (*Cluster, error) {
	differs := in.CapacityProviders != nil && !sameSet(there.CapacityProviders, wanted.CapacityProviders) ||
		in.DefaultCapacityProviderStrategy != nil && !sameStrategy(there.DefaultCapacityProviderStrategy, wanted.DefaultCapacityProviderStrategy) ||
		len(in.Settings) > 0 && there.insights() != wanted.insights() ||
		in.Configuration != nil && !reflect.DeepEqual(there.Configuration, wanted.Configuration)
	if differs {
		return nil, invalid(textInconsistent)
	}
	return there, nil
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func sameStrategy(a, b []types.CapacityProviderStrategyItem) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x types.CapacityProviderStrategyItem) bool {
		return !slices.ContainsFunc(b, func(y types.CapacityProviderStrategyItem) bool { return reflect.DeepEqual(x, y) })
	})
}

func checkClusterQuota(tx *store.Tx, call apiwire.Call) error {
	n, err := clusters.Count(tx, "status", call.Scope()+"/"+clusterActive)
	if err != nil {
		return err
	}
	if n >= maxClusters {
		return client("The maximum number of clusters (%d) was exceeded.", maxClusters)
	}
	return nil
}
