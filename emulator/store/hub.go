package store

import (
	"slices"
	"sort"
	"sync"
)

// How much of the newest history is held in memory for the readers that keep
// up. Who falls behind reads the file.
const (
	ringCommits = 512
	ringBytes   = 1 << 20
)

// hub tells the readers of the feed about commits.
type hub struct {
	mu       sync.Mutex
	ring     []commit // every commit above from, in order
	bytes    int
	from     int64
	last     int64
	watchers map[*watcher]struct{}
	series   map[seriesKey]map[chan struct{}]struct{}
}

// commit is one transaction's changes, revisions first to last.
type commit struct {
	first, last int64
	changes     []Change
	bytes       int
}

// watcher is one reader's place in the feed. The hub's mutex guards pos.
type watcher struct {
	kinds map[string]bool // empty: all
	pos   int64           // everything up to here was seen or is of other kinds
	wake  chan struct{}   // capacity 1
}

func newHub(last int64) *hub {
	return &hub{
		from: last, last: last,
		watchers: map[*watcher]struct{}{}, series: map[seriesKey]map[chan struct{}]struct{}{},
	}
}

func (h *hub) position() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// publish announces a commit. Commits come in order.
func (h *hub) publish(changes []Change) {
	c := commit{first: changes[0].Revision, last: changes[len(changes)-1].Revision, changes: changes}
	for i := range changes {
		c.bytes += len(changes[i].Before) + len(changes[i].After) + len(changes[i].Key) + 160
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		if slices.ContainsFunc(changes, w.wants) {
			poke(w.wake)
		} else if w.pos == h.last { // nothing waits for it: skip this one for it
			w.pos = c.last
		}
	}
	h.last = c.last
	h.ring = append(h.ring, c)
	h.bytes += c.bytes
	for len(h.ring) > ringCommits || h.bytes > ringBytes && len(h.ring) > 0 {
		h.bytes -= h.ring[0].bytes
		h.from = h.ring[0].last
		h.ring[0] = commit{}
		h.ring = h.ring[1:]
	}
}

func poke(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

func (w *watcher) wants(c Change) bool { return len(w.kinds) == 0 || w.kinds[c.Kind] }

func (h *hub) enter(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[w] = struct{}{}
}

func (h *hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

// next returns what the watcher has yet to see, from the ring; behind says that
// the ring no longer has it. pos is where it stands.
func (h *hub) next(w *watcher, limit int) (out [][]Change, behind bool, pos int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.pos < h.from {
		return nil, true, w.pos
	}
	i := sort.Search(len(h.ring), func(i int) bool { return h.ring[i].first > w.pos })
	for ; i < len(h.ring) && len(out) < limit; i++ {
		if changes := w.pick(h.ring[i].changes); len(changes) > 0 {
			out = append(out, changes)
		}
		w.pos = h.ring[i].last
	}
	return out, false, w.pos
}

// pick returns the changes that the watcher wants, without a copy where that
// is all of them.
func (w *watcher) pick(changes []Change) []Change {
	if !slices.ContainsFunc(changes, func(c Change) bool { return !w.wants(c) }) {
		return changes
	}
	var out []Change
	for _, c := range changes {
		if w.wants(c) {
			out = append(out, c)
		}
	}
	return out
}

// advance notes what a watcher has read from the file.
func (h *hub) advance(w *watcher, pos int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.pos = max(w.pos, pos)
}
