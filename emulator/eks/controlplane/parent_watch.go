package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// Watch implements [link.Sandboxes]: what is there and from which revision
// changes are followed come from one transaction, so that none is missed.
func (p *parent) Watch(ctx context.Context) iter.Seq2[link.SandboxEvent, error] {
	return func(yield func(link.SandboxEvent, error) bool) {
		all, since, err := p.list(ctx)
		if err != nil {
			yield(link.SandboxEvent{}, err)
			return
		}
		for _, s := range all {
			if !yield(eventOf(s), nil) {
				return
			}
		}
		if !yield(link.SandboxEvent{Synced: true}, nil) {
			return
		}
		p.follow(ctx, since, yield)
	}
}

// list reads the cluster's sandboxes, which all readers share.
func (p *parent) list(ctx context.Context) (all []*sandbox.Sandbox, since int64, err error) {
	err = p.store.View(ctx, func(tx *store.Tx) error {
		since = tx.Revision()
		for _, stopped := range []bool{false, true} {
			for id, err := range sandbox.Desiring(tx, p.arn, stopped, "") {
				if err != nil {
					return err
				}
				s, err := sandbox.Get(tx, id)
				if err != nil {
					return err
				}
				all = append(all, s)
			}
		}
		return nil
	})
	return all, since, err
}

func (p *parent) follow(ctx context.Context, since int64, yield func(link.SandboxEvent, error) bool) {
	mark := groupMark(p.arn)
	for changes, err := range p.store.Watch(ctx, since, sandbox.Sandboxes.Kind()) {
		if err != nil {
			yield(link.SandboxEvent{}, err)
			return
		}
		for _, c := range changes {
			e, ours, err := eventOfChange(c, p.arn, mark)
			if (ours || err != nil) && !yield(e, err) {
				return
			}
			if subnet := freed(c); subnet != "" && !yield(link.SandboxEvent{Freed: subnet}, nil) {
				return
			}
		}
	}
}

// groupMark is what the body of every sandbox of a group holds, and few others.
// The feed carries the changes of all tasks and pods, so that bodies are looked
// at before they are decoded.
func groupMark(group string) []byte { return []byte(`"Group":"` + group + `"`) }

// eventOfChange tells what a change of a sandbox means to a cluster, if
// anything.
func eventOfChange(c store.Change, group string, mark []byte) (e link.SandboxEvent, ours bool, err error) {
	body := c.After
	if body == nil {
		body = c.Before
	}
	if !bytes.Contains(body, mark) {
		return e, false, nil
	}
	s := new(sandbox.Sandbox)
	if err := json.Unmarshal(body, s); err != nil {
		return e, false, err
	}
	switch {
	case s.Spec.Group != group:
		return e, false, nil
	case c.After == nil:
		return link.SandboxEvent{ID: c.Key}, true, nil
	}
	return eventOf(s), true, nil
}

// freed is the subnet in which a change of a sandbox, whoever it belongs to, has
// set an address free; "" when it has not. That happens once in the life of a
// sandbox, so that no more than that is decoded.
func freed(c store.Change) string {
	if !holdsAddress(c.Before) || holdsAddress(c.After) {
		return ""
	}
	var s sandbox.Sandbox
	if json.Unmarshal(c.Before, &s) != nil { // a body that cannot be read is told of elsewhere
		return ""
	}
	return s.Spec.Network.Subnet
}

// holdsAddress tells of a sandbox's body, without decoding it, whether its
// network is there: it has an address, and has not come to its end.
func holdsAddress(body []byte) bool {
	return bytes.Contains(body, addressMark) && !bytes.Contains(body, stoppedMark)
}

var addressMark, stoppedMark = []byte(`"Address":{"IP":`), []byte(`"StoppedAt":`)

func eventOf(s *sandbox.Sandbox) link.SandboxEvent {
	return link.SandboxEvent{ID: s.Spec.ID, Sandbox: s, Status: sandbox.LastStatus(s)}
}
