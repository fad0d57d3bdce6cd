package eks

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file takes clusters down: first the control plane goes, so that nobody
// makes pods any more, then its pods stop, then the records go, the cluster's
// own last. Each step can be taken again after a crash.

func (k *Clusters) takeDown(ctx context.Context, arn string) error {
	if err := k.removePlane(ctx, arn); err != nil {
		return err
	}
	return k.api.store.Update(ctx, by, func(tx *store.Tx) error {
		left, err := stopPods(tx, arn)
		if err != nil || left {
			return err
		}
		return k.forget(tx, arn)
	})
}

// stopPods stops the cluster's sandboxes and removes those that have stopped.
// Left tells whether there are some that have not; the change that each ends
// with queues the cluster again.
func stopPods(tx *store.Tx, arn string) (left bool, err error) {
	for _, wanted := range []bool{false, true} {
		for id, err := range sandbox.Desiring(tx, arn, wanted, "") {
			if err != nil {
				return left, err
			}
			there, err := stopPod(tx, id)
			if err != nil {
				return left, err
			}
			left = left || there
		}
	}
	return left, nil
}

func stopPod(tx *store.Tx, id string) (left bool, err error) {
	s, err := sandbox.Get(tx, id)
	if err != nil {
		return true, err
	}
	if s.IsStopped() {
		return false, sandbox.Remove(tx, id)
	}
	return true, sandbox.Stop(tx, id, sandbox.Desired{Code: "ClusterDeleted", Reason: "The EKS cluster of the pod is being deleted"})
}

// forget deletes all records of a cluster.
func (k *Clusters) forget(tx *store.Tx, arn string) error {
	r, err := clusters.Get(tx, arn)
	if hasNot(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := k.api.removeGroup(tx, &r.Value); err != nil {
		return err
	}
	if err := deleteClusterParts(tx, arn); err != nil {
		return err
	}
	if err := deleteParts(tx, profiles, arn); err != nil {
		return err
	}
	if err := deleteParts(tx, updates, arn); err != nil {
		return err
	}
	if err := tolds.Delete(tx, arn); err != nil {
		return err
	}
	return clusters.Delete(tx, arn)
}

// clusterOfSandbox is the cluster that a sandbox's record belongs to, in a
// list; an empty one for tasks.
func clusterOfSandbox(record json.RawMessage) []string {
	if !bytes.Contains(record, []byte(":cluster/")) {
		return nil
	}
	var s struct{ Spec struct{ Group string } }
	if json.Unmarshal(record, &s) != nil || !isCluster(s.Spec.Group) {
		return nil
	}
	return []string{s.Spec.Group}
}
