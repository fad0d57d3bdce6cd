package access_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/emulator/eks/link"
)

const policyARN = "arn:aws:eks::aws:cluster-access-policy/"

// world has one access entry with one policy.
func world(mode, policy string, namespaces ...string) *access.Policies {
	s := link.Settings{AuthenticationMode: mode, AccessEntries: []link.AccessEntry{{
		PrincipalARN: "arn:aws:iam::1:role/R", Policies: []link.AccessPolicy{{ARN: policyARN + policy, Namespaces: namespaces}},
	}}}
	return &access.Policies{Settings: func() link.Settings { return s }, Role: func(name string) ([]rbacv1.PolicyRule, error) {
		switch name {
		case "view":
			return []rbacv1.PolicyRule{{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{""}, Resources: []string{"pods"}}}, nil
		case "edit":
			return []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{""}, Resources: []string{"pods"}}}, nil
		}
		return nil, errors.New("no such role")
	}}
}

func someone(arn string) *user.DefaultInfo {
	return &user.DefaultInfo{Name: "u", Extra: map[string][]string{"canonicalArn": {arn}}}
}

func TestPolicies(t *testing.T) {
	resource := func(verb, namespace, resource string) authorizer.AttributesRecord {
		return authorizer.AttributesRecord{Verb: verb, Namespace: namespace, Resource: resource, APIVersion: "v1", ResourceRequest: true, User: someone("arn:aws:iam::1:role/R")}
	}
	url := authorizer.AttributesRecord{Verb: "get", Path: "/metrics", User: someone("arn:aws:iam::1:role/R")}
	other := resource("get", "a", "pods")
	other.User = someone("arn:aws:iam::1:role/S")
	plain := resource("get", "a", "pods")
	plain.User = &user.DefaultInfo{Name: "system:serviceaccount:a:b"}
	for i, row := range []struct {
		policies *access.Policies
		asked    authorizer.AttributesRecord
		may      bool
	}{
		{world("API", "AmazonEKSClusterAdminPolicy"), resource("delete", "", "nodes"), true},
		{world("API", "AmazonEKSClusterAdminPolicy"), url, true},
		{world("API", "AmazonEKSClusterAdminPolicy", "a"), url, false},
		{world("API", "AmazonEKSClusterAdminPolicy", "a"), resource("delete", "", "nodes"), false},
		{world("API", "AmazonEKSClusterAdminPolicy", "a"), resource("delete", "a", "secrets"), true},
		{world("API", "AmazonEKSClusterAdminPolicy", "a"), resource("delete", "b", "secrets"), false},
		{world("API", "AmazonEKSAdminViewPolicy"), resource("get", "a", "secrets"), true},
		{world("API", "AmazonEKSAdminViewPolicy"), resource("delete", "a", "secrets"), false},
		{world("API", "AmazonEKSAdminViewPolicy"), url, false},
		{world("API_AND_CONFIG_MAP", "AmazonEKSViewPolicy"), resource("list", "", "pods"), true},
		{world("API", "AmazonEKSViewPolicy", "team-*"), resource("list", "team-a", "pods"), true},
		{world("API", "AmazonEKSViewPolicy", "team-*"), resource("list", "", "pods"), false},
		{world("API", "AmazonEKSViewPolicy", "*-a-*"), resource("list", "x-a-y-a-z", "pods"), true},
		{world("API", "AmazonEKSViewPolicy", "*-a"), resource("list", "x-a-b", "pods"), false},
		{world("API", "AmazonEKSViewPolicy"), resource("delete", "a", "pods"), false},
		{world("API", "AmazonEKSEditPolicy"), resource("delete", "a", "pods"), true},
		{world("API", "AmazonEKSAutoNodePolicy"), resource("get", "a", "pods"), false},
		{world("CONFIG_MAP", "AmazonEKSClusterAdminPolicy"), resource("get", "a", "pods"), false},
		{world("API", "AmazonEKSClusterAdminPolicy"), other, false},
		{world("API", "AmazonEKSClusterAdminPolicy"), plain, false},
	} {
		d, why, err := row.policies.Authorize(context.Background(), row.asked)
		want := authorizer.DecisionNoOpinion
		if row.may {
			want = authorizer.DecisionAllow
		}
		if d != want || err != nil || row.may == (why == "") {
			t.Errorf("row %d: %v %q %v", i, d, why, err)
		}
	}
	if d, _, err := world("API", "AmazonEKSAdminPolicy").Authorize(context.Background(), resource("get", "a", "pods")); d != authorizer.DecisionNoOpinion || err == nil {
		t.Errorf("a role that is missing: %v %v", d, err)
	}
}

func TestRulesFor(t *testing.T) {
	for _, row := range []struct {
		policies  *access.Policies
		namespace string
		want      string
	}{
		{world("API", "AmazonEKSViewPolicy"), "a", "[pods [get list watch]] urls 0 incomplete false"},
		{world("API", "AmazonEKSViewPolicy", "b"), "a", " urls 0 incomplete false"},
		{world("API", "AmazonEKSClusterAdminPolicy"), "a", "[* [*]] urls 1 incomplete false"},
		{world("API", "AmazonEKSClusterAdminPolicy", "a"), "a", "[* [*]] urls 0 incomplete false"},
		{world("API", "AmazonEKSAdminPolicy"), "a", " urls 0 incomplete true"},
		{world("CONFIG_MAP", "AmazonEKSViewPolicy"), "a", " urls 0 incomplete false"},
	} {
		resources, urls, incomplete, err := row.policies.RulesFor(context.Background(), someone("arn:aws:iam::1:role/R"), row.namespace)
		text := ""
		for _, r := range resources {
			text += fmt.Sprintf("[%s %s]", r.GetResources()[0], r.GetVerbs())
		}
		if text += fmt.Sprintf(" urls %d incomplete %t", len(urls), incomplete); text != row.want || incomplete != (err != nil) {
			t.Errorf("%q %v, want %q", text, err, row.want)
		}
	}
}
