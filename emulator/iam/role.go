package iam

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes, shows and removes roles. How they are changed is in
// role_update.go, which policies they have in attachment.go and
// inline_policy.go, those of AWS's services in service_linked_role.go.

// role is what is stored; the trust policy is as it came, not encoded.
type role struct {
	Role     types.Role
	Inline   map[string]string // documents by name
	Attached []string          // ARNs of managed policies
}

// byPolicy is the index of holders by the policies attached to them.
const byPolicy = "policy"

var roles = &kind[role]{
	table: store.NewTable("iam/role", store.By(byPolicy, func(_ string, r *role) []string {
		return slices.Concat(r.Attached, boundaryOf(r))
	})),
	absent: "The role with name %s cannot be found.",
	taken:  "Role with name %s already exists.",
	tags:   func(r *role) *[]types.Tag { return &r.Role.Tags },
}

func boundaryOf(r *role) []string {
	if r.Role.PermissionsBoundary == nil {
		return nil
	}
	return []string{*r.Role.PermissionsBoundary.PermissionsBoundaryArn}
}

const (
	servicePath    = "/aws-service-role/"
	defaultSession = 3600 // seconds
)

// CreateRole makes a role.
func (a *API) CreateRole(ctx context.Context, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	if err := checkTrustDocument(*in.AssumeRolePolicyDocument); err != nil {
		return nil, err
	}
	path := pathOf(in.Path)
	if strings.HasPrefix(path, servicePath) {
		return nil, invalid("The specified value for path is invalid: %s is reserved for service-linked roles.", servicePath)
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	out := &iam.CreateRoleOutput{}
	err = a.update(ctx, func(tx *store.Tx, h home) error {
		boundary, err := boundary(tx, h, in.PermissionsBoundary)
		if err != nil {
			return err
		}
		r := newRole(tx, h, path, *in.RoleName, *in.AssumeRolePolicyDocument)
		r.Role.Description, r.Role.Tags, r.Role.PermissionsBoundary = in.Description, tags, boundary
		if in.MaxSessionDuration != nil {
			r.Role.MaxSessionDuration = in.MaxSessionDuration
		}
		out.Role = shownRole(r)
		out.Role.RoleLastUsed = nil
		return roles.add(tx, h.key(*in.RoleName), *in.RoleName, r)
	})
	return out, err
}

func newRole(tx *store.Tx, h home, path, name, trust string) *role {
	return &role{Role: types.Role{
		Path: &path, RoleName: &name, RoleId: aws.String(newID("AROA")), Arn: aws.String(h.arn("role", path, name)),
		CreateDate: seconds(tx), AssumeRolePolicyDocument: &trust, MaxSessionDuration: aws.Int32(defaultSession),
	}}
}

func pathOf(path *string) string {
	if path == nil {
		return "/"
	}
	return *path
}

func checkTrustDocument(document string) error {
	if err := checkDocument(document, trustPolicy); err != nil {
		return err
	}
	if weight(document) > maxTrustPolicy {
		return limit("Cannot exceed quota for ACLSizePerRole: %d", maxTrustPolicy)
	}
	return nil
}

// boundary checks the policy that limits what a role may do.
func boundary(tx *store.Tx, h home, arn *string) (*types.AttachedPermissionsBoundary, error) {
	if arn == nil {
		return nil, nil
	}
	if err := attachable(tx, h, *arn); err != nil {
		return nil, noSuch("Scope ARN: %s does not exist or is not attachable.", *arn)
	}
	return &types.AttachedPermissionsBoundary{PermissionsBoundaryArn: arn, PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy}, nil
}

// shownRole is a role as GetRole answers it.
func shownRole(r *role) *types.Role {
	shown := r.Role
	shown.AssumeRolePolicyDocument = encoded(*r.Role.AssumeRolePolicyDocument)
	shown.RoleLastUsed = &types.RoleLastUsed{}
	return &shown
}

// GetRole shows a role.
func (a *API) GetRole(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	out := &iam.GetRoleOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		r, err := roles.get(tx, h.key(*in.RoleName), *in.RoleName)
		if err != nil {
			return err
		}
		out.Role = shownRole(r)
		return nil
	})
	return out, err
}

// ListRoles lists roles, without tags, boundary and last use, as AWS does.
func (a *API) ListRoles(ctx context.Context, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	out := &iam.ListRolesOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := paged(only(roles.all(tx, h), func(r *role) bool { return within(r.Role.Path, in.PathPrefix) }), roleName, in.Marker, in.MaxItems)
		out.Roles, out.IsTruncated, out.Marker = mapped(p.items, listedRole), p.truncated, p.marker
		return err
	})
	return out, err
}

func roleName(r *role) string { return *r.Role.RoleName }

func listedRole(r *role) types.Role {
	shown := *shownRole(r)
	shown.Tags, shown.PermissionsBoundary, shown.RoleLastUsed = nil, nil, nil
	return shown
}

// DeleteRole removes a role that has no policies and is in no instance
// profile.
func (a *API) DeleteRole(ctx context.Context, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	err := a.update(ctx, func(tx *store.Tx, h home) error {
		key := h.key(*in.RoleName)
		r, err := roles.get(tx, key, *in.RoleName)
		if err != nil {
			return err
		}
		if err := modifiable(r); err != nil {
			return err
		}
		for _, err := range instanceProfiles.by(tx, h, byRole, roleName(r)) {
			if err != nil {
				return err
			}
			return conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		switch {
		case len(r.Attached) > 0:
			return conflict("Cannot delete entity, must detach all policies first.")
		case len(r.Inline) > 0:
			return conflict("Cannot delete entity, must delete policies first.")
		}
		return roles.table.Delete(tx, key)
	})
	return &iam.DeleteRoleOutput{}, err
}

// inlineNames are the names of a role's inline policies in the order of pages.
func inlineNames(r *role) []string {
	return slices.SortedFunc(maps.Keys(r.Inline), func(x, y string) int { return strings.Compare(strings.ToLower(x), strings.ToLower(y)) })
}

// RoleOf returns a role of an account with its trust policy as plain JSON; it
// is how other services ask for one. store.ErrNotFound when there is none.
func (a *API) RoleOf(tx *store.Tx, account, name string) (types.Role, error) {
	r, err := roles.table.Get(tx, home{account: account}.key(name))
	return r.Value.Role, err
}
