package iam

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is users' access keys.

// accessKey is what is stored, by the key's id.
type accessKey struct {
	Account  string
	UserName string
	Key      types.AccessKey
}

// byUser is the index of access keys by the key of their user.
const byUser = "user"

var accessKeys = store.NewTable("iam/access-key", store.By(byUser, func(_ string, k *accessKey) []string {
	return []string{home{account: k.Account}.key(k.UserName)}
}))

// maxAccessKeys is how many access keys a user has at most.
const maxAccessKeys = 2

// userNamed is the name that a request gives, or the caller's.
func (a *API) userNamed(ctx context.Context, tx *store.Tx, h home, name *string) (string, error) {
	if name != nil {
		return *name, nil
	}
	u, err := a.UserOf(tx, h.partition, h.account, apiwire.CallFrom(ctx).AccessKey)
	return aws.ToString(u.UserName), err
}

// CreateAccessKey makes an access key of a user; its secret is told only now.
func (a *API) CreateAccessKey(ctx context.Context, in *iam.CreateAccessKeyInput) (*iam.CreateAccessKeyOutput, error) {
	out := &iam.CreateAccessKeyOutput{}
	err := a.update(ctx, func(tx *store.Tx, h home) error {
		name, err := a.userNamed(ctx, tx, h, in.UserName)
		if err != nil {
			return err
		}
		u, err := users.get(tx, h.key(name), name)
		if err != nil {
			return err
		}
		n, err := accessKeys.Count(tx, byUser, h.key(name))
		if err != nil {
			return err
		}
		if n >= maxAccessKeys {
			return limit("Cannot exceed quota for AccessKeysPerUser: %d", maxAccessKeys)
		}
		secret := make([]byte, 30)
		rand.Read(secret)
		k := types.AccessKey{
			AccessKeyId: aws.String(newID("AKIA")[:20]), SecretAccessKey: aws.String(base64.StdEncoding.EncodeToString(secret)),
			Status: types.StatusTypeActive, UserName: u.User.UserName, CreateDate: seconds(tx),
		}
		out.AccessKey = &k
		return accessKeys.Insert(tx, *k.AccessKeyId, &accessKey{Account: h.account, UserName: *u.User.UserName, Key: k})
	})
	return out, err
}

// ListAccessKeys lists a user's access keys without their secrets.
func (a *API) ListAccessKeys(ctx context.Context, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	out := &iam.ListAccessKeysOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		name, err := a.userNamed(ctx, tx, h, in.UserName)
		if err != nil {
			return err
		}
		if _, err := users.get(tx, h.key(name), name); err != nil {
			return err
		}
		p, err := paged(values(accessKeys.By(tx, byUser, h.key(name), store.Range{})), func(k *accessKey) string { return *k.Key.AccessKeyId }, in.Marker, in.MaxItems)
		out.IsTruncated, out.Marker = p.truncated, p.marker
		out.AccessKeyMetadata = mapped(p.items, func(k *accessKey) types.AccessKeyMetadata {
			return types.AccessKeyMetadata{AccessKeyId: k.Key.AccessKeyId, CreateDate: k.Key.CreateDate, Status: k.Key.Status, UserName: k.Key.UserName}
		})
		return err
	})
	return out, err
}

// UpdateAccessKey makes an access key active or inactive.
func (a *API) UpdateAccessKey(ctx context.Context, in *iam.UpdateAccessKeyInput) (*iam.UpdateAccessKeyOutput, error) {
	return &iam.UpdateAccessKeyOutput{}, a.changeKey(ctx, *in.AccessKeyId, in.UserName, func(tx *store.Tx, k *accessKey) error {
		k.Key.Status = in.Status
		return accessKeys.Put(tx, *in.AccessKeyId, k)
	})
}

// DeleteAccessKey removes an access key.
func (a *API) DeleteAccessKey(ctx context.Context, in *iam.DeleteAccessKeyInput) (*iam.DeleteAccessKeyOutput, error) {
	return &iam.DeleteAccessKeyOutput{}, a.changeKey(ctx, *in.AccessKeyId, in.UserName, func(tx *store.Tx, _ *accessKey) error {
		return accessKeys.Delete(tx, *in.AccessKeyId)
	})
}

// changeKey finds an access key of a user and does something with it.
func (a *API) changeKey(ctx context.Context, id string, owner *string, fn func(tx *store.Tx, k *accessKey) error) error {
	return a.update(ctx, func(tx *store.Tx, h home) error {
		name, err := a.userNamed(ctx, tx, h, owner)
		if err != nil {
			return err
		}
		k, err := accessKeys.Get(tx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && (k.Value.Account != h.account || h.key(k.Value.UserName) != h.key(name)) {
			return noSuch("The Access Key with id %s cannot be found.", id)
		}
		if err != nil {
			return err
		}
		return fn(tx, &k.Value)
	})
}

// AccessKey returns an access key of any account, with its secret;
// store.ErrNotFound when there is none.
func (a *API) AccessKey(tx *store.Tx, id string) (account string, key types.AccessKey, err error) {
	k, err := accessKeys.Get(tx, id)
	return k.Value.Account, k.Value.Key, err
}
