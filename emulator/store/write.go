package store

import (
	"bytes"
	"database/sql/driver"
)

// write is a change of a record that is decided but not in the file.
//
// Decision: the file sees a transaction's writes when its function has ended
// well, or before a statement that has to find them, instead of at once. A
// function that fails has then written nothing, so members of a group need no
// savepoint, for which SQLite copies every page that they touch.
type write struct {
	old, is *cached // is.revision 0: a deletion
	change  int     // which of tx.changes it is
	all     int64   // the term of all records of the kind
}

// put writes a record, unless it is stored exactly so.
func (tx *Tx) put(old, is *cached) error {
	if old.revision != 0 && bytes.Equal(old.body, is.body) {
		return nil
	}
	if err := tx.writable(); err != nil {
		return err
	}
	all, err := tx.term(is.state.all, "")
	if err != nil {
		return err
	}
	is.revision = tx.log(is.recordKey, old.body, is.body)
	tx.later(old, is, all)
	return nil
}

// remove deletes a record that is there.
func (tx *Tx) remove(old *cached) error {
	if err := tx.writable(); err != nil {
		return err
	}
	all, err := tx.term(old.state.all, "")
	if err != nil {
		return err
	}
	tx.log(old.recordKey, old.body, nil)
	tx.later(old, &cached{recordKey: old.recordKey, state: old.state}, all)
	return nil
}

// log appends a change and returns its revision. A commit is named by the
// revision of its first change.
func (tx *Tx) log(k recordKey, before, after []byte) int64 {
	revision := tx.base + int64(len(tx.changes)) + 1
	tx.changes = append(tx.changes, Change{
		Revision: revision, Commit: tx.base + 1, Kind: k.kind, Key: k.key,
		Before: before, After: after, At: tx.now, By: tx.by, Origin: tx.origin,
	})
	return revision
}

func (tx *Tx) later(old, is *cached, all int64) {
	tx.writes++
	tx.pending = append(tx.pending, write{old, is, len(tx.changes) - 1, all})
	tx.touch(is.recordKey, is)
}

// flush brings what is pending into the file.
func (tx *Tx) flush() error {
	for _, w := range tx.pending {
		if err := tx.fail(tx.rows(w)); err != nil {
			return err
		}
	}
	clear(tx.pending)
	tx.pending = tx.pending[:0]
	return nil
}

func (tx *Tx) rows(w write) error {
	switch {
	case w.is.revision == 0:
		return tx.deleteRows(w)
	case w.old.revision == 0:
		return tx.insertRows(w)
	}
	return tx.updateRows(w)
}

func (tx *Tx) insertRows(w write) error {
	previous, err := tx.unbury(w.is.recordKey)
	if err != nil {
		return err
	}
	if err := tx.changeRow(w.change, previous); err != nil {
		return err
	}
	err = tx.c.run("INSERT INTO heads (kind, key, revision, entries) VALUES (?, ?, ?, ?)", w.is.kind, w.is.key, w.is.revision, w.is.entries)
	if err != nil {
		return err
	}
	tx.count(w.all, 1)
	return tx.moveEntries(w.is.key, nil, w.is.entries)
}

func (tx *Tx) updateRows(w write) error {
	if err := tx.changeRow(w.change, w.old.revision); err != nil {
		return err
	}
	if bytes.Equal(w.old.entries, w.is.entries) {
		return tx.c.run("UPDATE heads SET revision = ? WHERE kind = ? AND key = ?", w.is.revision, w.is.kind, w.is.key)
	}
	err := tx.c.run("UPDATE heads SET revision = ?, entries = ? WHERE kind = ? AND key = ?", w.is.revision, w.is.entries, w.is.kind, w.is.key)
	if err != nil {
		return err
	}
	return tx.moveEntries(w.is.key, w.old.entries, w.is.entries)
}

func (tx *Tx) deleteRows(w write) error {
	if err := tx.changeRow(w.change, w.old.revision); err != nil {
		return err
	}
	if err := tx.c.run("DELETE FROM heads WHERE kind = ? AND key = ?", w.is.kind, w.is.key); err != nil {
		return err
	}
	err := tx.c.run("INSERT INTO graves (kind, key, revision) VALUES (?, ?, ?)", w.is.kind, w.is.key, tx.changes[w.change].Revision)
	if err != nil {
		return err
	}
	tx.group.graves = someGraves
	tx.count(w.all, -1)
	return tx.moveEntries(w.is.key, w.old.entries, nil)
}

// changeRow writes a row of the log.
func (tx *Tx) changeRow(i int, previous int64) error {
	c := &tx.changes[i]
	var body driver.Value
	if c.After != nil {
		body = []byte(c.After)
	}
	return tx.c.run(`INSERT INTO changes (revision, "commit", kind, key, previous, body, at, "by") VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		c.Revision, c.Commit, c.Kind, c.Key, previous, body, c.At.UnixMilli(), c.By)
}

// graves is what a group knows of them.
type graves int

const (
	unknownGraves graves = iota
	noGraves
	someGraves
)

// unbury finds the deletion that a new record follows.
func (tx *Tx) unbury(k recordKey) (int64, error) {
	g := tx.group
	if g.graves == unknownGraves {
		n, err := tx.c.number("SELECT EXISTS (SELECT 1 FROM graves)")
		if err != nil {
			return 0, err
		}
		g.graves = noGraves + graves(n)
	}
	if g.graves == noGraves {
		return 0, nil
	}
	revision, err := tx.c.number("SELECT revision FROM graves WHERE kind = ? AND key = ?", k.kind, k.key)
	if err != nil || revision == 0 {
		return 0, err
	}
	return revision, tx.c.run("DELETE FROM graves WHERE kind = ? AND key = ?", k.kind, k.key)
}
