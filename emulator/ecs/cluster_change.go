package ecs

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file changes and deletes clusters that are there.

// UpdateCluster replaces the parts of a cluster that are given.
func (a *API) UpdateCluster(ctx context.Context, in *ecs.UpdateClusterInput) (*ecs.UpdateClusterOutput, error) {
	c, err := a.changeCluster(ctx, in.Cluster, func(_ *store.Tx, c *Cluster) error {
		if err := c.applySettings(in.Settings); err != nil {
			return err
		}
		if in.Configuration != nil {
			configuration, err := checkConfiguration(in.Configuration)
			if err != nil {
				return err
			}
			c.Configuration = configuration
		}
		return checkNamespace(in.ServiceConnectDefaults)
	})
	if err != nil {
		return nil, err
	}
	return &ecs.UpdateClusterOutput{Cluster: c}, nil
}

// UpdateClusterSettings replaces the settings of a cluster.
func (a *API) UpdateClusterSettings(ctx context.Context, in *ecs.UpdateClusterSettingsInput) (*ecs.UpdateClusterSettingsOutput, error) {
	if len(in.Settings) == 0 {
		return nil, invalid("Settings can not be empty.")
	}
	c, err := a.changeCluster(ctx, in.Cluster, func(_ *store.Tx, c *Cluster) error { return c.applySettings(in.Settings) })
	if err != nil {
		return nil, err
	}
	return &ecs.UpdateClusterSettingsOutput{Cluster: c}, nil
}

// PutClusterCapacityProviders replaces a cluster's capacity providers and its
// default strategy. Providers that tasks run on cannot go.
func (a *API) PutClusterCapacityProviders(ctx context.Context, in *ecs.PutClusterCapacityProvidersInput) (*ecs.PutClusterCapacityProvidersOutput, error) {
	call := apiwire.CallFrom(ctx)
	c, err := a.changeCluster(ctx, in.Cluster, func(tx *store.Tx, c *Cluster) error {
		providers, err := checkProviders(call, in.CapacityProviders)
		if err != nil {
			return err
		}
		strategy, err := validStrategy(in.DefaultCapacityProviderStrategy, providers, twoBasesOfCluster)
		if err != nil {
			return err
		}
		if err := checkRemoval(tx, c, providers); err != nil {
			return err
		}
		c.CapacityProviders, c.DefaultCapacityProviderStrategy = providers, strategy
		c.noteProviders()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecs.PutClusterCapacityProvidersOutput{Cluster: c}, nil
}

// checkRemoval refuses to take providers away that something runs on.
func checkRemoval(tx *store.Tx, c *Cluster, keep []string) error {
	for _, p := range c.CapacityProviders {
		if slices.Contains(keep, p) {
			continue
		}
		used, err := providerUsed(tx, *c.ClusterArn, p)
		if err != nil {
			return err
		}
		if used {
			return &types.ResourceInUseException{Message: aws.String("The specified capacity provider is in use and cannot be removed.")}
		}
	}
	return nil
}

// DeleteCluster makes a cluster INACTIVE. One that is INACTIVE already is
// answered as it is.
func (a *API) DeleteCluster(ctx context.Context, in *ecs.DeleteClusterInput) (*ecs.DeleteClusterOutput, error) {
	if aws.ToString(in.Cluster) == "" {
		return nil, invalid("Cluster can not be blank.")
	}
	call := apiwire.CallFrom(ctx)
	out := &ecs.DeleteClusterOutput{}
	err := a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		c, err := a.anyCluster(tx, call, *in.Cluster)
		if err != nil {
			return err
		}
		if c.active() {
			if err := deactivate(tx, c); err != nil {
				return err
			}
		}
		out.Cluster, err = describeCluster(tx, c, everything)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func deactivate(tx *store.Tx, c *Cluster) error {
	use, err := clusterUse(tx, *c.ClusterArn)
	if err != nil {
		return err
	}
	if err := use.refusal(); err != nil {
		return err
	}
	c.Status, c.InactiveAt = aws.String(clusterInactive), tx.Now()
	return clusters.Put(tx, *c.ClusterArn, c)
}

// changeCluster applies change to an ACTIVE cluster, stores it and shows it.
func (a *API) changeCluster(ctx context.Context, ref *string, change func(*store.Tx, *Cluster) error) (*types.Cluster, error) {
	if aws.ToString(ref) == "" {
		return nil, invalid("Cluster can not be blank.")
	}
	call := apiwire.CallFrom(ctx)
	var shown *types.Cluster
	err := a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		c, err := a.cluster(tx, call, *ref)
		if err != nil {
			return err
		}
		if err := change(tx, c); err != nil {
			return err
		}
		if err := clusters.Put(tx, *c.ClusterArn, c); err != nil {
			return err
		}
		shown, err = describeCluster(tx, c, everything)
		return err
	})
	return shown, err
}

func (c *Cluster) applySettings(given []types.ClusterSetting) error {
	settings, err := checkClusterSettings(given)
	if err == nil && settings != nil {
		c.Settings = settings
	}
	return err
}

// noteProviders sets the status of the cluster's attachments: a cluster that
// never had a capacity provider has none. Fargate's providers attach at once.
func (c *Cluster) noteProviders() {
	if len(c.CapacityProviders) > 0 {
		c.AttachmentsStatus = aws.String("UPDATE_COMPLETE")
	}
}
