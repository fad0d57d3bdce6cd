package eks

import (
	"errors"

	"github.com/neargate/neargate/emulator/store"
)

// This file is what belongs to a cluster and is no Fargate profile, taken
// together, as the cluster's controller sees it.

// partKinds are the kinds of records that settings are made of, beside
// clusters and Fargate profiles: a change of one queues its cluster, whose
// ARN its key has to begin with (partKey).
func partKinds() []string {
	return []string{accessEntries.Kind(), nodegroups.Kind(), addons.Kind(), podIdentities.Kind(), identityProviders.Kind()}
}

// advanceParts moves the statuses of what belongs to c on; CREATING to ACTIVE
// when s.settled, DELETING to gone when s.drained, and so on.
func advanceParts(tx *store.Tx, c *Cluster, s seen) error {
	return errors.Join(advanceNodegroups(tx, c, s), advanceAddons(tx, c, s), advanceIdentityProviders(tx, c, s))
}

// deleteClusterParts removes the records of all that belongs to a cluster.
func deleteClusterParts(tx *store.Tx, cluster string) error {
	return errors.Join(
		deleteParts(tx, accessEntries, cluster), deleteParts(tx, nodegroups, cluster), deleteParts(tx, addons, cluster),
		deleteParts(tx, podIdentities, cluster), deleteParts(tx, identityProviders, cluster), deleteParts(tx, refreshes, cluster),
	)
}
