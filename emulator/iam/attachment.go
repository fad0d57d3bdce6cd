package iam

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is which managed policies roles have.

// maxAttached is AWS's default quota for one role.
const maxAttached = 10

// attachable refuses a policy that cannot be attached: a customer policy that
// does not exist. Any ARN of AWS's own policies will do.
func attachable(tx *store.Tx, h home, arn string) error {
	parsed, err := apiwire.ParseARN(arn)
	if err != nil || parsed.Service != "iam" || !strings.HasPrefix(parsed.Resource, "policy/") {
		return invalid("ARN %s is not valid.", arn)
	}
	if parsed.Account == awsAccount {
		return nil
	}
	p, err := policies.table.Get(tx, h.key(nameOfPolicy(arn)))
	if errors.Is(err, store.ErrNotFound) || err == nil && *p.Value.Policy.Arn != arn {
		return noSuch("Policy %s does not exist or is not attachable.", arn)
	}
	return err
}

// AttachRolePolicy gives a role a managed policy; one that it has already is
// no error.
func (a *API) AttachRolePolicy(ctx context.Context, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	err := a.changeRole(ctx, *in.RoleName, func(tx *store.Tx, h home, r *role) error {
		if err := attachable(tx, h, *in.PolicyArn); err != nil {
			return err
		}
		if slices.Contains(r.Attached, *in.PolicyArn) {
			return nil
		}
		if len(r.Attached) >= maxAttached {
			return limit("Cannot exceed quota for PoliciesPerRole: %d", maxAttached)
		}
		r.Attached = append(r.Attached, *in.PolicyArn)
		return nil
	})
	return &iam.AttachRolePolicyOutput{}, err
}

// DetachRolePolicy takes a managed policy from a role.
func (a *API) DetachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	err := a.changeRole(ctx, *in.RoleName, func(_ *store.Tx, _ home, r *role) error {
		i := slices.Index(r.Attached, *in.PolicyArn)
		if i < 0 {
			return noSuch("Policy %s was not found.", *in.PolicyArn)
		}
		r.Attached = slices.Delete(r.Attached, i, i+1)
		return nil
	})
	return &iam.DetachRolePolicyOutput{}, err
}

// ListAttachedRolePolicies lists the managed policies that a role has.
func (a *API) ListAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	out := &iam.ListAttachedRolePoliciesOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		r, err := roles.get(tx, h.key(*in.RoleName), *in.RoleName)
		if err != nil {
			return err
		}
		p, err := paged(only(each(attachedTo(r)), func(p *types.AttachedPolicy) bool {
			return within(aws.String(pathOfPolicy(*p.PolicyArn)), in.PathPrefix)
		}), func(p *types.AttachedPolicy) string { return *p.PolicyName + " " + *p.PolicyArn }, in.Marker, in.MaxItems)
		out.AttachedPolicies, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}

// attachedTo lists a role's managed policies in the order of pages.
func attachedTo(r *role) []types.AttachedPolicy {
	list := make([]types.AttachedPolicy, 0, len(r.Attached))
	for _, arn := range r.Attached {
		list = append(list, types.AttachedPolicy{PolicyArn: aws.String(arn), PolicyName: aws.String(nameOfPolicy(arn))})
	}
	slices.SortFunc(list, func(x, y types.AttachedPolicy) int {
		return cmp.Compare(strings.ToLower(*x.PolicyName+" "+*x.PolicyArn), strings.ToLower(*y.PolicyName+" "+*y.PolicyArn))
	})
	return list
}

// nameOfPolicy is the last part of a policy's ARN.
func nameOfPolicy(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// pathOfPolicy is what stands between "policy" and the name in a policy's ARN.
func pathOfPolicy(arn string) string {
	_, rest, _ := strings.Cut(arn, ":policy")
	return strings.TrimSuffix(rest, nameOfPolicy(arn))
}

// ListEntitiesForPolicy lists the roles that have a policy, as a policy or as
// a boundary. Users and groups here have none.
func (a *API) ListEntitiesForPolicy(ctx context.Context, in *iam.ListEntitiesForPolicyInput) (*iam.ListEntitiesForPolicyOutput, error) {
	out := &iam.ListEntitiesForPolicyOutput{PolicyGroups: []types.PolicyGroup{}, PolicyUsers: []types.PolicyUser{}, PolicyRoles: []types.PolicyRole{}}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		if err := readable(tx, h, *in.PolicyArn); err != nil {
			return err
		}
		if in.EntityFilter != "" && in.EntityFilter != types.EntityTypeRole {
			return nil
		}
		p, err := paged(only(roles.by(tx, h, byPolicy, *in.PolicyArn), func(r *role) bool {
			return within(r.Role.Path, in.PathPrefix) && uses(r, *in.PolicyArn, in.PolicyUsageFilter)
		}), roleName, in.Marker, in.MaxItems)
		out.IsTruncated, out.Marker = p.truncated, p.marker
		out.PolicyRoles = mapped(p.items, func(r *role) types.PolicyRole {
			return types.PolicyRole{RoleId: r.Role.RoleId, RoleName: r.Role.RoleName}
		})
		return err
	})
	return out, err
}

// uses tells whether a role has a policy in the way that a filter asks for.
func uses(r *role, arn string, filter types.PolicyUsageType) bool {
	switch filter {
	case types.PolicyUsageTypePermissionsPolicy:
		return slices.Contains(r.Attached, arn)
	case types.PolicyUsageTypePermissionsBoundary:
		return slices.Contains(boundaryOf(r), arn)
	}
	return true
}
