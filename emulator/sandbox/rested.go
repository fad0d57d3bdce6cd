package sandbox

import (
	"context"
	"hash/maphash"
	"sync"
)

// rested remembers what the runtime showed of each sandbox when there was
// nothing to do for it, so that a resync of very many that only run costs a
// look at the runtime each, and no reading of records.
type rested struct {
	seed maphash.Seed
	mu   sync.Mutex
	m    map[string]uint64 // by id, the sum of what was observed
}

func newRested() *rested { return &rested{seed: maphash.MakeSeed(), m: map[string]uint64{}} }

// rest notes that nothing was to be done in view of o.
func (r *rested) rest(id string, o *Observed) {
	sum := r.sum(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.m[id] = sum
}

// wake notes that something may be to be done.
func (r *rested) wake(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, id)
}

// still tells whether a sandbox rests and o shows it as it was then.
func (r *rested) still(id string, o *Observed) bool {
	sum := r.sum(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	was, rests := r.m[id]
	return rests && was == sum
}

func (r *rested) rests(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, rests := r.m[id]
	return rests
}

// sum is equal for observations that are: 64 bits of everything that next
// looks at. An address is taken over once and never changes.
func (r *rested) sum(o *Observed) uint64 {
	type whole struct {
		up    bool
		ip    string
		kills int
	}
	sum := maphash.Comparable(r.seed, whole{o.Up, o.Address.IP, o.OOMKills})
	type part struct {
		name string
		ObservedContainer
	}
	for name, c := range o.Containers { // in any order
		sum += maphash.Comparable(r.seed, part{name, c})
	}
	for i, n := range o.Notes {
		sum += maphash.Comparable(r.seed, part{name: n, ObservedContainer: ObservedContainer{Attempt: i}})
	}
	return sum
}

// unchanged tells whether a sandbox rests and the runtime shows it as it did
// when it came to rest.
func (e *Engine) unchanged(ctx context.Context, id string) bool {
	if !e.rested.rests(id) {
		return false
	}
	var o Observed
	var err error
	e.loop.Aside(func() { o, err = e.Config.Runtime.Inspect(ctx, id) })
	return err == nil && e.rested.still(id, &o)
}
