package logs

import (
	"context"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// API answers CloudWatch Logs' operations.
type API struct {
	store *store.Store
	log   zerolog.Logger
}

// Config is what an API stands on.
type Config struct {
	Store *store.Store
	// Log is told what no client hears of: container output that finds its
	// stream deleted. The zero value is silent.
	Log zerolog.Logger
}

// New returns an API. It starts nothing.
func New(c Config) *API { return &API{store: c.Store, log: c.Log} }

// view runs fn on a snapshot.
func (a *API) view(ctx context.Context, fn func(tx *store.Tx, p place) error) error {
	return a.store.View(ctx, func(tx *store.Tx) error { return fn(tx, placeOf(ctx)) })
}

// update runs fn in a commit.
func (a *API) update(ctx context.Context, fn func(tx *store.Tx, p place) error) error {
	return a.store.Update(ctx, by(ctx), func(tx *store.Tx) error { return fn(tx, placeOf(ctx)) })
}

// by names the cause of a change for the feed.
func by(ctx context.Context) string {
	if c := apiwire.CallFrom(ctx); c.Operation != "" {
		return c.By()
	}
	return "logs"
}
