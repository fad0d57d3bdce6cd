package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Change is what one commit did to one record. Readers share it: do not write
// into Before and After.
type Change struct {
	Revision int64  // ascending over all changes
	Commit   int64  // the revision of the commit's first change
	Kind     string // of the record, "ecs/task"
	Key      string
	Before   json.RawMessage // nil: it was not there
	After    json.RawMessage // nil: it is not there any more
	At       time.Time       // UTC, of the transaction
	By       string          // who caused it
	// Origin is what WithOrigin put into the context of the Update. It is not
	// stored: nil for a change that was read from the file.
	Origin any `json:"-"`
}

type originKey struct{}

// WithOrigin marks the changes of Updates under this context, so that whoever
// made them knows them again in the feed.
func WithOrigin(ctx context.Context, origin any) context.Context {
	return context.WithValue(ctx, originKey{}, origin)
}

// HistoryQuery chooses changes. The zero value chooses all.
type HistoryQuery struct {
	Kind      string // "": every kind
	Key       string // "": every key
	KeyPrefix string
	Since     int64 // only revisions above this one
	Until     int64 // only revisions up to this one; 0: no end
	Limit     int   // at most so many; 0: 1000
	Reverse   bool  // newest first
}

const historyLimit = 1000

// selectChanges reads log rows with what was there before. The row before a
// change is kept as long as the change is, so a missing one means that there
// was nothing.
const selectChanges = `SELECT c.revision, c."commit", c.kind, c.key, p.body, c.body, c.at, c."by"
	FROM changes c LEFT JOIN changes p ON p.revision = c.previous WHERE c.revision > ? AND c.revision <= ?`

// History reads past changes, oldest first unless asked otherwise. It reaches
// back Options.History changes; a record whose last change is older has none.
func (s *Store) History(ctx context.Context, q HistoryQuery) ([]Change, error) {
	var out []Change
	err := s.View(ctx, func(tx *Tx) error {
		floor, err := tx.floor()
		if err != nil {
			return err
		}
		sql, args := q.statement(floor)
		out, err = tx.changesBy(sql, args)
		return err
	})
	return out, err
}

func (q HistoryQuery) statement(floor int64) (string, []driver.Value) {
	until := q.Until
	if until <= 0 {
		until = 1<<63 - 1
	}
	sql, args := selectChanges, []driver.Value{max(q.Since, floor), until}
	if q.Kind != "" && q.Key != "" {
		// From the newest change of the key back along previous.
		sql = `WITH RECURSIVE chain (revision) AS (
			SELECT revision FROM heads WHERE kind = ? AND key = ? UNION ALL
			SELECT revision FROM graves WHERE kind = ? AND key = ? UNION ALL
			SELECT l.previous FROM chain JOIN changes l ON l.revision = chain.revision WHERE l.previous > ?) ` +
			strings.Replace(sql, "FROM changes c", "FROM chain JOIN changes c ON c.revision = chain.revision", 1)
		args = append([]driver.Value{q.Kind, q.Key, q.Kind, q.Key, args[0]}, args...)
	}
	where := func(cond string, a ...driver.Value) { sql += " AND " + cond; args = append(args, a...) }
	if q.Kind != "" {
		where("c.kind = ?", q.Kind)
	}
	if q.Key != "" {
		where("c.key = ?", q.Key)
	}
	if q.KeyPrefix != "" {
		from, to := Range{Prefix: q.KeyPrefix}.bounds()
		where("c.key >= ? AND c.key < ?", from, to)
	}
	sql += " ORDER BY c.revision"
	if q.Reverse {
		sql += " DESC"
	}
	limit := int64(q.Limit)
	if limit <= 0 {
		limit = historyLimit
	}
	return sql + " LIMIT ?", append(args, limit)
}

func (tx *Tx) changesBy(sql string, args []driver.Value) ([]Change, error) {
	var out []Change
	err := tx.eachChange(sql, args, func(c Change) bool { out = append(out, c); return true })
	return out, err
}

func (tx *Tx) eachChange(sql string, args []driver.Value, visit func(Change) bool) error {
	row := make([]driver.Value, 8)
	return tx.c.each(sql, row, func() bool {
		c := Change{
			Revision: row[0].(int64), Commit: row[1].(int64), Kind: row[2].(string), Key: row[3].(string),
			At: time.UnixMilli(row[6].(int64)).UTC(), By: row[7].(string),
		}
		if b, ok := row[4].([]byte); ok {
			c.Before = b
		}
		if b, ok := row[5].([]byte); ok {
			c.After = b
		}
		return visit(c)
	}, args...)
}

// read returns whole commits with changes of the kinds, from since on, as many
// as make up about limit changes, and the revision up to which it looked.
func (s *Store) read(ctx context.Context, since int64, kinds []string, limit int) (commits [][]Change, upTo int64, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		floor, err := tx.floor()
		if err != nil {
			return err
		}
		if since < floor {
			return ErrCompacted
		}
		last, err := tx.revision()
		if err != nil {
			return err
		}
		upTo = last
		sql, args := selectChanges, []driver.Value{since, last}
		if len(kinds) > 0 {
			sql += " AND c.kind IN (?" + strings.Repeat(", ?", len(kinds)-1) + ")"
			for _, k := range kinds {
				args = append(args, k)
			}
		}
		n, commit := 0, int64(0)
		return tx.eachChange(sql+" ORDER BY c.revision", args, func(c Change) bool {
			if c.Commit != commit {
				if n >= limit {
					upTo = c.Commit - 1
					return false
				}
				commits, commit = append(commits, nil), c.Commit
			}
			commits[len(commits)-1] = append(commits[len(commits)-1], c)
			n++
			return true
		})
	})
	if err != nil && !errors.Is(err, ErrCompacted) && ctx.Err() != nil {
		err = ctx.Err()
	}
	return commits, upTo, err
}
