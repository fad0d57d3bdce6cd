package iam

import (
	"context"
	"strings"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// API answers IAM's operations.
type API struct {
	store *store.Store
}

// Config is what an API stands on.
type Config struct {
	Store *store.Store
}

// New returns an API. It starts nothing.
func New(c Config) *API {
	return &API{store: c.Store}
}

// home is the account that a call is about.
type home struct{ partition, account string }

func homeOf(ctx context.Context) home {
	c := apiwire.CallFrom(ctx)
	return home{partition: c.Partition, account: c.Account}
}

// arn is the ARN of a resource of the account.
func (h home) arn(kind, path, name string) string {
	return apiwire.ARN{Partition: h.partition, Service: "iam", Account: h.account, Resource: kind + path + name}.String()
}

// prefix begins the keys of all the account's records.
func (h home) prefix() string { return h.account + "/" }

// key is the key of a named record. Names differ in more than case.
func (h home) key(name string) string { return h.prefix() + strings.ToLower(name) }

func (a *API) view(ctx context.Context, fn func(tx *store.Tx, h home) error) error {
	return a.store.View(ctx, func(tx *store.Tx) error { return fn(tx, homeOf(ctx)) })
}

func (a *API) update(ctx context.Context, fn func(tx *store.Tx, h home) error) error {
	return a.store.Update(ctx, apiwire.CallFrom(ctx).By(), func(tx *store.Tx) error { return fn(tx, homeOf(ctx)) })
}
