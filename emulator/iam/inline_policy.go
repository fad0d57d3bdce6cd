package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the policies that are part of a role.

// PutRolePolicy adds or replaces an inline policy of a role.
func (a *API) PutRolePolicy(ctx context.Context, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	if err := checkDocument(*in.PolicyDocument, identityPolicy); err != nil {
		return nil, err
	}
	err := a.changeRole(ctx, *in.RoleName, func(_ *store.Tx, _ home, r *role) error {
		if r.Inline == nil {
			r.Inline = map[string]string{}
		}
		r.Inline[*in.PolicyName] = *in.PolicyDocument
		total := 0
		for _, document := range r.Inline {
			total += weight(document)
		}
		if total > maxInlinePolicy {
			return limit("Maximum policy size of %d bytes exceeded for role %s", maxInlinePolicy, *in.RoleName)
		}
		return nil
	})
	return &iam.PutRolePolicyOutput{}, err
}

// GetRolePolicy shows an inline policy of a role.
func (a *API) GetRolePolicy(ctx context.Context, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	out := &iam.GetRolePolicyOutput{RoleName: in.RoleName, PolicyName: in.PolicyName}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		r, err := roles.get(tx, h.key(*in.RoleName), *in.RoleName)
		if err != nil {
			return err
		}
		document, ok := r.Inline[*in.PolicyName]
		if !ok {
			return noInline(*in.PolicyName)
		}
		out.PolicyDocument = encoded(document)
		return nil
	})
	return out, err
}

// ListRolePolicies lists the names of a role's inline policies.
func (a *API) ListRolePolicies(ctx context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	out := &iam.ListRolePoliciesOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		r, err := roles.get(tx, h.key(*in.RoleName), *in.RoleName)
		if err != nil {
			return err
		}
		p, err := paged(each(inlineNames(r)), func(name *string) string { return *name }, in.Marker, in.MaxItems)
		out.PolicyNames, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}

// DeleteRolePolicy removes an inline policy of a role.
func (a *API) DeleteRolePolicy(ctx context.Context, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	err := a.changeRole(ctx, *in.RoleName, func(_ *store.Tx, _ home, r *role) error {
		if _, ok := r.Inline[*in.PolicyName]; !ok {
			return noInline(*in.PolicyName)
		}
		delete(r.Inline, *in.PolicyName)
		return nil
	})
	return &iam.DeleteRolePolicyOutput{}, err
}

func noInline(name string) error {
	return noSuch("The role policy with name %s cannot be found.", name)
}
