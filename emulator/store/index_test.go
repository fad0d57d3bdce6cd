package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/neargate/neargate/emulator/store"
)

// The same kind as animals, as a later version of the program declares it.
var (
	byName = store.By("name", func(_ string, a *animal) []string { return []string{a.Name} })
	later  = store.NewTable("zoo/animal", byName,
		store.By("home", func(_ string, a *animal) []string { return []string{strings.ToUpper(a.Home)} }))
)

func zoo(t *testing.T, path string) {
	t.Helper()
	st, err := store.Open(context.Background(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	update(t, st, func(tx *store.Tx) error {
		for i := range 300 {
			a := animal{Name: fmt.Sprint("name", i%3), Home: "zoo", Likes: []string{"sleep"}}
			if err := animals.Put(tx, fmt.Sprintf("%03d", i), &a); err != nil {
				return err
			}
		}
		return nil
	})
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, tx *store.Tx, value string) int {
	t.Helper()
	n := 0
	for r, err := range later.By(tx, "name", value, store.Range{}) {
		if err != nil || r.Value.Name != value {
			t.Errorf("%+v, %v", r, err)
		}
		n++
	}
	counted, err := later.Count(tx, "name", value)
	if err != nil || counted != n {
		t.Errorf("counted %d of %d, %v", counted, n, err)
	}
	return n
}

func TestNewIndexesAreBuiltByAnUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	zoo(t, path)
	st := open(t, path)
	boom := errors.New("boom")
	for _, end := range []error{boom, nil} { // the first one is rolled back
		err := st.Update(context.Background(), "test", func(tx *store.Tx) error {
			if n := names(t, tx, "name1"); n != 100 {
				t.Errorf("an Update finds %d", n)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Error(err)
		}
	}
	view(t, st, func(tx *store.Tx) error {
		if n := names(t, tx, "name2"); n != 100 {
			t.Errorf("a View finds %d", n)
		}
		return nil
	})
	store.Check(t, st)
}

// A View that meets an index that has yet to be built answers right, by
// reading everything; the store builds it soon after.
func TestNewIndexesInAView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	zoo(t, path)
	synctest.Test(t, func(t *testing.T) {
		st := open(t, path)
		for range 2 {
			view(t, st, func(tx *store.Tx) error {
				if n := names(t, tx, "name1"); n != 100 {
					t.Errorf("a View finds %d", n)
				}
				page := []string{}
				for k, err := range later.Keys(tx, "name", "name1", store.Range{After: "100", Limit: 2}) {
					if err != nil {
						return err
					}
					page = append(page, k)
				}
				if !slices.Equal(page, []string{"103", "106"}) {
					t.Errorf("a page: %v", page)
				}
				if n, err := later.Count(tx, "", ""); err != nil || n != 300 {
					t.Errorf("all: %d, %v", n, err)
				}
				return nil
			})
			synctest.Wait()
		}
		store.Check(t, st)
		if !slices.Equal(store.IndexNames(t, st, "zoo/animal"), []string{"", "home", "name"}) {
			t.Errorf("indexes %v", store.IndexNames(t, st, "zoo/animal"))
		}
	})
}

func TestTableDeclaredTwice(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{})
		err := st.View(context.Background(), func(tx *store.Tx) error {
			_, err := later.Count(tx, "name", "x")
			return err
		})
		if err == nil || err.Error() != "table zoo/animal is declared twice, with indexes [home likes] and [home name]" {
			t.Errorf("%v", err)
		}
		err = st.View(context.Background(), func(tx *store.Tx) error {
			_, err := animals.Count(tx, "name", "x")
			return err
		})
		if err == nil || err.Error() != `table zoo/animal has no index "name"` {
			t.Errorf("%v", err)
		}
	})
}
