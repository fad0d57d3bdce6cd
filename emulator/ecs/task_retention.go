package ecs

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// Retention forgets stopped tasks and the tokens of requests long past. It is
// a reconcile.Controller over the ids of sandboxes and one key for all tokens.
type Retention struct{ store *store.Store }

const (
	// keepStopped is how long a stopped task can still be described. AWS
	// promises an hour at least.
	keepStopped = time.Hour

	// allTokens is the key of all clientTokens together. Nobody misses one
	// that stays an hour too long, so they are looked at once an hour.
	allTokens  = "run-tokens"
	tokenSweep = time.Hour
)

// byRetention is who the controller is in the change feed.
const byRetention = "controller/ecs-retention"

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

// List names the sandboxes that have stopped and wait here for their end, and
// the tokens.
func (*Retention) List(tx *store.Tx) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if !yield(allTokens, nil) {
			return
		}
		for id, err := range sandbox.StoppedOnes(tx) {
			if !yield(id, err) || err != nil {
				return
			}
		}
	}
}

// Reconcile removes a task and its sandbox when it stopped long enough ago,
// and otherwise says when that will be. Sandboxes that belong to no task are
// left to their owners.
func (r *Retention) Reconcile(ctx context.Context, key string) (again time.Duration, err error) {
	if key == allTokens {
		return tokenSweep, r.store.Update(ctx, byRetention, forgetTokens)
	}
	var s *sandbox.Sandbox
	var now time.Time
	err = r.store.View(ctx, func(tx *store.Tx) (err error) {
		now = tx.Now()
		s, err = sandbox.Get(tx, key)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil || !stopped(s) || !isTask(s.Spec.Owner) {
		return 0, err
	}
	if left := s.Status.StoppedAt.Add(keepStopped).Sub(now); left > 0 {
		return left, nil
	}
	return 0, r.store.Update(ctx, byRetention, func(tx *store.Tx) error {
		if err := tasks.Delete(tx, s.Spec.Owner); err != nil {
			return err
		}
		return sandbox.Remove(tx, key)
	})
}
