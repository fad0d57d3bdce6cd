package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"slices"
)

// Index entries: which records have which value. See term in the schema.

// indexValue is a value of an index.
type indexValue struct {
	index int64
	value string
}

const (
	termsKnown = 10_000 // numbers of terms held in memory, at most
	termSweep  = 1_000  // commits between the deletions of unused terms
)

// term is the number of an index value; it is made when there is none. What
// fails rolls the transaction back, and the number is forgotten with all others.
func (tx *Tx) term(index int64, value string) (int64, error) {
	k := indexValue{index, value}
	if id := tx.s.terms[k]; id != 0 {
		return id, nil
	}
	id, err := tx.c.number("SELECT id FROM terms WHERE idx = ? AND value = ?", index, value)
	if err == nil && id == 0 {
		if err = tx.direct(); err == nil {
			id, err = tx.c.number("INSERT INTO terms (idx, value, n) VALUES (?, ?, 0) RETURNING id", index, value)
		}
		err = tx.fail(err)
	}
	if err != nil {
		return 0, err
	}
	if len(tx.s.terms) >= termsKnown {
		clear(tx.s.terms)
	}
	tx.s.terms[k] = id
	return id, nil
}

// entries encodes index values as heads keeps them: the numbers of the terms,
// ascending, each once, as uvarints. They are equal exactly when their bytes
// are.
func (tx *Tx) entries(st *tableState, pairs []pair) ([]byte, error) {
	ids := make([]int64, 0, len(pairs))
	for _, p := range pairs {
		if p.value == "" {
			continue
		}
		id, err := tx.term(st.ids[p.index], p.value)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]byte, 0, 3*len(ids))
	for _, id := range slices.Compact(ids) {
		out = binary.AppendUvarint(out, uint64(id))
	}
	return out, nil
}

// parseEntries reads what entries wrote. The bytes come from this package's own
// rows, so a short read is a damaged file.
func parseEntries(b []byte) ([]int64, error) {
	var out []int64
	for len(b) > 0 {
		id, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errors.New("damaged index entries")
		}
		out, b = append(out, int64(id)), b[n:]
	}
	return out, nil
}

// moveEntries takes a record from its old index entries to its new ones.
func (tx *Tx) moveEntries(key string, before, after []byte) error {
	if bytes.Equal(before, after) {
		return nil
	}
	from, err := parseEntries(before)
	if err != nil {
		return err
	}
	to, err := parseEntries(after)
	if err != nil {
		return err
	}
	for _, term := range from {
		if slices.Contains(to, term) {
			continue
		}
		if err := tx.c.run("DELETE FROM entries WHERE term = ? AND key = ?", term, key); err != nil {
			return err
		}
		tx.count(term, -1)
	}
	for _, term := range to {
		if slices.Contains(from, term) {
			continue
		}
		if err := tx.c.run("INSERT INTO entries (term, key) VALUES (?, ?)", term, key); err != nil {
			return err
		}
		tx.count(term, 1)
	}
	return nil
}

// count notes that a term has more or fewer records.
func (tx *Tx) count(term, n int64) {
	if tx.tally == nil {
		tx.tally = map[int64]int64{}
	}
	tx.tally[term] += n
}

// counted reads a count, with what this transaction and those before it in the
// group add to it.
func (tx *Tx) counted(index int64, value string) (int, error) {
	if err := tx.settled(); err != nil {
		return 0, err
	}
	var row [2]driver.Value
	found, err := tx.c.one("SELECT id, n FROM terms WHERE idx = ? AND value = ?", row[:], index, value)
	if err != nil || !found {
		return 0, err
	}
	term, n := row[0].(int64), row[1].(int64)
	if tx.group != nil {
		n += tx.group.tally[term]
	}
	return int(n + tx.tally[term]), nil
}

// flushTally writes the counts of a group once, however often its members
// touched them. Terms that nobody uses go now and then: most come back soon.
func (s *Store) flushTally(g *group) error {
	for term, n := range g.tally {
		if n == 0 {
			continue
		}
		if err := g.c.run("UPDATE terms SET n = n + ? WHERE id = ?", n, term); err != nil {
			return err
		}
	}
	if s.unswept++; s.unswept < termSweep {
		return nil
	}
	s.unswept = 0
	clear(s.terms)
	return g.c.run("DELETE FROM terms WHERE n = 0")
}
