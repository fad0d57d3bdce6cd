package logs

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// Retention removes events whose group keeps them no longer. It is a
// reconcile.Controller over the keys of log groups.
type Retention struct{ store *store.Store }

// sweep is how often a group with a retention is looked through. Until then
// AWS keeps expired events too, for up to 72 hours.
const sweep = 10 * time.Minute

// NewRetention returns the controller.
func NewRetention(st *store.Store) *Retention { return &Retention{store: st} }

// Kinds are the kinds of records whose changes concern it.
func (*Retention) Kinds() []string { return []string{groups.Kind()} }

// Dirty names the group of a change, unless it is gone.
func (*Retention) Dirty(c store.Change) []string {
	if c.After == nil {
		return nil
	}
	return []string{c.Key}
}

// List names every group.
func (*Retention) List(tx *store.Tx) iter.Seq2[string, error] {
	return groups.Keys(tx, "", "", store.Range{})
}

// Reconcile removes a group's expired events and asks to be called again while
// the group has a retention.
func (r *Retention) Reconcile(ctx context.Context, key string) (again time.Duration, err error) {
	var due []string
	err = r.store.View(ctx, func(tx *store.Tx) (err error) {
		g, err := groups.Get(tx, key)
		if err != nil || g.Value.Retention == 0 {
			return err
		}
		again = sweep
		due, err = expiredStreams(tx, key, retentionStart(tx.Now(), g.Value.Retention))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	for _, s := range due {
		if err == nil {
			err = r.expire(ctx, key, s)
		}
	}
	return again, err
}

// expiredStreams are the streams with events before start.
func expiredStreams(tx *store.Tx, group string, start time.Time) ([]string, error) {
	all, err := streamsOf(tx, group, store.Range{})
	if err != nil {
		return nil, err
	}
	var due []string
	for _, s := range all {
		for _, err := range events.Read(tx, s.Key, store.SeriesQuery{To: start, Limit: 1}) {
			if err != nil {
				return nil, err
			}
			due = append(due, s.Key)
		}
	}
	return due, nil
}

// expire removes the expired events of one stream, in a commit of its own.
func (r *Retention) expire(ctx context.Context, group, stream string) error {
	return r.store.Update(ctx, "controller/logs-retention", func(tx *store.Tx) error {
		g, err := groups.Get(tx, group)
		if err != nil || g.Value.Retention == 0 {
			return absent(err, nil)
		}
		start := retentionStart(tx.Now(), g.Value.Retention)
		t, err := readTally(tx, stream)
		if err != nil {
			return err
		}
		for e, err := range events.Read(tx, stream, store.SeriesQuery{To: start}) {
			if err != nil {
				return err
			}
			t.Bytes -= e.Value.size()
		}
		if n, err := events.Trim(tx, stream, start); err != nil || n == 0 {
			return err
		}
		return writeTally(tx, stream, t)
	})
}
