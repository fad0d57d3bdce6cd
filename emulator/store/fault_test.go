package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// victim names the file that a re-executed test binary writes until it is
// killed.
const victim = "STORE_TEST_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		if err := write(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// write commits pairs of records from several goroutines and prints what was
// answered.
func write(path string) error {
	st, err := store.Open(context.Background(), path, store.Options{History: 50})
	if err != nil {
		return err
	}
	errs := make(chan error)
	for w := range 4 {
		go func() {
			for i := 1; ; i++ {
				err := st.Update(context.Background(), "victim", func(tx *store.Tx) error {
					a := animal{Name: strconv.Itoa(i), Home: strconv.Itoa(i % 3)}
					name := strconv.Itoa(i)
					return errors.Join(animals.Put(tx, strconv.Itoa(w), &a), keepers.Put(tx, strconv.Itoa(w), &name),
						sounds.Append(tx, strconv.Itoa(w), store.Row[string]{Value: name}))
				})
				if err != nil {
					errs <- err
					return
				}
				fmt.Println(w, i) // one write call
			}
		}()
	}
	return <-errs
}

func TestKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	for round := range 6 {
		answered := [4]int{}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victim+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for kill := 1 + rand.IntN(400); lines.Scan(); kill-- {
			var w, i int
			if _, err := fmt.Sscan(lines.Text(), &w, &i); err != nil {
				t.Fatalf("the child says %q", lines.Text())
			}
			answered[w] = i
			if kill == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		survey(t, path, round, answered)
	}
}

// survey opens what a killed process left: what was answered is there, at most
// one commit of each goroutine that was not yet answered too, nothing half.
func survey(t *testing.T, path string, round int, answered [4]int) {
	t.Helper()
	st, err := store.Open(context.Background(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	store.Check(t, st)
	view(t, st, func(tx *store.Tx) error {
		for w, want := range answered {
			key := strconv.Itoa(w)
			a, err := animals.Get(tx, key)
			if errors.Is(err, store.ErrNotFound) && want == 0 {
				continue
			}
			k, err2 := keepers.Get(tx, key)
			if err != nil || err2 != nil {
				return errors.Join(err, err2)
			}
			i, err := strconv.Atoi(a.Value.Name)
			if err != nil || k.Value != a.Value.Name {
				t.Errorf("round %d: half a commit: %q and %q", round, a.Value.Name, k.Value)
			}
			if want > 0 && i != want && i != want+1 {
				t.Errorf("round %d: %d was answered, %d is there", round, want, i)
			}
			for r, err := range sounds.Read(tx, key, store.SeriesQuery{Reverse: true, Limit: 1}) {
				if err != nil || r.Value != a.Value.Name {
					t.Errorf("round %d: last row %q, %v, want %q", round, r.Value, err, a.Value.Name)
				}
			}
		}
		return nil
	})
}

func TestFullFile(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		put(t, st, "rex", animal{Name: "Rex"})
		full(t, st, func(limited bool) {
			if limited {
				store.LimitPages(t, st, 20)
			} else {
				store.LimitPages(t, st, 0)
			}
		})
	})
}

// full fills a store, looks at how it behaves, and makes room again.
func full(t *testing.T, st *store.Store, limit func(bool)) {
	t.Helper()
	limit(true)
	big := animal{Name: strings.Repeat("x", 10_000)}
	var err error
	n := 0
	for ; err == nil && n < 100_000; n++ {
		err = st.Update(context.Background(), "test", func(tx *store.Tx) error {
			small := animal{Name: strconv.Itoa(n)}
			if err := animals.Put(tx, "small"+strconv.Itoa(n), &small); err != nil {
				return err
			}
			_ = animals.Put(tx, "big"+strconv.Itoa(n), &big) // an ignored error still ends the transaction
			return nil
		})
	}
	if !errors.Is(err, store.ErrFull) || !strings.HasSuffix(err.Error(), "database or disk is full") {
		t.Fatalf("after %d updates: %v", n, err)
	}
	if got := keys(t, st, "", "", store.Range{Prefix: "small"}); len(got) != n-1 {
		t.Errorf("%d records of %d updates", len(got), n-1)
	}
	// Company does not change that: nobody is told of success who has none.
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			key := "together" + strconv.Itoa(i)
			err := st.Update(context.Background(), "test", func(tx *store.Tx) error { return animals.Put(tx, key, &big) })
			if there := len(keys(t, st, "", "", store.Range{Prefix: key})) == 1; there != (err == nil) {
				t.Errorf("%s is there: %v, answered %v", key, there, err)
			}
		})
	}
	all.Wait()
	limit(false)
	put(t, st, "again", big)
	h, err := st.History(context.Background(), store.HistoryQuery{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range h {
		if c.Revision != int64(i)+1 {
			t.Fatalf("change %d has revision %d", i+1, c.Revision)
		}
	}
	store.Check(t, st)
}

func TestReopenedStoreGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	zoo(t, path)
	started := time.Now()
	st := open(t, path)
	view(t, st, func(tx *store.Tx) error {
		if tx.Now().Before(started.Truncate(time.Millisecond)) || tx.Now().Location() != time.UTC || tx.Revision() != 300 {
			t.Errorf("now %v, revision %d", tx.Now(), tx.Revision())
		}
		return nil
	})
}
