package access

import (
	"context"
	"path"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// rules.go tells what access policies allow, for `kubectl auth can-i --list`;
// policy.go decides.

var _ authorizer.RuleResolver = (*Policies)(nil)

// RulesFor implements authorizer.RuleResolver.
func (p *Policies) RulesFor(_ context.Context, u user.Info, namespace string) (resources []authorizer.ResourceRuleInfo, urls []authorizer.NonResourceRuleInfo, incomplete bool, err error) {
	for _, policy := range p.of(u) {
		if !covers(policy, namespace) {
			continue
		}
		for _, r := range p.rules[path.Base(policy.ARN)] {
			if len(r.Resources) > 0 {
				resources = append(resources, resourceRule(r))
			}
			if len(r.NonResourceURLs) > 0 && len(policy.Namespaces) == 0 {
				urls = append(urls, &authorizer.DefaultNonResourceRuleInfo{Verbs: r.Verbs, NonResourceURLs: r.NonResourceURLs})
			}
		}
	}
	return resources, urls, false, nil
}

func resourceRule(r rbacv1.PolicyRule) *authorizer.DefaultResourceRuleInfo {
	return &authorizer.DefaultResourceRuleInfo{Verbs: r.Verbs, APIGroups: r.APIGroups, Resources: r.Resources, ResourceNames: r.ResourceNames}
}
