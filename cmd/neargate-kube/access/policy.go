package access

import (
	"context"
	"path"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"

	"github.com/neargate/neargate/emulator/eks/link"
)

// Policies authorizes by the access policies of access entries, which have the
// cluster's or some namespaces' scope. It allows, or has no opinion.
type Policies struct {
	settings func() link.Settings
	rules    map[string][]rbacv1.PolicyRule // by the policy's name
}

// NewPolicies returns an authorizer by the access entries of the settings of
// the moment.
func NewPolicies(settings func() link.Settings) *Policies {
	return &Policies{settings, policyRules()}
}

// Authorize implements authorizer.Authorizer.
func (p *Policies) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	for _, policy := range p.of(a.GetUser()) {
		if covers(policy, a.GetNamespace()) && rbac.RulesAllow(a, p.rules[path.Base(policy.ARN)]...) {
			return authorizer.DecisionAllow, "EKS access policy " + path.Base(policy.ARN), nil
		}
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// of returns the policies of a user's access entry.
func (p *Policies) of(u user.Info) []link.AccessPolicy {
	if u == nil || len(u.GetExtra()[canonicalKey]) == 0 {
		return nil
	}
	s := p.settings()
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
