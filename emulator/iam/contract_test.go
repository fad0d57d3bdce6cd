package iam_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/neargate/neargate/apiwire"
)

// client is a real SDK client of the world's IAM, over HTTP.
func (w world) client(t *testing.T) *sdk.Client {
	t.Helper()
	service := apiwire.Query("iam", "2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/", w.API).
		WithConstraints(apiwire.ConstraintsOf("iam"), apiwire.VoiceQuery)
	server := httptest.NewServer(apiwire.New(apiwire.Options{}, service))
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), RetryMaxAttempts: 1,
	})
}

func TestContractRole(t *testing.T) {
	c := newWorld(t).client(t)
	made, err := c.CreateRole(t.Context(), &sdk.CreateRoleInput{
		RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: aws.String("r")})
	if err != nil {
		t.Fatal(err)
	}
	document, err := url.PathUnescape(*got.Role.AssumeRolePolicyDocument)
	if err != nil || !json.Valid([]byte(document)) || document != trust {
		t.Errorf("document = %s (%v)", document, err)
	}
	if *got.Role.RoleId != *made.Role.RoleId || got.Role.CreateDate.IsZero() || len(got.Role.Tags) != 1 {
		t.Errorf("role = %+v", got.Role)
	}
	err = sdk.NewRoleExistsWaiter(c).Wait(t.Context(), &sdk.GetRoleInput{RoleName: aws.String("r")}, 1e9)
	if err != nil {
		t.Error(err)
	}
	_, err = c.CreateRole(t.Context(), &sdk.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust)})
	wantTyped[*types.EntityAlreadyExistsException](t, err, 409)
	_, err = c.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: aws.String("other")})
	wantTyped[*types.NoSuchEntityException](t, err, 404)
	_, err = c.CreateRole(t.Context(), &sdk.CreateRoleInput{RoleName: aws.String("bad"), AssumeRolePolicyDocument: aws.String("{")})
	wantTyped[*types.MalformedPolicyDocumentException](t, err, 400)
	_, err = c.CreateRole(t.Context(), &sdk.CreateRoleInput{RoleName: aws.String("a role"), AssumeRolePolicyDocument: aws.String(trust)})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "ValidationError" {
		t.Errorf("a name with a blank: %v", err)
	}
}

// wantTyped checks that the client sees one of the SDK's errors.
func wantTyped[E error](t *testing.T, err error, status int) {
	t.Helper()
	if _, ok := errors.AsType[E](err); !ok {
		t.Errorf("error = %v, want a %T", err, *new(E))
	}
	if r, ok := errors.AsType[*smithyhttp.ResponseError](err); !ok || r.HTTPStatusCode() != status {
		t.Errorf("status of %v, want %d", err, status)
	}
}

func TestContractPolicies(t *testing.T) {
	c := newWorld(t).client(t)
	made, err := c.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{PolicyName: aws.String("mine"), PolicyDocument: aws.String(grant)})
	if err != nil {
		t.Fatal(err)
	}
	pages, found := 0, map[string]bool{}
	for p := sdk.NewListPoliciesPaginator(c, &sdk.ListPoliciesInput{MaxItems: aws.Int32(20)}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range page.Policies {
			found[*policy.Arn] = true
		}
	}
	if pages < 4 || !found[*made.Policy.Arn] || !found["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"] {
		t.Errorf("%d pages, %d policies", pages, len(found))
	}
	aliases, err := c.ListAccountAliases(t.Context(), &sdk.ListAccountAliasesInput{})
	if err != nil || len(aliases.AccountAliases) != 0 {
		t.Errorf("aliases = %+v, %v", aliases, err)
	}
}

// Everything that API answers must be an operation of IAM: a method with a
// mistaken name would never be called.
func TestEveryOperationIsIAMs(t *testing.T) {
	known := map[string]bool{}
	for _, name := range apiwire.OperationsOf(&sdk.Client{}) {
		known[name] = true
	}
	h := apiwire.New(apiwire.Options{}, apiwire.Query("iam", "2010-05-08", "x", newWorld(t).API))
	served := h.Coverage()[0].Implemented
	if len(served) < 60 {
		t.Errorf("%d operations served", len(served))
	}
	for _, name := range served {
		if !known[name] {
			t.Errorf("%s is no operation of IAM", name)
		}
	}
}
