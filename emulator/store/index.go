package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// definition is the untyped side of a Table.
type definition struct {
	kind   string
	names  []string // of the indexes, sorted
	decode func(key string, body []byte) ([]pair, error)
}

// pair is one value of one index, by name.
type pair struct{ index, value string }

// tableState is what a store knows of a kind whose indexes it has checked.
type tableState struct {
	def *definition
	all int64            // the index "", for the count of all
	ids map[string]int64 // by name
}

// state returns the checked indexes of a table; nil in a View when they have
// yet to be built, which the next Update of the table does, or the store on its
// own soon after.
//
// The names of a table's indexes are stored. A table that comes with other names
// than last time has all its entries built again, so an index whose meaning
// changes needs a new name.
func (tx *Tx) state(def *definition) (*tableState, error) {
	if tx.ended {
		return nil, errEnded
	}
	st := tx.ready[def.kind]
	if st == nil {
		st = tx.built[def.kind]
	}
	if st != nil {
		return st, st.same(def)
	}
	st, err := tx.load(def)
	if err != nil {
		return nil, err
	}
	switch {
	case tx.group == nil && st.matches():
		tx.s.trust(map[string]*tableState{def.kind: st})
		return st, nil
	case tx.group == nil:
		tx.s.keeper.build(def)
		return nil, nil
	case !st.matches():
		if err := tx.build(st); err != nil {
			return nil, err
		}
	}
	// Others may trust it only after the commit: an Update of the same group
	// may have built it.
	if tx.built == nil {
		tx.built = map[string]*tableState{}
	}
	tx.built[def.kind] = st
	return st, nil
}

func (st *tableState) same(def *definition) error {
	if st.def == def || slices.Equal(st.def.names, def.names) {
		return nil
	}
	return fmt.Errorf("table %s is declared twice, with indexes %v and %v", def.kind, st.def.names, def.names)
}

// load reads the indexes that the file has for a kind.
func (tx *Tx) load(def *definition) (*tableState, error) {
	st := &tableState{def: def, ids: map[string]int64{}}
	row := make([]driver.Value, 2)
	err := tx.c.each("SELECT id, name FROM indexes WHERE kind = ?", row, func() bool {
		st.ids[row[1].(string)] = row[0].(int64)
		return true
	}, def.kind)
	st.all = st.ids[""]
	return st, err
}

// matches says whether the file has exactly the defined indexes.
func (st *tableState) matches() bool {
	if st.all == 0 || len(st.ids) != len(st.def.names)+1 {
		return false
	}
	return !slices.ContainsFunc(st.def.names, func(n string) bool { return st.ids[n] == 0 })
}

// trust tells later transactions that these indexes are as defined.
func (s *Store) trust(states map[string]*tableState) {
	if len(states) == 0 {
		return
	}
	s.readyMu.Lock()
	defer s.readyMu.Unlock()
	next := maps.Clone(*s.ready.Load())
	maps.Copy(next, states)
	s.ready.Store(&next)
}

// build makes the file's indexes those of the definition.
func (tx *Tx) build(st *tableState) error {
	if err := tx.direct(); err != nil {
		return err
	}
	if err := tx.fail(tx.rename(st)); err != nil {
		return err
	}
	return tx.fail(tx.rebuild(st))
}

// rename drops every entry of the kind and gives each index an id.
func (tx *Tx) rename(st *tableState) error {
	for name, id := range st.ids {
		if err := tx.c.run("DELETE FROM entries WHERE idx = ?", id); err != nil {
			return err
		}
		if name == "" {
			continue
		}
		if err := errors.Join(tx.c.run("DELETE FROM counts WHERE idx = ?", id), tx.c.run("DELETE FROM indexes WHERE id = ?", id)); err != nil {
			return err
		}
	}
	st.ids = map[string]int64{"": st.all}
	for _, name := range append([]string{""}, st.def.names...) {
		if st.ids[name] != 0 {
			continue
		}
		id, err := tx.c.number("INSERT INTO indexes (kind, name) VALUES (?, ?) RETURNING id", st.def.kind, name)
		if err != nil {
			return err
		}
		st.ids[name] = id
	}
	st.all = st.ids[""]
	return nil
}

// rebuild writes the entries of every record of the kind.
func (tx *Tx) rebuild(st *tableState) error {
	for p, err := range tx.scan(allPages(st.def.kind, true), Range{}) {
		if err != nil {
			return err
		}
		pairs, err := st.def.decode(p.key, p.body)
		if err != nil {
			return &recordError{st.def.kind, p.key, err}
		}
		entries := st.entries(pairs)
		tx.touch(recordKey{st.def.kind, p.key}, nil)
		if err := tx.c.run("UPDATE heads SET entries = ? WHERE kind = ? AND key = ?", entries, st.def.kind, p.key); err != nil {
			return err
		}
		if err := tx.moveEntries(p.key, nil, entries); err != nil {
			return err
		}
	}
	return nil
}

// entries encodes index values as heads keeps them: sorted, each once, as
// uvarint index, uvarint length, value. They are equal exactly when their
// bytes are.
func (st *tableState) entries(pairs []pair) []byte {
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.index != b.index {
			return int(st.ids[a.index] - st.ids[b.index])
		}
		return strings.Compare(a.value, b.value)
	})
	out := []byte{}
	for i, p := range pairs {
		if p.value == "" || i > 0 && p == pairs[i-1] {
			continue
		}
		out = binary.AppendUvarint(out, uint64(st.ids[p.index]))
		out = binary.AppendUvarint(out, uint64(len(p.value)))
		out = append(out, p.value...)
	}
	return out
}

// parseEntries reads what entries wrote. The bytes come from this package's own
// rows, so a short read is a damaged file.
func parseEntries(b []byte) ([]tallyKey, error) {
	var out []tallyKey
	for len(b) > 0 {
		id, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errors.New("damaged index entries")
		}
		b = b[n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || uint64(len(b)-n) < size {
			return nil, errors.New("damaged index entries")
		}
		b = b[n:]
		out = append(out, tallyKey{int64(id), string(b[:size])})
		b = b[size:]
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
	for _, e := range from {
		if slices.Contains(to, e) {
			continue
		}
		if err := tx.c.run("DELETE FROM entries WHERE idx = ? AND value = ? AND key = ?", e.index, e.value, key); err != nil {
			return err
		}
		tx.count(e.index, e.value, -1)
	}
	for _, e := range to {
		if slices.Contains(from, e) {
			continue
		}
		if err := tx.c.run("INSERT INTO entries (idx, value, key) VALUES (?, ?, ?)", e.index, e.value, key); err != nil {
			return err
		}
		tx.count(e.index, e.value, 1)
	}
	return nil
}

// count notes that an index value has more or fewer records.
func (tx *Tx) count(index int64, value string, n int64) {
	if tx.tally == nil {
		tx.tally = map[tallyKey]int64{}
	}
	tx.tally[tallyKey{index, value}] += n
}

// flushTally writes the counts once per commit, however often its members
// touched them.
func flushTally(c *conn, tally map[tallyKey]int64) error {
	for k, n := range tally {
		if n == 0 {
			continue
		}
		err := c.run(`INSERT INTO counts (idx, value, n) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n`, k.index, k.value, n)
		if err == nil && n < 0 {
			err = c.run("DELETE FROM counts WHERE idx = ? AND value = ? AND n = 0", k.index, k.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// counted reads a count, with what this transaction and those before it in the
// group add to it.
func (tx *Tx) counted(index int64, value string) (int, error) {
	if err := tx.settled(); err != nil {
		return 0, err
	}
	n, err := tx.c.number("SELECT n FROM counts WHERE idx = ? AND value = ?", index, value)
	k := tallyKey{index, value}
	if tx.group != nil {
		n += tx.group.tally[k]
	}
	return int(n + tx.tally[k]), err
}

// kinds returns what is needed to delete records without knowing their types.
func (tx *Tx) kinds() (map[string]*tableState, error) {
	out := map[string]*tableState{}
	row := make([]driver.Value, 2)
	err := tx.c.each("SELECT id, kind FROM indexes WHERE name = ''", row, func() bool {
		out[row[1].(string)] = &tableState{all: row[0].(int64)}
		return true
	})
	return out, err
}
