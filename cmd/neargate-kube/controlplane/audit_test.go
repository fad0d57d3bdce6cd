package controlplane_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// audited are the events of the audit log so far.
func (p *process) audited(t *testing.T) (all []auditv1.Event) {
	t.Helper()
	for line := range strings.Lines(p.log.String()) {
		if !strings.HasPrefix(line, `{"component":"audit",`) || !strings.HasSuffix(line, "\n") {
			continue
		}
		var l struct{ Event auditv1.Event }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, l.Event)
	}
	return all
}

// export has these kinds of logs go to CloudWatch Logs, and no others.
func (p *process) export(t *testing.T, revision int64, kinds ...string) {
	t.Helper()
	s := p.config.Settings
	s.Revision, s.Logs = revision, kinds
	if err := p.Configure(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

// testAudit switches the audit log on, off and on again, while it runs.
func testAudit(t *testing.T, p *process) {
	client := p.client(t, admin)
	create := func(name string) {
		t.Helper()
		m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"secret": "of " + name}}
		if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), m, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	find := func(name string) *auditv1.Event {
		all := p.audited(t)
		i := slices.IndexFunc(all, func(e auditv1.Event) bool {
			return e.ObjectRef != nil && e.ObjectRef.Name == name && e.Verb == "create" && e.Stage == auditv1.StageResponseComplete
		})
		if i < 0 {
			return nil
		}
		return &all[i]
	}
	create("before")
	p.export(t, 2, "audit", "authenticator")
	create("first")
	p.export(t, 3, "api")
	create("between")
	p.export(t, 4, "audit")
	create("last")
	eventually(t, "the last one is audited", func(context.Context) bool { return find("last") != nil })
	if find("before") != nil || find("between") != nil {
		t.Error("it audits while it is switched off")
	}
	first := find("first")
	if first == nil {
		t.Fatal("the first one is not audited")
	}
	if first.User.Username != "arn:aws:sts::"+account+":assumed-role/admin/me" || first.Level != auditv1.LevelMetadata || first.RequestObject != nil ||
		first.ResponseStatus.Code != 201 || first.Annotations["authorization.k8s.io/decision"] != "allow" ||
		!strings.Contains(first.Annotations["authorization.k8s.io/reason"], "EKS access policy AmazonEKSClusterAdminPolicy") {
		t.Errorf("%+v", first)
	}
	if granted := strings.Count(p.log.String(), `msg=\"access granted\"`); granted != 1 {
		t.Errorf("%d tokens were told to be good, of which only one was to be told", granted)
	}
	p.export(t, 5)
}

// testGive is who may give rights away: AmazonEKSClusterAdminPolicy has the
// verbs escalate and bind, AmazonEKSAdminPolicy has not.
func testGive(t *testing.T, p *process) {
	reading := rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"pods"}}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{reading}}
	binding := func(name, kind, of string) *rbacv1.RoleBinding {
		return &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: of},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "devs"}},
		}
	}
	const refused = "is attempting to grant RBAC permissions not currently held"
	may := p.client(t, team).RbacV1()
	eventually(t, "the role view has been gathered from its parts", func(ctx context.Context) bool {
		view, err := p.client(t, admin).RbacV1().ClusterRoles().Get(ctx, "view", metav1.GetOptions{})
		return err == nil && len(view.Rules) > 0
	})
	if _, err := may.Roles("default").Create(t.Context(), role, metav1.CreateOptions{}); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), refused) {
		t.Errorf("a role by AmazonEKSAdminPolicy: %v", err)
	}
	if _, err := may.RoleBindings("default").Create(t.Context(), binding("viewers", "ClusterRole", "view"), metav1.CreateOptions{}); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), refused) {
		t.Errorf("a binding by AmazonEKSAdminPolicy: %v", err)
	}
	// What RBAC gives to everybody, somebody with the policy may give as well.
	empty := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "empty"}}
	if _, err := may.Roles("default").Create(t.Context(), empty, metav1.CreateOptions{}); err != nil {
		t.Errorf("an empty role by AmazonEKSAdminPolicy: %v", err)
	}
	if _, err := may.RoleBindings("default").Create(t.Context(), binding("basics", "ClusterRole", "system:basic-user"), metav1.CreateOptions{}); err != nil {
		t.Errorf("a binding of what it has by AmazonEKSAdminPolicy: %v", err)
	}
	all := p.client(t, admin).RbacV1()
	if _, err := all.Roles("default").Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Errorf("a role by AmazonEKSClusterAdminPolicy: %v", err)
	}
	for name, b := range map[string]*rbacv1.RoleBinding{"of a role": binding("readers", "Role", "reader"), "of a cluster role": binding("admins", "ClusterRole", "cluster-admin")} {
		if _, err := all.RoleBindings("default").Create(t.Context(), b, metav1.CreateOptions{}); err != nil {
			t.Errorf("a binding %s by AmazonEKSClusterAdminPolicy: %v", name, err)
		}
	}
}
