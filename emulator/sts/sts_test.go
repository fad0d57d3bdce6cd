package sts_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iam "github.com/aws/aws-sdk-go-v2/service/iam/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/emulator/sts"
	"github.com/rs/zerolog"
)

const (
	account = "000000000000"
	other   = "222222222222"
)

// directory plays IAM: roles by account and name, issuers by account.
type directory struct {
	roles   map[string]iam.Role
	issuers map[string][]string // client ids
}

func (d *directory) RoleOf(_ *store.Tx, account, name string) (iam.Role, error) {
	r, ok := d.roles[account+"/"+name]
	if !ok {
		return r, store.ErrNotFound
	}
	return r, nil
}

func (d *directory) UserOf(_ *store.Tx, partition, account, key string) (iam.User, error) {
	return iam.User{UserName: &key, UserId: aws.String("AIDA" + key), Arn: aws.String("arn:" + partition + ":iam::" + account + ":user/" + key)}, nil
}

func (d *directory) AccessKey(_ *store.Tx, id string) (string, iam.AccessKey, error) {
	switch id {
	case "AKIAOFBOB":
		return other, iam.AccessKey{SecretAccessKey: aws.String("bobs"), Status: iam.StatusTypeActive}, nil
	case "AKIAASLEEP":
		return other, iam.AccessKey{SecretAccessKey: aws.String("bobs"), Status: iam.StatusTypeInactive}, nil
	}
	return "", iam.AccessKey{}, store.ErrNotFound
}

func (d *directory) ProviderClients(_ *store.Tx, account, issuer string) ([]string, error) {
	ids, ok := d.issuers[account+"/"+issuer]
	if !ok {
		return nil, store.ErrNotFound
	}
	return ids, nil
}

// trusting is a role whose trust policy has these statements.
func (d *directory) trusting(account, path, name, statements string) string {
	arn := "arn:aws:iam::" + account + ":role" + path + name
	d.roles[account+"/"+name] = iam.Role{
		Arn: &arn, RoleName: &name, RoleId: aws.String("AROA" + name), MaxSessionDuration: aws.Int32(7200),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
	}
	return arn
}

type world struct {
	*sts.API
	store  *store.Store
	iam    *directory
	ctx    context.Context
	signer *signer
}

// newWorld opens an STS; in a synctest bubble it must be closed before the
// bubble ends, which the returned function does.
func newWorld(t *testing.T) (world, func()) {
	t.Helper()
	st, err := store.Open(context.Background(), "memory", store.Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	d := &directory{roles: map[string]iam.Role{}, issuers: map[string][]string{}}
	w := world{store: st, iam: d, ctx: as("alice"), signer: &signer{}}
	w.API = sts.New(sts.Config{Store: st, IAM: d, Keys: w.signer.keys})
	return w, func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

func as(key string) context.Context {
	return apiwire.WithCall(context.Background(), apiwire.Call{
		Service: "sts", Operation: "Test", Account: account, Partition: "aws", Region: "us-east-1", AccessKey: key, RequestID: "r",
	})
}

func must[T any](t *testing.T) func(*T, error) *T {
	return func(out *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("error = %v, want %s", err, code)
	}
	if e.ErrorCode() != code || message != "" && e.ErrorMessage() != message {
		t.Errorf("error = %s: %s\nwant    %s: %s", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
}

func (w world) identity(t *testing.T, key string) string {
	t.Helper()
	out := must[sdk.GetCallerIdentityOutput](t)(w.GetCallerIdentity(as(key), nil))
	return *out.Account + " " + *out.Arn + " " + *out.UserId
}

const (
	anyone   = `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`
	accounts = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"sts:AssumeRole"}`
)

func assume(arn string) *sdk.AssumeRoleInput {
	return &sdk.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("s1")}
}

func TestCallerIdentity(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	if got, want := w.identity(t, "alice"), account+" arn:aws:iam::000000000000:user/alice AIDAalice"; got != want {
		t.Errorf("alice is %s, want %s", got, want)
	}
	if got, want := w.identity(t, other), other+" arn:aws:iam::222222222222:root 222222222222"; got != want {
		t.Errorf("the account is %s, want %s", got, want)
	}
	_, err := w.GetCallerIdentity(as(""), nil)
	wantError(t, err, "MissingAuthenticationToken", "Request is missing Authentication Token")

	arn := w.iam.trusting(other, "/team/", "deploy", accounts)
	out := must[sdk.AssumeRoleOutput](t)(w.AssumeRole(w.ctx, assume(arn)))
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::222222222222:assumed-role/deploy/s1" || *out.AssumedRoleUser.AssumedRoleId != "AROAdeploy:s1" {
		t.Errorf("assumed role = %s %s", *out.AssumedRoleUser.Arn, *out.AssumedRoleUser.AssumedRoleId)
	}
	id := *out.Credentials.AccessKeyId
	if len(id) != 20 || !strings.HasPrefix(id, "ASIA") {
		t.Errorf("access key id = %s", id)
	}
	if got, want := w.identity(t, id), other+" arn:aws:sts::222222222222:assumed-role/deploy/s1 AROAdeploy:s1"; got != want {
		t.Errorf("session is %s, want %s", got, want)
	}
	info := must[sdk.GetAccessKeyInfoOutput](t)(w.GetAccessKeyInfo(w.ctx, &sdk.GetAccessKeyInfoInput{AccessKeyId: &id}))
	if *info.Account != other {
		t.Errorf("account of %s = %s", id, *info.Account)
	}
}

func TestSecrets(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	out := must[sdk.GetSessionTokenOutput](t)(w.GetSessionToken(w.ctx, &sdk.GetSessionTokenInput{}))
	for key, want := range map[string]string{"test": "test", other: "test", "AKIAOFBOB": "bobs", *out.Credentials.AccessKeyId: *out.Credentials.SecretAccessKey} {
		if got, ok := w.Secret(t.Context(), key); !ok || got != want {
			t.Errorf("secret of %s = %q, %v", key, got, ok)
		}
	}
	for _, key := range []string{"alice", "AKIAASLEEP", "12345678901"} {
		if got, ok := w.Secret(t.Context(), key); ok {
			t.Errorf("secret of %s = %q", key, got)
		}
	}
	if got := w.Token(t.Context(), *out.Credentials.AccessKeyId); got != *out.Credentials.SessionToken {
		t.Errorf("token = %q", got)
	}
	_, err := w.GetSessionToken(as(*out.Credentials.AccessKeyId), &sdk.GetSessionTokenInput{})
	wantError(t, err, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	if got, want := w.identity(t, *out.Credentials.AccessKeyId), w.identity(t, "alice"); got != want {
		t.Errorf("session is %s, want %s", got, want)
	}
}

func TestSessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, done := newWorld(t)
		defer done()
		out := must[sdk.AssumeRoleOutput](t)(w.AssumeRole(w.ctx, assume(w.iam.trusting(account, "/", "r", anyone))))
		id := *out.Credentials.AccessKeyId
		time.Sleep(time.Hour + time.Second)
		_, err := w.GetCallerIdentity(as(id), nil)
		wantError(t, err, "ExpiredToken", "The security token included in the request is expired")
		if secret, ok := w.Secret(t.Context(), id); ok {
			t.Errorf("secret after expiry = %q", secret)
		}
		must[sdk.GetSessionTokenOutput](t)(w.GetSessionToken(w.ctx, &sdk.GetSessionTokenInput{}))
		if got, want := w.identity(t, id), account+" arn:aws:iam::000000000000:user/"+id+" AIDA"+id; got != want {
			t.Errorf("a swept session is %s, want %s", got, want)
		}
	})
}

func TestAssumeRoleRefusals(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	open := w.iam.trusting(account, "/", "open", anyone)
	external := w.iam.trusting(account, "/", "external",
		`{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}}`)
	service := w.iam.trusting(account, "/", "service", `{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	pathed := w.iam.trusting(account, "/a/", "pathed", anyone)
	nobody := func(arn string) string {
		return "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: sts:AssumeRole on resource: " + arn
	}
	with := func(arn string, change func(in *sdk.AssumeRoleInput)) *sdk.AssumeRoleInput {
		in := assume(arn)
		change(in)
		return in
	}
	for name, c := range map[string]struct {
		in            *sdk.AssumeRoleInput
		code, message string
	}{
		"open":              {in: assume(open)},
		"external id":       {in: with(external, func(in *sdk.AssumeRoleInput) { in.ExternalId = aws.String("secret") })},
		"no external id":    {assume(external), "AccessDenied", nobody(external)},
		"other external id": {with(external, func(in *sdk.AssumeRoleInput) { in.ExternalId = aws.String("guess") }), "AccessDenied", nobody(external)},
		"service's role":    {assume(service), "AccessDenied", nobody(service)},
		"no such role":      {assume(open + "x"), "AccessDenied", nobody(open + "x")},
		"without its path":  {assume(strings.Replace(pathed, "/a/", "/", 1)), "AccessDenied", ""},
		"no role":           {assume("arn:aws:iam::000000000000:user/x"), "ValidationError", "arn:aws:iam::000000000000:user/x is invalid"},
		"too long": {with(open, func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7201) }), "ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		"policy": {with(open, func(in *sdk.AssumeRoleInput) { in.Policy = aws.String("{") }), "MalformedPolicyDocument", "The policy is not in the valid JSON format."},
		"mfa":    {with(open, func(in *sdk.AssumeRoleInput) { in.TokenCode = aws.String("123456") }), "AccessDenied", ""},
		"tag twice": {with(open, func(in *sdk.AssumeRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("A"), Value: aws.String("1")}, {Key: aws.String("a"), Value: aws.String("2")}}
		}), "ValidationError", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.AssumeRole(w.ctx, c.in)
			if c.code == "" && err != nil {
				t.Fatal(err)
			}
			if c.code != "" {
				wantError(t, err, c.code, c.message)
			}
		})
	}
	_, err := w.AssumeRole(as(account), assume(open))
	wantError(t, err, "AccessDenied", "Roles may not be assumed by root accounts.")
}

func TestRoleChaining(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	in := assume(w.iam.trusting(account, "/", "first", anyone))
	in.Tags, in.TransitiveTagKeys = []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}, []string{"team"}
	first := must[sdk.AssumeRoleOutput](t)(w.AssumeRole(w.ctx, in))
	if first.PackedPolicySize == nil || *first.PackedPolicySize != 1 {
		t.Errorf("packed policy size = %v", first.PackedPolicySize)
	}
	ctx := as(*first.Credentials.AccessKeyId)
	second := assume(w.iam.trusting(account, "/", "second", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:role/first"},"Action":"sts:AssumeRole"}`))
	must[sdk.AssumeRoleOutput](t)(w.AssumeRole(ctx, second))
	second.Tags = in.Tags
	_, err := w.AssumeRole(ctx, second)
	wantError(t, err, "ValidationError", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
	second.Tags, second.DurationSeconds = nil, aws.Int32(3601)
	_, err = w.AssumeRole(ctx, second)
	wantError(t, err, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
}
