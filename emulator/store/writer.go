package store

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// How much company one commit may have. More rows per commit save little, and
// the first of them waits for the last.
const (
	groupUpdates = 128
	groupTime    = 5 * time.Millisecond
)

// group is one SQLite transaction and the Updates that share it. It belongs to
// whoever has the turn.
type group struct {
	c       *conn
	begun   bool // BEGIN was said
	wrote   bool // a member has written, so the next needs a savepoint
	size    int
	started time.Time
	members []*Tx // that wrote and succeeded
	err     error // SQLite gave the whole transaction up
	done    chan struct{}
	// records are those that members have touched, as they are now; nil for
	// one that has to be read.
	records map[recordKey]*cached
	tally   map[int64]int64 // counts that are written with the commit, by term
	graves  graves
}

// Update runs fn in a write transaction, exactly once, and returns after its
// changes are on disk (SQLite's synchronous=NORMAL: they survive the death of
// the process at any moment, and of the machine up to the last checkpoint).
// When fn fails, panics, or ctx has ended by the time fn returns, nothing is
// written. by names the cause, for every change: "ecs:RunTask 7f3…",
// "controller/sandbox".
//
// fn runs alone among all writers and sees everything written before. Updates
// that queue up are committed together, each of them whole or not at all. fn
// must be brief, and must not call Update, View or Close of this store, nor
// wait for a goroutine that does.
//
// Decision: the writer is a turn that goes from caller to caller instead of a
// goroutine that runs their functions. A lone Update then needs no goroutine
// switch, and a panic, a runtime.Goexit (t.Fatal) or a profile label stays
// where it belongs.
func (s *Store) Update(ctx context.Context, by string, fn func(tx *Tx) error) error {
	if err := s.turns.enter(ctx); err != nil {
		return err
	}
	tx, err := s.join(ctx, by)
	if err != nil {
		s.turns.leave()
		return err
	}
	returned := false
	defer func() {
		if !returned { // a panic or Goexit passes through
			s.part(tx, errEnded)
		}
	}()
	err = fn(tx)
	returned = true
	if err == nil {
		err = ctx.Err()
	}
	g, err := s.part(tx, err)
	<-g.done
	if g.err != nil {
		return g.err
	}
	return err
}

// join adds a transaction to the open group, or opens one.
func (s *Store) join(ctx context.Context, by string) (*Tx, error) {
	g := s.group
	if g == nil {
		c, err := s.conns.enter(ctx)
		if err != nil {
			return nil, err
		}
		g = &group{c: c, started: time.Now(), done: make(chan struct{}), records: map[recordKey]*cached{}, tally: map[int64]int64{}}
		s.group = g
	}
	if !g.begun {
		if err := g.c.run("BEGIN"); err != nil {
			s.end(g, err)
			return nil, err
		}
		g.begun = true
	}
	tx := s.newTx(g.c)
	tx.group, tx.by, tx.origin = g, by, ctx.Value(originKey{})
	tx.base, tx.points = s.last, s.lastPoint
	return tx, nil
}

// part ends the transaction, and either passes the turn on with the group or
// commits. It returns the group, whose end answers the caller.
func (s *Store) part(tx *Tx, err error) (*group, error) {
	g := tx.group
	if err == nil {
		err = tx.err
	}
	if err == nil && len(tx.pending) > 0 {
		tx.wrote = true
		err = tx.flush()
	}
	tx.ended = true
	if err != nil {
		s.rollback(g, tx)
	} else {
		s.keep(g, tx)
	}
	g.size++
	if g.err == nil && g.size < groupUpdates && time.Since(g.started) < groupTime {
		if s.turns.pass() {
			return g, err
		}
		// Whoever is about to come saves a commit.
		if runtime.Gosched(); s.turns.pass() {
			return g, err
		}
	}
	s.commit(g)
	return g, err
}

// keep makes the transaction's writes part of the group.
func (s *Store) keep(g *group, tx *Tx) {
	if tx.saved {
		if err := g.c.run("RELEASE member"); err != nil {
			g.err = err
			return
		}
	}
	g.wrote = g.wrote || tx.wrote
	for k, n := range tx.tally {
		g.tally[k] += n
	}
	s.last, s.lastPoint = tx.base+int64(len(tx.changes)), tx.points
	g.members = append(g.members, tx)
}

// rollback undoes what the transaction wrote and nothing else.
func (s *Store) rollback(g *group, tx *Tx) {
	for k := range tx.touched {
		g.records[k] = nil
	}
	if tx.wrote {
		clear(s.terms)
	}
	switch {
	case g.c.c.AutoCommit(): // SQLite itself has rolled back, and all of it
		g.begun = false
		if g.wrote {
			g.err = errors.Join(errors.New("commit was given up"), tx.err)
		}
	case tx.saved:
		g.err = errors.Join(g.c.run("ROLLBACK TO member"), g.c.run("RELEASE member"))
	case tx.wrote && g.wrote: // the rows of one that had done its part
		g.err = errors.Join(errors.New("commit was given up"), tx.err)
	case tx.wrote:
		g.begun = false
		if err := g.c.run("ROLLBACK"); err != nil {
			g.err = err
		} else if err := g.c.run("BEGIN"); err != nil {
			g.err = err
		} else {
			g.begun = true
		}
	}
}

// commit ends the group for good or bad, tells the readers of the feed, and
// gives the turn up.
func (s *Store) commit(g *group) {
	err := g.err
	if err == nil && g.begun {
		err = s.flushTally(g)
	}
	if err == nil && g.begun {
		s.ahead.Store(s.last)
		for k := range g.records {
			s.cache.drop(k, s.last)
		}
		err = g.c.run("COMMIT")
	}
	if err != nil && g.begun && !g.c.c.AutoCommit() {
		err = errors.Join(err, g.c.run("ROLLBACK"))
	}
	s.end(g, err)
	s.turns.leave()
}

// end closes the books of a group; the turn is still held.
func (s *Store) end(g *group, err error) {
	s.group = nil
	s.conns.leave()
	if err != nil {
		g.err = err
		clear(s.terms)
		s.last, s.lastPoint = s.hub.position(), s.points
	} else {
		s.points = s.lastPoint
		for _, e := range g.records {
			if e != nil && e.revision != 0 {
				s.cache.keep(e)
			}
		}
		s.committed(g.members)
	}
	close(g.done)
}
