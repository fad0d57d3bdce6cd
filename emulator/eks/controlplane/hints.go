package controlplane

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
)

// hints tells many listeners whose status has changed. Who is slow hears of
// each only once.
type hints struct {
	mu  sync.Mutex
	all map[*listener]bool
}

type listener struct {
	changed map[string]bool
	more    chan struct{}
}

func newHints() *hints { return &hints{all: map[*listener]bool{}} }

func (h *hints) tell(arn string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.all {
		l.changed[arn] = true
		select {
		case l.more <- struct{}{}:
		default: // it knows already that there is something
		}
	}
}

func (h *hints) follow(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		l := &listener{changed: map[string]bool{}, more: make(chan struct{}, 1)}
		h.mu.Lock()
		h.all[l] = true
		h.mu.Unlock()
		defer func() {
			h.mu.Lock()
			delete(h.all, l)
			h.mu.Unlock()
		}()
		if !yield("") { // what changed before anybody listened
			return
		}
		for {
			select {
			case <-l.more:
			case <-ctx.Done():
				return
			}
			h.mu.Lock()
			arns := slices.Sorted(maps.Keys(l.changed))
			clear(l.changed)
			h.mu.Unlock()
			for _, arn := range arns {
				if !yield(arn) {
					return
				}
			}
		}
	}
}
