package fargate_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// parent is an emulator whose sandboxes get an address at once, unless told
// otherwise, and stop at once.
type parent struct {
	link.Sandboxes // the rest is never called
	mu             sync.Mutex
	all            map[string]*sandbox.Sandbox
	feed           []link.SandboxEvent
	more           chan struct{}  // closed and replaced with each event
	next           map[string]int // last byte of the next address, by subnet
	created        []sandbox.Spec
	removed        []string

	// What goes wrong: creating fails, a sandbox has trouble, or ends at once.
	refuse  error
	trouble string
	end     func(sandbox.Spec) string
	slow    bool // no addresses until give
	early   bool // addresses are told, and nothing is up until rise
}

func newParent() *parent {
	return &parent{all: map[string]*sandbox.Sandbox{}, more: make(chan struct{}), next: map[string]int{}}
}

func (p *parent) CreateSandbox(_ context.Context, s sandbox.Spec) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		return p.refuse
	}
	if p.all[s.ID] != nil {
		return nil
	}
	p.created = append(p.created, s)
	b := &sandbox.Sandbox{Spec: s, CreatedAt: time.Now()}
	p.tell(b)
	switch {
	case p.end != nil && p.end(s) != "":
		b.Desired = sandbox.Desired{Stopped: true, Code: sandbox.CodeFailedToStart, Reason: p.end(s)}
		b.Status.Falling = true
		p.tell(b)
	case p.trouble != "":
		b.Status.Trouble, b.Status.Tries = p.trouble, 2
		p.tell(b)
	case !p.slow:
		p.address(b)
	}
	return nil
}

// address gives a sandbox the next address of its subnet, 10.0.N.10 and on.
func (p *parent) address(b *sandbox.Sandbox) {
	subnet := b.Spec.Network.Subnet
	b.Status.Trouble = ""
	if !p.early {
		b.Status.Height = 1
	}
	b.Status.Address = &sandbox.Address{IP: fmt.Sprintf("10.0.%s.%d", subnet[len("subnet-"):], 10+p.next[subnet])}
	p.next[subnet]++
	p.tell(b)
}

// give has all sandboxes get their addresses.
func (p *parent) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow, p.trouble, p.refuse, p.end = false, "", nil, nil
	for _, b := range p.all {
		if b.Status.Address == nil && !b.Desired.Stopped {
			p.address(b)
		}
	}
}

// rise has all sandboxes be up that have their addresses.
func (p *parent) rise() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.early = false
	for _, b := range p.all {
		if b.Status.Height == 0 && b.Status.Address != nil && !b.Desired.Stopped {
			b.Status.Height = 1
			p.tell(b)
		}
	}
}

// set changes what goes wrong.
func (p *parent) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *parent) StopSandbox(_ context.Context, id, code, reason string, _ *time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.all[id]
	if b == nil || b.Desired.Stopped {
		return nil
	}
	b.Desired = sandbox.Desired{Stopped: true, Code: code, Reason: reason}
	p.tell(b)
	b.Status.Falling, b.Status.Height = true, 0
	p.tell(b)
	return nil
}

func (p *parent) RemoveSandbox(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.all[id]
	if b == nil {
		return nil
	}
	if !b.IsStopped() {
		return link.ErrConflict
	}
	delete(p.all, id)
	p.removed = append(p.removed, id)
	p.event(link.SandboxEvent{ID: id})
	return nil
}

func (p *parent) specs() []sandbox.Spec {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]sandbox.Spec(nil), p.created...)
}

func (p *parent) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}

func (p *parent) tell(b *sandbox.Sandbox) {
	p.all[b.Spec.ID] = b
	shown := *b
	p.event(link.SandboxEvent{ID: b.Spec.ID, Sandbox: &shown, Status: sandbox.LastStatus(b)})
}

func (p *parent) event(e link.SandboxEvent) {
	p.feed = append(p.feed, e)
	close(p.more)
	p.more = make(chan struct{})
}

// Watch plays all that has ever happened, which is a listing too.
func (p *parent) Watch(ctx context.Context) iter.Seq2[link.SandboxEvent, error] {
	return func(yield func(link.SandboxEvent, error) bool) {
		p.mu.Lock()
		at, listed := 0, len(p.feed)
		p.mu.Unlock()
		for {
			if at == listed && !yield(link.SandboxEvent{Synced: true}, nil) {
				return
			}
			p.mu.Lock()
			more := p.more
			var e *link.SandboxEvent
			if at < len(p.feed) {
				e = &p.feed[at]
			}
			p.mu.Unlock()
			if e != nil {
				at++
				if at > listed {
					listed = -1
				}
				if !yield(*e, nil) {
					return
				}
				continue
			}
			if at == listed {
				listed = -1
			}
			select {
			case <-more:
			case <-ctx.Done():
				yield(link.SandboxEvent{}, errors.New("broken"))
				return
			}
		}
	}
}
