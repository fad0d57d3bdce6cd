package controlplane_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
)

func clusterRole(name, partOf, aggregates string, resources ...string) *rbacv1.ClusterRole {
	r := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if partOf != "" {
		r.Labels = map[string]string{"to-" + partOf: "true"}
	}
	if aggregates != "" {
		r.AggregationRule = &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"to-" + aggregates: "true"}}}}
	}
	for _, of := range resources {
		r.Rules = append(r.Rules, rbacv1.PolicyRule{Verbs: []string{"get"}, Resources: []string{of}})
	}
	return r
}

// Roles are whole before their controller has put them together.
func TestAggregatedRules(t *testing.T) {
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, r := range []*rbacv1.ClusterRole{
		clusterRole("admin", "", "admin"), clusterRole("edit", "admin", "edit"), clusterRole("view", "edit", "view"),
		clusterRole("own-admin", "admin", "", "roles"), clusterRole("own-edit", "edit", "", "secrets"), clusterRole("own-view", "view", "", "pods", "services"),
		clusterRole("loop", "loop", "loop"), clusterRole("plain", "", "", "nodes"),
	} {
		if err := index.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"admin": "pods roles secrets services", "edit": "pods secrets services", "view": "pods services", "plain": "nodes", "loop": ""} {
		rules, err := controlplane.Rules(rbaclisters.NewClusterRoleLister(index), name)
		var all []string
		for _, r := range rules {
			all = append(all, r.Resources...)
		}
		slices.Sort(all)
		if got := strings.Join(all, " "); got != want || err != nil {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	if _, err := controlplane.Rules(rbaclisters.NewClusterRoleLister(index), "none"); !apierrors.IsNotFound(err) {
		t.Errorf("a role that is not there: %v", err)
	}
}

func TestNodeOf(t *testing.T) {
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for name, id := range map[string]string{"a": "aws:///us-east-1a/i-1", "b": "aws:///us-east-1a/i-11"} {
		if err := index.Add(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{ProviderID: id}}); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"i-1": "a", "i-11": "b", "i-2": "", "": ""} {
		if got := controlplane.NodeOf(corelisters.NewNodeLister(index), id); got != want {
			t.Errorf("%s is %q", id, got)
		}
	}
}
