package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/emulator/store"
)

func peek(t testing.TB, st *store.Store, key string) (a *animal, revision int64, err error) {
	t.Helper()
	_ = st.View(t.Context(), func(tx *store.Tx) error {
		a, revision, err = animals.Peek(tx, key)
		return nil
	})
	return a, revision, err
}

func TestPeekSharesOneValue(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "Rex", Likes: []string{"bones"}})
		first, revision, err := peek(t, st, "rex")
		if err != nil || first.Name != "Rex" || revision != 1 {
			t.Fatalf("%+v at %d, %v", first, revision, err)
		}
		if again, _, _ := peek(t, st, "rex"); again != first {
			t.Error("decoded twice")
		}
		put(t, st, "rex", animal{Name: "Max"})
		if second, revision, _ := peek(t, st, "rex"); second.Name != "Max" || revision != 2 {
			t.Errorf("after a change: %+v at %d", second, revision)
		}
		if first.Name != "Rex" {
			t.Error("the value that was shared before has changed")
		}
		update(t, st, func(tx *store.Tx) error { return animals.Delete(tx, "rex") })
		if _, _, err := peek(t, st, "rex"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after the deletion: %v", err)
		}
	})
}

func TestPeekSeesItsOwnTransaction(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "Rex"})
		if _, _, err := peek(t, st, "rex"); err != nil {
			t.Fatal(err)
		}
		mine := &animal{Name: "Max", Home: "here"}
		update(t, st, func(tx *store.Tx) error {
			_, revision, err := animals.Peek(tx, "rex")
			if err != nil {
				return err
			}
			if err := animals.ReplaceShared(tx, "rex", revision, mine); err != nil {
				return err
			}
			if got, _, err := animals.Peek(tx, "rex"); got != mine || err != nil {
				t.Errorf("within the transaction: %+v, %v", got, err)
			}
			if err := animals.ReplaceShared(tx, "rex", revision, mine); !errors.Is(err, store.ErrStale) {
				t.Errorf("the same revision again: %v", err)
			}
			return nil
		})
		if got, _, _ := peek(t, st, "rex"); got != mine {
			t.Error("what was given up is decoded again")
		}
		for _, err := range peekAll(t, st, "home", "here") {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func peekAll(t *testing.T, st *store.Store, index, value string) (errs []error) {
	t.Helper()
	n := 0
	view(t, st, func(tx *store.Tx) error {
		for a, err := range animals.PeekBy(tx, index, value, store.Range{}) {
			if err == nil && a.Home != value {
				err = fmt.Errorf("%+v is not at %s", a, value)
			}
			errs = append(errs, err)
			n++
		}
		return nil
	})
	if n == 0 {
		t.Errorf("nothing at %s", value)
	}
	return errs
}

func TestPeekKnowsNothingOfWhatWasRolledBack(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "Rex"})
		broken := errors.New("broken")
		err := st.Update(t.Context(), "test", func(tx *store.Tx) error {
			if err := animals.Put(tx, "rex", &animal{Name: "Max"}); err != nil {
				return err
			}
			if err := animals.InsertShared(tx, "new", &animal{Name: "New"}); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		for range 2 {
			if a, revision, err := peek(t, st, "rex"); err != nil || a.Name != "Rex" || revision != 1 {
				t.Errorf("%+v at %d, %v", a, revision, err)
			}
			if _, _, err := peek(t, st, "new"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("new: %v", err)
			}
			// In the second round the same, after a commit of another key.
			put(t, st, "other", animal{})
		}
	})
}

// A member of a group that fails must not take what an earlier one wrote out of
// sight, nor leave its own behind.
func TestPeekWithinAGroup(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "0"})
		name := func(want string) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				if a, _, err := animals.Peek(tx, "rex"); err != nil || a.Name != want {
					t.Errorf("%+v, %v; want %s", a, err, want)
				}
				return nil
			}
		}
		broken := errors.New("broken")
		errs := together(t, st, name("0"), putting("rex", "1", nil), name("1"),
			putting("rex", "2", func() error { return broken }), name("1"), putting("rex", "3", nil), name("3"))
		for i, err := range errs {
			if err != nil && !(i == 3 && errors.Is(err, broken)) {
				t.Errorf("member %d: %v", i, err)
			}
		}
		if a, _, err := peek(t, st, "rex"); err != nil || a.Name != "3" {
			t.Errorf("at the end: %+v, %v", a, err)
		}
		store.Check(t, st)
	})
}

// Two records that always change together are never seen apart, whatever of
// them is in memory.
func TestPeekIsConsistent(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		const last = 300
		write := func(n int) {
			update(t, st, func(tx *store.Tx) error {
				for _, key := range []string{"a", "b"} {
					if err := animals.Put(tx, key, &animal{Name: fmt.Sprint(n)}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		write(0)
		ctx, cancel := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for r := range 4 {
			readers.Go(func() {
				first, second := "a", "b"
				if r%2 == 1 {
					first, second = second, first
				}
				for ctx.Err() == nil {
					view(t, st, func(tx *store.Tx) error {
						x, _, err1 := animals.Peek(tx, first)
						y, _, err2 := animals.Peek(tx, second)
						z, err3 := animals.Get(tx, first)
						if err := errors.Join(err1, err2, err3); err != nil || x.Name != y.Name || z.Value.Name != x.Name {
							t.Errorf("%v, %v, %v, %v", x, y, z.Value, err)
						}
						return nil
					})
				}
			})
		}
		for n := range last {
			write(n + 1)
		}
		cancel()
		readers.Wait()
		if a, _, err := peek(t, st, "a"); err != nil || a.Name != fmt.Sprint(last) {
			t.Errorf("at the end: %+v, %v", a, err)
		}
	})
}

func TestAuditFindsWhoWrites(t *testing.T) {
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), store.Options{Audit: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for name, write := range map[string]func(tx *store.Tx) error{
		"read": func(tx *store.Tx) error {
			return animals.Put(tx, "rex", &animal{Name: "Rex", Likes: []string{"bones"}})
		},
		"given": func(tx *store.Tx) error { return animals.InsertShared(tx, "max", &animal{Likes: []string{"bones"}}) },
	} {
		t.Run(name, func(t *testing.T) {
			update(t, st, write)
			key := map[string]string{"read": "rex", "given": "max"}[name]
			a, _, err := peek(t, st, key)
			if err != nil {
				t.Fatal(err)
			}
			a.Likes[0] = "cats"
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, "wrote into the shared value of zoo/animal "+key) {
					t.Errorf("recovered %s", text)
				}
				a.Likes[0] = "bones"
			}()
			_, _, _ = peek(t, st, key)
		})
	}
}

// More than the cache holds is still read rightly.
func TestPeekBeyondTheCache(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		const n = 8000
		long := strings.Repeat("x", 4000)
		update(t, st, func(tx *store.Tx) error {
			for i := range n {
				if err := animals.Put(tx, fmt.Sprint(i), &animal{Name: fmt.Sprint(i, long)}); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range n {
			if a, _, err := peek(t, st, fmt.Sprint(i)); err != nil || a.Name != fmt.Sprint(i, long) {
				t.Fatalf("%d: %.20s, %v", i, a.Name, err)
			}
		}
		if held := store.CacheBytes(st); held > 64<<20 || held < 32<<20 {
			t.Errorf("the cache takes itself for %d bytes", held)
		}
	})
}

// What was written lately stays, even when the cache is full.
func TestPeekKeepsTheNewest(t *testing.T) {
	st := open(t, store.Memory)
	long := strings.Repeat("x", 4000)
	var all []*animal
	for i := range 5000 {
		all = append(all, &animal{Name: long})
		update(t, st, func(tx *store.Tx) error { return animals.InsertShared(tx, fmt.Sprint(i), all[i]) })
		for _, j := range []int{i, max(0, i-100)} {
			if got, _, err := peek(t, st, fmt.Sprint(j)); err != nil || got != all[j] {
				t.Fatalf("%d of %d was dropped: %v", j, i, err)
			}
		}
	}
}
