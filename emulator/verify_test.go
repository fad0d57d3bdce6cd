package emulator_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/fixtures"
)

// code is the AWS error code of err, "" when there is none.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// TestVerify: with --auth=verify only known keys with their own secrets are
// let in, from the root user's to those of a session.
func TestVerify(t *testing.T) {
	ctx := context.Background()
	root := open(t, fixtures.WithVerifiedSignatures())
	list := func(s *site) error {
		_, err := s.ecs().ListClusters(ctx, &ecs.ListClustersInput{})
		return err
	}
	who := func(s *site) string {
		out, err := sts.NewFromConfig(s.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Arn
	}
	admin := iam.NewFromConfig(root.as("111111111111", "test", "", "us-east-1").cfg)
	if _, err := admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	made, err := admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	key, secret := *made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey
	ann := root.as(key, secret, "", "us-east-1")
	if got := who(ann); got != "arn:aws:iam::111111111111:user/ann" {
		t.Errorf("a user's key is %s", got)
	}
	if _, err := admin.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("app"), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	session := assume(t, ann, "arn:aws:iam::111111111111:role/app", "us-east-1")
	if got := who(session); got != "arn:aws:sts::111111111111:assumed-role/app/me" {
		t.Errorf("a session is %s", got)
	}
	credentials, err := session.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sid, ssecret, token := credentials.AccessKeyID, credentials.SecretAccessKey, credentials.SessionToken
	for _, c := range []struct {
		name string
		site *site
		want string
	}{
		{"the root user", root, ""},
		{"an account's own key", root.as("111111111111", "test", "", "eu-west-1"), ""},
		{"a user", ann, ""},
		{"a session", session, ""},
		{"a wrong secret", root.as("test", "wrong", "", "us-east-1"), "InvalidSignatureException"},
		{"a user's wrong secret", root.as(key, secret+"x", "", "us-east-1"), "InvalidSignatureException"},
		{"a session's wrong secret", root.as(sid, secret, token, "us-east-1"), "InvalidSignatureException"},
		{"a session without its token", root.as(sid, ssecret, "", "us-east-1"), "UnrecognizedClientException"},
		{"a session with another token", root.as(sid, ssecret, token[1:], "us-east-1"), "UnrecognizedClientException"},
		{"nobody's key", root.as("AKIAIOSFODNN7EXAMPLE", "secret", "", "us-east-1"), "UnrecognizedClientException"},
	} {
		if err := list(c.site); code(err) != c.want || (c.want == "") != (err == nil) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := admin.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: &key, Status: iamtypes.StatusTypeInactive}); err != nil {
		t.Fatal(err)
	}
	if err := list(ann); code(err) != "UnrecognizedClientException" {
		t.Errorf("a key that was made inactive: %v", err)
	}
}

// TestVerifyUnsigned: who does not sign is refused by AWS's APIs, and answered
// by Neargate's own endpoints.
func TestVerifyUnsigned(t *testing.T) {
	s := open(t, fixtures.WithVerifiedSignatures())
	a, body := s.send(t, http.MethodPost, "/", "X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters", "Content-Type", "application/x-amz-json-1.1")
	if a.StatusCode/100 != 4 || !strings.Contains(body, "MissingAuthenticationTokenException") {
		t.Errorf("ECS: %s %s", a.Status, body)
	}
	for query, want := range map[string]string{
		"Action=DescribeVpcs&Version=2016-11-15":      "AuthFailure",
		"Action=GetCallerIdentity&Version=2011-06-15": "MissingAuthenticationToken",
		"Action=ListRoles&Version=2010-05-08":         "MissingAuthenticationToken",
	} {
		if a, body := s.send(t, http.MethodGet, "/?"+query); a.StatusCode/100 != 4 || element(body, "Code") != want {
			t.Errorf("%s: %s %s", query, a.Status, body)
		}
	}
	if status, body := s.ec2(t, "DescribeVpcs"); status/100 != 4 {
		t.Errorf("a signature that is made up: %d %s", status, body)
	}
	if a, body := s.send(t, http.MethodGet, "/_neargate/health"); a.StatusCode != http.StatusOK {
		t.Errorf("health: %s %s", a.Status, body)
	}
}
