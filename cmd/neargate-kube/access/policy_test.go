package access_test

import (
	"context"
	"slices"
	"testing"

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
	return access.NewPolicies(func() link.Settings { return s })
}

func someone(arn string) *user.DefaultInfo {
	return &user.DefaultInfo{Name: "u", Extra: map[string][]string{"canonicalArn": {arn}}}
}

func TestPolicies(t *testing.T) {
	resource := func(verb, namespace, resource string) authorizer.AttributesRecord {
		return authorizer.AttributesRecord{Verb: verb, Namespace: namespace, Resource: resource, APIVersion: "v1", ResourceRequest: true, User: someone("arn:aws:iam::1:role/R")}
	}
	rbac := func(verb, what string) authorizer.AttributesRecord {
		a := resource(verb, "a", what)
		a.APIGroup = "rbac.authorization.k8s.io"
		return a
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
		{world("API", "AmazonEKSEditPolicy"), resource("get", "a", "roles"), false},
		{world("API", "AmazonEKSViewPolicy"), resource("get", "a", "secrets"), false},
		{world("API", "AmazonEKSAdminPolicy", "a"), rbac("create", "roles"), true},
		{world("API", "AmazonEKSAdminPolicy", "a"), rbac("create", "rolebindings"), true},
		{world("API", "AmazonEKSAdminPolicy", "a"), rbac("create", "clusterroles"), false},
		{world("API", "AmazonEKSAdminPolicy", "a"), rbac("escalate", "roles"), false},
		{world("API", "AmazonEKSAdminPolicy", "a"), rbac("bind", "clusterroles"), false},
		{world("API", "AmazonEKSClusterAdminPolicy", "a"), rbac("escalate", "roles"), true},
		{world("API", "AmazonEKSClusterAdminPolicy", "a"), rbac("bind", "clusterroles"), true},
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
}

func TestRulesFor(t *testing.T) {
	for _, row := range []struct {
		policies  *access.Policies
		namespace string
		allows    string // a resource that a rule is for
		urls      int
	}{
		{world("API", "AmazonEKSViewPolicy"), "a", "pods/log", 0},
		{world("API", "AmazonEKSViewPolicy", "b"), "a", "", 0},
		{world("API", "AmazonEKSEditPolicy"), "a", "pods/exec", 0},
		{world("API", "AmazonEKSAdminPolicy"), "a", "rolebindings", 0},
		{world("API", "AmazonEKSClusterAdminPolicy"), "a", "*", 1},
		{world("API", "AmazonEKSClusterAdminPolicy", "a"), "a", "*", 0},
		{world("CONFIG_MAP", "AmazonEKSViewPolicy"), "a", "", 0},
	} {
		resources, urls, incomplete, err := row.policies.RulesFor(context.Background(), someone("arn:aws:iam::1:role/R"), row.namespace)
		found := slices.ContainsFunc(resources, func(r authorizer.ResourceRuleInfo) bool { return slices.Contains(r.GetResources(), row.allows) })
		if found != (row.allows != "") || !found && len(resources) > 0 || len(urls) != row.urls || incomplete || err != nil {
			t.Errorf("%q: %v, %d URLs, %t %v", row.allows, resources, len(urls), incomplete, err)
		}
	}
}
