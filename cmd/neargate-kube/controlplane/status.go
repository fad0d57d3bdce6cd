package controlplane

import (
	"context"
	"sync"

	"github.com/neargate/neargate/emulator/eks/link"
)

// board holds the status and wakes those who watch it.
type board struct {
	mu      sync.Mutex
	status  link.Status
	changed chan struct{}
}

func newBoard() *board {
	return &board{status: link.Status{Phase: link.Starting}, changed: make(chan struct{})}
}

// change edits the status.
func (b *board) change(edit func(*link.Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	edit(&b.status)
	close(b.changed)
	b.changed = make(chan struct{})
}

// progress tells what is being done.
func (b *board) progress(text string) {
	b.change(func(s *link.Status) { s.Progress = text })
}

func (b *board) now() (link.Status, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status, b.changed
}

// follow calls yield with the status now and after each change, until ctx ends
// or yield has enough.
func (b *board) follow(ctx context.Context, yield func(link.Status, error) bool) {
	for {
		s, changed := b.now()
		if !yield(s, nil) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// provided are the add-ons whose work Neargate does by itself; "" says that all
// is well with one.
var provided = map[string]string{"vpc-cni": "", "kube-proxy": "", "coredns": "", "metrics-server": ""}

// tellStatus brings the parts' state into the status.
func (p *plane) tellStatus(q *parts) {
	of := q.compute.Status()
	p.board.change(func(s *link.Status) {
		s.Settings = p.settings.get().Revision
		s.Draining, s.Nodegroups, s.Addons = of.Draining, of.Nodegroups, provided
	})
}
