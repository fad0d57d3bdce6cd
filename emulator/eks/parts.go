package eks

import (
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the seam to what belongs to a cluster and is not a Fargate
// profile: each of these functions is to move, with its body, into the file of
// its resource: access_entry.go, nodegroup.go, addon.go, pod_identity.go,
// identity_provider.go. Until then a cluster has none of them.

// partKinds are the kinds of records that settings are made of, beside
// clusters and Fargate profiles: a change of one queues its cluster, whose
// ARN its key has to begin with (partKey).
func partKinds() []string { return []string{accessEntries.Kind()} }

// advanceParts moves the statuses of what belongs to c on; CREATING to ACTIVE
// when s.settled, DELETING to gone when s.drained, and so on.
func advanceParts(_ *store.Tx, _ *Cluster, _ seen) error { return nil }

// deleteClusterParts removes the records of all that belongs to a cluster.
func deleteClusterParts(tx *store.Tx, cluster string) error {
	return deleteParts(tx, accessEntries, cluster)
}

// hasNodegroups tells whether a cluster cannot be deleted because of one.
func hasNodegroups(_ *store.Tx, _ string) (bool, error) { return false, nil }

// What belongs to a cluster, as its control plane is told. linkSubnets
// (settings.go) makes the subnets of node groups.
func nodegroupsOf(_ *store.Tx, _ Network, _ *Cluster) ([]link.Nodegroup, error) { return nil, nil }
func addonsOf(_ *store.Tx, _ string) ([]link.Addon, error)                      { return nil, nil }
func podIdentitiesOf(_ *store.Tx, _ string) ([]link.PodIdentity, error)         { return nil, nil }
func identityIssuerOf(_ *store.Tx, _ string) (*link.IdentityIssuer, error)      { return nil, nil }

// Tags by ARN; see tagsOf and arnParts in tag.go.
func taggedNodegroup(_ *store.Tx, _ apiwire.ARN) (tagged, error) { return tagged{}, store.ErrNotFound }
func taggedAddon(_ *store.Tx, _ apiwire.ARN) (tagged, error)     { return tagged{}, store.ErrNotFound }
func taggedPodIdentity(_ *store.Tx, _ apiwire.ARN) (tagged, error) {
	return tagged{}, store.ErrNotFound
}
func taggedIdentityProvider(_ *store.Tx, _ apiwire.ARN) (tagged, error) {
	return tagged{}, store.ErrNotFound
}
