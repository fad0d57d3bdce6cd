package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// bubbles runs a test in virtual time, on a file and in memory.
func bubbles(t *testing.T, test func(t *testing.T, st *store.Store)) {
	for name, path := range map[string]string{"file": filepath.Join(t.TempDir(), "state.db"), "memory": store.Memory} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, open(t, path)) })
		})
	}
}

// together queues Updates behind one that waits, so that they share a commit,
// and returns their errors.
func together(t *testing.T, st *store.Store, fns ...func(tx *store.Tx) error) []error {
	t.Helper()
	release := make(chan struct{})
	errs := make([]error, len(fns))
	var all sync.WaitGroup
	all.Go(func() {
		if err := st.Update(context.Background(), "first", func(*store.Tx) error { <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	for i, fn := range fns {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("panic: %v", v)
				}
			}()
			errs[i] = errors.New("exited")
			errs[i] = st.Update(context.Background(), fmt.Sprint("member ", i), fn)
		})
		synctest.Wait() // they queue in this order
	}
	close(release)
	all.Wait()
	return errs
}

func putting(key, name string, then func() error) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		if err := animals.Put(tx, key, &animal{Name: name, Home: name}); err != nil || then == nil {
			return err
		}
		return then()
	}
}

func TestMembersOfAGroupFailAlone(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		boom := errors.New("boom")
		feed := st.Watch(t.Context(), store.Now)
		errs := together(t, st,
			putting("lost", "first, so without a savepoint", func() error { return boom }),
			putting("a", "A", nil),
			putting("b", "B", func() error { return boom }),
			putting("c", "C", func() error { panic("boom") }),
			putting("d", "D", func() error { runtime.Goexit(); return nil }),
			putting("a", "AA", nil),
			func(tx *store.Tx) error {
				r, err := animals.Get(tx, "a")
				if err != nil || r.Value.Name != "AA" || r.Revision != 2 || tx.Revision() != 2 {
					t.Errorf("a later member sees %+v, %v at %d", r, err, tx.Revision())
				}
				if n, err := animals.Count(tx, "", ""); err != nil || n != 1 {
					t.Errorf("a later member counts %d, %v", n, err)
				}
				return nil
			},
			putting("e", "E", nil),
		)
		want := "[boom <nil> boom panic: boom exited <nil> <nil> <nil>]"
		if got := fmt.Sprint(errs); got != want {
			t.Errorf("errors %s, want %s", got, want)
		}
		if got := keys(t, st, "", "", store.Range{}); !slices.Equal(got, []string{"a", "e"}) {
			t.Errorf("records %v", got)
		}
		var seen []string
		for changes, err := range feed {
			if err != nil || len(changes) != 1 {
				t.Fatalf("feed: %v, %v", changes, err)
			}
			c := changes[0]
			seen = append(seen, fmt.Sprintf("%d %d %s %s", c.Revision, c.Commit, c.Key, c.By))
			if c.Key == "e" {
				break
			}
		}
		if got := strings.Join(seen, ", "); got != "1 1 a member 1, 2 2 a member 5, 3 3 e member 7" {
			t.Errorf("feed: %s", got)
		}
	})
}

func TestCancelledUpdates(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{})
		ctx, cancel := context.WithCancel(t.Context())
		err := st.Update(ctx, "test", func(tx *store.Tx) error {
			defer cancel()
			return animals.Put(tx, "tom", &animal{})
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in its function: %v", err)
		}
		if err := st.Update(ctx, "test", putting("tom", "", nil)); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
		timeout, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		release, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			update(t, st, func(*store.Tx) error { <-release; return nil })
		}()
		synctest.Wait()
		if err := st.Update(timeout, "test", putting("tom", "", nil)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("timed out in the queue: %v", err)
		}
		close(release)
		<-done
		if got := keys(t, st, "", "", store.Range{}); !slices.Equal(got, []string{"rex"}) {
			t.Errorf("records %v", got)
		}
	})
}

func TestCancellationAfterTheFunctionIsTooLate(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		var cancelled error
		errs := together(t, st,
			func(*store.Tx) error {
				// The next one in the queue runs its function, waits for the group,
				// and is cancelled while it does.
				return nil
			},
			func(tx *store.Tx) error {
				go func() { cancelled = st.Update(ctx, "late", putting("late", "", nil)) }()
				return animals.Put(tx, "a", &animal{})
			},
			func(*store.Tx) error { return nil },
			func(*store.Tx) error { cancel(); return nil },
		)
		synctest.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		there := slices.Contains(keys(t, st, "", "", store.Range{}), "late")
		if there != (cancelled == nil) {
			t.Errorf("Update answered %v, but its record is there: %v", cancelled, there)
		}
	})
}

func TestLoneUpdatePanics(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		func() {
			defer func() {
				if v := recover(); v != "boom" {
					t.Errorf("recovered %v", v)
				}
			}()
			update(t, st, putting("a", "", func() error { panic("boom") }))
		}()
		put(t, st, "b", animal{})
		if got := keys(t, st, "", "", store.Range{}); !slices.Equal(got, []string{"b"}) {
			t.Errorf("records %v", got)
		}
	})
}

func TestConcurrentUpdatesAreSerial(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		const writers, each = 8, 50
		add := func(tx *store.Tx) error {
			r, err := animals.Get(tx, "sum")
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			return animals.Put(tx, "sum", &animal{Name: r.Value.Name + "."})
		}
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range each {
					if err := st.Update(context.Background(), "test", add); err != nil {
						t.Error(err)
					}
				}
			})
			all.Go(func() {
				var last int
				for range each {
					view(t, st, func(tx *store.Tx) error {
						r, err := animals.Get(tx, "sum")
						if err == nil && (len(r.Value.Name) < last || r.Revision != tx.Revision()) {
							t.Errorf("saw %d after %d, revision %d at %d", len(r.Value.Name), last, r.Revision, tx.Revision())
						}
						last = len(r.Value.Name)
						return nil
					})
				}
			})
		}
		all.Wait()
		view(t, st, func(tx *store.Tx) error {
			r, err := animals.Get(tx, "sum")
			if len(r.Value.Name) != writers*each || r.Revision != writers*each {
				t.Errorf("%d at revision %d", len(r.Value.Name), r.Revision)
			}
			return err
		})
	})
}

func TestCloseWaitsAndEnds(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		watched, waited := make(chan error, 1), make(chan error, 1)
		feed := st.Watch(t.Context(), 0)
		go func() {
			for _, err := range feed {
				if err != nil {
					watched <- err
				}
			}
		}()
		go func() { waited <- st.WaitSeries(t.Context(), "zoo/sound", "rex", 0) }()
		wrote, closed, release := make(chan error, 1), make(chan error, 1), make(chan struct{})
		go func() {
			wrote <- st.Update(t.Context(), "test", func(tx *store.Tx) error {
				<-release
				return animals.Put(tx, "rex", &animal{})
			})
		}()
		synctest.Wait()
		go func() { closed <- st.Close() }()
		synctest.Wait() // it queues behind the Update
		close(release)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		for name, c := range map[string]chan error{"Watch": watched, "WaitSeries": waited} {
			if err := <-c; !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s ended with %v", name, err)
			}
		}
		if err := <-wrote; err != nil {
			t.Errorf("the Update that ran: %v", err)
		}
		if err := st.Update(t.Context(), "test", putting("a", "", nil)); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Update after Close: %v", err)
		}
		if err := st.View(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
			t.Errorf("View after Close: %v", err)
		}
	})
}

func TestTxEndsWithItsFunction(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{})
		var kept *store.Tx
		keep := func(tx *store.Tx) error { kept = tx; return nil }
		for name, run := range map[string]func(testing.TB, *store.Store, func(*store.Tx) error){"View": view, "Update": update} {
			run(t, st, keep)
			if _, err := animals.Get(kept, "rex"); err == nil {
				t.Errorf("%s: Get works after the end", name)
			}
			if err := animals.Put(kept, "rex", &animal{Name: "new"}); err == nil {
				t.Errorf("%s: Put works after the end", name)
			}
			for _, err := range animals.All(kept, store.Range{}) {
				if err == nil {
					t.Errorf("%s: All works after the end", name)
				}
			}
		}
	})
}
