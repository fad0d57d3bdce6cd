package controlplane

import (
	"context"
	"reflect"
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

// change edits the status. Maps and slices in it are replaced, never changed:
// those who watch hold them.
func (b *board) change(edit func(*link.Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.status
	edit(&b.status)
	if reflect.DeepEqual(was, b.status) {
		return
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// progress tells what is being done.
func (b *board) progress(text string) {
	b.change(func(s *link.Status) { s.Progress = text })
}

// unkept tells why nothing that is written is kept, "" when it is.
func (b *board) unkept(why string) {
	b.change(func(s *link.Status) { s.Unkept = why })
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

// tellStatus brings the parts' state into the status.
func (p *plane) tellStatus(q *parts) {
	of, addons := q.compute.Status(), p.provided(q)
	p.board.change(func(s *link.Status) {
		s.Settings = p.inForce.Load()
		s.Draining, s.Nodegroups, s.Stuck, s.Addons = of.Draining, of.Nodegroups, of.Stuck, addons
	})
}
