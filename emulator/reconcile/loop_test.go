package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/reconcile"
	"github.com/neargate/neargate/emulator/store"
)

type thing struct{ N int }

var things = store.NewTable[thing]("test/thing")

// controller is a Controller that notes its calls.
type controller struct {
	do    func(ctx context.Context, key string) (time.Duration, error)
	begun time.Time

	mu    sync.Mutex
	calls []string // "key@elapsed"
}

func (c *controller) Reconcile(ctx context.Context, key string) (time.Duration, error) {
	c.mu.Lock()
	c.calls = append(c.calls, fmt.Sprintf("%s@%v", key, time.Since(c.begun)))
	c.mu.Unlock()
	if c.do == nil {
		return 0, nil
	}
	return c.do(ctx, key)
}

func (c *controller) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// world is a store and a running loop in a bubble of virtual time.
type world struct {
	t    *testing.T
	st   *store.Store
	c    *controller
	loop *reconcile.Loop
	stop func() error
}

// bubble runs a test in virtual time; the loop starts when the test says so.
func bubble(t *testing.T, o reconcile.Options, c *controller, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), store.Memory, store.Options{History: 1000})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		o.Kinds = []string{"test/thing"}
		c.begun = time.Now()
		w := &world{t: t, st: st, c: c, loop: reconcile.New(st, c, o)}
		w.stop = func() error { return nil }
		test(w)
		if err := w.stop(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.loop.Run(ctx) }()
	w.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	synctest.Wait()
}

func (w *world) put(key string, n int) {
	w.t.Helper()
	if err := w.st.Update(w.t.Context(), "test", func(tx *store.Tx) error { return things.Put(tx, key, &thing{n}) }); err != nil {
		w.t.Error(err)
	}
}

// wait lets virtual time pass.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) want(calls ...string) {
	w.t.Helper()
	if got := w.c.seen(); !slices.Equal(got, calls) {
		w.t.Errorf("calls %v, want %v", got, calls)
	}
}

func everyThing(tx *store.Tx) iter.Seq2[string, error] { return things.Keys(tx, "", "", store.Range{}) }

func TestChangesQueueTheirKey(t *testing.T) {
	bubble(t, reconcile.Options{}, &controller{}, func(w *world) {
		w.put("old", 1)
		w.start()
		w.put("a", 1)
		synctest.Wait()
		w.put("b", 1)
		synctest.Wait()
		w.put("a", 2)
		synctest.Wait()
		w.want("a@0s", "b@0s", "a@0s")
	})
}

func TestChangeInterruptsAndQueuesAgain(t *testing.T) {
	c := &controller{do: func(ctx context.Context, _ string) (time.Duration, error) {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Hour):
			return 0, nil
		}
	}}
	bubble(t, reconcile.Options{}, c, func(w *world) {
		w.start()
		w.put("a", 1)
		w.wait(time.Minute)
		w.put("a", 2)
		w.wait(time.Minute)
		w.want("a@0s", "a@1m0s")
	})
}

func TestHintsNeverInterrupt(t *testing.T) {
	var hints chan string
	c := &controller{do: func(ctx context.Context, _ string) (time.Duration, error) {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Minute):
			return 0, nil
		}
	}}
	o := reconcile.Options{Hints: func(ctx context.Context) iter.Seq[string] {
		return func(yield func(string) bool) {
			for {
				select {
				case <-ctx.Done():
					return
				case h := <-hints:
					if !yield(h) {
						return
					}
				}
			}
		}
	}}
	bubble(t, o, c, func(w *world) {
		hints = make(chan string) // of this bubble
		w.start()
		for range 5 {
			hints <- "a"
			w.wait(time.Second)
		}
		w.wait(time.Hour)
		w.want("a@0s", "a@1m0s")
	})
}

func TestLookAgainIsReplaced(t *testing.T) {
	n := 0
	c := &controller{do: func(context.Context, string) (time.Duration, error) {
		n++
		return []time.Duration{time.Hour, 10 * time.Minute, 0}[n-1], nil
	}}
	bubble(t, reconcile.Options{}, c, func(w *world) {
		w.start()
		w.put("a", 1)
		w.wait(time.Minute)
		w.put("a", 2)
		w.wait(24 * time.Hour)
		w.want("a@0s", "a@1m0s", "a@11m0s")
	})
}

func TestRunStopsWithTheLastCall(t *testing.T) {
	ended := false
	c := &controller{do: func(ctx context.Context, _ string) (time.Duration, error) {
		<-ctx.Done()
		time.Sleep(time.Minute) // tidying up
		ended = true
		return 0, nil
	}}
	bubble(t, reconcile.Options{}, c, func(w *world) {
		w.start()
		w.put("a", 1)
		synctest.Wait()
		if err := w.stop(); !errors.Is(err, context.Canceled) || !ended {
			t.Errorf("Run returned %v, call ended: %v", err, ended)
		}
	})
}

// counter only counts its calls, each of which looks again in an hour.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) Reconcile(context.Context, string) (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return time.Hour, nil
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// heap is what is in use after a collection.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
