package store

import (
	"context"
	"database/sql/driver"
	"math"
	"time"
)

// Tx is one transaction, of View or of Update. It ends with the function it was
// given to and is used by one goroutine.
type Tx struct {
	s     *Store
	c     *conn
	now   time.Time
	pin   int64                  // revision of the snapshot, once it is known; -1 before
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
	pending  []write // that the file has yet to see
	touched  map[recordKey]struct{}
	tally    map[int64]int64        // by term, how many records more have it
	built    map[string]*tableState // becomes ready when this is committed
	points   int64                  // last id given to a row of a series
	appended map[seriesKey]struct{}
	writes   int // counts writes, so that iterators notice them
}

func (s *Store) newTx(c *conn) *Tx {
	return &Tx{s: s, c: c, pin: -1, now: time.Now().UTC().Truncate(time.Millisecond), ready: *s.ready.Load()}
}

// View runs fn on one consistent snapshot, which contains at least everything
// that was committed before the call. fn must not call View, Update or Close of
// this store: connections are few, and a store in memory has only one.
func (s *Store) View(ctx context.Context, fn func(tx *Tx) error) error {
	c, err := s.conns.take(ctx)
	if err != nil {
		return err
	}
	defer s.conns.give(c)
	tx := s.newTx(c)
	defer func() { tx.ended = true }()
	if c.alone {
		return fn(tx)
	}
	if err := c.run("BEGIN"); err != nil {
		return err
	}
	defer func() {
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

func (tx *Tx) revision() (n int64, err error) {
	if tx.pin < 0 {
		n, err = tx.c.number("SELECT max(revision) FROM changes")
		if err != nil {
			return 0, err
		}
		tx.pin = n
	}
	return tx.pin, nil
}

// writable says whether the transaction may write.
func (tx *Tx) writable() error {
	switch {
	case tx.ended:
		return errEnded
	case tx.group == nil:
		return ErrReadOnly
	}
	return tx.err
}

// direct prepares the transaction for statements that write. What other members
// of the group have written is guarded by a savepoint, since fn may still fail.
func (tx *Tx) direct() error {
	if err := tx.writable(); err != nil {
		return err
	}
	tx.writes++
	if !tx.wrote && tx.group.wrote {
		if err := tx.c.run("SAVEPOINT member"); err != nil {
			return tx.fail(err)
		}
		tx.saved = true
	}
	tx.wrote = true
	return tx.flush()
}

// settled makes statements that read see what this transaction has written.
func (tx *Tx) settled() error {
	switch {
	case tx.ended:
		return errEnded
	case len(tx.pending) == 0:
		return nil
	}
	return tx.direct()
}

// fail makes an error of SQLite in a write the end of the transaction, whatever
// its function makes of it: half of it may be missing.
func (tx *Tx) fail(err error) error {
	if err != nil && tx.err == nil {
		tx.err = err
	}
	return err
}

// read finds a record as this transaction sees it, in memory or in the file;
// revision 0: it is not there.
func (tx *Tx) read(kind, key string) (*cached, error) {
	if tx.ended {
		return nil, errEnded
	}
	k := recordKey{kind, key}
	if tx.group != nil {
		if e, touched := tx.group.records[k]; touched {
			if e == nil {
				return tx.fetch(k)
			}
			return e, nil
		}
	}
	snapshot, err := tx.snapshot()
	if err != nil {
		return nil, err
	}
	if e := tx.s.cache.get(k, snapshot); e != nil {
		return e, nil
	}
	e, err := tx.fetch(k)
	if err != nil || e.revision == 0 {
		return e, err
	}
	return tx.s.cache.offer(e, snapshot), nil
}

// snapshot is the newest revision that this transaction may know. A writer, and
// a reader of a store in memory, sees all that is committed.
func (tx *Tx) snapshot() (int64, error) {
	if tx.group != nil || tx.c.alone {
		return math.MaxInt64, nil
	}
	return tx.revision()
}

// fetch reads a record from the file.
func (tx *Tx) fetch(k recordKey) (*cached, error) {
	e := &cached{recordKey: k, state: tx.ready[k.kind]}
	var row [3]driver.Value
	found, err := tx.c.one(`SELECT h.revision, h.entries, c.body FROM heads h
		CROSS JOIN changes c ON c.revision = h.revision WHERE h.kind = ? AND h.key = ?`, row[:], k.kind, k.key)
	if err == nil && found {
		e.revision, e.entries, e.body = row[0].(int64), row[1].([]byte), row[2].([]byte)
	}
	return e, err
}

// stored is read for a write: with the index entries that the file has.
func (tx *Tx) stored(st *tableState, k recordKey) (*cached, error) {
	e, err := tx.read(k.kind, k.key)
	if err != nil || e.revision == 0 || e.state == st {
		return e, err
	}
	e, err = tx.fetch(k)
	if err == nil {
		e.state = st
	}
	return e, err
}

// touch notes what a record is after a write of this transaction; nil: it has
// to be read.
func (tx *Tx) touch(k recordKey, e *cached) {
	if tx.touched == nil {
		tx.touched = map[recordKey]struct{}{}
	}
	tx.touched[k] = struct{}{}
	tx.group.records[k] = e
}
