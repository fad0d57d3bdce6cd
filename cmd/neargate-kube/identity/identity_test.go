package identity_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
)

// asked is what came in at a server.
type asked struct {
	token, agent string
}

// ask asks a server as who the context says, with the API server's own token
// beside it, and returns what came in.
func ask(t *testing.T, o *identity.Own, usual identity.User, ctx context.Context) (a asked) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a = asked{strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.UserAgent()}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"kind":"Pod","apiVersion":"v1"}`))
	}))
	defer s.Close()
	client, err := kubernetes.NewForConfig(&rest.Config{
		Host: s.URL, BearerToken: "loopback", UserAgent: "neargate-kube",
		WrapTransport: func(next http.RoundTripper) http.RoundTripper { return o.Client(next, usual) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Pods("default").Get(ctx, "web", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestClient(t *testing.T) {
	o := identity.New()
	for _, c := range []struct {
		name  string
		usual identity.User
		as    *identity.User
		want  user.DefaultInfo
		agent string
	}{
		{"a node", identity.User{}, new(identity.Node("a")), user.DefaultInfo{Name: "system:node:a", Groups: []string{"system:nodes"}}, "kubelet"},
		{"what is usual", identity.FargateScheduler, nil, user.DefaultInfo{Name: "eks:fargate-scheduler"}, "fargate-scheduler"},
		{"not what is usual", identity.FargateScheduler, &identity.NodeController, user.DefaultInfo{
			Name: "system:serviceaccount:kube-system:node-controller", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system"},
		}, "kube-controller-manager"},
		{"the API server", identity.User{}, nil, user.DefaultInfo{}, "neargate-kube"},
		{"the API server, though it is not usual", identity.FargateScheduler, &identity.User{}, user.DefaultInfo{}, "neargate-kube"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := t.Context()
			if c.as != nil {
				ctx = identity.As(ctx, *c.as)
			}
			got := ask(t, o, c.usual, ctx)
			if got.agent != c.agent {
				t.Errorf("user agent %q", got.agent)
			}
			r, ok, err := o.AuthenticateToken(t.Context(), got.token)
			if err != nil || ok != (c.want.Name != "") {
				t.Fatalf("%q: %t %v", got.token, ok, err)
			}
			if !ok {
				if got.token != "loopback" {
					t.Errorf("token %q", got.token)
				}
				return
			}
			if r.User.GetName() != c.want.Name || !slices.Equal(r.User.GetGroups(), c.want.Groups) {
				t.Errorf("%+v", r.User)
			}
		})
	}
}

// Nobody gets in who does not know the secret of this very process.
func TestStrangers(t *testing.T) {
	o, other := identity.New(), identity.New()
	good := ask(t, o, identity.NodeManager, t.Context()).token
	if _, ok, err := o.AuthenticateToken(t.Context(), good); !ok || err != nil {
		t.Fatalf("%t %v", ok, err)
	}
	secret := strings.TrimSuffix(good, identity.NodeManager.Name)
	if len(secret) < 50 {
		t.Errorf("the secret is short: %q", secret)
	}
	for name, token := range map[string]string{
		"nothing":            "",
		"the prefix":         secret[:strings.Index(secret, ".")+1],
		"half of the secret": secret[:len(secret)/2],
		"another's":          ask(t, other, identity.NodeManager, t.Context()).token,
		"a guess":            secret[:len(secret)-1] + "?" + identity.NodeManager.Name,
		"a name alone":       identity.NodeManager.Name,
	} {
		if r, ok, err := o.AuthenticateToken(t.Context(), token); ok || err != nil {
			t.Errorf("%s: %+v %t %v", name, r, ok, err)
		}
	}
}

func TestSources(t *testing.T) {
	for source, want := range map[corev1.EventSource]string{
		{Component: "kubelet", Host: "a"}:    "system:node:a",
		{Component: "fargate-scheduler"}:     "eks:fargate-scheduler",
		{Component: "default-scheduler"}:     "system:kube-scheduler",
		{Component: "deployment-controller"}: "",
	} {
		if got := identity.Source(source).Name; got != want {
			t.Errorf("%v: %q", source, got)
		}
	}
}

// Each of EKS's own has a role, is bound to it and to nothing else, and no role
// gives everything.
func TestRoles(t *testing.T) {
	roles := map[string][]rbacv1.PolicyRule{}
	for _, r := range identity.ClusterRoles() {
		roles[r.Name] = r.Rules
	}
	for _, b := range identity.ClusterRoleBindings() {
		if len(b.Subjects) != 1 || b.Subjects[0].Name != b.RoleRef.Name || b.Subjects[0].Kind != "User" || roles[b.RoleRef.Name] == nil {
			t.Errorf("%+v", b)
		}
	}
	for _, u := range []identity.User{identity.FargateScheduler, identity.FargateManager, identity.NodeManager, identity.CloudController, identity.Authenticator} {
		if len(roles[u.Name]) == 0 {
			t.Errorf("%s has no role", u.Name)
		}
	}
	for name, rules := range roles {
		for _, r := range rules {
			if slices.Contains(r.Verbs, "*") || slices.Contains(r.Resources, "*") || slices.Contains(r.Resources, "secrets") {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}
