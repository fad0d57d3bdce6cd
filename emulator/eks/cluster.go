package eks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the cluster's record and how it is found.

// Cluster is an EKS cluster as it is stored: what DescribeCluster shows, and
// what it does not show.
type Cluster struct {
	types.Cluster
	Scope string // account/region
	// Hex is the 32 upper-case digits in the names of endpoint and issuer.
	Hex     string
	Creator string // the principal that made it: arn:aws:iam::1:role/ROLE
	// Bootstrap is bootstrapSelfManagedAddons: kube-system has add-ons from the
	// start.
	Bootstrap bool
	// Target is the version that a version update in progress leads to; Version
	// is that until the control plane runs in it.
	Target string `json:",omitempty"`
	Asked  asked  // by which CreateCluster
}

var clusters = store.NewTable("eks/cluster",
	store.By("scope", func(_ string, c *Cluster) []string { return []string{c.Scope} }),
	store.By("hex", func(_ string, c *Cluster) []string { return []string{c.Hex} }),
)

// maxClusters is the quota of clusters in an account and region.
const maxClusters = 100

// cluster finds the caller's cluster of that name, whatever its status.
func cluster(tx *store.Tx, call apiwire.Call, name string) (*Cluster, error) {
	r, err := clusters.Get(tx, clusterARN(call, name))
	if hasNot(err) {
		return nil, noCluster(name)
	}
	if err != nil {
		return nil, err
	}
	return &r.Value, nil
}

// activeCluster is cluster for what can only be done to one that is ACTIVE;
// others are InvalidRequestException.
func activeCluster(tx *store.Tx, call apiwire.Call, name string) (*Cluster, error) {
	c, err := cluster(tx, call, name)
	if err == nil && c.Status != types.ClusterStatusActive {
		return nil, about{cluster: name}.invalidRequest("Cluster '%s' is not in ACTIVE status", name)
	}
	return c, err
}

func (c *Cluster) arn() string  { return aws.ToString(c.Arn) }
func (c *Cluster) name() string { return aws.ToString(c.Name) }

// mode is the cluster's authentication mode.
func (c *Cluster) mode() types.AuthenticationMode { return c.AccessConfig.AuthenticationMode }

func (c *Cluster) put(tx *store.Tx) error { return clusters.Put(tx, c.arn(), c) }
