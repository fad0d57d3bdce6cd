package access

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

// roles.go has the rules of access policies. EKS's are those of Kubernetes'
// user-facing roles as they come with it: the rules of access policies cannot
// be changed, so neither what a user writes into a ClusterRole nor what other
// roles add to one by their labels counts. Source: "Review access policy
// permissions" of the Amazon EKS user guide; that a policy does not know of
// custom resources is in aws/containers-roadmap#2349.
//
// None of them but AmazonEKSClusterAdminPolicy has the verbs escalate and bind,
// so that with AmazonEKSAdminPolicy alone nobody can give anything away by a
// Role: Kubernetes asks whether somebody has what the Role gives, and knows
// only of what RBAC gives (aws/containers-roadmap#2682).

// userFacing are the ClusterRoles whose rules an access policy has.
var userFacing = map[string]string{
	"AmazonEKSAdminPolicy": "admin",
	"AmazonEKSEditPolicy":  "edit",
	"AmazonEKSViewPolicy":  "view",
}

// policyRules are the rules of the access policies that have any, by name.
func policyRules() map[string][]rbacv1.PolicyRule {
	all := map[string][]rbacv1.PolicyRule{
		"AmazonEKSClusterAdminPolicy": {
			{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}},
			{Verbs: []string{"*"}, NonResourceURLs: []string{"*"}},
		},
		"AmazonEKSAdminViewPolicy": {
			{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{"*"}, Resources: []string{"*"}},
		},
	}
	roles := bootstrappolicy.ClusterRoles()
	for policy, role := range userFacing {
		all[policy] = aggregated(roles, role)
	}
	return all
}

// aggregated are the rules of a role together with those of the roles that
// make it up: admin has edit's, edit has view's.
func aggregated(roles []rbacv1.ClusterRole, name string) []rbacv1.PolicyRule {
	i := slices.IndexFunc(roles, func(r rbacv1.ClusterRole) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	rules := slices.Clone(roles[i].Rules)
	if roles[i].AggregationRule == nil {
		return rules
	}
	for _, s := range roles[i].AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&s)
		if err != nil {
			continue // upstream's own are good
		}
		for _, part := range roles {
			if part.Name != name && selector.Matches(labels.Set(part.Labels)) {
				rules = append(rules, aggregated(roles, part.Name)...)
			}
		}
	}
	return rules
}
