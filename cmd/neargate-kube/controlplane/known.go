package controlplane

import (
	"errors"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
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
		role, err := k.roles.Get(name)
		if err != nil {
			return nil, err
		}
		return role.Rules, nil
	}}
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
