package store_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/neargate/neargate/emulator/store"
)

func TestRanges(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		all := []string{"a", "a/1", "a/2", "a/3", "ab", "b", "b/1", "é/1", "é/2"}
		for _, k := range all {
			put(t, st, k, animal{Name: k, Home: "zoo"})
		}
		put(t, st, "a/25", animal{Home: "elsewhere"})
		for _, c := range []struct {
			r    store.Range
			want []string
		}{
			{store.Range{}, all},
			{store.Range{Prefix: "a/"}, []string{"a/1", "a/2", "a/3"}},
			{store.Range{Prefix: "é"}, []string{"é/1", "é/2"}},
			{store.Range{Prefix: "c"}, []string{}},
			{store.Range{After: "a/2"}, all[3:]},
			{store.Range{After: "a/21"}, all[3:]},
			{store.Range{Prefix: "a/", After: "a/1", Limit: 1}, []string{"a/2"}},
			{store.Range{Prefix: "a/", After: "b"}, []string{}},
			{store.Range{Prefix: "b", After: "a"}, []string{"b", "b/1"}},
			{store.Range{Prefix: "a/", Reverse: true}, []string{"a/3", "a/2", "a/1"}},
			{store.Range{After: "a/2", Reverse: true}, []string{"a/1", "a"}},
			{store.Range{Prefix: "a/", After: "b", Reverse: true, Limit: 2}, []string{"a/3", "a/2"}},
		} {
			if got := keys(t, st, "home", "zoo", c.r); !slices.Equal(got, c.want) {
				t.Errorf("index, %+v: %v, want %v", c.r, got, c.want)
			}
			got := slices.DeleteFunc(keys(t, st, "", "", c.r), func(k string) bool { return k == "a/25" })
			if !slices.Equal(got, c.want) && c.r.Limit == 0 {
				t.Errorf("all, %+v: %v, want %v", c.r, got, c.want)
			}
		}
	})
}

func TestListingsInBatches(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		const n = 1000
		var all []string
		update(t, st, func(tx *store.Tx) error {
			for i := range n {
				key := fmt.Sprintf("%04d", i)
				all = append(all, key)
				if err := animals.Put(tx, key, &animal{Name: key, Home: "zoo"}); err != nil {
					return err
				}
			}
			return nil
		})
		if got := keys(t, st, "home", "zoo", store.Range{}); !slices.Equal(got, all) {
			t.Errorf("%d keys", len(got))
		}
		if got := keys(t, st, "", "", store.Range{Limit: 500}); !slices.Equal(got, all[:500]) {
			t.Errorf("%d of 500 keys", len(got))
		}
		back := slices.Clone(all)
		slices.Reverse(back)
		if got := keys(t, st, "home", "zoo", store.Range{Reverse: true}); !slices.Equal(got, back) {
			t.Errorf("%d keys backwards", len(got))
		}
		view(t, st, func(tx *store.Tx) error {
			for outer, err := range animals.All(tx, store.Range{Limit: 50}) {
				if err != nil {
					return err
				}
				for inner, err := range animals.All(tx, store.Range{Limit: 1}) {
					if err != nil || inner.Key != "0000" || outer.Value.Name != outer.Key {
						t.Errorf("nested listings: %v in %v, %v", inner, outer, err)
					}
				}
			}
			return nil
		})
	})
}

func TestWritesDuringAListing(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		update(t, st, func(tx *store.Tx) error {
			for i := range 200 {
				if err := animals.Put(tx, fmt.Sprintf("%03d", i), &animal{Home: "zoo"}); err != nil {
					return err
				}
			}
			return nil
		})
		var seen []string
		update(t, st, func(tx *store.Tx) error {
			for r, err := range animals.By(tx, "home", "zoo", store.Range{}) {
				if err != nil {
					return err
				}
				seen = append(seen, r.Key+r.Value.Name)
				i, err := strconv.Atoi(r.Key)
				if err != nil {
					return err
				}
				switch i % 4 {
				case 0: // leave the listing
					err = animals.Delete(tx, r.Key)
				case 1: // change what is to come, and take the next but one away
					err = animals.Put(tx, fmt.Sprintf("%03d", i+1), &animal{Home: "zoo", Name: "!"})
					if err == nil {
						err = animals.Delete(tx, fmt.Sprintf("%03d", i+2))
					}
				case 2: // behind: not seen again
					err = animals.Put(tx, "000", &animal{Home: "zoo"})
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		var want []string
		for i := range 200 {
			switch i % 4 {
			case 0, 1:
				want = append(want, fmt.Sprintf("%03d", i))
			case 2:
				want = append(want, fmt.Sprintf("%03d!", i))
			}
		}
		if !slices.Equal(seen, want) {
			t.Errorf("saw %v", seen)
		}
		store.Check(t, st)
	})
}
