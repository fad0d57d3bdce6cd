package sts

import (
	"context"

	iam "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// API answers STS's operations.
type API struct {
	store   *store.Store
	iam     IAM
	static  map[string]string
	account string
	keys    func(ctx context.Context, issuer string) ([]byte, error)
}

// Config is what an API stands on.
type Config struct {
	Store *store.Store
	IAM   IAM
	// Static are the secrets of access keys that are neither IAM's nor of a
	// session. Nil means that the key "test" and every 12-digit key have the
	// secret "test".
	Static map[string]string
	// Account is that of access keys which say nothing of theirs; "" means
	// 000000000000.
	Account string
	// Keys returns the keys of an OpenID Connect issuer (https://…), a JWKS. It
	// is not called within a transaction. store.ErrNotFound: they are not known,
	// as with every issuer when Keys is nil.
	Keys func(ctx context.Context, issuer string) (jwks []byte, err error)
}

// IAM is what STS asks of IAM. Absence is store.ErrNotFound.
type IAM interface {
	// RoleOf returns a role of an account by name, its trust policy as plain
	// JSON.
	RoleOf(tx *store.Tx, account, name string) (iam.Role, error)
	// UserOf returns the user behind an access key that is no session's; there
	// is always one.
	UserOf(tx *store.Tx, partition, account, accessKeyID string) (iam.User, error)
	// AccessKey returns an access key of any account, with its secret.
	AccessKey(tx *store.Tx, id string) (account string, key iam.AccessKey, err error)
	// ProviderClients returns the client ids (audiences) of an account's OpenID
	// Connect provider for an issuer, given without its scheme.
	ProviderClients(tx *store.Tx, account, issuer string) ([]string, error)
}

// New returns an API. It starts nothing.
func New(c Config) *API {
	if c.Account == "" {
		c.Account = "000000000000"
	}
	return &API{store: c.Store, iam: c.IAM, static: c.Static, account: c.Account, keys: c.Keys}
}

// update runs fn in a transaction that is caused by the call in ctx.
func (a *API) update(ctx context.Context, fn func(tx *store.Tx, c apiwire.Call) error) error {
	c := apiwire.CallFrom(ctx)
	return a.store.Update(ctx, c.By(), func(tx *store.Tx) error { return fn(tx, c) })
}
