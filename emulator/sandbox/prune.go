package sandbox

import (
	"context"
	"errors"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// prune removes, at the start and at every resync, what the runtime holds
// though no record wants it.
func (e *Engine) prune(ctx context.Context) error {
	tick := time.NewTicker(e.Resync)
	defer tick.Stop()
	for {
		if err := e.pruneOnce(ctx); err != nil && ctx.Err() == nil {
			e.Log.Warn().Err(err).Msg("remove what no record wants")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pruneOnce lists the runtime first and reads the records after that: a
// record is always there before anything is made for it.
func (e *Engine) pruneOnce(ctx context.Context) error {
	ids, err := e.Config.Runtime.List(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	wanted := map[string]bool{}
	err = e.Store.View(ctx, func(tx *store.Tx) error {
		for id, err := range Sandboxes.Keys(tx, live, live, store.Range{}) {
			if err != nil {
				return err
			}
			wanted[id] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	var failed []error
	for _, id := range ids {
		if wanted[id] {
			continue
		}
		e.Log.Info().Str("sandbox", id).Msg("removed: no record wants it")
		failed = append(failed, e.Config.Runtime.Down(ctx, id))
	}
	return errors.Join(failed...)
}
