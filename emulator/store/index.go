package store

import (
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
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
		if name == "" {
			continue
		}
		for _, sql := range []string{
			"DELETE FROM entries WHERE term IN (SELECT id FROM terms WHERE idx = ?)",
			"DELETE FROM terms WHERE idx = ?",
			"DELETE FROM indexes WHERE id = ?",
		} {
			if err := tx.c.run(sql, id); err != nil {
				return err
			}
		}
	}
	clear(tx.s.terms)
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
		entries, err := tx.entries(st, pairs)
		if err != nil {
			return err
		}
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
