package controlplane_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/eks/link"
)

var signedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// presigned is the URL that `aws eks get-token` makes, signed by the SDK.
func presigned(t *testing.T, endpoint, cluster string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, endpoint+"?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-k8s-aws-id", cluster)
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	u, _, err := v4.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKIAGOOD", SecretAccessKey: "secret"}, r, emptyHash, "sts", "us-east-1", signedAt)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func tokenOf(u string) string { return "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(u)) }

func TestGoodTokens(t *testing.T) {
	for _, endpoint := range []string{
		"https://sts.us-east-1.amazonaws.com/", "https://sts.amazonaws.com/", "https://sts-fips.us-east-1.amazonaws.com/",
		"https://sts.cn-north-1.amazonaws.com.cn/", "http://localhost:4566/", "http://127.0.0.1:4566/", "https://sts.localhost:4566/",
	} {
		token := tokenOf(presigned(t, endpoint, "prod"))
		id, err := controlplane.Verify(t.Context(), token, "prod", tokens{}, controlplane.IsLoopback, signedAt.Add(15*time.Minute))
		if err != nil {
			t.Errorf("%s: %v", endpoint, err)
			continue
		}
		want := link.Identity{
			ARN: "arn:aws:sts::123456789012:assumed-role/dev/me-prod", CanonicalARN: "arn:aws:iam::123456789012:role/dev",
			Account: "123456789012", UserID: "AROA:me", AccessKeyID: "AKIAGOOD", SessionName: "me-prod",
		}
		if id != want {
			t.Errorf("%s: %+v", endpoint, id)
		}
	}
}

func TestBadTokens(t *testing.T) {
	good := presigned(t, "https://sts.us-east-1.amazonaws.com/", "prod")
	change := func(from, to string) string {
		t.Helper()
		if !strings.Contains(good, from) {
			t.Fatalf("%s has no %s", good, from)
		}
		return tokenOf(strings.Replace(good, from, to, 1))
	}
	for name, c := range map[string]struct {
		token string
		after time.Duration
		why   string
	}{
		"another kind":     {"k8s-aws-v2.abc", 0, "does not begin with \"k8s-aws-v1.\""},
		"no base64":        {"k8s-aws-v1.!!!", 0, "is not base64"},
		"too long":         {"k8s-aws-v1." + strings.Repeat("a", 20_000), 0, "too long"},
		"no URL":           {tokenOf("https://%zz/"), 0, "holds no URL"},
		"plain HTTP":       {change("https:", "http:"), 0, "neither STS nor this emulator"},
		"another host":     {change("amazonaws.com", "amazonaws.com.evil.example"), 0, "neither STS nor this emulator"},
		"another host 2":   {change("sts.us-east-1", "evil.example/sts"), 0, "the path"},
		"another port":     {change("amazonaws.com", "amazonaws.com:8443"), 0, "neither STS nor this emulator"},
		"a user":           {change("https://", "https://me@"), 0, "parts that none"},
		"a path":           {change(".com/?", ".com/x?"), 0, `the path "/x"`},
		"no path":          {change(".com/?", ".com?"), 0, `the path ""`},
		"another action":   {change("GetCallerIdentity", "GetSessionToken"), 0, "asks for"},
		"twice":            {tokenOf(good + "&action=GetCallerIdentity"), 0, "more than once"},
		"twice alike":      {tokenOf(good + "&Action=GetCallerIdentity"), 0, "more than once"},
		"unknown":          {tokenOf(good + "&x=1"), 0, "which none has"},
		"cluster unsigned": {change("%3Bx-k8s-aws-id", ""), 0, "does not cover x-k8s-aws-id"},
		"long life":        {change("X-Amz-Expires=60", "X-Amz-Expires=901"), 0, "at most 900"},
		"no life":          {change("X-Amz-Expires=60", "X-Amz-Expires=soon"), 0, "at most 900"},
		"no date":          {change("X-Amz-Date=2026", "X-Amz-Date=x"), 0, "is no time"},
		"too old":          {tokenOf(good), 15*time.Minute + time.Second, "has expired"},
		"too early":        {tokenOf(good), -5*time.Minute - time.Second, "not good yet"},
		"no credential":    {change("AKIAGOOD%2F", ""), 0, "X-Amz-Credential"},
		"unknown key":      {change("AKIAGOOD", "AKIABAD"), 0, "the key is unknown"},
	} {
		_, err := controlplane.Verify(t.Context(), c.token, "prod", tokens{}, controlplane.IsLoopback, signedAt.Add(c.after))
		if !errors.Is(err, link.ErrUnauthorized) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// checking verifies signatures as the emulator does with --auth=verify.
type checking struct{ tokens }

func (checking) Secret(context.Context, string) (string, bool) { return "secret", true }

func (c checking) Caller(ctx context.Context, u *url.URL, h http.Header) (controlplane.Caller, error) {
	if _, err := apiwire.VerifyPresigned(ctx, u, h, c); err != nil {
		return controlplane.Caller{}, err
	}
	return c.tokens.Caller(ctx, u, h)
}

// A token is good for the cluster it was made for, and no other.
func TestTokenIsForOneCluster(t *testing.T) {
	token := tokenOf(presigned(t, "http://localhost:4566/", "prod"))
	if _, err := controlplane.Verify(t.Context(), token, "prod", checking{}, controlplane.IsLoopback, signedAt); err != nil {
		t.Error(err)
	}
	if _, err := controlplane.Verify(t.Context(), token, "dev", checking{}, controlplane.IsLoopback, signedAt); !errors.Is(err, link.ErrUnauthorized) {
		t.Errorf("for another cluster: %v", err)
	}
}

func TestCanonicalARN(t *testing.T) {
	for arn, want := range map[string][2]string{
		"arn:aws:sts::1:assumed-role/a/s":      {"arn:aws:iam::1:role/a", "s"},
		"arn:aws-cn:sts::1:assumed-role/a/b/s": {"arn:aws-cn:iam::1:role/a/b", "s"},
		"arn:aws:sts::1:federated-user/f":      {"arn:aws:sts::1:federated-user/f", "f"},
		"arn:aws:iam::1:user/a":                {"arn:aws:iam::1:user/a", ""},
		"arn:aws:iam::1:root":                  {"arn:aws:iam::1:root", ""},
		"nonsense":                             {"nonsense", ""},
	} {
		if c, s := controlplane.CanonicalARN(arn); c != want[0] || s != want[1] {
			t.Errorf("%s: %s %q", arn, c, s)
		}
	}
}
