package sts_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/neargate/neargate/apiwire"
)

// serve serves the world's STS over HTTP; it verifies signatures.
func (w world) serve(t *testing.T) (endpoint string) {
	t.Helper()
	server := httptest.NewServer(apiwire.New(apiwire.Options{Verify: apiwire.Verify(w.API, time.Now)},
		apiwire.Query("sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/", w.API).
			WithConstraints(apiwire.ConstraintsOf("sts"), apiwire.VoiceQuery)))
	t.Cleanup(server.Close)
	return server.URL
}

func client(endpoint string, c aws.CredentialsProvider) *sdk.Client {
	return sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: c, RetryMaxAttempts: 1})
}

func TestContract(t *testing.T) {
	w, done := newWorld(t)
	t.Cleanup(done)
	endpoint := w.serve(t)
	c := client(endpoint, credentials.NewStaticCredentialsProvider("test", "test", ""))
	me, err := c.GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	if err != nil || *me.Arn != "arn:aws:iam::000000000000:user/test" {
		t.Fatalf("me = %+v, %v", me, err)
	}
	role := w.iam.trusting(other, "/", "deploy", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/test"},"Action":"sts:AssumeRole"}`)
	out, err := c.AssumeRole(t.Context(), assume(role))
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(*out.Credentials.Expiration); left < 59*time.Minute || left > time.Hour {
		t.Errorf("expires in %s", left)
	}
	k := out.Credentials
	session := client(endpoint, credentials.NewStaticCredentialsProvider(*k.AccessKeyId, *k.SecretAccessKey, *k.SessionToken))
	me, err = session.GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	if err != nil || *me.Arn != "arn:aws:sts::222222222222:assumed-role/deploy/s1" {
		t.Errorf("session = %+v, %v", me, err)
	}
	for name, stranger := range map[string]aws.CredentialsProvider{
		"wrong secret": credentials.NewStaticCredentialsProvider(*k.AccessKeyId, "x", *k.SessionToken),
		"no token":     credentials.NewStaticCredentialsProvider(*k.AccessKeyId, *k.SecretAccessKey, ""),
		"unknown key":  credentials.NewStaticCredentialsProvider("nobody", "test", ""),
	} {
		if _, err := client(endpoint, stranger).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{}); err == nil {
			t.Errorf("%s is let in", name)
		}
	}
	_, err = c.AssumeRole(t.Context(), assume(role+"x"))
	if r, ok := errors.AsType[*smithyhttp.ResponseError](err); !ok || r.HTTPStatusCode() != 403 {
		t.Errorf("a role that is not there: %v", err)
	}
	unsigned := client(endpoint, aws.AnonymousCredentials{})
	_, err = unsigned.AssumeRoleWithWebIdentity(t.Context(), &sdk.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), RoleSessionName: aws.String("s1"), WebIdentityToken: aws.String("nonsense"),
	})
	if _, ok := errors.AsType[*types.InvalidIdentityTokenException](err); !ok {
		t.Errorf("web identity: %v", err)
	}
}
