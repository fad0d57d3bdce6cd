package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

var keepers = store.NewTable[string]("zoo/keeper")

// revisions follows a feed up to a revision and returns what it showed.
func revisions(t *testing.T, feed func(func([]store.Change, error) bool), upTo int64) []int64 {
	t.Helper()
	var out []int64
	for changes, err := range feed {
		if err != nil {
			t.Error(err)
			return out
		}
		for _, c := range changes {
			out = append(out, c.Revision)
		}
		if out[len(out)-1] >= upTo {
			break
		}
	}
	return out
}

// count is 1 … n.
func count(n int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i) + 1
	}
	return out
}

func TestWatchNeverSkips(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		const writers, each = 4, 400 // more than the memory of the newest commits holds
		var all sync.WaitGroup
		for i := range 3 {
			feed := st.Watch(context.Background(), 0)
			all.Go(func() {
				if got := revisions(t, feed, writers*each*2); !slices.Equal(got, count(writers*each*2)) {
					t.Errorf("reader %d saw %d changes, not each one once", i, len(got))
				}
			})
		}
		for w := range writers {
			all.Go(func() {
				for i := range each {
					update(t, st, func(tx *store.Tx) error {
						if err := animals.Put(tx, strconv.Itoa(w), &animal{Name: strconv.Itoa(i)}); err != nil {
							return err
						}
						name := strconv.Itoa(i)
						return keepers.Put(tx, strconv.Itoa(w), &name)
					})
				}
			})
		}
		all.Wait()
	})
}

func TestSlowReaderFallsBackToTheFile(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		const n = 1500
		feed := st.Watch(t.Context(), store.Now)
		first, done := make(chan struct{}), make(chan []int64)
		go func() {
			var got []int64
			for changes, err := range feed {
				if err != nil || len(changes) != 1 {
					t.Errorf("%v, %v", changes, err)
					break
				}
				if got = append(got, changes[0].Revision); len(got) == 1 {
					<-first
				}
				if changes[0].Revision == n {
					break
				}
			}
			done <- got
		}()
		for i := range n {
			put(t, st, "rex", animal{Name: strconv.Itoa(i)})
		}
		close(first)
		if got := <-done; !slices.Equal(got, count(n)) {
			t.Errorf("saw %d of %d", len(got), n)
		}
	})
}

func TestWatchedKindsOnly(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		woken := 0
		feed := st.Watch(t.Context(), 0, "zoo/keeper")
		done := make(chan []store.Change, 1)
		go func() {
			for changes, err := range feed {
				if err != nil {
					t.Error(err)
				}
				woken++
				done <- changes
				break
			}
		}()
		for i := range 2000 {
			put(t, st, "rex", animal{Name: strconv.Itoa(i)})
		}
		synctest.Wait()
		update(t, st, func(tx *store.Tx) error {
			name := "Ann"
			return errors.Join(animals.Put(tx, "a", &animal{}), keepers.Put(tx, "ann", &name), animals.Put(tx, "b", &animal{}))
		})
		got := <-done
		if len(got) != 1 || got[0].Kind != "zoo/keeper" || string(got[0].After) != `"Ann"` || got[0].Revision != 2002 || got[0].Commit != 2001 || woken != 1 {
			t.Errorf("saw %+v, %d times", got, woken)
		}
	})
}

func TestBigCommitIsOneStep(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		live := st.Watch(context.Background(), store.Now)
		update(t, st, func(tx *store.Tx) error {
			for i := range 1000 {
				if err := animals.Put(tx, strconv.Itoa(i), &animal{Name: strings.Repeat("x", 2000)}); err != nil {
					return err
				}
			}
			return nil
		})
		put(t, st, "last", animal{})
		for name, feed := range map[string]func(func([]store.Change, error) bool){"live": live, "past": st.Watch(context.Background(), 0)} {
			var sizes []int
			for changes, err := range feed {
				if err != nil {
					t.Fatal(err)
				}
				if sizes = append(sizes, len(changes)); len(sizes) == 2 {
					break
				}
			}
			if !slices.Equal(sizes, []int{1000, 1}) {
				t.Errorf("%s: commits of %v", name, sizes)
			}
		}
	})
}

func TestWatchEnds(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var last error
		for _, err := range st.Watch(ctx, store.Now) {
			last = err
		}
		if !errors.Is(last, context.DeadlineExceeded) {
			t.Errorf("ended with %v", last)
		}
		for _, since := range []int64{2, -2} {
			for _, err := range st.Watch(t.Context(), since) {
				if !errors.Is(err, store.ErrCompacted) {
					t.Errorf("from revision %d of another file: %v", since, err)
				}
				break
			}
		}
	})
}

// A snapshot may show a commit a moment before the readers of the feed hear of
// it; its revision is a good place to start all the same.
func TestWatchFromTheNewestSnapshot(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				put(t, st, "rex", animal{Name: strconv.Itoa(i)})
			}
		})
		for range 300 {
			var since int64
			view(t, st, func(tx *store.Tx) error { since = tx.Revision(); return nil })
			if got := revisions(t, st.Watch(ctx, since), since+1); len(got) == 0 || got[0] != since+1 {
				t.Errorf("from %d on: %v", since, got)
				break
			}
		}
		cancel()
		all.Wait()
	})
}

func TestHistoryIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	st := openWith(t, path, store.Options{History: 100})
	put(t, st, "old", animal{Name: "old"})
	put(t, st, "gone", animal{Name: "gone"})
	update(t, st, func(tx *store.Tx) error { return animals.Delete(tx, "gone") })
	put(t, st, "rex", animal{Name: "0"})
	for i := range 700 { // more than memory holds
		put(t, st, "rex", animal{Name: strconv.Itoa(i + 1)})
	}
	// The log gets shorter behind the writers' backs: wait for it on the feed.
	for i := 701; ; i++ {
		put(t, st, "rex", animal{Name: strconv.Itoa(i)})
		if rows := store.LogRows(t, st); rows <= 100+11+3 {
			break
		} else if i > 5000 {
			t.Fatalf("%d rows of history are left", rows)
		}
	}
	h, err := st.History(context.Background(), store.HistoryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range h {
		if c.Before == nil || c.After == nil || i > 0 && string(h[i-1].After) != string(c.Before) {
			t.Fatalf("change %d of %d: %+v", i, len(h), c)
		}
	}
	view(t, st, func(tx *store.Tx) error {
		r, err := animals.Get(tx, "old")
		if err != nil || r.Value.Name != "old" || r.Revision != 1 {
			t.Errorf("a record older than the history: %+v, %v", r, err)
		}
		return nil
	})
	for _, err := range st.Watch(context.Background(), 3) {
		if !errors.Is(err, store.ErrCompacted) {
			t.Errorf("Watch from before the history: %v", err)
		}
		break
	}
	since := h[0].Revision - 1
	if got := revisions(t, st.Watch(context.Background(), since), h[len(h)-1].Revision); int64(len(got)) != h[len(h)-1].Revision-since {
		t.Errorf("Watch of the whole history: %d changes", len(got))
	}
	put(t, st, "gone", animal{Name: "back"})
	h, err = st.History(context.Background(), store.HistoryQuery{Kind: "zoo/animal", Key: "gone"})
	if err != nil || len(h) != 1 || h[0].Before != nil {
		t.Errorf("a key whose deletion is forgotten: %+v, %v", h, err)
	}
}

func TestHistoryQueries(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "1"})
		put(t, st, "tom", animal{Name: "2"})
		put(t, st, "rex", animal{Name: "3"})
		update(t, st, func(tx *store.Tx) error { return animals.Delete(tx, "rex") })
		put(t, st, "rex", animal{Name: "5"})
		update(t, st, func(tx *store.Tx) error { name := "Ann"; return keepers.Put(tx, "rex", &name) })
		for _, c := range []struct {
			q    store.HistoryQuery
			want string
		}{
			{store.HistoryQuery{}, "1 2 3 4 5 6"},
			{store.HistoryQuery{Kind: "zoo/animal"}, "1 2 3 4 5"},
			{store.HistoryQuery{Kind: "zoo/animal", Key: "rex"}, "1 3 4 5"},
			{store.HistoryQuery{Key: "rex"}, "1 3 4 5 6"},
			{store.HistoryQuery{Kind: "zoo/animal", Key: "rex", Reverse: true, Limit: 2}, "5 4"},
			{store.HistoryQuery{Kind: "zoo/animal", Key: "rex", Since: 1, Until: 4}, "3 4"},
			{store.HistoryQuery{KeyPrefix: "t"}, "2"},
			{store.HistoryQuery{Since: 2, Limit: 2}, "3 4"},
			{store.HistoryQuery{Kind: "zoo/none"}, ""},
		} {
			h, err := st.History(context.Background(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, ch := range h {
				got = append(got, fmt.Sprint(ch.Revision))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%+v: %s, want %s", c.q, s, c.want)
			}
		}
		h, err := st.History(context.Background(), store.HistoryQuery{Since: 3, Until: 5})
		if err != nil || string(h[0].Before) == "" || h[0].After != nil || h[1].Before != nil {
			t.Errorf("deletion and creation: %+v, %v", h, err)
		}
	})
}

func TestResetIsInTheFeed(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		ctx := context.Background()
		for i := range 40 {
			put(t, st, strconv.Itoa(i), animal{Name: "a", Home: "zoo"})
		}
		update(t, st, func(tx *store.Tx) error { return sounds.Append(tx, "rex", store.Row[string]{Value: "wuff"}) })
		if err := st.SetMeta(ctx, "instance", "i-1"); err != nil {
			t.Fatal(err)
		}
		feed := st.Watch(ctx, store.Now)
		if err := st.Reset(ctx, "reset"); err != nil {
			t.Fatal(err)
		}
		for changes, err := range feed {
			if err != nil || len(changes) != 40 || changes[0].After != nil || changes[0].Before == nil || changes[0].By != "reset" {
				t.Errorf("%d changes, first %+v, %v", len(changes), changes[0], err)
			}
			break
		}
		view(t, st, func(tx *store.Tx) error {
			n, err := animals.Count(tx, "", "")
			m, err2 := animals.Count(tx, "home", "zoo")
			if n != 0 || m != 0 {
				t.Errorf("counts %d and %d", n, m)
			}
			for row, err := range sounds.Read(tx, "rex", store.SeriesQuery{}) {
				t.Errorf("row %v, %v", row, err)
			}
			return errors.Join(err, err2)
		})
		if id, err := st.Meta(ctx, "instance"); err != nil || id != "i-1" {
			t.Errorf("meta %q, %v", id, err)
		}
		if err := st.Reset(ctx, "again"); err != nil {
			t.Error(err)
		}
	})
}

func TestOriginMarksChanges(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		feed := st.Watch(context.Background(), store.Now)
		if err := st.Update(store.WithOrigin(context.Background(), "me"), "test", putting("a", "", nil)); err != nil {
			t.Fatal(err)
		}
		for changes := range feed {
			if changes[0].Origin != "me" {
				t.Errorf("origin %v", changes[0].Origin)
			}
			break
		}
	})
}
