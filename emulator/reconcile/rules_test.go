package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/reconcile"
	"github.com/neargate/neargate/emulator/store"
	"github.com/rs/zerolog"
)

// doubling is the backoff without its random part.
func doubling(tries int) time.Duration { return time.Second << (tries - 1) }

func TestOneCallPerKeyManyAcross(t *testing.T) {
	running, most := map[string]int{}, 0
	c := &controller{}
	c.do = func(_ context.Context, key string) (time.Duration, error) {
		c.mu.Lock()
		running[key]++
		most = max(most, len(running))
		if running[key] > 1 {
			t.Errorf("two calls for %s", key)
		}
		c.mu.Unlock()
		time.Sleep(time.Minute)
		c.mu.Lock()
		delete(running, key)
		c.mu.Unlock()
		return 0, nil
	}
	bubble(t, reconcile.Options{}, c, func(w *world) {
		w.start()
		for range 3 {
			for _, key := range []string{"a", "b", "c"} {
				w.loop.Touch(key)
			}
			w.wait(time.Second)
		}
		w.wait(time.Hour)
		got := w.c.seen()
		slices.Sort(got)
		if want := "[a@0s a@1m0s b@0s b@1m0s c@0s c@1m0s]"; fmt.Sprint(got) != want || most != 3 {
			t.Errorf("calls %v, %d at once", got, most)
		}
	})
}

func TestLimit(t *testing.T) {
	c := &controller{do: func(context.Context, string) (time.Duration, error) {
		time.Sleep(time.Minute)
		return 0, nil
	}}
	bubble(t, reconcile.Options{Limit: 2}, c, func(w *world) {
		w.loop.Touch("a")
		w.loop.Touch("b")
		w.loop.Touch("c")
		w.start()
		w.wait(time.Hour)
		if got := w.c.seen(); len(got) != 3 || got[2] != "c@1m0s" {
			t.Errorf("calls %v", got)
		}
	})
}

// What is aside does not count, and counts again when it is over.
func TestAsideOfTheLimit(t *testing.T) {
	var w *world
	c := &controller{do: func(_ context.Context, key string) (time.Duration, error) {
		if key == "a" || key == "b" {
			w.loop.Aside(func() { time.Sleep(time.Minute) })
		}
		time.Sleep(time.Second)
		return 0, nil
	}}
	bubble(t, reconcile.Options{Limit: 1}, c, func(in *world) {
		w = in
		for _, key := range []string{"a", "b", "c", "d"} {
			w.loop.Touch(key)
		}
		w.start()
		w.wait(59*time.Second + 500*time.Millisecond)
		w.want("a@0s", "b@0s", "c@0s", "d@1s")
		w.loop.Touch("e")
		w.wait(time.Second) // a and b are back and take the place of two
		w.loop.Touch("f")
		w.wait(time.Hour)
		w.want("a@0s", "b@0s", "c@0s", "d@1s", "e@59.5s", "f@1m1s")
	})
}

func TestBackoffGrowsAndResets(t *testing.T) {
	boom := errors.New("boom")
	answers := []error{boom, boom, boom, nil, boom, boom, nil}
	c := &controller{}
	c.do = func(context.Context, string) (time.Duration, error) {
		err := answers[0]
		answers = answers[1:]
		if err == nil {
			return time.Minute, nil
		}
		return 7 * time.Minute, err // what a failure answers does not count
	}
	var log bytes.Buffer
	bubble(t, reconcile.Options{Name: "test", Backoff: doubling, Log: zerolog.New(zerolog.SyncWriter(&log))}, c, func(w *world) {
		w.start()
		w.put("a", 1)
		w.wait(69 * time.Second) // 0, 1, 3, 7: fine; 67, 68 fail
		w.want("a@0s", "a@1s", "a@3s", "a@7s", "a@1m7s", "a@1m8s")
		answers = append(answers, nil)
		w.put("a", 2) // does not wait for the backoff
		synctest.Wait()
		w.want("a@0s", "a@1s", "a@3s", "a@7s", "a@1m7s", "a@1m8s", "a@1m9s")
		w.wait(time.Minute - time.Nanosecond)
		if n := len(w.c.seen()); n != 7 {
			t.Errorf("%d calls: the timer of the backoff is still there", n)
		}
	})
	want := `{"level":"warn","error":"boom","controller":"test","key":"a","tries":3,"retry":4000,"message":"reconcile"}`
	if lines := strings.Split(log.String(), "\n"); len(lines) != 6 || lines[2] != want {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestDefaultBackoff(t *testing.T) {
	boom := errors.New("boom")
	c := &controller{}
	var at []time.Duration
	c.do = func(context.Context, string) (time.Duration, error) {
		at = append(at, time.Since(c.begun))
		return 0, boom
	}
	bubble(t, reconcile.Options{}, c, func(w *world) {
		w.start()
		w.put("a", 1)
		w.wait(5 * time.Minute)
	})
	for i := range at[1:] {
		want := min(100*time.Millisecond<<min(i, 20), 30*time.Second)
		if got := at[i+1] - at[i]; got < want*9/10 || got > want*11/10 {
			t.Errorf("wait %d was %v, want about %v", i+1, got, want)
		}
	}
	if len(at) < 15 {
		t.Errorf("%d tries in five minutes", len(at))
	}
}

func TestStaleRequeuesAtOnce(t *testing.T) {
	n := 0
	c := &controller{do: func(context.Context, string) (time.Duration, error) {
		if n++; n < 4 {
			return 0, fmt.Errorf("write: %w", store.ErrStale)
		}
		return 0, nil
	}}
	var log bytes.Buffer
	bubble(t, reconcile.Options{Log: zerolog.New(zerolog.SyncWriter(&log))}, c, func(w *world) {
		w.start()
		w.loop.Touch("a")
		w.wait(time.Hour)
		w.want("a@0s", "a@0s", "a@0s", "a@0s")
	})
	if log.Len() > 0 {
		t.Errorf("log: %s", log.String())
	}
}

func TestPanicsAreRetried(t *testing.T) {
	n := 0
	c := &controller{do: func(context.Context, string) (time.Duration, error) {
		switch n++; n {
		case 1:
			panic("boom")
		case 2:
			runtime.Goexit()
		}
		return 0, nil
	}}
	var log bytes.Buffer
	bubble(t, reconcile.Options{Backoff: doubling, Log: zerolog.New(zerolog.SyncWriter(&log))}, c, func(w *world) {
		w.start()
		w.put("a", 1)
		w.wait(time.Hour)
		w.want("a@0s", "a@1s", "a@3s")
	})
	for _, want := range []string{`"level":"error"`, "controller panicked: boom", "rules_test.go", "controller ended its goroutine"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log.String())
		}
	}
}

// A controller writes last. Its own write is the cue for the next step, and
// neither interrupts it nor ends its backoff.
func TestOwnWrites(t *testing.T) {
	boom := errors.New("boom")
	c := &controller{}
	bubble(t, reconcile.Options{Backoff: doubling, Kinds: []string{"test/thing"}}, c, func(w *world) {
		c.do = func(ctx context.Context, key string) (time.Duration, error) {
			var n int
			err := w.st.Update(ctx, "controller/test", func(tx *store.Tx) error {
				r, err := things.Get(tx, key)
				if err != nil {
					return err
				}
				n, r.Value.N = r.Value.N, r.Value.N+1
				return things.Replace(tx, r)
			})
			time.Sleep(time.Second) // the feed has told everybody by now
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && n >= 3 {
				err = boom
			}
			return 0, err
		}
		w.start()
		w.put("a", 1)
		w.wait(10 * time.Second)
		// 1 and 2 go on at once; 3, 4, … fail, and wait 1 s, 2 s, 4 s.
		w.want("a@0s", "a@1s", "a@2s", "a@4s", "a@7s")
	})
}

// What somebody else writes meanwhile ends the backoff though the call failed.
func TestForeignChangeDuringAFailure(t *testing.T) {
	boom := errors.New("boom")
	c := &controller{do: func(context.Context, string) (time.Duration, error) {
		time.Sleep(time.Minute)
		return 0, boom
	}}
	bubble(t, reconcile.Options{Backoff: func(int) time.Duration { return time.Hour }}, c, func(w *world) {
		w.start()
		w.put("a", 1)
		w.wait(time.Second)
		w.put("a", 2)
		w.wait(90 * time.Second)
		w.want("a@0s", "a@1m0s")
	})
}

func TestResyncIsSpread(t *testing.T) {
	c := &controller{}
	bubble(t, reconcile.Options{List: everyThing, Resync: 30 * time.Second}, c, func(w *world) {
		const n = 3000
		w.fill(n)
		w.start()
		for s := 1; s <= 60; s++ {
			w.wait(time.Second)
			if got, want := len(w.c.seen()), n+n*s/30; got < want-20 || got > want+20 {
				t.Fatalf("after %d s: %d calls, want about %d", s, got, want)
			}
		}
		visits := map[string]int{}
		for _, call := range w.c.seen() {
			key, _, _ := strings.Cut(call, "@")
			visits[key]++
		}
		for key, v := range visits {
			if v != 3 {
				t.Errorf("%s was visited %d times", key, v)
			}
		}
	})
}

// Where nothing has changed outside, a resync calls nobody, and leaves timers
// and what is dirty as they are.
func TestResyncOfWhatIsUnchanged(t *testing.T) {
	c := &controller{do: func(_ context.Context, key string) (time.Duration, error) {
		if key == "b" {
			return 100 * time.Second, nil
		}
		return 0, nil
	}}
	var asked atomic.Int32
	var changed atomic.Bool
	o := reconcile.Options{List: everyThing, Resync: 30 * time.Second, Unchanged: func(_ context.Context, key string) bool {
		asked.Add(1)
		time.Sleep(time.Second)
		return key != "a" || !changed.Load()
	}}
	bubble(t, o, c, func(w *world) {
		w.put("a", 1)
		w.start()
		w.wait(0)
		w.put("b", 1)
		w.wait(5*time.Minute - time.Second)
		w.want("a@0s", "b@0s", "b@1m40s", "b@3m20s")
		if n := asked.Load(); n < 17 || n > 20 {
			t.Errorf("asked %d times", n)
		}
		w.put("a", 2)
		w.wait(0)
		w.want("a@0s", "b@0s", "b@1m40s", "b@3m20s", "a@4m59s")
		changed.Store(true)
		w.wait(30 * time.Second)
		if got := w.c.seen(); !strings.HasPrefix(got[len(got)-1], "a@5m") {
			t.Errorf("calls %v", got)
		}
	})
}

func TestHintForAll(t *testing.T) {
	var hints chan string
	c := &controller{}
	o := reconcile.Options{List: everyThing, Resync: time.Hour, Hints: func(ctx context.Context) iter.Seq[string] {
		return func(yield func(string) bool) { // ends after each, to be called again
			select {
			case h := <-hints:
				yield(h)
			case <-ctx.Done():
			}
		}
	}}
	bubble(t, o, c, func(w *world) {
		hints = make(chan string)
		w.put("a", 1)
		w.put("b", 1)
		w.start()
		w.wait(time.Second)
		hints <- ""
		w.wait(time.Second)
		hints <- "b"
		w.wait(time.Second)
		got := w.c.seen()
		slices.Sort(got)
		if fmt.Sprint(got) != "[a@0s a@1s b@0s b@1s b@2s]" {
			t.Errorf("calls %v", got)
		}
	})
}

func TestKeysOfAChange(t *testing.T) {
	o := reconcile.Options{Keys: func(c store.Change) []string {
		owner, _, _ := strings.Cut(c.Key, "/")
		return []string{owner, owner + "-too"}
	}}
	bubble(t, o, &controller{}, func(w *world) {
		w.start()
		w.put("a/1", 1)
		synctest.Wait()
		got := w.c.seen()
		slices.Sort(got)
		if fmt.Sprint(got) != "[a-too@0s a@0s]" {
			t.Errorf("calls %v", got)
		}
	})
}

// The first listing and the place in the feed are of one snapshot: a record
// written while listing is neither missed nor seen twice.
func TestListingAndFeedMeet(t *testing.T) {
	c := &controller{}
	var w *world
	var listed atomic.Bool
	o := reconcile.Options{Resync: time.Hour, List: func(tx *store.Tx) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for key, err := range everyThing(tx) {
				if !listed.Swap(true) { // queues behind the listing, or passes it by
					go w.put("b", 1)
				}
				if !yield(key, err) {
					return
				}
			}
		}
	}}
	bubble(t, o, c, func(inner *world) {
		w = inner
		w.put("a", 1)
		w.start()
		w.wait(time.Minute)
		got := w.c.seen()
		slices.Sort(got)
		if fmt.Sprint(got) != "[a@0s b@0s]" {
			t.Errorf("calls %v", got)
		}
	})
}

func TestFailingListIsTriedAgain(t *testing.T) {
	var n atomic.Int32
	o := reconcile.Options{Backoff: doubling, Resync: time.Hour, List: func(tx *store.Tx) iter.Seq2[string, error] {
		if n.Add(1) < 4 { // the resync's listing among them
			return func(yield func(string, error) bool) { yield("", errors.New("boom")) }
		}
		return everyThing(tx)
	}}
	var log bytes.Buffer
	o.Log = zerolog.New(zerolog.SyncWriter(&log))
	bubble(t, o, &controller{}, func(w *world) {
		w.put("a", 1)
		w.start()
		w.wait(time.Minute)
		if got := w.c.seen(); len(got) != 1 {
			t.Errorf("calls %v", got)
		}
	})
	if !strings.Contains(log.String(), `"error":"boom"`) {
		t.Errorf("log: %s", log.String())
	}
}

// Who is too slow for the history lists afresh, and misses nothing.
func TestTooFarBehind(t *testing.T) {
	release, blocked := make(chan struct{}), false
	c := &controller{}
	o := reconcile.Options{List: everyThing, Resync: time.Hour, Keys: func(c store.Change) []string {
		if !blocked {
			blocked = true
			<-release
		}
		return []string{c.Key}
	}}
	bubble(t, o, c, func(w *world) {
		release = make(chan struct{})
		w.start()
		w.put("first", 1)
		synctest.Wait()
		w.put("early", 1)
		for i := range 3000 {
			w.put("busy", i)
		}
		synctest.Wait()
		close(release)
		w.wait(time.Minute)
		got := w.c.seen()
		if !slices.Contains(got, "early@0s") || !slices.Contains(got, "first@0s") || len(got) > 2000 {
			t.Errorf("%d calls, %v", len(got), got[:min(len(got), 5)])
		}
	})
}

func TestRunEndsWithTheStore(t *testing.T) {
	bubble(t, reconcile.Options{List: everyThing}, &controller{}, func(w *world) {
		ended := make(chan error, 1)
		go func() { ended <- w.loop.Run(w.t.Context()) }()
		synctest.Wait()
		if err := w.st.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, store.ErrClosed) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func (w *world) fill(n int) {
	w.t.Helper()
	err := w.st.Update(w.t.Context(), "test", func(tx *store.Tx) error {
		for i := range n {
			if err := things.Put(tx, fmt.Sprintf("key/%06d", i), &thing{i}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestSleepingKeysAreCheap(t *testing.T) {
	const n = 20_000
	c := &counter{}
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), store.Memory, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		loop := reconcile.New(st, c, reconcile.Options{Limit: 100})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		before := heap()
		for i := range n {
			loop.Touch(fmt.Sprintf("key/%06d", i))
		}
		go func() { ended <- loop.Run(ctx) }()
		synctest.Wait()
		if got := c.count(); got != n {
			t.Errorf("%d calls", got)
		}
		perKey, goroutines := (heap()-before)/n, runtime.NumGoroutine()
		t.Logf("%d bytes per sleeping key, %d goroutines", perKey, goroutines)
		if perKey > 400 || goroutines > 50 {
			t.Errorf("%d bytes per sleeping key, %d goroutines", perKey, goroutines)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := c.count(); got != 2*n {
			t.Errorf("%d calls after the timers", got)
		}
		cancel()
		<-ended
	})
}
