// Package boxes keeps what the emulator tells of a cluster's sandboxes, so that
// whoever needs one asks a map instead of the link. One watcher serves the whole
// process: the scheduler waits for addresses by it, and the pod worker writes
// statuses by it.
//
// What is kept may be a moment old, and while the link is broken it is as old
// as the break. Nothing is forgotten by a break: a sandbox is gone when the
// emulator said so, or did not name it in a listing after the break.
//
// Most sandboxes are pods. A node group's node has one too, without any
// container, so that its address is its own; those are told apart by NodeLabel
// and have methods of their own, so that nobody takes them for stray pods.
package boxes

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// How long the watcher waits before it watches again: doubled with every
// attempt that did not come as far as a listing.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
)

// NodeLabel is the label, in Spec.Labels, of a sandbox that stands for a node:
// its value is the node group.
const NodeLabel = "eks.amazonaws.com/nodegroup"

var errEnded = errors.New("the watch has ended")

// Boxes are the cluster's sandboxes, by ID.
type Boxes struct {
	parent link.Sandboxes
	log    zerolog.Logger
	synced chan struct{}

	mu            sync.RWMutex
	all           map[string]box
	pods, holders []func(id string) // listeners
	freed         []func(subnet string)
	once          sync.Once // closes synced
}

type box struct {
	sandbox *sandbox.Sandbox
	status  string
	node    bool
}

// New returns Boxes that know nothing until Run.
func New(parent link.Sandboxes, log zerolog.Logger) *Boxes {
	return &Boxes{parent: parent, log: log, synced: make(chan struct{}), all: map[string]box{}}
}

// Get returns a pod's sandbox as it was told last. It is shared: nobody changes
// it.
func (b *Boxes) Get(id string) (*sandbox.Sandbox, bool) { return b.get(id, false) }

// Node is Get for the sandbox of a node.
func (b *Boxes) Node(id string) (*sandbox.Sandbox, bool) { return b.get(id, true) }

// Status returns sandbox.LastStatus of a sandbox, "" when there is none.
func (b *Boxes) Status(id string) string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.all[id].status
}

// IDs returns the IDs of all pods' sandboxes, in order.
func (b *Boxes) IDs() []string { return b.ids(false) }

// NodeIDs is IDs for the sandboxes of nodes.
func (b *Boxes) NodeIDs() []string { return b.ids(true) }

func (b *Boxes) get(id string, node bool) (*sandbox.Sandbox, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	v, ok := b.all[id]
	if !ok || v.node != node {
		return nil, false
	}
	return v.sandbox, true
}

func (b *Boxes) ids(node bool) []string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	ids := make([]string, 0, len(b.all))
	for id, v := range b.all {
		if v.node == node {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Synced is closed once the first listing is complete: from then on, what Get
// does not find does not exist.
func (b *Boxes) Synced() <-chan struct{} { return b.synced }

// OnChange has f called with the ID of each pod's sandbox that came, changed or
// went, after Get shows it. It is called on the watcher's goroutine, in order,
// and must not block. Changes from before OnChange are not told.
func (b *Boxes) OnChange(f func(id string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pods = append(b.pods, f)
}

// OnNode is OnChange for the sandboxes of nodes.
func (b *Boxes) OnNode(f func(id string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holders = append(b.holders, f)
}

// OnFreed has f called with a subnet whenever somebody's address in it came
// free, whoever that is. It is called like OnChange's; what comes free while the
// link is broken is not told.
func (b *Boxes) OnFreed(f func(subnet string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.freed = append(b.freed, f)
}

// Run watches until ctx ends, and watches anew when the link breaks.
func (b *Boxes) Run(ctx context.Context) {
	wait := firstWait
	for {
		listed, err := b.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		if listed {
			wait = firstWait
		}
		b.log.Warn().Err(err).Dur("wait", wait).Msg("the watch of sandboxes broke")
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, lastWait)
	}
}

// watch follows one watch to its end and tells whether it came as far as a
// complete listing.
func (b *Boxes) watch(ctx context.Context) (listed bool, err error) {
	named := map[string]bool{} // in this watch's listing
	for e, err := range b.parent.Watch(ctx) {
		switch {
		case err != nil:
			return listed, err
		case e.Synced:
			b.forget(named)
			listed, named = true, nil
			b.once.Do(func() { close(b.synced) })
		case e.Freed != "":
			b.mu.RLock()
			listeners := b.freed
			b.mu.RUnlock()
			for _, f := range listeners {
				f(e.Freed)
			}
		default:
			if !listed {
				named[e.ID] = e.Sandbox != nil
			}
			b.take(e)
		}
	}
	return listed, errEnded
}

// take keeps what an event tells.
func (b *Boxes) take(e link.SandboxEvent) {
	b.mu.Lock()
	node := b.all[e.ID].node
	if e.Sandbox == nil {
		delete(b.all, e.ID)
	} else {
		node = e.Sandbox.Spec.Labels[NodeLabel] != ""
		b.all[e.ID] = box{e.Sandbox, e.Status, node}
	}
	listeners := b.pods
	if node {
		listeners = b.holders
	}
	b.mu.Unlock()
	for _, f := range listeners {
		f(e.ID)
	}
}

// forget drops what a complete listing has not named: it went while nobody
// watched.
func (b *Boxes) forget(named map[string]bool) {
	for _, id := range slices.Concat(b.IDs(), b.NodeIDs()) {
		if !named[id] {
			b.take(link.SandboxEvent{ID: id})
		}
	}
}
