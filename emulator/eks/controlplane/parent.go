package controlplane

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// parent is what one control plane may ask of the emulator. It reaches the
// sandboxes of its own cluster, which are those whose Spec.Group is the
// cluster's ARN; all others are not there for it.
type parent struct {
	store     *store.Store
	runtime   sandbox.Runtime
	arn       string
	tokens    *verifier
	balancers *balancers
}

var _ link.Parent = (*parent)(nil)

func newParent(p *Planes, at place, name string) *parent {
	c := &p.config
	return &parent{
		store: c.Store, runtime: c.Runtime, arn: at.arn,
		tokens:    &verifier{cluster: name, tokens: c.Tokens, own: c.OwnHost, now: time.Now},
		balancers: newBalancers(c.Addresses, at, c.Runtime, c.Log),
	}
}

func (p *parent) close() { p.balancers.close() }

// by names this control plane in the change feed.
func (p *parent) by(what string) string {
	return "neargate-kube " + p.arn[strings.LastIndexByte(p.arn, '/')+1:] + ": " + what
}

// update runs fn in a transaction and gives its error the link's kind.
func (p *parent) update(ctx context.Context, what string, fn func(*store.Tx) error) error {
	return kindOf(p.store.Update(ctx, p.by(what), fn))
}

// kindOf gives errors of the store and the engine the link's kinds.
func kindOf(err error) error {
	var stop *sandbox.StopError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%w: %w", link.ErrNotFound, err)
	case errors.Is(err, sandbox.ErrRunning), errors.Is(err, sandbox.ErrStopping), errors.Is(err, sandbox.ErrOpen), errors.Is(err, store.ErrExists):
		return fmt.Errorf("%w: %w", link.ErrConflict, err)
	case errors.As(err, &stop):
		return fmt.Errorf("%w: %w", link.ErrInvalid, err)
	}
	return err
}

// get reads a sandbox of this cluster; link.ErrNotFound for those of others.
func (p *parent) get(tx *store.Tx, id string) (*sandbox.Sandbox, error) {
	s, err := sandbox.Get(tx, id)
	if err != nil {
		return nil, fmt.Errorf("sandbox %s: %w", id, err)
	}
	if s.Spec.Group != p.arn {
		return nil, fmt.Errorf("sandbox %s: %w", id, store.ErrNotFound)
	}
	return s, nil
}

// mine checks that a sandbox is this cluster's.
func (p *parent) mine(ctx context.Context, id string) error {
	return kindOf(p.store.View(ctx, func(tx *store.Tx) error {
		_, err := p.get(tx, id)
		return err
	}))
}

// CreateSandbox implements [link.Sandboxes].
func (p *parent) CreateSandbox(ctx context.Context, s sandbox.Spec) error {
	if err := p.check(&s); err != nil {
		return err
	}
	return p.update(ctx, "CreateSandbox", func(tx *store.Tx) error {
		switch was, err := sandbox.Get(tx, s.ID); {
		case err == nil && was.Spec.Group != p.arn:
			return fmt.Errorf("sandbox %s is not this cluster's: %w", s.ID, link.ErrConflict)
		case err == nil:
			return nil
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		return sandbox.Create(tx, s)
	})
}

// check refuses a sandbox that would not be this cluster's.
func (p *parent) check(s *sandbox.Spec) error {
	switch {
	case s.Group != p.arn:
		return fmt.Errorf("sandbox %s is for %q, not this cluster: %w", s.ID, s.Group, link.ErrInvalid)
	case !strings.HasPrefix(s.Owner, p.arn+"/"):
		return fmt.Errorf("sandbox %s is owned by %q, no pod of this cluster: %w", s.ID, s.Owner, link.ErrInvalid)
	case s.Network.Cluster != nil && s.Network.Cluster.Name != p.arn:
		return fmt.Errorf("sandbox %s is in the network of %q, not this cluster's: %w", s.ID, s.Network.Cluster.Name, link.ErrInvalid)
	}
	return nil
}

// updateMine is update for what is done to a sandbox of this cluster.
func (p *parent) updateMine(ctx context.Context, operation, id string, f func(tx *store.Tx) error) error {
	return p.update(ctx, operation, func(tx *store.Tx) error {
		if _, err := p.get(tx, id); err != nil {
			return err
		}
		return f(tx)
	})
}

// CompleteSandbox implements [link.Sandboxes].
func (p *parent) CompleteSandbox(ctx context.Context, id string, c link.Completion) error {
	return p.updateMine(ctx, "CompleteSandbox", id, func(tx *store.Tx) error {
		return sandbox.Complete(tx, id, sandbox.Completion(c))
	})
}

// AddContainer implements [link.Containers].
func (p *parent) AddContainer(ctx context.Context, id string, c sandbox.Container) error {
	return p.updateMine(ctx, "AddContainer", id, func(tx *store.Tx) error {
		return sandbox.AddContainer(tx, id, c)
	})
}

// ConfigureContainer implements [link.Containers].
func (p *parent) ConfigureContainer(ctx context.Context, id, name string, c link.Configuration) error {
	return p.updateMine(ctx, "ConfigureContainer", id, func(tx *store.Tx) error {
		return sandbox.Configure(tx, id, name, sandbox.Configuration(c))
	})
}

// ResizeContainer implements [link.Containers].
func (p *parent) ResizeContainer(ctx context.Context, id, name string, r sandbox.Resources) error {
	return p.updateMine(ctx, "ResizeContainer", id, func(tx *store.Tx) error {
		return sandbox.Resize(tx, id, name, r)
	})
}

// RestartContainer implements [link.Containers].
func (p *parent) RestartContainer(ctx context.Context, id, name string, attempt int, reason string) error {
	return p.updateMine(ctx, "RestartContainer", id, func(tx *store.Tx) error {
		return sandbox.Again(tx, id, name, attempt, reason)
	})
}

// StopSandbox implements [link.Sandboxes].
func (p *parent) StopSandbox(ctx context.Context, id, code, reason string, grace *time.Duration) error {
	return p.update(ctx, "StopSandbox", func(tx *store.Tx) error {
		switch _, err := p.get(tx, id); {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
		return sandbox.Stop(tx, id, sandbox.Desired{Code: code, Reason: reason, Grace: grace, Held: grace == nil})
	})
}

// RemoveSandbox implements [link.Sandboxes].
func (p *parent) RemoveSandbox(ctx context.Context, id string) error {
	return p.update(ctx, "RemoveSandbox", func(tx *store.Tx) error {
		switch _, err := p.get(tx, id); {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
		return sandbox.Remove(tx, id)
	})
}

// Authenticate implements [link.Parent].
func (p *parent) Authenticate(ctx context.Context, token string) (link.Identity, error) {
	return p.tokens.verify(ctx, token)
}

// SetServices implements [link.Parent].
func (p *parent) SetServices(ctx context.Context, t sandbox.ServiceTable) error {
	n, ok := p.runtime.(sandbox.ServiceNetwork)
	if !ok {
		return p.cannot("let pods reach Services")
	}
	return n.SetServices(ctx, p.arn, t)
}

// SetLoadBalancers implements [link.Parent].
func (p *parent) SetLoadBalancers(_ context.Context, all []link.LoadBalancer) ([]link.LoadBalancerStatus, error) {
	return p.balancers.set(all)
}

// cannot is for what a runtime has no way to do.
func (p *parent) cannot(what string) error {
	return fmt.Errorf("this runtime cannot %s: %w", what, link.ErrInvalid)
}
