package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"time"
)

// Tx is one transaction, of View or of Update. It ends with the function it was
// given to and is used by one goroutine.
type Tx struct {
	s     *Store
	c     *conn
	now   time.Time
	ready map[string]*tableState // whose indexes can be trusted in this snapshot
	ended bool

	// For Update only.
	group    *group
	by       string
	origin   any
	wrote    bool
	saved    bool // with a savepoint
	err      error
	base     int64 // revision before this transaction
	changes  []Change
	tally    map[tallyKey]int64
	built    map[string]*tableState // becomes ready when this is committed
	points   int64                  // last id given to a row of a series
	appended map[seriesKey]struct{}
	writes   int // counts writes, so that iterators notice them
}

type tallyKey struct {
	index int64
	value string
}

func (s *Store) newTx(c *conn) *Tx {
	return &Tx{s: s, c: c, now: time.Now().UTC().Truncate(time.Millisecond), ready: *s.ready.Load()}
}

// View runs fn on one consistent snapshot, which contains at least everything
// that was committed before the call. fn must not call View, Update or Close of
// this store: connections are few, and a store in memory has only one.
func (s *Store) View(ctx context.Context, fn func(tx *Tx) error) error {
	c, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	defer s.readers.give(c)
	tx := s.newTx(c)
	if err := c.run("BEGIN"); err != nil {
		return err
	}
	defer func() {
		tx.ended = true
		if err := c.run("COMMIT"); err != nil {
			s.log.Error().Err(err).Msg("end of a read transaction")
		}
	}()
	return fn(tx)
}

// Now is the one time of this transaction: UTC, in whole milliseconds.
func (tx *Tx) Now() time.Time { return tx.now }

// Revision is that of the newest commit which this transaction sees; its own
// writes come after it.
func (tx *Tx) Revision() int64 {
	if tx.group != nil || tx.ended {
		return tx.base
	}
	n, err := tx.revision()
	if err != nil {
		// The one place where a caller cannot be told: 0 makes it list afresh.
		tx.s.log.Error().Err(err).Msg("read the newest revision")
	}
	return n
}

func (tx *Tx) revision() (int64, error) { return tx.c.number("SELECT max(revision) FROM changes") }

// writable prepares the transaction for a write.
func (tx *Tx) writable() error {
	switch {
	case tx.ended:
		return errEnded
	case tx.group == nil:
		return ErrReadOnly
	case tx.err != nil:
		return tx.err
	}
	tx.writes++
	if tx.wrote {
		return nil
	}
	if tx.group.wrote {
		if err := tx.c.run("SAVEPOINT member"); err != nil {
			return tx.fail(err)
		}
		tx.saved = true
	}
	tx.wrote = true
	return nil
}

// fail makes an error of SQLite in a write the end of the transaction, whatever
// its function makes of it: half of it may be missing.
func (tx *Tx) fail(err error) error {
	if err != nil && tx.err == nil {
		tx.err = err
	}
	return err
}

// head is a record as it is stored; revision 0: it is not there.
type head struct {
	revision int64
	entries  []byte
	body     []byte
}

func (tx *Tx) head(kind, key string) (head, error) {
	if tx.ended {
		return head{}, errEnded
	}
	var row [3]driver.Value
	found, err := tx.c.one(`SELECT h.revision, h.entries, c.body FROM heads h
		CROSS JOIN changes c ON c.revision = h.revision WHERE h.kind = ? AND h.key = ?`, row[:], kind, key)
	if err != nil || !found {
		return head{}, err
	}
	return head{revision: row[0].(int64), entries: row[1].([]byte), body: row[2].([]byte)}, nil
}

// put writes a record, unless it is stored exactly so.
func (tx *Tx) put(st *tableState, kind, key string, old head, body, entries []byte) error {
	if old.revision != 0 && bytes.Equal(old.body, body) {
		return nil
	}
	if err := tx.writable(); err != nil {
		return err
	}
	return tx.fail(tx.putRows(st, kind, key, old, body, entries))
}

func (tx *Tx) putRows(st *tableState, kind, key string, old head, body, entries []byte) error {
	if old.revision != 0 {
		revision, err := tx.log(kind, key, old.revision, old.body, body)
		if err != nil {
			return err
		}
		if err := tx.c.run("UPDATE heads SET revision = ?, entries = ? WHERE kind = ? AND key = ?", revision, entries, kind, key); err != nil {
			return err
		}
		return tx.moveEntries(key, old.entries, entries)
	}
	previous, err := tx.unbury(kind, key)
	if err != nil {
		return err
	}
	revision, err := tx.log(kind, key, previous, nil, body)
	if err != nil {
		return err
	}
	if err := tx.c.run("INSERT INTO heads (kind, key, revision, entries) VALUES (?, ?, ?, ?)", kind, key, revision, entries); err != nil {
		return err
	}
	tx.count(st.all, "", 1)
	return tx.moveEntries(key, nil, entries)
}

// remove deletes a record that is there.
func (tx *Tx) remove(st *tableState, kind, key string, old head) error {
	if err := tx.writable(); err != nil {
		return err
	}
	return tx.fail(tx.removeRows(st, kind, key, old))
}

func (tx *Tx) removeRows(st *tableState, kind, key string, old head) error {
	revision, err := tx.log(kind, key, old.revision, old.body, nil)
	if err != nil {
		return err
	}
	if err := tx.c.run("DELETE FROM heads WHERE kind = ? AND key = ?", kind, key); err != nil {
		return err
	}
	if err := tx.c.run("INSERT INTO graves (kind, key, revision) VALUES (?, ?, ?)", kind, key, revision); err != nil {
		return err
	}
	tx.count(st.all, "", -1)
	return tx.moveEntries(key, old.entries, nil)
}

// unbury finds the deletion that a new record follows.
func (tx *Tx) unbury(kind, key string) (int64, error) {
	revision, err := tx.c.number("SELECT revision FROM graves WHERE kind = ? AND key = ?", kind, key)
	if err != nil || revision == 0 {
		return 0, err
	}
	return revision, tx.c.run("DELETE FROM graves WHERE kind = ? AND key = ?", kind, key)
}

// log appends a change and returns its revision. A commit is named by the
// revision of its first change.
func (tx *Tx) log(kind, key string, previous int64, before, after []byte) (int64, error) {
	revision := tx.base + int64(len(tx.changes)) + 1
	var body driver.Value
	if after != nil {
		body = after
	}
	err := tx.c.run(`INSERT INTO changes (revision, "commit", kind, key, previous, body, at, "by") VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		revision, tx.base+1, kind, key, previous, body, tx.now.UnixMilli(), tx.by)
	if err != nil {
		return 0, err
	}
	tx.changes = append(tx.changes, Change{
		Revision: revision, Commit: tx.base + 1, Kind: kind, Key: key,
		Before: before, After: after, At: tx.now, By: tx.by, Origin: tx.origin,
	})
	return revision, nil
}

// finish writes what is written once per transaction.
func (tx *Tx) finish() error {
	if tx.err != nil {
		return tx.err
	}
	return tx.fail(tx.flushTally())
}
