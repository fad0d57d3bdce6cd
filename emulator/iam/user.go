package iam

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is users; their access keys are in access_key.go.

type user struct{ User types.User }

var users = &kind[user]{
	table:  store.NewTable[user]("iam/user"),
	absent: "The user with name %s cannot be found.",
	taken:  "User with name %s already exists.",
	tags:   func(u *user) *[]types.Tag { return &u.User.Tags },
}

// CreateUser makes a user.
func (a *API) CreateUser(ctx context.Context, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	out := &iam.CreateUserOutput{}
	err = a.update(ctx, func(tx *store.Tx, h home) error {
		limits, err := boundary(tx, h, in.PermissionsBoundary)
		if err != nil {
			return err
		}
		u := &user{newUser(h, pathOf(in.Path), *in.UserName, newID("AIDA"))}
		u.User.CreateDate, u.User.Tags, u.User.PermissionsBoundary = seconds(tx), tags, limits
		out.User = &u.User
		return users.add(tx, h.key(*in.UserName), *in.UserName, u)
	})
	return out, err
}

func newUser(h home, path, name, id string) types.User {
	return types.User{UserName: &name, UserId: &id, Path: &path, Arn: aws.String(h.arn("user", path, name))}
}

// GetUser shows a user, the caller when none is named.
func (a *API) GetUser(ctx context.Context, in *iam.GetUserInput) (*iam.GetUserOutput, error) {
	if in.UserName == nil {
		return a.getCaller(ctx)
	}
	out := &iam.GetUserOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		u, err := users.get(tx, h.key(*in.UserName), *in.UserName)
		if err == nil {
			out.User = &u.User
		}
		return err
	})
	return out, err
}

// getCaller shows the calling user. One that nobody has made is made now. The
// root user, who calls with the account as access key, has no name.
func (a *API) getCaller(ctx context.Context) (*iam.GetUserOutput, error) {
	out := &iam.GetUserOutput{}
	h, key := homeOf(ctx), apiwire.CallFrom(ctx).AccessKey
	switch {
	case key == "":
		return nil, denied("Request is missing Authentication Token")
	case key == h.account:
		return &iam.GetUserOutput{User: &types.User{UserId: &key, Arn: aws.String(h.arn("root", "", ""))}}, nil
	case strings.HasPrefix(key, "ASIA"):
		return nil, invalid("Must specify userName when calling with non-User credentials")
	}
	err := a.update(ctx, func(tx *store.Tx, h home) error {
		found, err := a.UserOf(tx, h.partition, h.account, key)
		if err != nil {
			return err
		}
		if found.CreateDate == nil {
			found.CreateDate = seconds(tx)
			err = users.add(tx, h.key(key), key, &user{found})
		}
		out.User = &found
		return err
	})
	return out, err
}

// UserOf returns the user behind an access key that is no session's: the one
// that IAM made it for, else the one that is named like it. A user that does
// not exist yet has no CreateDate.
func (a *API) UserOf(tx *store.Tx, partition, account, accessKeyID string) (types.User, error) {
	name := accessKeyID
	k, err := accessKeys.Get(tx, accessKeyID)
	switch {
	case err == nil:
		account, name = k.Value.Account, k.Value.UserName
	case !errors.Is(err, store.ErrNotFound):
		return types.User{}, err
	}
	h := home{partition: partition, account: account}
	u, err := users.table.Get(tx, h.key(name))
	if errors.Is(err, store.ErrNotFound) {
		return newUser(h, "/", name, likelyID(h.key(name))), nil
	}
	return u.Value.User, err
}

// UserNamed returns a user of an account; store.ErrNotFound when there is none.
func (a *API) UserNamed(tx *store.Tx, account, name string) (types.User, error) {
	u, err := users.table.Get(tx, home{account: account}.key(name))
	return u.Value.User, err
}

// likelyID is the id that a user who does not exist yet will have.
func likelyID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "AIDA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// ListUsers lists users.
func (a *API) ListUsers(ctx context.Context, in *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	out := &iam.ListUsersOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := paged(only(users.all(tx, h), func(u *user) bool { return within(u.User.Path, in.PathPrefix) }),
			func(u *user) string { return *u.User.UserName }, in.Marker, in.MaxItems)
		out.IsTruncated, out.Marker = p.truncated, p.marker
		out.Users = mapped(p.items, func(u *user) types.User {
			shown := u.User
			shown.Tags, shown.PermissionsBoundary = nil, nil
			return shown
		})
		return err
	})
	return out, err
}

// DeleteUser removes a user without access keys.
func (a *API) DeleteUser(ctx context.Context, in *iam.DeleteUserInput) (*iam.DeleteUserOutput, error) {
	return &iam.DeleteUserOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		if _, err := users.get(tx, h.key(*in.UserName), *in.UserName); err != nil {
			return err
		}
		n, err := accessKeys.Count(tx, byUser, h.key(*in.UserName))
		if err != nil {
			return err
		}
		if n > 0 {
			return conflict("Cannot delete entity, must delete access keys first.")
		}
		return users.table.Delete(tx, h.key(*in.UserName))
	})
}

// TagUser adds tags to a user.
func (a *API) TagUser(ctx context.Context, in *iam.TagUserInput) (*iam.TagUserOutput, error) {
	return &iam.TagUserOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return users.tag(tx, h.key(*in.UserName), *in.UserName, in.Tags)
	})
}

// UntagUser removes tags from a user.
func (a *API) UntagUser(ctx context.Context, in *iam.UntagUserInput) (*iam.UntagUserOutput, error) {
	return &iam.UntagUserOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return users.untag(tx, h.key(*in.UserName), *in.UserName, in.TagKeys)
	})
}

// ListUserTags lists a user's tags.
func (a *API) ListUserTags(ctx context.Context, in *iam.ListUserTagsInput) (*iam.ListUserTagsOutput, error) {
	out := &iam.ListUserTagsOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := users.tagPage(tx, h.key(*in.UserName), *in.UserName, in.Marker, in.MaxItems)
		out.Tags, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}
