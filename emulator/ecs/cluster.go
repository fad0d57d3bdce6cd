package ecs

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the record of a cluster and how one is found. Operations that
// change clusters are in cluster_change.go and cluster_create.go, those that
// show them in cluster_read.go; what uses a cluster is counted in
// cluster_use.go.

// Cluster is what is stored of a cluster. The embedded types.Cluster holds
// what callers gave; counts, statistics and attachments in it are always zero,
// because they are computed when somebody asks.
type Cluster struct {
	types.Cluster
	Scope      string    // account/region
	InactiveAt time.Time // when it was deleted; zero while ACTIVE
}

const (
	clusterActive   = "ACTIVE"
	clusterInactive = "INACTIVE"

	defaultCluster = "default"

	// inactiveFor is how long a deleted cluster can still be described.
	inactiveFor = time.Hour
	// maxClusters is the quota of clusters of an account in a region.
	maxClusters = 10000
)

var clusters = store.NewTable[Cluster]("ecs/cluster",
	store.By("scope", func(_ string, c *Cluster) []string { return []string{c.Scope} }),
	store.By("status", func(_ string, c *Cluster) []string { return []string{c.Scope + "/" + aws.ToString(c.Status)} }),
)

// cluster finds an ACTIVE cluster by name or ARN, "" being the one named
// default. Unknown and inactive ones are ClusterNotFoundException.
func (a *API) cluster(tx *store.Tx, call apiwire.Call, ref string) (*Cluster, error) {
	c, err := a.anyCluster(tx, call, ref)
	if err == nil {
		err = c.mustBeActive()
	}
	return c, err
}

func (c *Cluster) mustBeActive() error {
	if !c.active() {
		return clusterNotFound("The referenced cluster was inactive.")
	}
	return nil
}

// anyCluster is cluster, but finds INACTIVE ones too as long as they are
// remembered.
func (a *API) anyCluster(tx *store.Tx, call apiwire.Call, ref string) (*Cluster, error) {
	c, err := a.lookCluster(tx, call, ref)
	if err != nil {
		return nil, err
	}
	r, err := clusters.Get(tx, *c.ClusterArn)
	return &r.Value, err
}

// lookCluster is anyCluster for whoever only reads: what it returns is shared
// with all readers, and nobody may write into it.
func (a *API) lookCluster(tx *store.Tx, call apiwire.Call, ref string) (*Cluster, error) {
	if ref == "" {
		ref = defaultCluster
	}
	name, err := nameOf(call, "cluster", ref)
	if err != nil {
		return nil, err
	}
	c, _, err := clusters.Peek(tx, clusterARN(call, name))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, clusterNotFound("Cluster not found.")
	case err != nil:
		return nil, err
	case c.forgotten(tx.Now()):
		return nil, clusterNotFound("Cluster not found.")
	}
	return c, nil
}

func clusterARN(call apiwire.Call, name string) string { return call.ARN("ecs", "cluster/"+name) }

func (c *Cluster) active() bool { return aws.ToString(c.Status) == clusterActive }

// forgotten tells whether the cluster was deleted so long ago that nobody is
// shown it any more.
func (c *Cluster) forgotten(now time.Time) bool {
	return !c.active() && now.Sub(c.InactiveAt) >= inactiveFor
}

// insights is the value of the containerInsights setting.
func (c *Cluster) insights() string {
	for _, s := range c.Settings {
		if s.Name == types.ClusterSettingNameContainerInsights {
			return aws.ToString(s.Value)
		}
	}
	return ""
}
