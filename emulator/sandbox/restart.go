package sandbox

import (
	"slices"
	"time"
)

// again tells whether a container that ended with code after it ran so long
// is started again.
func (r *Restart) again(code int, ran time.Duration) bool {
	switch {
	case r.Policy == RestartNever, r.Policy == RestartOnFailure && code == 0:
		return false
	}
	return ran >= r.MinRun && !slices.Contains(r.IgnoredExitCodes, code)
}

// wait is how long the n-th restart of a streak waits after the end: the
// first one not at all, then Backoff, doubled each time.
func (r *Restart) wait(n int) time.Duration {
	if n == 0 || r.Backoff <= 0 {
		return 0
	}
	d := r.Backoff
	for range n - 1 {
		d *= 2
		if r.MaxBackoff > 0 && d >= r.MaxBackoff || d > 24*time.Hour {
			break
		}
	}
	if r.MaxBackoff > 0 {
		d = min(d, r.MaxBackoff)
	}
	return d
}

// restart plans the next attempt of a container that has just ended.
func (cs *ContainerStatus) restart(r *Restart) {
	if r.ResetBackoff > 0 && !cs.StartedAt.IsZero() && cs.FinishedAt.Sub(cs.StartedAt) >= r.ResetBackoff {
		cs.Streak = 0
	}
	cs.RestartAt = cs.FinishedAt.Add(r.wait(cs.Streak))
	cs.Streak++
}
