package fake

import (
	"fmt"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// begin tells at which line reading starts.
func (o *output) begin(mu *sync.Mutex, opt sandbox.LogsOptions) int {
	mu.Lock()
	defer mu.Unlock()
	if opt.Tail > 0 {
		return o.drop + max(0, len(o.lines)-opt.Tail)
	}
	return o.drop
}

// from gives the lines from the one with number *at on, which it moves; done
// says that there will be none after them, more is closed when there are. One
// of lines, done and more is always given.
func (o *output) from(mu *sync.Mutex, at *int, follow bool) (lines []sandbox.LogLine, done bool, more <-chan struct{}) {
	mu.Lock()
	defer mu.Unlock()
	*at = max(*at, o.drop)
	lines = o.lines[*at-o.drop:]
	*at += len(lines)
	switch {
	case len(lines) > 0:
	case o.done || !follow:
		done = true
	default:
		more = o.wait()
	}
	return lines, done, more
}

// progress is one pull that takes time.
type progress struct {
	image string
	began time.Time
	takes time.Duration
}

// pulling notes a pull for Progress, with the state locked; the function that
// it returns ends it.
func (st *State) pulling(id, image string, takes time.Duration) func() {
	p := &progress{image, time.Now(), takes}
	st.pulls[p] = id
	return func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		delete(st.pulls, p)
	}
}

// Progress tells how far a sandbox's pulls are.
func (r *Runtime) Progress(id string) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all map[string]string
	for p, of := range r.pulls {
		if of != id {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[p.image] = fmt.Sprintf("%d %%", min(100, 100*time.Since(p.began)/p.takes))
	}
	return all
}
