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
}

// failure is what became of a pod's sandboxes before it had a node.
type failure struct {
	subnet string // the last one
	times  int
	until  time.Time // when there may be another
}

// A sandbox that has failed is made again after a second, and twice as much
// with each failure, up to a minute.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

func newSubnets() subnets { return subnets{coming: map[string]string{}, failed: map[string]failure{}} }

// choose takes the subnet with the fewest sandboxes, of equal ones the first,
// and one that the sandbox has failed in only when there is no other.
func (s *subnets) choose(id string, choice []link.Subnet, used map[string]int) link.Subnet {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, subnet := range s.coming {
		used[subnet]++
	}
	bad := func(n link.Subnet) int {
		if s.failed[id].subnet == n.ID {
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

// blame remembers that a sandbox has failed in a subnet. Telling it again before
// there was another try changes nothing.
func (s *subnets) blame(id, subnet string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.failed[id]
	if now.Before(f.until) {
		return
	}
	f.subnet, f.until = subnet, now.Add(min(firstPause<<min(f.times, 6), lastPause))
	f.times++
	s.failed[id] = f
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
