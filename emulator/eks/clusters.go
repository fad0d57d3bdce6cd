package eks

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// Clusters brings control planes to what the records say, and the records'
// statuses on when they are there. It is a reconcile.Controller over the ARNs
// of clusters; it decides in the pure functions of cluster_next.go.
type Clusters struct {
	api *API
}

// NewClusters returns the controller. It needs the same Config as the API, of
// which it uses Store, Network and Planes.
func NewClusters(c Config) *Clusters { return &Clusters{New(c)} }

// by is what the controller's changes say who made them.
const by = "controller/eks-cluster"

// Kinds are the kinds of records whose changes concern it.
func (*Clusters) Kinds() []string {
	return slices.Concat([]string{clusters.Kind(), profiles.Kind(), updates.Kind(), sandbox.Sandboxes.Kind()}, partKinds())
}

// Dirty says which clusters a change concerns: the one that it belongs to, and
// the one whose pod has come to its end.
func (*Clusters) Dirty(c store.Change) []string {
	if c.Kind != sandbox.Sandboxes.Kind() {
		return []string{clusterOf(c.Key)}
	}
	if !sandbox.StoppedBy(c) {
		return nil
	}
	return clusterOfSandbox(c.After)
}

// List lists all clusters.
func (*Clusters) List(tx *store.Tx) iter.Seq2[string, error] {
	return clusters.Keys(tx, "", "", store.Range{})
}

// Hints yields the clusters whose control planes have changed; see
// reconcile.Options.
func (k *Clusters) Hints(ctx context.Context) iter.Seq[string] {
	if k.api.planes == nil {
		return func(func(string) bool) { <-ctx.Done() }
	}
	return k.api.planes.Hints(ctx)
}

// Reconcile brings one cluster a step further.
func (k *Clusters) Reconcile(ctx context.Context, arn string) (time.Duration, error) {
	c, err := k.read(ctx, arn)
	switch {
	case hasNot(err):
		return 0, k.removePlane(ctx, arn)
	case err != nil:
		return 0, err
	case c.Status == types.ClusterStatusDeleting:
		return 0, k.takeDown(ctx, arn)
	case c.Status == types.ClusterStatusFailed && c.ResourcesVpcConfig.ClusterSecurityGroupId == nil:
		return 0, k.removePlane(ctx, arn) // it was well, but had no place
	case c.Status == types.ClusterStatusFailed:
		return 0, nil
	}
	err = k.bring(ctx, arn)
	if hasNot(err) {
		if _, gone := k.read(ctx, arn); hasNot(gone) { // meanwhile, as by a reset
			err = k.removePlane(ctx, arn)
		}
	}
	return 0, err
}

// bring tells the control plane what is wanted, and the records what is there.
func (k *Clusters) bring(ctx context.Context, arn string) error {
	if k.api.planes != nil {
		if err := k.tell(ctx, arn); err != nil {
			return err
		}
	}
	return k.advance(ctx, arn)
}

func (k *Clusters) read(ctx context.Context, arn string) (c *Cluster, err error) {
	err = k.api.store.View(ctx, func(tx *store.Tx) error {
		r, err := clusters.Get(tx, arn)
		c = &r.Value
		return err
	})
	return c, err
}

func (k *Clusters) removePlane(ctx context.Context, arn string) error {
	if k.api.planes == nil {
		return nil
	}
	return k.api.planes.Remove(ctx, arn)
}

// tell has a cluster's control plane run with the settings that its records
// make. They get their revision first, in a record that nobody watches, so
// that a revision never stands for two things, whenever the emulator dies.
func (k *Clusters) tell(ctx context.Context, arn string) error {
	var config link.Config
	number := func(tx *store.Tx, write bool) (same bool, err error) {
		r, err := clusters.Get(tx, arn)
		if err != nil {
			return false, err
		}
		s, hash, same, err := k.api.settingsOf(tx, &r.Value)
		if err != nil {
			return false, err
		}
		if config, err = planeConfig(&r.Value, s); err != nil || same || !write {
			return same, err
		}
		return false, tolds.Put(tx, arn, &told{Revision: s.Revision, Hash: hash})
	}
	var same bool
	err := k.api.store.View(ctx, func(tx *store.Tx) (err error) {
		same, err = number(tx, false)
		return err
	})
	if err == nil && !same {
		err = k.api.store.Update(ctx, by, func(tx *store.Tx) error {
			_, err := number(tx, true)
			return err
		})
	}
	if err != nil {
		return err
	}
	if err := k.api.planes.Ensure(ctx, config); err != nil {
		return err
	}
	if s, known := k.api.planes.Status(arn); known && s.Settings >= config.Settings.Revision {
		return nil
	}
	return k.api.planes.Configure(ctx, arn, config.Settings)
}

// advance moves the cluster and all that belongs to it on.
func (k *Clusters) advance(ctx context.Context, arn string) error {
	return k.api.store.Update(ctx, by, func(tx *store.Tx) error {
		r, err := clusters.Get(tx, arn)
		if err != nil {
			return err
		}
		c := &r.Value
		if c.Status == types.ClusterStatusDeleting || c.Status == types.ClusterStatusFailed {
			return nil
		}
		s, err := k.see(tx, c)
		if err != nil {
			return err
		}
		if err := k.advanceCluster(tx, c, s); err != nil {
			return err
		}
		if err := advanceProfiles(tx, c, s); err != nil {
			return err
		}
		if err := advanceParts(tx, c, s); err != nil {
			return err
		}
		return clusters.Replace(tx, r)
	})
}

// see is what is known of the control plane, measured by what the records of
// this transaction say.
func (k *Clusters) see(tx *store.Tx, c *Cluster) (seen, error) {
	if k.api.planes == nil {
		return seen{settled: true, records: true}, nil
	}
	status, known := k.api.planes.Status(c.arn())
	if !known {
		return seen{}, nil
	}
	settings, _, same, err := k.api.settingsOf(tx, c)
	return seen{status: status, settled: same && status.Phase == link.Ready && status.Settings >= settings.Revision}, err
}
