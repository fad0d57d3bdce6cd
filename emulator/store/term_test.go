package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/neargate/neargate/emulator/store"
)

// What an older Neargate has left is found by the same indexes.
func TestFilesOfTheFirstSchema(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, st *store.Store){
		"read": func(*testing.T, *store.Store) {},
		"written first": func(t *testing.T, st *store.Store) {
			put(t, st, "k001", animal{Name: "n1", Home: "home"})
			put(t, st, "k002", animal{Name: "two", Home: "home"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			store.MakeSchema1(t, path, 300)
			st := open(t, path)
			use(t, st)
			for _, index := range []string{"home", ""} {
				value := map[string]string{"home": "home"}[index]
				if got := keys(t, st, index, value, store.Range{}); len(got) != 300 || got[7] != "k008" {
					t.Errorf("index %q finds %d", index, len(got))
				}
				view(t, st, func(tx *store.Tx) error {
					if n, err := animals.Count(tx, index, value); err != nil || n != 300 {
						t.Errorf("index %q counts %d, %v", index, n, err)
					}
					return nil
				})
			}
			put(t, st, "k300", animal{Name: "gone out", Home: "away"})
			update(t, st, func(tx *store.Tx) error { return animals.Delete(tx, "k299") })
			if got := keys(t, st, "home", "home", store.Range{}); len(got) != 298 {
				t.Errorf("%d at home", len(got))
			}
			store.Check(t, st)
		})
	}
}

// Values that nobody has any more do not pile up.
func TestUnusedTermsGo(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		for i := range 3000 {
			put(t, st, "rex", animal{Home: fmt.Sprint(i)})
		}
		if n := store.Terms(t, st); n > 1100 {
			t.Errorf("%d terms are left", n)
		}
		if got := keys(t, st, "home", "2999", store.Range{}); len(got) != 1 {
			t.Errorf("found %v", got)
		}
		store.Check(t, st)
	})
}
