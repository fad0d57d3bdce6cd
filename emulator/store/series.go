package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Series is rows in time order under a key, such as the events of a log stream.
// Rows are appended and dropped, never changed, and are not in the change feed.
// Like a Table it holds no state.
type Series[T any] struct{ kind string }

// NewSeries declares the rows of a kind, "logs/event".
func NewSeries[T any](kind string) *Series[T] { return &Series[T]{kind: kind} }

// Row is one value of a series.
type Row[T any] struct {
	ID    int64     // given by the store, ascending over all series, never given twice
	At    time.Time // in whole milliseconds
	Value T
}

type seriesKey struct{ kind, key string }

// metaPoint remembers the last row id where the row itself may be gone.
const metaPoint = "point"

// seriesID finds a series, or makes it; 0: there is none.
func (tx *Tx) seriesID(k seriesKey, create bool) (int64, error) {
	if tx.ended {
		return 0, errEnded
	}
	id, err := tx.c.number("SELECT id FROM series WHERE kind = ? AND key = ?", k.kind, k.key)
	if err != nil || id != 0 || !create {
		return id, err
	}
	return tx.c.number("INSERT INTO series (kind, key) VALUES (?, ?) RETURNING id", k.kind, k.key)
}

// Append adds rows. Their ID is ignored; the store gives ascending ones, in the
// order of the arguments. A zero At is the time of the transaction.
func (s *Series[T]) Append(tx *Tx, key string, rows ...Row[T]) error {
	fail := func(err error) error { return &recordError{s.kind, key, err} }
	if len(rows) == 0 {
		return nil
	}
	if err := tx.direct(); err != nil {
		return fail(err)
	}
	k := seriesKey{s.kind, key}
	id, err := tx.seriesID(k, true)
	if err != nil {
		return fail(tx.fail(err))
	}
	for i := range rows {
		body, err := encode(&rows[i].Value)
		if err != nil {
			return fail(err)
		}
		at := rows[i].At
		if at.IsZero() {
			at = tx.now
		}
		tx.points++
		if err := tx.c.run("INSERT INTO points (id, series, at, body) VALUES (?, ?, ?, ?)", tx.points, id, at.UnixMilli(), body); err != nil {
			return fail(tx.fail(err))
		}
	}
	if tx.appended == nil {
		tx.appended = map[seriesKey]struct{}{}
	}
	tx.appended[k] = struct{}{}
	return nil
}

// Trim deletes the rows before a time and says how many there were.
func (s *Series[T]) Trim(tx *Tx, key string, before time.Time) (int, error) {
	id, err := tx.forDeletion(seriesKey{s.kind, key})
	if err != nil || id == 0 {
		return 0, err
	}
	n, err := tx.c.affect("DELETE FROM points WHERE series = ? AND at < ?", id, before.UnixMilli())
	return int(n), tx.fail(err)
}

// Drop deletes the rows of a key and the key itself.
func (s *Series[T]) Drop(tx *Tx, key string) error {
	id, err := tx.forDeletion(seriesKey{s.kind, key})
	if err != nil || id == 0 {
		return err
	}
	if err := tx.c.run("DELETE FROM points WHERE series = ?", id); err != nil {
		return tx.fail(err)
	}
	return tx.fail(tx.c.run("DELETE FROM series WHERE id = ?", id))
}

// forDeletion finds a series and notes the last row id, which must not be given
// again.
func (tx *Tx) forDeletion(k seriesKey) (int64, error) {
	if err := tx.direct(); err != nil {
		return 0, &recordError{k.kind, k.key, err}
	}
	id, err := tx.seriesID(k, false)
	if err != nil || id == 0 {
		return 0, tx.fail(err)
	}
	return id, tx.fail(tx.setMeta(metaPoint, strconv.FormatInt(tx.points, 10)))
}

// dropSeries deletes all rows of all series.
func (tx *Tx) dropSeries() error {
	if err := tx.direct(); err != nil {
		return err
	}
	if err := tx.setMeta(metaPoint, strconv.FormatInt(tx.points, 10)); err != nil {
		return tx.fail(err)
	}
	if err := tx.c.run("DELETE FROM points"); err != nil {
		return tx.fail(err)
	}
	return tx.fail(tx.c.run("DELETE FROM series"))
}

// decodeRow reads a row of (id, at, body).
func decodeRow[T any](row []driver.Value) (Row[T], error) {
	out := Row[T]{ID: row[0].(int64), At: time.UnixMilli(row[1].(int64)).UTC()}
	if err := json.Unmarshal(row[2].([]byte), &out.Value); err != nil {
		return Row[T]{}, fmt.Errorf("row %d: %w", out.ID, err)
	}
	return out, nil
}

// WaitSeries blocks until the series has a row with an ID above afterID, and
// returns at once when it has one already. It ends with ctx's error or
// ErrClosed.
func (s *Store) WaitSeries(ctx context.Context, kind, key string, afterID int64) error {
	return s.WaitAnySeries(ctx, kind, []string{key}, afterID)
}

// WaitAnySeries is WaitSeries for whichever of the keys comes first.
func (s *Store) WaitAnySeries(ctx context.Context, kind string, keys []string, afterID int64) error {
	wake := make(chan struct{}, 1)
	s.hub.listen(kind, keys, wake)
	defer s.hub.unlisten(kind, keys, wake)
	for {
		if err := s.over(ctx); err != nil {
			return err
		}
		there, err := s.anyAfter(ctx, kind, keys, afterID)
		if err != nil || there {
			return err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
			return ErrClosed
		}
	}
}

func (s *Store) anyAfter(ctx context.Context, kind string, keys []string, afterID int64) (there bool, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		for _, key := range keys {
			n, err := tx.c.number(`SELECT p.id FROM series s CROSS JOIN points p ON p.series = s.id
				WHERE s.kind = ? AND s.key = ? AND p.id > ? LIMIT 1`, kind, key, afterID)
			if err != nil || n > 0 {
				there = n > 0
				return err
			}
		}
		return nil
	})
	return there, err
}

func (h *hub) listen(kind string, keys []string, wake chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range keys {
		k := seriesKey{kind, key}
		if h.series[k] == nil {
			h.series[k] = map[chan struct{}]struct{}{}
		}
		h.series[k][wake] = struct{}{}
	}
}

func (h *hub) unlisten(kind string, keys []string, wake chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range keys {
		k := seriesKey{kind, key}
		delete(h.series[k], wake)
		if len(h.series[k]) == 0 {
			delete(h.series, k)
		}
	}
}

// appended wakes those who wait for rows.
func (h *hub) appended(keys map[seriesKey]struct{}) {
	if len(keys) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for k := range keys {
		for wake := range h.series[k] {
			poke(wake)
		}
	}
}
