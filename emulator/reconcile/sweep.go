package reconcile

import "time"

// sweep visits a list of keys at an even pace, so that a hundred thousand of
// them do not come all at once.
type sweep struct {
	keys  []string // still to come
	begun time.Duration
	every time.Duration // per key
	free  int           // keys at the beginning that need no waiting
	idle  bool          // for a resync: nothing is known to have happened
	done  int
}

// The pace of the first visit to every key, after a start.
const (
	startBurst = 256
	startEvery = 40 * time.Microsecond
	sweepStep  = 5 * time.Millisecond // no sooner again: a timer has its price
)

// visitNow goes through the keys as fast as is wise.
func visitNow(keys []string, now time.Duration) *sweep {
	return &sweep{keys: keys, begun: now, every: startEvery, free: startBurst}
}

// visitOver goes through the keys within a time, the last of them at its end.
func visitOver(keys []string, now, over time.Duration) *sweep {
	return &sweep{keys: keys, begun: now, every: over / time.Duration(max(len(keys), 1)), idle: true}
}

// due takes the keys whose turn has come.
func (s *sweep) due(now time.Duration) []string {
	n := len(s.keys)
	if s.every > 0 {
		n = min(n, s.free+int((now-s.begun)/s.every)-s.done)
	}
	n = max(n, 0)
	out := s.keys[:n]
	s.keys = s.keys[n:]
	s.done += n
	return out
}

// next is when there are more keys; false at the end.
func (s *sweep) next(now time.Duration) (time.Duration, bool) {
	if len(s.keys) == 0 {
		return 0, false
	}
	return max(s.begun+time.Duration(s.done-s.free+1)*s.every, now+sweepStep), true
}
