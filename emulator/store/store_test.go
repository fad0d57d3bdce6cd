package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/neargate/neargate/emulator/store"
)

type animal struct {
	Name  string
	Home  string
	Likes []string `json:",omitempty"`
}

var animals = store.NewTable("zoo/animal",
	store.By("home", func(_ string, a *animal) []string { return []string{a.Home} }),
	store.By("likes", func(_ string, a *animal) []string { return a.Likes }))

// stores runs a test on a file and in memory.
func stores(t *testing.T, test func(t *testing.T, st *store.Store)) {
	for name, path := range map[string]string{"file": filepath.Join(t.TempDir(), "state.db"), "memory": store.Memory} {
		t.Run(name, func(t *testing.T) { test(t, open(t, path)) })
	}
}

func open(t testing.TB, path string) *store.Store {
	t.Helper()
	return openWith(t, path, store.Options{})
}

func openWith(t testing.TB, path string, o store.Options) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func update(t testing.TB, st *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := st.Update(context.Background(), "test", fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, st *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := st.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, st *store.Store, key string, a animal) {
	t.Helper()
	update(t, st, func(tx *store.Tx) error { return animals.Put(tx, key, &a) })
}

// keys collects what a listing shows.
func keys(t testing.TB, st *store.Store, index, value string, r store.Range) []string {
	t.Helper()
	out := []string{}
	view(t, st, func(tx *store.Tx) error {
		for k, err := range animals.Keys(tx, index, value, r) {
			if err != nil {
				return err
			}
			out = append(out, k)
		}
		return nil
	})
	return out
}

func TestRecords(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		rex := animal{Name: "Rex", Home: "kennel", Likes: []string{"<bones>", "sleep"}}
		put(t, st, "rex", rex)
		put(t, st, "tom", animal{Name: "Tom", Home: "sofa", Likes: []string{"sleep", "sleep", ""}})
		view(t, st, func(tx *store.Tx) error {
			got, err := animals.Get(tx, "rex")
			if err != nil {
				return err
			}
			if diff := cmp.Diff(store.Record[animal]{Key: "rex", Revision: 1, Value: rex}, got); diff != "" {
				t.Error(diff)
			}
			if _, err := animals.Get(tx, "nemo"); !errors.Is(err, store.ErrNotFound) || err.Error() != "zoo/animal nemo: not found" {
				t.Errorf("absent record: %v", err)
			}
			for want, at := range map[[2]string]int{{"likes", "sleep"}: 2, {"likes", "<bones>"}: 1, {"likes", ""}: 0, {"", ""}: 2, {"home", "sofa"}: 1} {
				if n, err := animals.Count(tx, want[0], want[1]); err != nil || n != at {
					t.Errorf("Count(%v) = %d, %v, want %d", want, n, err, at)
				}
			}
			return nil
		})
		if got := keys(t, st, "likes", "sleep", store.Range{}); !slices.Equal(got, []string{"rex", "tom"}) {
			t.Errorf("likes sleep: %v", got)
		}
		update(t, st, func(tx *store.Tx) error { return animals.Delete(tx, "rex") })
		if got := keys(t, st, "likes", "sleep", store.Range{}); !slices.Equal(got, []string{"tom"}) {
			t.Errorf("likes sleep after a deletion: %v", got)
		}
	})
}

func TestWriteConditions(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "Rex"})
		var first store.Record[animal]
		view(t, st, func(tx *store.Tx) (err error) { first, err = animals.Get(tx, "rex"); return err })
		insert := func(tx *store.Tx) error { return animals.Insert(tx, "rex", &animal{}) }
		if err := st.Update(context.Background(), "test", insert); !errors.Is(err, store.ErrExists) {
			t.Errorf("Insert over a record: %v", err)
		}
		replace := func(tx *store.Tx) error { return animals.Replace(tx, first) }
		first.Value.Home = "barn"
		update(t, st, replace)
		if err := st.Update(context.Background(), "test", replace); !errors.Is(err, store.ErrStale) {
			t.Errorf("Replace of an old revision: %v", err)
		}
		update(t, st, func(tx *store.Tx) error { return animals.Delete(tx, "rex") })
		if err := st.Update(context.Background(), "test", replace); !errors.Is(err, store.ErrStale) {
			t.Errorf("Replace of a deleted record: %v", err)
		}
		update(t, st, func(tx *store.Tx) error { return animals.Delete(tx, "rex") })
		if err := st.View(context.Background(), insert); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("Insert in View: %v", err)
		}
	})
}

func TestEqualPutMakesNoChange(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "Rex"})
		put(t, st, "rex", animal{Name: "Rex"})
		h, err := st.History(context.Background(), store.HistoryQuery{})
		if err != nil || len(h) != 1 {
			t.Errorf("history %v, %v, want one change", h, err)
		}
	})
}

func TestFailedUpdateWritesNothing(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "Rex"})
		boom := errors.New("boom")
		err := st.Update(context.Background(), "test", func(tx *store.Tx) error {
			if err := animals.Put(tx, "tom", &animal{Name: "Tom"}); err != nil {
				return err
			}
			if err := animals.Delete(tx, "rex"); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("Update returned %v", err)
		}
		if got := keys(t, st, "", "", store.Range{}); !slices.Equal(got, []string{"rex"}) {
			t.Errorf("records after a failed Update: %v", got)
		}
		put(t, st, "tom", animal{Name: "Tom"})
		view(t, st, func(tx *store.Tx) error {
			if tx.Revision() != 2 {
				t.Errorf("revision %d, want 2: a failed Update uses none up", tx.Revision())
			}
			return nil
		})
	})
}

func TestWatchFromBoth(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "Rex"})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		past, live := st.Watch(ctx, 0), st.Watch(ctx, store.Now, "zoo/animal")
		update(t, st, func(tx *store.Tx) error {
			if err := animals.Put(tx, "rex", &animal{Name: "Max"}); err != nil {
				return err
			}
			return animals.Put(tx, "tom", &animal{Name: "Tom"})
		})
		for name, c := range map[string]struct {
			feed func(func([]store.Change, error) bool)
			want []int
		}{"past": {past, []int{1, 2}}, "live": {live, []int{2}}} {
			var sizes []int
			for changes, err := range c.feed {
				if err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, len(changes))
				if last := changes[len(changes)-1]; last.Revision == 3 {
					if last.Key != "tom" || last.Before != nil || string(changes[0].Before) != `{"Name":"Rex","Home":""}` || last.By != "test" {
						t.Errorf("%s: %+v", name, changes)
					}
					break
				}
			}
			if !slices.Equal(sizes, c.want) {
				t.Errorf("%s: commits of %v changes, want %v", name, sizes, c.want)
			}
		}
	})
}
