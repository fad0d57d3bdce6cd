package sandbox

import (
	"context"
	"encoding/json"

	"github.com/neargate/neargate/emulator/store"
)

// Wait returns the sandbox as soon as ok holds for it: as it is now, or after
// any of the changes that follow, none of which is missed. The error is ctx's,
// or store.ErrNotFound when there is no such record (any more).
func (e *Engine) Wait(ctx context.Context, id string, ok func(*Sandbox) bool) (*Sandbox, error) {
	var s *Sandbox
	var since int64
	err := e.Store.View(ctx, func(tx *store.Tx) (err error) {
		since = tx.Revision()
		s, err = Get(tx, id)
		return err
	})
	if err != nil || ok(s) {
		return s, err
	}
	for changes, err := range e.Store.Watch(ctx, since, Sandboxes.Kind()) {
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.Key != id {
				continue
			}
			if c.After == nil {
				return nil, store.ErrNotFound
			}
			s := new(Sandbox)
			if err := json.Unmarshal(c.After, s); err != nil {
				return nil, err
			}
			if ok(s) {
				return s, nil
			}
		}
	}
	return nil, ctx.Err()
}
