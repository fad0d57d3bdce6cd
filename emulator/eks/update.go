package eks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/store"
)

// This file is the record of an update: of a cluster, a node group or an
// add-on. What an update does is where its resource is.

// Update is an update as it is stored.
type Update struct {
	types.Update
	// Nodegroup or Addon is what the update is of; both "": the cluster.
	Nodegroup string `json:",omitempty"`
	Addon     string `json:",omitempty"`
	Asked     asked  // by which request
}

// updates are kept under their cluster and id.
var updates = store.NewTable("eks/update",
	store.By("open", func(key string, u *Update) []string {
		if u.Status != types.UpdateStatusInProgress {
			return nil
		}
		return []string{clusterOf(key)}
	}),
)

// beginUpdate stores u as an update of a cluster, or of a part of it, that is
// in progress. It fills in id, status and time.
func beginUpdate(tx *store.Tx, cluster string, u Update) (*types.Update, error) {
	now := tx.Now()
	u.Id, u.Status, u.CreatedAt, u.Errors = aws.String(uuid()), types.UpdateStatusInProgress, &now, []types.ErrorDetail{}
	if u.Params == nil {
		u.Params = []types.UpdateParam{}
	}
	return &u.Update, updates.Insert(tx, partKey(cluster, *u.Id), &u)
}

// openUpdate finds the update in progress of a cluster's node group or add-on,
// or with neither of the cluster itself; nil when there is none.
func openUpdate(tx *store.Tx, cluster, nodegroup, addon string) (*Update, error) {
	for r, err := range updates.By(tx, "open", cluster, store.Range{}) {
		if err != nil {
			return nil, err
		}
		if r.Value.Nodegroup == nodegroup && r.Value.Addon == addon {
			return &r.Value, nil
		}
	}
	return nil, nil
}

// endUpdate ends an update: Successful without errors, Failed with some. One
// that has ended stays as it is.
func endUpdate(tx *store.Tx, cluster string, id *string, failed ...types.ErrorDetail) error {
	r, err := updates.Get(tx, partKey(cluster, aws.ToString(id)))
	if err != nil {
		return err
	}
	if r.Value.Status != types.UpdateStatusInProgress {
		return nil
	}
	r.Value.Status = types.UpdateStatusSuccessful
	if len(failed) > 0 {
		r.Value.Status, r.Value.Errors = types.UpdateStatusFailed, failed
	}
	return updates.Replace(tx, r)
}

// param is a parameter of an update.
func param(t types.UpdateParamType, value string) types.UpdateParam {
	return types.UpdateParam{Type: t, Value: &value}
}
