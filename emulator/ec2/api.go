package ec2

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// API answers EC2's operations.
type API struct {
	store    *store.Store
	attached Attached
}

// Config is what an API stands on.
type Config struct {
	Store *store.Store
	// Attached shows the network interfaces of tasks and pods; nil when there
	// are none.
	Attached Attached
}

// Attached shows network interfaces that others own. Scope is
// "account/region".
type Attached interface {
	Interfaces(tx *store.Tx, scope string) ([]types.NetworkInterface, error)
}

// New returns an API. It starts nothing.
func New(c Config) *API {
	return &API{store: c.Store, attached: c.Attached}
}

// Ensure makes the default VPC of a scope ("account/region") unless the scope
// has had one before. Operations do so themselves. Who reads EC2's records in
// a transaction of its own and wants to see the default VPC calls it before;
// it is not needed for ids that a client got from EC2.
func (a *API) Ensure(ctx context.Context, scope string) error {
	p := parsePlace(scope)
	err := a.store.View(ctx, func(tx *store.Tx) error { return p.entered(tx) })
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return a.store.Update(ctx, by(ctx), func(tx *store.Tx) error { return p.enter(tx) })
}

// view runs fn on a snapshot in which the caller's default VPC is there.
func (a *API) view(ctx context.Context, dryRun *bool, fn func(tx *store.Tx, p place) error) error {
	p := placeOf(ctx)
	if err := a.Ensure(ctx, p.scope()); err != nil {
		return err
	}
	return a.store.View(ctx, func(tx *store.Tx) error {
		if err := fn(tx, p); err != nil {
			return err
		}
		return dry(dryRun)
	})
}

// update runs fn in a transaction in which the caller's default VPC is there.
// A dry run does everything and takes it back.
func (a *API) update(ctx context.Context, dryRun *bool, fn func(tx *store.Tx, p place) error) error {
	return a.store.Update(ctx, by(ctx), func(tx *store.Tx) error {
		p := placeOf(ctx)
		if err := p.enter(tx); err != nil {
			return err
		}
		if err := fn(tx, p); err != nil {
			return err
		}
		return dry(dryRun)
	})
}

// by names the cause of a change for the feed.
func by(ctx context.Context) string {
	if c := apiwire.CallFrom(ctx); c.Operation != "" {
		return c.By()
	}
	return "ec2"
}

func dry(dryRun *bool) error {
	if dryRun != nil && *dryRun {
		return &Error{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: 412}
	}
	return nil
}
