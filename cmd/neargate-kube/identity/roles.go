package identity

import (
	"context"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
)

// roles.go is what EKS's own may do: a ClusterRole and a ClusterRoleBinding for
// each, of their name. EKS's are larger, as its components do more; these have
// what is done here.

// The groups of the API that appear below.
const (
	coreGroup  = ""
	leaseGroup = "coordination.k8s.io"
)

var eksRules = []struct {
	user  User
	rules []rbacv1.PolicyRule
}{
	{FargateScheduler, []rbacv1.PolicyRule{
		rule(coreGroup, "get list watch", "pods", "nodes", "persistentvolumeclaims", "persistentvolumes", "configmaps"),
		rule(coreGroup, "create", "bindings", "pods/binding"),
		rule(coreGroup, "patch update", "pods/status"),
		rule(coreGroup, "create patch update", "events"),
	}},
	{FargateManager, []rbacv1.PolicyRule{
		rule(coreGroup, "get list watch delete", "pods", "nodes"),
		rule(coreGroup, "create", "pods/eviction"),
		rule(leaseGroup, "delete", "leases"),
	}},
	{NodeManager, []rbacv1.PolicyRule{
		rule(coreGroup, "get list watch delete", "pods"),
		rule(coreGroup, "create", "pods/eviction"),
		rule(coreGroup, "get list watch patch delete", "nodes"),
		rule(coreGroup, "get create update", "configmaps"), // aws-auth
		rule(leaseGroup, "delete", "leases"),
	}},
	{CloudController, []rbacv1.PolicyRule{rule(coreGroup, "patch update", "services/status")}},
	{Authenticator, []rbacv1.PolicyRule{rule(coreGroup, "get list watch", "configmaps")}},
}

func rule(group, verbs string, resources ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Verbs: strings.Fields(verbs), Resources: resources}
}

// Rules authorizes EKS's own by the rules of their roles, without asking RBAC,
// which learns of roles only some time after they are made: who works from the
// first moment on would be refused, and try again after seconds.
type Rules struct{}

// Authorize implements authorizer.Authorizer: it allows, or has no opinion.
func (Rules) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	for _, r := range eksRules {
		if u := a.GetUser(); u != nil && u.GetName() == r.user.Name && rbac.RulesAllow(a, r.rules...) {
			return authorizer.DecisionAllow, "ClusterRole " + r.user.Name, nil
		}
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// ConditionsAwareAuthorize implements authorizer.Authorizer; the roles have no
// conditions.
func (r Rules) ConditionsAwareAuthorize(ctx context.Context, a authorizer.Attributes) authorizer.ConditionsAwareDecision {
	return authorizer.ConditionsAwareDecisionFromParts(r.Authorize(ctx, a))
}

// EvaluateConditions implements authorizer.Authorizer.
func (Rules) EvaluateConditions(context.Context, authorizer.ConditionsAwareDecision, authorizer.ConditionsData) (authorizer.Decision, string, error) {
	return authorizer.DecisionDeny, "", authorizer.ErrorConditionEvaluationNotSupported
}

// ClusterRoles are those that RBAC has to have.
func ClusterRoles() []rbacv1.ClusterRole {
	var all []rbacv1.ClusterRole
	for _, r := range eksRules {
		all = append(all, rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: r.user.Name}, Rules: r.rules})
	}
	return all
}

// ClusterRoleBindings give each its role.
func ClusterRoleBindings() []rbacv1.ClusterRoleBinding {
	var all []rbacv1.ClusterRoleBinding
	for _, r := range eksRules {
		all = append(all, rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: r.user.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: r.user.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: r.user.Name}},
		})
	}
	return all
}
