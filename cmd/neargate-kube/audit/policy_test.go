package audit_test

import (
	"testing"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/neargate/neargate/cmd/neargate-kube/audit"
)

func TestPolicy(t *testing.T) {
	p, err := audit.NewPolicy()
	if err != nil {
		t.Fatal(err)
	}
	resource := func(who, verb, group, namespace, what, name string) authorizer.AttributesRecord {
		return authorizer.AttributesRecord{User: &user.DefaultInfo{Name: who}, Verb: verb, APIGroup: group, Namespace: namespace, Resource: what, Name: name, ResourceRequest: true}
	}
	token := resource("jo", "create", "", "default", "serviceaccounts", "web")
	token.Subresource = "token"
	node := resource("system:node:a", "patch", "", "default", "pods", "web")
	node.User, node.Subresource = &user.DefaultInfo{Name: "system:node:a", Groups: []string{"system:nodes"}}, "status"
	for _, c := range []struct {
		name string
		of   authorizer.AttributesRecord
		want auditinternal.Level
	}{
		{"a change of aws-auth", resource("jo", "update", "", "kube-system", "configmaps", "aws-auth"), auditinternal.LevelRequestResponse},
		{"reading aws-auth", resource("jo", "get", "", "kube-system", "configmaps", "aws-auth"), auditinternal.LevelMetadata},
		{"a secret", resource("jo", "create", "", "default", "secrets", "a"), auditinternal.LevelMetadata},
		{"an event", resource("jo", "create", "", "default", "events", "a"), auditinternal.LevelNone},
		{"a token", token, auditinternal.LevelRequest},
		{"a node's status of a pod", node, auditinternal.LevelRequest},
		{"listing pods", resource("jo", "list", "", "default", "pods", ""), auditinternal.LevelRequest},
		{"creating a pod", resource("jo", "create", "", "default", "pods", ""), auditinternal.LevelRequestResponse},
		{"a custom resource", resource("jo", "create", "example.com", "default", "things", ""), auditinternal.LevelMetadata},
		{"the namespaces, for the API server", resource("system:apiserver", "get", "", "default", "namespaces", "default"), auditinternal.LevelNone},
		{"health", authorizer.AttributesRecord{User: &user.DefaultInfo{}, Verb: "get", Path: "/healthz/ping"}, auditinternal.LevelNone},
		{"another path", authorizer.AttributesRecord{User: &user.DefaultInfo{}, Verb: "get", Path: "/apis"}, auditinternal.LevelMetadata},
	} {
		p.Switch(false)
		if got := p.EvaluatePolicyRule(c.of); got.Level != auditinternal.LevelNone {
			t.Errorf("%s, switched off: %s", c.name, got.Level)
		}
		p.Switch(true)
		if got := p.EvaluatePolicyRule(c.of); got.Level != c.want {
			t.Errorf("%s: %s, not %s", c.name, got.Level, c.want)
		}
	}
}
