package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestEKSAccess: who may do what in a cluster, with signatures verified.
func TestEKSAccess(t *testing.T) {
	t.Parallel()
	s := serveEKS(t, "--auth", "verify")
	c := s.prepare(t, "guarded")
	c.create(t, func(in *eks.CreateClusterInput) {
		in.AccessConfig = &types.CreateAccessConfigRequest{AuthenticationMode: types.AuthenticationModeApiAndConfigMap}
	})
	c.active(t)
	c.point(t)
	c.kubectl(t, "create namespace team")
	exportLogs(t, c)

	nobody, viewer, editor, mapped := c.user(t, "nobody"), c.user(t, "viewer"), c.user(t, "editor"), c.user(t, "mapped")
	lead, owner := c.user(t, "lead"), c.user(t, "owner")
	c.allow(t, lead, "AmazonEKSAdminPolicy", "team")
	c.allow(t, owner, "AmazonEKSClusterAdminPolicy", "team")
	c.allow(t, viewer, "AmazonEKSViewPolicy")
	c.allow(t, editor, "AmazonEKSEditPolicy", "team")
	_, err := c.feed(fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-auth, namespace: kube-system}
data:
  mapUsers: |
    - userarn: %s
      username: from-the-map
      groups: [system:masters]
`, mapped.arn), "apply -f -")
	if err != nil {
		t.Fatal(err)
	}

	who := func(u *user, line string) (string, error) { return c.try("--token {} "+line, u.token) }
	for _, u := range []*user{viewer, editor, mapped, lead, owner} {
		eventually(t, u.name+" is known", 20*time.Second, func() error {
			_, err := who(u, "auth whoami")
			return err
		})
	}
	const unauthorized, notHeld = "(Unauthorized)", "is attempting to grant RBAC permissions not currently held"
	for _, row := range []struct {
		user    *user
		line    string
		refusal string // "" none
	}{
		{nobody, "get pods", unauthorized},
		{viewer, "get pods -A", ""},
		{viewer, "get configmaps -n team", ""},
		{viewer, "create configmap x -n team", "forbidden"},
		{viewer, "get secrets -n team", "(Forbidden)"},
		{editor, "create configmap x -n team", ""},
		{editor, "delete configmap x -n team", ""},
		{editor, "create configmap x -n default", "forbidden"},
		{editor, "get nodes", "(Forbidden)"},
		{lead, "get roles -n team", ""},
		{lead, "create role reader -n team --verb=get --resource=pods", notHeld}, // as on AWS: aws/containers-roadmap#2682
		{lead, "create rolebinding viewers -n team --clusterrole=view --group=devs", notHeld},
		{lead, "create rolebinding basics -n team --clusterrole=system:basic-user --group=devs", ""},
		{lead, "create role reader -n default --verb=get --resource=pods", "(Forbidden)"},
		{owner, "create role reader -n team --verb=get --resource=pods", ""},
		{owner, "create rolebinding readers -n team --role=reader --group=devs", ""},
		{owner, "create rolebinding viewers -n team --clusterrole=view --group=devs", ""},
		{owner, "create clusterrolebinding viewers --clusterrole=view --group=devs", "is forbidden"},
		{owner, "create role reader -n default --verb=get --resource=pods", "(Forbidden)"},
		{mapped, "get nodes", ""},
		{mapped, "create namespace more", ""},
		{viewer.with(t, c, "wrong"), "get pods", unauthorized},
	} {
		switch out, err := who(row.user, row.line); {
		case row.refusal == "" && err != nil:
			t.Errorf("%s: %v", row.user.name, err)
		case row.refusal != "" && (err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(row.refusal))):
			t.Errorf("%s: kubectl %s: %s %v, want %q", row.user.name, row.line, out, err, row.refusal)
		}
	}
	if out, err := who(mapped, "auth whoami -o jsonpath={.status.userInfo.username}"); err != nil || out != "from-the-map" {
		t.Errorf("the user of aws-auth is %q: %v", out, err)
	}
	if out, err := who(viewer, "auth whoami -o jsonpath={.status.userInfo.username}"); err != nil || out != viewer.arn {
		t.Errorf("the user of an access entry is %q: %v", out, err)
	}
	planeLogs(t, c, viewer, nobody)
	badTokens(t, c, viewer)
	if _, err := c.client().DeleteAccessEntry(t.Context(), &eks.DeleteAccessEntryInput{ClusterName: aws.String(c.name), PrincipalArn: aws.String(viewer.arn)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the viewer is out", 20*time.Second, func() error {
		if _, err := who(viewer, "get pods"); err == nil || !strings.Contains(err.Error(), unauthorized) {
			return fmt.Errorf("%v", err)
		}
		return nil
	})
}

// badTokens: what is no token of this cluster's, of this quarter of an hour, is
// Kubernetes' own 401, and the cluster's log tells why.
func badTokens(t *testing.T, c *eksCluster, u *user) {
	other := u.cli.aws("eks get-token --cluster-name other --query status.token")
	signed, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(u.token, "k8s-aws-v1."))
	if err != nil {
		t.Fatal(err)
	}
	old := regexp.MustCompile(`X-Amz-Date=[0-9TZ]+`).ReplaceAllString(string(signed), "X-Amz-Date=20200102T030405Z")
	for _, row := range []struct{ name, token, why string }{
		{"another cluster's", other, "signature"},
		{"expired", "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(old)), "the token has expired: it was signed at 2020-01-02T03:04:05Z and is good for 15m0s"},
		{"garbage", "garbage", ""},
		{"half a token", u.token[:len(u.token)/2], "the token"},
		{"of nobody", "k8s-aws-v1.", "the token"},
	} {
		out, err := c.try("--token {} get pods", row.token)
		if err == nil || !strings.Contains(err.Error(), "You must be logged in to the server (Unauthorized)") {
			t.Errorf("with a token that is %s: %s %v", row.name, out, err)
		}
		eventually(t, "the log tells why a token that is "+row.name+" is refused", patience, func() error {
			log, err := command(nil, binary, "logs", "--endpoint", c.endpoint, c.name)
			if err == nil && !strings.Contains(log, row.why) {
				err = fmt.Errorf("it does not say %q", row.why)
			}
			return err
		})
	}
}

// user is an IAM user with an access key and a token for a cluster.
type user struct {
	name, arn, key, token string
	cli                   *cli
}

func (c *eksCluster) user(t testing.TB, name string) *user {
	t.Helper()
	client, ctx := iam.NewFromConfig(c.server.config()), context.Background()
	made, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	u := &user{name: name, arn: aws.ToString(made.User.Arn), key: aws.ToString(key.AccessKey.AccessKeyId)}
	return u.with(t, c, aws.ToString(key.AccessKey.SecretAccessKey))
}

// with is the user with a token that a secret has signed.
func (u *user) with(t testing.TB, c *eksCluster, secret string) *user {
	t.Helper()
	cli := c.cli(t).with("AWS_ACCESS_KEY_ID="+u.key, "AWS_SECRET_ACCESS_KEY="+secret)
	other := *u
	other.cli, other.token = cli, cli.aws("eks get-token --cluster-name {} --query status.token", c.name)
	return &other
}

// allow makes an access entry with a policy: for some namespaces, or for all.
func (c *eksCluster) allow(t testing.TB, u *user, policy string, namespaces ...string) {
	t.Helper()
	ctx := context.Background()
	_, err := c.client().CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{ClusterName: aws.String(c.name), PrincipalArn: aws.String(u.arn)})
	if err != nil {
		t.Fatal(err)
	}
	scope := &types.AccessScope{Type: types.AccessScopeTypeCluster}
	if len(namespaces) > 0 {
		scope = &types.AccessScope{Type: types.AccessScopeTypeNamespace, Namespaces: namespaces}
	}
	_, err = c.client().AssociateAccessPolicy(ctx, &eks.AssociateAccessPolicyInput{
		ClusterName: aws.String(c.name), PrincipalArn: aws.String(u.arn), AccessScope: scope,
		PolicyArn: aws.String("arn:aws:eks::aws:cluster-access-policy/" + policy),
	})
	if err != nil {
		t.Fatal(err)
	}
}
