package sandbox

import (
	"context"
	"errors"
	"math/bits"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// retries remembers, per sandbox, what has failed for a reason that may pass.
// It is kept in memory: a new engine tries at once.
type retries struct {
	mu sync.Mutex
	m  map[string]retry
}

type retry struct {
	tries   int
	until   time.Time
	stopped bool // what was wanted then; when that changes, it is tried at once
}

// The waits between tries: doubled from the first to the last.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 15 * time.Second
)

// left tells how long a sandbox still waits.
func (r *retries) left(id string, stopped bool, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.m[id]
	if !ok || t.stopped != stopped {
		return 0
	}
	return t.until.Sub(now)
}

// failed counts a try and tells how many there were and how long to wait.
func (r *retries) failed(id string, stopped bool, now time.Time) (int, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		r.m = map[string]retry{}
	}
	t := r.m[id]
	if t.stopped != stopped {
		t = retry{stopped: stopped}
	}
	wait := min(firstRetry<<min(t.tries, 16), lastRetry)
	t.tries++
	t.until = now.Add(wait)
	r.m[id] = t
	return t.tries, wait
}

// done forgets the failures of a sandbox.
func (r *retries) done(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, id)
}

// clear lets everybody try at once, and keeps the counts.
func (r *retries) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, t := range r.m {
		t.until = time.Time{}
		r.m[id] = t
	}
}

// troubled notes an error that may pass, for the people who wait, and says
// when it is tried again. The record is written when there is something new
// to say: another error, or twice as many tries, or that the runtime tells
// nothing any more of the sandbox, or does again.
func (e *Engine) troubled(ctx context.Context, s *Sandbox, revision int64, seen bool, err error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if errors.Is(err, store.ErrStale) {
		return 0, err
	}
	tries, wait := e.retries.failed(s.Spec.ID, s.Desired.Stopped, now())
	if s.Status.Trouble == err.Error() && s.Status.UnseenSince.IsZero() == seen && bits.OnesCount(uint(tries)) > 1 {
		return wait, nil
	}
	if tries == 1 {
		e.Log.Warn().Err(err).Str("sandbox", s.Spec.ID).Msg("tried again until it works")
	}
	n := s.clone()
	switch {
	case seen:
		n.Status.UnseenSince = time.Time{}
	case n.Status.UnseenSince.IsZero():
		n.Status.UnseenSince = now()
	}
	n.Status.Trouble, n.Status.TroubleAt, n.Status.Tries = err.Error(), now(), tries
	return wait, e.commit(ctx, s, revision, n)
}
