package eks

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file associates access policies with access entries. What a policy
// lets do is Kubernetes' side: the control plane has the rules of each.

// isPolicy finds a policy among those of an entry.
func isPolicy(arn string) func(types.AssociatedAccessPolicy) bool {
	return func(p types.AssociatedAccessPolicy) bool { return aws.ToString(p.PolicyArn) == arn }
}

// checkPolicyARN is whether there is an access policy of that ARN.
func (a about) checkPolicyARN(ref, partition string) error {
	arn, err := apiwire.ParseARN(ref)
	if err != nil || arn.Service != "eks" || !strings.HasPrefix(arn.Resource, "cluster-access-policy/") {
		return a.invalid("The policyArn parameter format is not valid")
	}
	name, ok := strings.CutPrefix(ref, "arn:"+partition+accessPolicyPrefix)
	if !ok || !slices.Contains(accessPolicyNames, name) {
		return a.notFound("The specified policyArn could not be found.")
	}
	return nil
}

// checkScope is whether a policy can be associated with this scope.
func (a about) checkScope(s *types.AccessScope) error {
	switch {
	case s.Type == types.AccessScopeTypeNamespace && len(s.Namespaces) == 0:
		return a.invalid("At least 1 namespace must be provided if the type is set as namespace")
	case s.Type == types.AccessScopeTypeNamespace:
		return nil
	case len(s.Namespaces) > 0:
		return a.invalid("accessScope should not include namespaces if the type is not set as namespace")
	case s.Type != types.AccessScopeTypeCluster:
		return a.invalid("The accessScope type must be one of [cluster, namespace]")
	}
	return nil
}

// takesPolicies tells whether entries of a type can have policies: people's,
// and the nodes of EKS Auto Mode.
func takesPolicies(kind string) bool { return kind == standardType || kind == autoType }

// AssociateAccessPolicy gives a principal what a policy lets do, or gives it
// another scope.
func (a *API) AssociateAccessPolicy(ctx context.Context, in *eks.AssociateAccessPolicyInput) (*eks.AssociateAccessPolicyOutput, error) {
	out := &eks.AssociateAccessPolicyOutput{ClusterName: in.ClusterName, PrincipalArn: in.PrincipalArn}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := accessEntry(tx, call, in.ClusterName, in.PrincipalArn)
		if err != nil {
			return err
		}
		about, e := about{cluster: c.name()}, &r.Value
		if err := about.checkPolicyARN(aws.ToString(in.PolicyArn), call.Partition); err != nil {
			return err
		}
		if err := about.checkScope(in.AccessScope); err != nil {
			return err
		}
		if !takesPolicies(*e.Type) {
			return about.invalidRequest("This operation can only be performed on Access Entries with a type of %q", standardType)
		}
		out.AssociatedAccessPolicy = e.associate(tx, *in.PolicyArn, in.AccessScope)
		return accessEntries.Put(tx, r.Key, e)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// associate puts a policy on the entry; one that is there gets the new scope
// and keeps the time of its association.
func (e *AccessEntry) associate(tx *store.Tx, arn string, scope *types.AccessScope) *types.AssociatedAccessPolicy {
	now := tx.Now()
	p := types.AssociatedAccessPolicy{
		PolicyArn: &arn, AssociatedAt: &now, ModifiedAt: &now,
		AccessScope: &types.AccessScope{Type: scope.Type, Namespaces: append([]string{}, scope.Namespaces...)},
	}
	if i := slices.IndexFunc(e.Policies, isPolicy(arn)); i >= 0 {
		p.AssociatedAt = e.Policies[i].AssociatedAt
		e.Policies[i] = p
	} else {
		e.Policies = append(e.Policies, p)
	}
	return &p
}

// DisassociateAccessPolicy takes a policy away from a principal.
func (a *API) DisassociateAccessPolicy(ctx context.Context, in *eks.DisassociateAccessPolicyInput) (*eks.DisassociateAccessPolicyOutput, error) {
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := accessEntry(tx, call, in.ClusterName, in.PrincipalArn)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(r.Value.Policies, isPolicy(aws.ToString(in.PolicyArn)))
		if i < 0 {
			return about{cluster: c.name()}.notFound("The specified policyArn is not associated with the access entry.")
		}
		r.Value.Policies = slices.Delete(r.Value.Policies, i, i+1)
		return accessEntries.Put(tx, r.Key, &r.Value)
	})
	if err != nil {
		return nil, err
	}
	return &eks.DisassociateAccessPolicyOutput{}, nil
}

// ListAssociatedAccessPolicies lists the policies of a principal.
func (a *API) ListAssociatedAccessPolicies(ctx context.Context, in *eks.ListAssociatedAccessPoliciesInput) (*eks.ListAssociatedAccessPoliciesOutput, error) {
	out := &eks.ListAssociatedAccessPoliciesOutput{ClusterName: in.ClusterName, PrincipalArn: in.PrincipalArn}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		_, r, err := accessEntry(tx, call, in.ClusterName, in.PrincipalArn)
		if err != nil {
			return err
		}
		out.AssociatedAccessPolicies, out.NextToken, err = page(r.Value.Policies,
			func(p types.AssociatedAccessPolicy) string { return *p.PolicyArn },
			query{of: "associated-access-policies " + r.Key, max: in.MaxResults, token: in.NextToken})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListAccessPolicies lists the policies that EKS has.
func (a *API) ListAccessPolicies(ctx context.Context, in *eks.ListAccessPoliciesInput) (*eks.ListAccessPoliciesOutput, error) {
	partition := apiwire.CallFrom(ctx).Partition
	all := make([]types.AccessPolicy, 0, len(accessPolicyNames))
	for _, name := range accessPolicyNames {
		all = append(all, types.AccessPolicy{Name: aws.String(name), Arn: aws.String("arn:" + partition + accessPolicyPrefix + name)})
	}
	list, next, err := page(all, func(p types.AccessPolicy) string { return *p.Name },
		query{of: "access-policies", max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &eks.ListAccessPoliciesOutput{AccessPolicies: list, NextToken: next}, nil
}
