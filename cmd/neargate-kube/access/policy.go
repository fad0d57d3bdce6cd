package access

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"

	"github.com/neargate/neargate/emulator/eks/link"
)

// Policies authorizes by the access policies of access entries. They have the
// rules of Kubernetes' own ClusterRoles, as EKS's have, and the cluster's or
// some namespaces' scope. It allows, or has no opinion.
type Policies struct {
	Settings func() link.Settings
	// Role returns the rules of a ClusterRole, aggregated.
	Role func(name string) ([]rbacv1.PolicyRule, error)
}

// everything is what AmazonEKSClusterAdminPolicy allows; reading is what
// AmazonEKSAdminViewPolicy does.
var (
	everything = []rbacv1.PolicyRule{
		{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}},
		{Verbs: []string{"*"}, NonResourceURLs: []string{"*"}},
	}
	reading = []rbacv1.PolicyRule{
		{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{"*"}, Resources: []string{"*"}},
	}
)

// roles are the ClusterRoles whose rules an access policy has.
var roles = map[string]string{
	"AmazonEKSAdminPolicy": "admin",
	"AmazonEKSEditPolicy":  "edit",
	"AmazonEKSViewPolicy":  "view",
}

// Authorize implements authorizer.Authorizer.
func (p *Policies) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	return p.by(p.of(a.GetUser()), a)
}

// of returns the policies of a user's access entry.
func (p *Policies) of(u user.Info) []link.AccessPolicy {
	if u == nil || len(u.GetExtra()[canonicalKey]) == 0 {
		return nil
	}
	s := p.Settings()
	if s.AuthenticationMode == modeConfigMap {
		return nil
	}
	if e := EntryOf(s.AccessEntries, u.GetExtra()[canonicalKey][0]); e != nil {
		return e.Policies
	}
	return nil
}

// ConditionsAwareAuthorize implements authorizer.Authorizer; access policies
// have no conditions.
func (p *Policies) ConditionsAwareAuthorize(ctx context.Context, a authorizer.Attributes) authorizer.ConditionsAwareDecision {
	return authorizer.ConditionsAwareDecisionFromParts(p.Authorize(ctx, a))
}

// EvaluateConditions implements authorizer.Authorizer.
func (p *Policies) EvaluateConditions(context.Context, authorizer.ConditionsAwareDecision, authorizer.ConditionsData) (authorizer.Decision, string, error) {
	return authorizer.DecisionDeny, "", authorizer.ErrorConditionEvaluationNotSupported
}

func (p *Policies) by(all []link.AccessPolicy, a authorizer.Attributes) (authorizer.Decision, string, error) {
	for _, policy := range all {
		if !covers(policy, a.GetNamespace()) {
			continue
		}
		rules, err := p.rules(policy)
		if err != nil {
			return authorizer.DecisionNoOpinion, "", err
		}
		if rbac.RulesAllow(a, rules...) {
			return authorizer.DecisionAllow, "EKS access policy " + path.Base(policy.ARN), nil
		}
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// covers tells whether what is asked for lies in a policy's scope: a policy for
// namespaces says nothing of what is in none.
func covers(policy link.AccessPolicy, namespace string) bool {
	if len(policy.Namespaces) == 0 {
		return true
	}
	return namespace != "" && slices.ContainsFunc(policy.Namespaces, func(n string) bool { return wildcard(n, namespace) })
}

// wildcard matches with *, of which access scopes may have some.
func wildcard(pattern, s string) bool {
	first, rest, more := strings.Cut(pattern, "*")
	if !more {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	for i := 0; i <= len(s); i++ {
		if wildcard(rest, s[i:]) {
			return true
		}
	}
	return false
}

func (p *Policies) rules(policy link.AccessPolicy) ([]rbacv1.PolicyRule, error) {
	name := path.Base(policy.ARN)
	switch name {
	case "AmazonEKSClusterAdminPolicy":
		return everything, nil
	case "AmazonEKSAdminViewPolicy":
		return reading, nil
	}
	role, ok := roles[name]
	if !ok {
		return nil, nil
	}
	rules, err := p.Role(role)
	if err != nil {
		return nil, fmt.Errorf("access policy %s: %w", name, err)
	}
	return rules, nil
}
