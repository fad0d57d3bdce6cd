package reconcile

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/neargate/neargate/emulator/store"
	"github.com/rs/zerolog"
)

// Controller brings the world one step closer to what the record of a key
// wants. It looks at everything afresh, does at most one thing, and writes to
// the store last. again is when to look again though nothing changes; 0: not
// before something does.
type Controller interface {
	Reconcile(ctx context.Context, key string) (again time.Duration, err error)
}

// Options of a Loop.
type Options struct {
	Name  string   // for logs
	Kinds []string // whose changes are watched; none: all
	// Keys says which keys a change makes dirty; nil: its own.
	Keys func(c store.Change) []string
	// List yields every key there is. They are dirty at the start and once per
	// Resync. nil: none.
	List func(tx *store.Tx) iter.Seq2[string, error]
	// Hints yields keys that something outside has to say about, "" for all of
	// them, until ctx ends. It is called again, after a moment, when it returns
	// before that. nil: none.
	Hints func(ctx context.Context) iter.Seq[string]
	// Resync is how often every key is visited, spread over that time; 0: 30 s.
	Resync time.Duration
	// Unchanged looks whether what is outside the store is as the last call for
	// the key left it. It is asked where only a resync queues a key, and true
	// spares the call; the timer of the last answer stays. Changes of records
	// are never missed, so the store need not be looked at. nil: never spared.
	Unchanged func(ctx context.Context, key string) bool
	// Backoff is the wait after the tries-th failure in a row, from 1; nil: 100
	// ms doubling to 30 s, give or take a tenth.
	Backoff func(tries int) time.Duration
	Limit   int // calls at once, but those within Loop.Aside; 0: no limit
	Log     zerolog.Logger
}

const (
	defaultResync = 30 * time.Second
	firstBackoff  = 100 * time.Millisecond
	lastBackoff   = 30 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Keys == nil {
		o.Keys = func(c store.Change) []string { return []string{c.Key} }
	}
	if o.Resync <= 0 {
		o.Resync = defaultResync
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	return o
}

func backoff(tries int) time.Duration {
	d := lastBackoff
	if n := tries - 1; n < 10 {
		d = min(firstBackoff<<max(n, 0), lastBackoff)
	}
	return d*9/10 + rand.N(d/5)
}
