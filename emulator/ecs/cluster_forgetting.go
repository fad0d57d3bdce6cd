package ecs

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// Forgetting removes the records of clusters that were deleted so long ago
// that nobody is shown them any more. It is a reconcile.Controller over the
// ARNs of clusters.
type Forgetting struct{ store *store.Store }

// NewForgetting returns the controller.
func NewForgetting(st *store.Store) *Forgetting { return &Forgetting{store: st} }

// Kinds are the kinds of records whose changes concern it.
func (*Forgetting) Kinds() []string { return []string{clusters.Kind()} }

// List lists all clusters.
func (*Forgetting) List(tx *store.Tx) iter.Seq2[string, error] {
	return clusters.Keys(tx, "", "", store.Range{})
}

// Reconcile removes a cluster whose time is up, and otherwise says when that
// will be. An ACTIVE one is left alone until it changes.
func (f *Forgetting) Reconcile(ctx context.Context, arn string) (again time.Duration, err error) {
	var due bool
	err = f.store.View(ctx, func(tx *store.Tx) error {
		r, err := clusters.Get(tx, arn)
		if err != nil || r.Value.active() {
			return err
		}
		due = r.Value.forgotten(tx.Now())
		again = r.Value.InactiveAt.Add(inactiveFor).Sub(tx.Now())
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil || !due {
		return again, err
	}
	return 0, f.store.Update(ctx, "controller/ecs-cluster", func(tx *store.Tx) error {
		r, err := clusters.Get(tx, arn)
		if err != nil || !r.Value.forgotten(tx.Now()) {
			return ignore(err, store.ErrNotFound)
		}
		return clusters.Delete(tx, arn)
	})
}
