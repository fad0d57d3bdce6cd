package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is managed policies: customers' own, which are stored, and AWS's,
// which are a table (managed_policy.go). Their versions are in
// policy_version.go.

// policy is what is stored of a customer's policy. Its counts are computed.
type policy struct {
	Policy   types.Policy
	Versions []types.PolicyVersion // in the order they were made; documents as they came
	Made     int                   // versions ever made
}

// policies are keyed by account and name: names are unique whatever the path.
var policies = &kind[policy]{
	table:  store.NewTable[policy]("iam/policy"),
	absent: "Policy %s was not found.",
	taken:  "A policy called %s already exists. Duplicate names are not allowed.",
	tags:   func(p *policy) *[]types.Tag { return &p.Policy.Tags },
}

// customer finds a customer's policy by its ARN.
func customer(tx *store.Tx, h home, arn string) (*policy, error) {
	p, err := policies.get(tx, h.key(nameOfPolicy(arn)), arn)
	if err == nil && *p.Policy.Arn != arn {
		return nil, noSuch(policies.absent, arn)
	}
	return p, err
}

// own finds a policy that is to be changed; AWS's are refused.
func own(tx *store.Tx, h home, arn string) (*policy, error) {
	if isManaged(arn) {
		return nil, denied("Policy %s is managed by AWS and cannot be changed.", arn)
	}
	return customer(tx, h, arn)
}

// changePolicy changes a customer's policy.
func (a *API) changePolicy(ctx context.Context, arn string, fn func(tx *store.Tx, p *policy) error) error {
	return a.update(ctx, func(tx *store.Tx, h home) error {
		p, err := own(tx, h, arn)
		if err != nil {
			return err
		}
		if err := fn(tx, p); err != nil {
			return err
		}
		return policies.table.Put(tx, h.key(nameOfPolicy(arn)), p)
	})
}

// policyOf finds a policy, AWS's or a customer's.
func policyOf(tx *store.Tx, h home, arn string) (*policy, error) {
	if isManaged(arn) {
		return managedPolicy(h, arn)
	}
	return customer(tx, h, arn)
}

// readable refuses policies that cannot be found.
func readable(tx *store.Tx, h home, arn string) error {
	_, err := policyOf(tx, h, arn)
	return err
}

// counted fills in how many roles have a policy.
func counted(tx *store.Tx, h home, p *policy) (types.Policy, error) {
	shown := p.Policy
	attached, limited := int32(0), int32(0)
	for r, err := range roles.by(tx, h, byPolicy, *p.Policy.Arn) {
		if err != nil {
			return shown, err
		}
		if slices.Contains(r.Attached, *p.Policy.Arn) {
			attached++
		}
		if slices.Contains(boundaryOf(r), *p.Policy.Arn) {
			limited++
		}
	}
	shown.AttachmentCount, shown.PermissionsBoundaryUsageCount = &attached, &limited
	return shown, nil
}

// CreatePolicy makes a customer's policy; its document is version v1.
func (a *API) CreatePolicy(ctx context.Context, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	if err := checkManagedDocument(*in.PolicyDocument); err != nil {
		return nil, err
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	out := &iam.CreatePolicyOutput{}
	err = a.update(ctx, func(tx *store.Tx, h home) error {
		path := pathOf(in.Path)
		p := &policy{Made: 1, Policy: types.Policy{
			PolicyName: in.PolicyName, PolicyId: aws.String(newID("ANPA")), Arn: aws.String(h.arn("policy", path, *in.PolicyName)), Path: &path,
			Description: in.Description, DefaultVersionId: aws.String("v1"), IsAttachable: true, CreateDate: seconds(tx), UpdateDate: seconds(tx), Tags: tags,
		}}
		p.Versions = []types.PolicyVersion{{VersionId: aws.String("v1"), Document: in.PolicyDocument, IsDefaultVersion: true, CreateDate: seconds(tx)}}
		shown, err := counted(tx, h, p)
		if err != nil {
			return err
		}
		shown.Description = nil // as in AWS, only GetPolicy tells it
		out.Policy = &shown
		return policies.add(tx, h.key(*in.PolicyName), *in.PolicyName, p)
	})
	return out, err
}

func checkManagedDocument(document string) error {
	if err := checkDocument(document, identityPolicy); err != nil {
		return err
	}
	if weight(document) > maxManagedPolicy {
		return limit("Cannot exceed quota for PolicySize: %d", maxManagedPolicy)
	}
	return nil
}

// GetPolicy shows a policy without its document.
func (a *API) GetPolicy(ctx context.Context, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	out := &iam.GetPolicyOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := policyOf(tx, h, *in.PolicyArn)
		if err != nil {
			return err
		}
		shown, err := counted(tx, h, p)
		out.Policy = &shown
		return err
	})
	return out, err
}

// ListPolicies lists policies, AWS's and the customer's.
func (a *API) ListPolicies(ctx context.Context, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	out := &iam.ListPoliciesOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		all, err := policiesIn(tx, h, in.Scope)
		if err != nil {
			return err
		}
		shown := make([]types.Policy, 0, len(all))
		for _, p := range all {
			s, err := counted(tx, h, p)
			if err != nil {
				return err
			}
			s.Tags, s.Description = nil, nil
			if within(s.Path, in.PathPrefix) && inUse(s, in) {
				shown = append(shown, s)
			}
		}
		p, err := paged(each(shown), policyOrder, in.Marker, in.MaxItems)
		out.Policies, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}

func inUse(p types.Policy, in *iam.ListPoliciesInput) bool {
	used := *p.AttachmentCount > 0 || *p.PermissionsBoundaryUsageCount > 0
	switch {
	case in.OnlyAttached && !used:
		return false
	case in.PolicyUsageFilter == types.PolicyUsageTypePermissionsPolicy:
		return *p.AttachmentCount > 0 || !in.OnlyAttached && *p.PermissionsBoundaryUsageCount == 0
	case in.PolicyUsageFilter == types.PolicyUsageTypePermissionsBoundary:
		return *p.PermissionsBoundaryUsageCount > 0
	}
	return true
}

// policyOrder orders policies by name; two of one name are AWS's and the
// customer's.
func policyOrder(p *types.Policy) string { return *p.PolicyName + " " + *p.Arn }

// policiesIn lists the policies of a scope in the order of pages.
func policiesIn(tx *store.Tx, h home, scope types.PolicyScopeType) ([]*policy, error) {
	var all []*policy
	if scope != types.PolicyScopeTypeLocal {
		all = managedPolicies(h)
	}
	if scope != types.PolicyScopeTypeAws {
		for p, err := range policies.all(tx, h) {
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(x, y *policy) int {
		return strings.Compare(strings.ToLower(policyOrder(&x.Policy)), strings.ToLower(policyOrder(&y.Policy)))
	})
	return all, nil
}

// DeletePolicy removes a customer's policy that nothing has and whose only
// version is the default one.
func (a *API) DeletePolicy(ctx context.Context, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	return &iam.DeletePolicyOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		p, err := own(tx, h, *in.PolicyArn)
		if err != nil {
			return err
		}
		shown, err := counted(tx, h, p)
		switch {
		case err != nil:
			return err
		case *shown.AttachmentCount > 0 || *shown.PermissionsBoundaryUsageCount > 0:
			return conflict("Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		return policies.table.Delete(tx, h.key(*p.Policy.PolicyName))
	})
}
