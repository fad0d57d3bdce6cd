package controlplane

import (
	"errors"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
)

// known is what the hooks of the API server read of the cluster; it is there
// once the API server answers.
type known struct {
	roles rbaclisters.ClusterRoleLister
	nodes corelisters.NodeLister
}

// policies is the authorizer for access policies.
func (p *plane) policies() *access.Policies {
	return &access.Policies{Settings: p.settings.get, Role: func(name string) ([]rbacv1.PolicyRule, error) {
		k := p.known.Load()
		if k == nil {
			return nil, errors.New("the cluster is starting")
		}
		return k.rules(name, aggregation)
	}}
}

// aggregation is how deep roles are looked for that make up others: admin has
// edit's, edit has view's.
const aggregation = 4

// rules are a ClusterRole's. Those of an aggregated one are put together here,
// as its controller takes a moment to do that in a new cluster.
func (k *known) rules(name string, depth int) ([]rbacv1.PolicyRule, error) {
	role, err := k.roles.Get(name)
	if err != nil {
		return nil, err
	}
	if role.AggregationRule == nil || depth == 0 {
		return role.Rules, nil
	}
	var all []rbacv1.PolicyRule
	seen := map[string]bool{name: true}
	for _, s := range role.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&s)
		if err != nil {
			return nil, err
		}
		parts, err := k.roles.List(selector)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			if seen[part.Name] {
				continue
			}
			seen[part.Name] = true
			rules, err := k.rules(part.Name, depth-1)
			if err != nil {
				return nil, err
			}
			all = append(all, rules...)
		}
	}
	return all, nil
}

// nodeOf finds the node that an EC2 instance is, by its id.
func (p *plane) nodeOf(instance string) string {
	k := p.known.Load()
	if k == nil || instance == "" {
		return ""
	}
	all, err := k.nodes.List(labels.Everything())
	if err != nil {
		return "" // a lister over a cache has no errors
	}
	for _, n := range all {
		if strings.HasSuffix(n.Spec.ProviderID, "/"+instance) {
			return n.Name
		}
	}
	return ""
}
