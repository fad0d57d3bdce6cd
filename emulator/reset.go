package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Reset forgets everything and removes every container, network and volume
// that was made for it. It may be called while Run runs and requests come in:
// what they ask for before the reset is gone with it, what they ask for later
// stays.
//
// When the runtime cannot be reached, the records are gone all the same and
// the error says so; what is left is removed as soon as the runtime answers.
func (e *Emulator) Reset(ctx context.Context) error {
	return e.shift.inPlace(ctx, func(ctx context.Context) error {
		// Before the records go, so that no control plane asks for pods when they
		// have gone; and after, for one that was made between.
		if err := e.endPlanes(ctx); err != nil {
			return err
		}
		if err := e.store.Reset(ctx, "neargate:reset"); err != nil {
			return err
		}
		if err := e.endPlanes(ctx); err != nil {
			return err
		}
		if err := purge(ctx, e.runtime); err != nil {
			return &leftoverError{err}
		}
		return nil
	})
}

// leftoverError: the records are gone, something in the runtime is not.
type leftoverError struct{ err error }

func (e *leftoverError) Error() string {
	return "all records are gone, but not all that runs: " + e.err.Error()
}

func (e *leftoverError) Unwrap() error { return e.err }

// purger is a runtime that can remove all it has made at once, and has made
// more than sandboxes.
type purger interface {
	Purge(ctx context.Context) error
}

// purge removes everything that a runtime holds.
func purge(ctx context.Context, r sandbox.Runtime) error {
	if p, ok := r.(purger); ok {
		return p.Purge(ctx)
	}
	ids, err := r.List(ctx)
	for _, id := range ids {
		if down := r.Down(ctx, id); down != nil {
			err = errors.Join(err, fmt.Errorf("sandbox %s: %w", id, down))
		}
	}
	return err
}

// reset answers POST /_neargate/reset. A client that goes away does not stop
// it halfway.
func (e *Emulator) reset(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	err := e.Reset(r.Context())
	if left, ok := errors.AsType[*leftoverError](err); ok {
		reply(w, http.StatusServiceUnavailable, problem{
			Error: left.Error(), Hint: "what is left is removed as soon as the runtime answers; the reset can be repeated",
		})
		return
	}
	if err != nil {
		reply(w, http.StatusInternalServerError, problem{Error: err.Error(), Hint: "the reset can be repeated"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"reset": true, "took": time.Since(began).Round(time.Millisecond).String()})
}
