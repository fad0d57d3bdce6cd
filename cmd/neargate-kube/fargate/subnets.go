package fargate

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
)

// subnets spreads pods over a profile's subnets.
type subnets struct {
	mu     sync.Mutex
	coming map[string]string // sandbox → subnet, until Boxes tells of the sandbox
	failed map[string]failure
	freed  map[string]time.Time // when a subnet had a free address again, the last time
}

// failure is what became of a pod's sandboxes before it had a node.
type failure struct {
	subnet string // the last one
	times  int
	since  time.Time // the first one
	until  time.Time // when there may be another
	free   string    // where the next one finds an address that came free
}

// A sandbox that has failed is made again after a second, and twice as much
// with each failure, up to a minute; an address that comes free ends the wait.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

func newSubnets() subnets {
	return subnets{coming: map[string]string{}, failed: map[string]failure{}, freed: map[string]time.Time{}}
}

// choose takes the subnet in which an address came free for the sandbox, else
// that with the fewest sandboxes, of equal ones the first, and one that the
// sandbox has failed in only when there is no other.
func (s *subnets) choose(id string, choice []link.Subnet, used map[string]int) link.Subnet {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, subnet := range s.coming {
		used[subnet]++
	}
	f := s.failed[id]
	bad := func(n link.Subnet) int {
		switch n.ID {
		case f.free:
			return -1
		case f.subnet:
			return 1
		}
		return 0
	}
	best := slices.MinFunc(choice, func(a, b link.Subnet) int {
		return cmp.Or(cmp.Compare(bad(a), bad(b)), cmp.Compare(used[a.ID], used[b.ID]))
	})
	s.coming[id] = best.ID
	return best
}

// release says that a sandbox is counted elsewhere, or did not come about.
func (s *subnets) release(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.coming, id)
}

// blame remembers that a sandbox that was asked for at a time has failed in a
// subnet. Telling it again before there was another try changes nothing. There
// is no wait when an address of the subnet came free meanwhile.
func (s *subnets) blame(id, subnet string, asked, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.failed[id]
	if now.Before(f.until) {
		return
	}
	if f.times == 0 {
		f.since = now
	}
	f.subnet, f.free, f.until = subnet, "", now.Add(min(firstPause<<min(f.times, 6), lastPause))
	if s.freed[subnet].After(asked) {
		f.free, f.until = subnet, now
	}
	f.times++
	s.failed[id] = f
}

// free takes note that a subnet has a free address again, and returns the
// sandbox that has waited longest of those that may use it, "" when none waits.
// One address is one sandbox's.
func (s *subnets) free(subnet string, now time.Time, may func(id string) bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freed[subnet] = now
	first := ""
	for id, f := range s.failed {
		if f.until.After(now) && (first == "" || f.since.Before(s.failed[first].since)) && may(id) {
			first = id
		}
	}
	if first != "" {
		f := s.failed[first]
		f.free, f.until = subnet, now
		s.failed[first] = f
	}
	return first
}

// wait tells how long the next try has to wait.
func (s *subnets) wait(id string, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.failed[id].until.Sub(now))
}

// forget drops what is known of a sandbox whose pod is gone.
func (s *subnets) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.coming, id)
	delete(s.failed, id)
}
