package iam

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file changes roles.

// seconds is the time of a transaction as IAM keeps it.
func seconds(tx *store.Tx) *time.Time { return aws.Time(tx.Now().Truncate(time.Second)) }

// changeRole changes a role that users may change.
func (a *API) changeRole(ctx context.Context, name string, fn func(tx *store.Tx, h home, r *role) error) error {
	return a.update(ctx, func(tx *store.Tx, h home) error {
		return roles.change(tx, h.key(name), name, func(r *role) error {
			if err := modifiable(r); err != nil {
				return err
			}
			return fn(tx, h, r)
		})
	})
}

// modifiable refuses the roles of AWS's services.
func modifiable(r *role) error {
	if !isServiceLinked(r) {
		return nil
	}
	return &Error{&types.UnmodifiableEntityException{Message: aws.String("Cannot perform the operation on the protected role '" + roleName(r) +
		"' - this role is only modifiable by AWS")}, http.StatusBadRequest}
}

func isServiceLinked(r *role) bool { return strings.HasPrefix(*r.Role.Path, servicePath) }

// UpdateRole changes description and longest session. A description that is not
// given stays, a duration that is not given becomes an hour, as in AWS.
func (a *API) UpdateRole(ctx context.Context, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	err := a.changeRole(ctx, *in.RoleName, func(_ *store.Tx, _ home, r *role) error {
		if in.Description != nil {
			r.Role.Description = in.Description
		}
		r.Role.MaxSessionDuration = aws.Int32(defaultSession)
		if in.MaxSessionDuration != nil {
			r.Role.MaxSessionDuration = in.MaxSessionDuration
		}
		return nil
	})
	return &iam.UpdateRoleOutput{}, err
}

// UpdateRoleDescription changes a role's description.
func (a *API) UpdateRoleDescription(ctx context.Context, in *iam.UpdateRoleDescriptionInput) (*iam.UpdateRoleDescriptionOutput, error) {
	out := &iam.UpdateRoleDescriptionOutput{}
	err := a.update(ctx, func(tx *store.Tx, h home) error {
		return roles.change(tx, h.key(*in.RoleName), *in.RoleName, func(r *role) error {
			r.Role.Description = in.Description
			out.Role = shownRole(r)
			return nil
		})
	})
	return out, err
}

// UpdateAssumeRolePolicy replaces a role's trust policy.
func (a *API) UpdateAssumeRolePolicy(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	if err := checkTrustDocument(*in.PolicyDocument); err != nil {
		return nil, err
	}
	err := a.changeRole(ctx, *in.RoleName, func(_ *store.Tx, _ home, r *role) error {
		r.Role.AssumeRolePolicyDocument = in.PolicyDocument
		return nil
	})
	return &iam.UpdateAssumeRolePolicyOutput{}, err
}

// PutRolePermissionsBoundary sets the policy that limits a role.
func (a *API) PutRolePermissionsBoundary(ctx context.Context, in *iam.PutRolePermissionsBoundaryInput) (*iam.PutRolePermissionsBoundaryOutput, error) {
	err := a.changeRole(ctx, *in.RoleName, func(tx *store.Tx, h home, r *role) (err error) {
		r.Role.PermissionsBoundary, err = boundary(tx, h, in.PermissionsBoundary)
		return err
	})
	return &iam.PutRolePermissionsBoundaryOutput{}, err
}

// DeleteRolePermissionsBoundary takes the limit away.
func (a *API) DeleteRolePermissionsBoundary(ctx context.Context, in *iam.DeleteRolePermissionsBoundaryInput) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
	err := a.changeRole(ctx, *in.RoleName, func(_ *store.Tx, _ home, r *role) error {
		if r.Role.PermissionsBoundary == nil {
			return noSuch("The role with name %s does not have a permissions boundary.", *in.RoleName)
		}
		r.Role.PermissionsBoundary = nil
		return nil
	})
	return &iam.DeleteRolePermissionsBoundaryOutput{}, err
}

// TagRole adds tags to a role.
func (a *API) TagRole(ctx context.Context, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	return &iam.TagRoleOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return roles.tag(tx, h.key(*in.RoleName), *in.RoleName, in.Tags)
	})
}

// UntagRole removes tags from a role.
func (a *API) UntagRole(ctx context.Context, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	return &iam.UntagRoleOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return roles.untag(tx, h.key(*in.RoleName), *in.RoleName, in.TagKeys)
	})
}

// ListRoleTags lists a role's tags.
func (a *API) ListRoleTags(ctx context.Context, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	out := &iam.ListRoleTagsOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := roles.tagPage(tx, h.key(*in.RoleName), *in.RoleName, in.Marker, in.MaxItems)
		out.Tags, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}
