package store

import (
	"context"
	"fmt"
)

// metaPrefix keeps the keys of callers apart from the store's own.
const metaPrefix = "/"

// Meta reads a value beside the records, such as the instance id; "" when it
// was never set.
func (s *Store) Meta(ctx context.Context, key string) (string, error) {
	var value string
	err := s.View(ctx, func(tx *Tx) error {
		var err error
		value, err = tx.c.text("SELECT value FROM meta WHERE key = ?", metaPrefix+key)
		return err
	})
	return value, err
}

// SetMeta writes a value beside the records. It makes no change in the feed,
// and Reset leaves it.
func (s *Store) SetMeta(ctx context.Context, key, value string) error {
	return s.Update(ctx, "store", func(tx *Tx) error {
		if err := tx.direct(); err != nil {
			return err
		}
		return tx.fail(tx.setMeta(metaPrefix+key, value))
	})
}

func (tx *Tx) setMeta(key, value string) error {
	return tx.c.run("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", key, value)
}

// Reset deletes every record, each as a change of one commit, and every series.
func (s *Store) Reset(ctx context.Context, by string) error {
	return s.Update(ctx, by, func(tx *Tx) error {
		kinds, err := tx.kinds()
		if err != nil {
			return err
		}
		for kind, st := range kinds {
			for f, err := range tx.scan(allPages(kind, false), Range{}) {
				if err != nil {
					return err
				}
				e, err := tx.stored(st, recordKey{kind, f.key})
				if err != nil {
					return err
				}
				if err := tx.remove(e); err != nil {
					return fmt.Errorf("delete %s %s: %w", kind, f.key, err)
				}
			}
		}
		return tx.dropSeries()
	})
}
