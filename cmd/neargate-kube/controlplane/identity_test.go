package controlplane_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// testIdentities looks in the audit log for who has done what of a pod's life,
// from its creation to its end.
func testIdentities(t *testing.T, p *process) {
	p.export(t, 6, "audit")
	defer p.export(t, 7)
	eventually(t, "the default service account", func(ctx context.Context) bool {
		_, err := p.client(t, admin).CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err == nil
	})
	if _, err := p.client(t, admin).CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "who"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pods := p.client(t, admin).CoreV1().Pods("default")
	if _, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := waitPod(t, p.client(t, admin), func(p *corev1.Pod) bool { return p != nil && p.Status.Phase == corev1.PodRunning })
	for _, f := range pod.ManagedFields {
		if f.Subresource == "status" && f.Manager != "kubelet" && f.Manager != "fargate-scheduler" {
			t.Errorf("its status was written by %s", f.Manager)
		}
	}
	eventually(t, "the node has its lease", func(ctx context.Context) bool {
		_, err := p.client(t, admin).CoordinationV1().Leases("kube-node-lease").Get(ctx, pod.Spec.NodeName, metav1.GetOptions{})
		return err == nil
	})
	if err := pods.Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitPod(t, p.client(t, admin), func(p *corev1.Pod) bool { return p == nil })
	node := "system:node:" + pod.Spec.NodeName
	for what, want := range map[string]string{
		"create pods/binding web":              "eks:fargate-scheduler",
		"create nodes " + pod.Spec.NodeName:    node,
		"patch pods/status web":                node, // the last one
		"create serviceaccounts/token default": node,
		"delete pods web":                      node,
		"delete nodes " + pod.Spec.NodeName:    "eks:fargate-manager",
		"create leases":                        node,
	} {
		var by string
		eventually(t, what, func(context.Context) bool {
			e := lastAudited(p.audited(t), what)
			if e == nil {
				return false
			}
			by = e.User.Username
			return true
		})
		if by != want {
			t.Errorf("%s: by %s", what, by)
		}
	}
	checkRefused(t, p)
}

// lastAudited is the last event of "verb resource name", the name where one is
// told; nil when there is none.
func lastAudited(all []auditv1.Event, what string) *auditv1.Event {
	w := strings.Fields(what)
	resource, sub, _ := strings.Cut(w[1], "/")
	for _, e := range slices.Backward(all) {
		r := e.ObjectRef
		if r != nil && e.Verb == w[0] && r.Resource == resource && r.Subresource == sub && (len(w) == 2 || r.Name == w[2]) {
			return &e
		}
	}
	return nil
}

// checkRefused shows that nobody else comes in as a part of the control plane,
// and that a node may do no more than a node.
func checkRefused(t *testing.T, p *process) {
	t.Helper()
	if u, err := whoAmI(t, p, "neargate-own."+strings.Repeat("A", 52)+"eks:cluster-bootstrap,system:masters"); !apierrors.IsUnauthorized(err) {
		t.Errorf("a made-up token: %+v %v", u, err)
	}
	c := p.rest(admin)
	c.Impersonate = rest.ImpersonationConfig{UserName: "system:node:a", Groups: []string{"system:nodes"}}
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]metav1.ObjectMeta{
		"another node":      {Name: "b"},
		"a forbidden label": {Name: "a", Labels: map[string]string{"node-restriction.kubernetes.io/team": "a"}},
	} {
		if _, err := client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: n}, metav1.CreateOptions{}); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "is not allowed to") {
			t.Errorf("a node that registers with %s: %v", name, err)
		}
	}
	if _, err := client.CoreV1().Secrets("kube-system").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a node that lists Secrets: %v", err)
	}
}
