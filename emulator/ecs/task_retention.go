package ecs

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// Retention forgets stopped tasks. It is a reconcile.Controller over the ids
// of sandboxes that belong to tasks.
type Retention struct{ store *store.Store }

// keepStopped is how long a stopped task can still be described. AWS promises
// an hour at least.
const keepStopped = time.Hour

// NewRetention returns the controller.
func NewRetention(st *store.Store) *Retention { return &Retention{store: st} }

// Kinds are the kinds of records whose changes concern it.
func (*Retention) Kinds() []string { return []string{sandbox.Sandboxes.Kind()} }

// Dirty names the sandbox of a change that stopped it; all other changes are
// none of its concern.
func (*Retention) Dirty(c store.Change) []string {
	if sandbox.StoppedBy(c) {
		return []string{c.Key}
	}
	return nil
}

// List names the sandboxes that have stopped and wait here for their end.
func (*Retention) List(tx *store.Tx) iter.Seq2[string, error] { return sandbox.StoppedOnes(tx) }

// Reconcile removes a task and its sandbox when it stopped long enough ago,
// and otherwise says when that will be.
func (r *Retention) Reconcile(ctx context.Context, id string) (again time.Duration, err error) {
	var s *sandbox.Sandbox
	var now time.Time
	err = r.store.View(ctx, func(tx *store.Tx) (err error) {
		now = tx.Now()
		s, err = sandbox.Get(tx, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil || !stopped(s) {
		return 0, err
	}
	if left := s.Status.StoppedAt.Add(keepStopped).Sub(now); left > 0 {
		return left, nil
	}
	return 0, r.store.Update(ctx, "controller/ecs-retention", func(tx *store.Tx) error {
		if err := tasks.Delete(tx, s.Spec.Owner); err != nil {
			return err
		}
		return sandbox.Remove(tx, id)
	})
}
