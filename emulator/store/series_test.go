package store_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

var sounds = store.NewSeries[string]("zoo/sound")

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func sound(second int, value string) store.Row[string] {
	return store.Row[string]{At: noon.Add(time.Duration(second) * time.Second), Value: value}
}

func appendRows(t testing.TB, st *store.Store, key string, rows ...store.Row[string]) {
	t.Helper()
	update(t, st, func(tx *store.Tx) error { return sounds.Append(tx, key, rows...) })
}

func heard(t testing.TB, rows iter.Seq2[store.Row[string], error]) string {
	t.Helper()
	var out []string
	for r, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Value)
	}
	return strings.Join(out, " ")
}

func TestSeriesQueries(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		// Not in the order of time, and two at the same moment.
		appendRows(t, st, "rex", sound(3, "c"), sound(1, "a"))
		appendRows(t, st, "rex", sound(3, "d"), sound(2, "b"), sound(9, "e"))
		appendRows(t, st, "tom", sound(2, "miau"), sound(5, "purr"))
		c := store.Position{At: noon.Add(3 * time.Second), ID: 1}
		for _, tc := range []struct {
			q    store.SeriesQuery
			want string
		}{
			{store.SeriesQuery{}, "a b c d e"},
			{store.SeriesQuery{Reverse: true}, "e d c b a"},
			{store.SeriesQuery{From: noon.Add(2 * time.Second), To: noon.Add(9 * time.Second)}, "b c d"},
			{store.SeriesQuery{From: noon.Add(2*time.Second + time.Microsecond)}, "c d e"},
			{store.SeriesQuery{Limit: 2}, "a b"},
			{store.SeriesQuery{Limit: 2, Reverse: true}, "e d"},
			{store.SeriesQuery{AfterID: 2}, "b d e"},
			{store.SeriesQuery{AfterID: 2, BeforeID: 5}, "b d"},
			{store.SeriesQuery{AfterID: 2, From: noon.Add(3 * time.Second)}, "d e"},
			{store.SeriesQuery{AfterID: 2, Limit: 1}, "b"},
			{store.SeriesQuery{AfterID: 5}, ""},
			{store.SeriesQuery{After: c}, "d e"},
			{store.SeriesQuery{After: c, Reverse: true}, "b a"},
		} {
			view(t, st, func(tx *store.Tx) error {
				if got := heard(t, sounds.Read(tx, "rex", tc.q)); got != tc.want {
					t.Errorf("%+v: %s, want %s", tc.q, got, tc.want)
				}
				return nil
			})
		}
		view(t, st, func(tx *store.Tx) error {
			if got := heard(t, sounds.ReadKeys(tx, []string{"tom", "rex", "nobody"}, store.SeriesQuery{Limit: 6})); got != "a b miau c d purr" {
				t.Errorf("merged: %s", got)
			}
			if got := heard(t, sounds.ReadKeys(tx, []string{"tom", "rex"}, store.SeriesQuery{Reverse: true})); got != "e purr d c miau b a" {
				t.Errorf("merged backwards: %s", got)
			}
			var got []string
			for r, err := range sounds.ReadPrefix(tx, "t", store.SeriesQuery{}) {
				if err != nil {
					return err
				}
				got = append(got, r.Key+":"+r.Value)
			}
			if s := strings.Join(got, " "); s != "tom:miau tom:purr" {
				t.Errorf("by prefix: %s", s)
			}
			return nil
		})
	})
}

func TestLongSeriesInPages(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		const n = 3000
		var rows []store.Row[string]
		for i := range n {
			rows = append(rows, sound(i*7919%1000, strconv.Itoa(i)))
		}
		appendRows(t, st, "rex", rows...)
		for _, reverse := range []bool{false, true} {
			for _, after := range []int64{0, 1, n - 50} {
				q := store.SeriesQuery{Reverse: reverse, AfterID: after, Limit: 70}
				seen := map[int64]bool{}
				var last store.Position
				for more := true; more; {
					more = false
					view(t, st, func(tx *store.Tx) error {
						for r, err := range sounds.Read(tx, "rex", q) {
							p := r.Position()
							if err != nil || seen[r.ID] {
								return fmt.Errorf("row %d again, %w", r.ID, err)
							}
							before := last.At.Before(p.At) || last.At.Equal(p.At) && last.ID < p.ID
							if last.ID != 0 && before == reverse {
								return fmt.Errorf("%v after %v", p, last)
							}
							more, seen[r.ID], last, q.After = true, true, p, p
						}
						return nil
					})
				}
				if int64(len(seen)) != n-after {
					t.Errorf("after %d, reverse %v: %d rows", after, reverse, len(seen))
				}
			}
		}
	})
}

func TestTrimAndDropNeverReuseIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	st := open(t, path)
	appendRows(t, st, "rex", sound(1, "a"), sound(2, "b"), sound(3, "c"))
	update(t, st, func(tx *store.Tx) error {
		n, err := sounds.Trim(tx, "rex", noon.Add(2*time.Second))
		if n != 1 {
			t.Errorf("trimmed %d", n)
		}
		return err
	})
	view(t, st, func(tx *store.Tx) error {
		if got := heard(t, sounds.Read(tx, "rex", store.SeriesQuery{})); got != "b c" {
			t.Errorf("after Trim: %s", got)
		}
		return nil
	})
	update(t, st, func(tx *store.Tx) error { return sounds.Drop(tx, "rex") })
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st = open(t, path)
	appendRows(t, st, "rex", sound(0, "new"))
	view(t, st, func(tx *store.Tx) error {
		for r, err := range sounds.Read(tx, "rex", store.SeriesQuery{}) {
			if r.ID != 4 || err != nil {
				t.Errorf("%+v, %v", r, err)
			}
		}
		return nil
	})
}

func TestFailedAppendLeavesNoIDs(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		boom := errors.New("boom")
		err := st.Update(context.Background(), "test", func(tx *store.Tx) error {
			return errors.Join(sounds.Append(tx, "rex", sound(1, "a")), boom)
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		appendRows(t, st, "rex", store.Row[string]{Value: "now"})
		view(t, st, func(tx *store.Tx) error {
			for r, err := range sounds.Read(tx, "rex", store.SeriesQuery{}) {
				if r.ID != 1 || r.At.IsZero() || err != nil {
					t.Errorf("%+v, %v", r, err)
				}
			}
			return nil
		})
		err = st.View(context.Background(), func(tx *store.Tx) error { return sounds.Append(tx, "rex", sound(1, "a")) })
		if !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("Append in View: %v", err)
		}
	})
}

func TestWaitSeries(t *testing.T) {
	bubbles(t, func(t *testing.T, st *store.Store) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		woken := make(chan error, 1)
		go func() { woken <- st.WaitAnySeries(ctx, "zoo/sound", []string{"tom", "rex"}, 1) }()
		synctest.Wait()
		appendRows(t, st, "rex", sound(1, "a")) // id 1: not yet
		appendRows(t, st, "max", sound(1, "b"))
		synctest.Wait()
		select {
		case err := <-woken:
			t.Fatalf("woken too early: %v", err)
		default:
		}
		appendRows(t, st, "rex", sound(1, "c"))
		if err := <-woken; err != nil {
			t.Error(err)
		}
		if err := st.WaitSeries(ctx, "zoo/sound", "rex", 1); err != nil {
			t.Errorf("a row that is there: %v", err)
		}
		if err := st.WaitSeries(ctx, "zoo/sound", "rex", 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no row: %v", err)
		}
	})
}
