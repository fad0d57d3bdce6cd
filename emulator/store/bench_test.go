package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/neargate/neargate/emulator/store"
)

// arn is a key of a real length.
func arn(i int) string {
	return fmt.Sprintf("arn:aws:ecs:eu-central-1:000000000000:task/default/%032x", i)
}

func benchStore(b *testing.B) *store.Store {
	return open(b, filepath.Join(b.TempDir(), "state.db"))
}

// fill writes n records in homes of ten.
func fill(b *testing.B, st *store.Store, n int) {
	b.Helper()
	for i := 0; i < n; {
		update(b, st, func(tx *store.Tx) error {
			for end := min(i+5000, n); i < end; i++ {
				a := animal{Name: strconv.Itoa(i), Home: "home" + strconv.Itoa(i/10)}
				if err := animals.Put(tx, arn(i), &a); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func BenchmarkUpdateLone(b *testing.B) {
	st := benchStore(b)
	fill(b, st, 1000)
	for i := 0; b.Loop(); i++ {
		put(b, st, arn(i%1000), animal{Name: strconv.Itoa(i), Home: "home"})
	}
}

func BenchmarkUpdate16(b *testing.B) {
	st := benchStore(b)
	fill(b, st, 1000)
	var next atomic.Int64
	var writers sync.WaitGroup
	b.ResetTimer()
	for range 16 {
		writers.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				put(b, st, arn(i%1000), animal{Name: strconv.Itoa(i), Home: "home"})
			}
		})
	}
	writers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

// The size of the table should hardly show in what follows.
func bySize(b *testing.B, op func(b *testing.B, tx *store.Tx, i int) error) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			st := benchStore(b)
			fill(b, st, n)
			i := 0
			for b.Loop() {
				i = (i + 7919) % n
				if err := st.View(context.Background(), func(tx *store.Tx) error { return op(b, tx, i) }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	bySize(b, func(_ *testing.B, tx *store.Tx, i int) error {
		_, err := animals.Get(tx, arn(i))
		return err
	})
}

func BenchmarkBy(b *testing.B) {
	bySize(b, func(b *testing.B, tx *store.Tx, i int) error {
		n := 0
		for _, err := range animals.By(tx, "home", "home"+strconv.Itoa(i/10), store.Range{}) {
			if err != nil {
				return err
			}
			n++
		}
		if n != 10 {
			b.Fatalf("found %d", n)
		}
		return nil
	})
}

func BenchmarkCount(b *testing.B) {
	bySize(b, func(b *testing.B, tx *store.Tx, i int) error {
		n, err := animals.Count(tx, "home", "home"+strconv.Itoa(i/10))
		if err == nil && n != 10 {
			b.Fatalf("counted %d", n)
		}
		return err
	})
}

// One commit until twenty readers have seen it.
func BenchmarkWatchFanout(b *testing.B) {
	st := benchStore(b)
	ctx, cancel := context.WithCancel(context.Background())
	seen := make(chan struct{}, 1024)
	var readers sync.WaitGroup
	const n = 20
	for range n {
		feed := st.Watch(ctx, store.Now, "zoo/animal")
		readers.Go(func() {
			for changes, err := range feed {
				if err != nil {
					return
				}
				for range changes {
					seen <- struct{}{}
				}
			}
		})
	}
	for i := 0; b.Loop(); i++ {
		put(b, st, arn(i%100), animal{Name: strconv.Itoa(i)})
		for range n {
			<-seen
		}
	}
	cancel()
	readers.Wait()
}

// BenchmarkPeek100 is a snapshot in which a hundred records are looked at.
func BenchmarkPeek100(b *testing.B) {
	st := benchStore(b)
	fill(b, st, 1000)
	for name, read := range map[string]func(tx *store.Tx, key string) error{
		"get":  func(tx *store.Tx, key string) error { _, err := animals.Get(tx, key); return err },
		"peek": func(tx *store.Tx, key string) error { _, _, err := animals.Peek(tx, key); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				err := st.View(context.Background(), func(tx *store.Tx) error {
					for i := range 100 {
						if err := read(tx, arn(i)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
