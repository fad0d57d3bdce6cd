package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/neargate/neargate/emulator/store"
)

// model is what a store should hold.
type model struct {
	records map[string]animal
	changes int64
}

var errFuzz = errors.New("roll back")

// step performs one operation, of which each byte chooses a part, on both.
func (m *model) step(tx *store.Tx, op, k, v byte) error {
	key := fmt.Sprintf("k%02d", k%20)
	a := animal{Name: fmt.Sprint(v % 4), Home: fmt.Sprint(v % 3)}
	for i := range int(v % 5) {
		a.Likes = append(a.Likes, fmt.Sprint("l", (int(v)+i*i)%4))
	}
	old, there := m.records[key]
	put := func() {
		if !there || fmt.Sprint(old) != fmt.Sprint(a) {
			m.changes++
		}
		m.records[key] = a
	}
	switch op % 5 {
	case 0, 1:
		put()
		return animals.Put(tx, key, &a)
	case 2:
		if there {
			m.changes++
		}
		delete(m.records, key)
		return animals.Delete(tx, key)
	case 3:
		err := animals.Insert(tx, key, &a)
		if there != errors.Is(err, store.ErrExists) {
			return fmt.Errorf("Insert of %s, there %v: %w", key, there, err)
		}
		if !there {
			put()
			return err
		}
		return nil
	default:
		r, err := animals.Get(tx, key)
		if there != (err == nil) || there && fmt.Sprint(r.Value) != fmt.Sprint(old) {
			return fmt.Errorf("Get of %s: %+v, %w, want %+v, %v", key, r, err, old, there)
		}
		if !there {
			return nil
		}
		put()
		r.Value = a
		return animals.Replace(tx, r)
	}
}

// compare looks at everything a store can say about its records.
func (m *model) compare(tx *store.Tx) error {
	if tx.Revision() != m.changes {
		return fmt.Errorf("revision %d, want %d", tx.Revision(), m.changes)
	}
	want := slices.Sorted(maps.Keys(m.records))
	var got []string
	for r, err := range animals.All(tx, store.Range{}) {
		if err != nil || fmt.Sprint(r.Value) != fmt.Sprint(m.records[r.Key]) {
			return fmt.Errorf("%s: %+v, %w, want %+v", r.Key, r.Value, err, m.records[r.Key])
		}
		got = append(got, r.Key)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("keys %v, want %v", got, want)
	}
	for i := range 4 {
		value := fmt.Sprint("l", i)
		var liked, found []string
		for _, k := range want {
			if slices.Contains(m.records[k].Likes, value) {
				liked = append(liked, k)
			}
		}
		for k, err := range animals.Keys(tx, "likes", value, store.Range{}) {
			if err != nil {
				return err
			}
			found = append(found, k)
		}
		n, err := animals.Count(tx, "likes", value)
		if err != nil || !slices.Equal(found, liked) || n != len(liked) {
			return fmt.Errorf("likes %s: %v, counted %d, %w, want %v", value, found, n, err, liked)
		}
	}
	if n, err := animals.Count(tx, "", ""); err != nil || n != len(want) {
		return fmt.Errorf("counted %d, %w, want %d", n, err, len(want))
	}
	return nil
}

// FuzzAgainstMap compares a store with a map after each of a random sequence of
// transactions; some are rolled back, and the file is opened again in between.
// At the end the feed, replayed, must give the same records.
func FuzzAgainstMap(f *testing.F) {
	f.Add([]byte{0, 1, 2, 5, 1, 3, 2, 1, 0, 251, 0, 0, 3, 1, 9, 4, 1, 7})
	f.Add([]byte{0, 1, 14, 250, 0, 0, 2, 1, 0, 0, 1, 200, 250, 0, 0, 4, 1, 3, 2, 1, 1})
	f.Add([]byte{0, 1, 1, 0, 2, 2, 0, 3, 3, 252, 0, 0, 2, 1, 0, 3, 2, 9, 252, 0, 0, 251, 0, 0, 0, 1, 77})
	f.Fuzz(againstMap)
}

func againstMap(t *testing.T, data []byte) {
	path := filepath.Join(t.TempDir(), "state.db")
	st := reopen(t, nil, path)
	m := model{records: map[string]animal{}}
	for len(data) >= 3 {
		if data[0] == 251 {
			st, data = reopen(t, st, path), data[3:]
			continue
		}
		before := model{maps.Clone(m.records), m.changes}
		// A transaction goes on until a byte of 250 ends it, or 252 undoes it.
		err := st.Update(context.Background(), "fuzz", func(tx *store.Tx) error {
			for len(data) >= 3 {
				op, k, v := data[0], data[1], data[2]
				if op == 251 {
					return nil
				}
				data = data[3:]
				switch op {
				case 250:
					return nil
				case 252:
					return errFuzz
				}
				if err := m.step(tx, op, k, v); err != nil {
					return err
				}
			}
			return nil
		})
		if errors.Is(err, errFuzz) {
			m, err = before, nil
		}
		if err == nil {
			err = st.View(context.Background(), m.compare)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	st = reopen(t, st, path)
	view(t, st, m.compare)
	store.Check(t, st)
	m.replay(t, st)
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

func reopen(t *testing.T, st *store.Store, path string) *store.Store {
	t.Helper()
	if st != nil {
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.Open(context.Background(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// replay builds the records from the feed alone.
func (m *model) replay(t *testing.T, st *store.Store) {
	t.Helper()
	if m.changes == 0 {
		return // the feed would wait
	}
	bodies := map[string]string{}
	for changes, err := range st.Watch(context.Background(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if bodies[c.Key] != string(c.Before) {
				t.Errorf("change %d of %s: before %s, want %s", c.Revision, c.Key, c.Before, bodies[c.Key])
			}
			bodies[c.Key] = string(c.After)
			if c.After == nil {
				delete(bodies, c.Key)
			}
		}
		if changes[len(changes)-1].Revision == m.changes {
			break
		}
	}
	if got, want := slices.Sorted(maps.Keys(bodies)), slices.Sorted(maps.Keys(m.records)); !slices.Equal(got, want) {
		t.Errorf("the feed makes %v, want %v", got, want)
	}
}
