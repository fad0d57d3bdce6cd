package sts_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/neargate/neargate/emulator/store"
)

const (
	issuer  = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
	subject = "system:serviceaccount:default:web"
)

// signer plays a cluster's issuer.
type signer struct {
	once sync.Once
	key  *rsa.PrivateKey
	away error // its keys cannot be had
}

func (s *signer) private() *rsa.PrivateKey {
	s.once.Do(func() {
		var err error
		if s.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	})
	return s.key
}

func (s *signer) keys(_ context.Context, of string) ([]byte, error) {
	if of != issuer {
		return nil, store.ErrNotFound
	}
	if s.away != nil {
		return nil, s.away
	}
	public := s.private().PublicKey
	return json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "EC", "kid": "k1", "crv": "P-256"},
		{"kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes())},
	}})
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// claims are those of a good token of a pod, with changes.
func claims(change map[string]any) map[string]any {
	c := map[string]any{
		"iss": issuer, "sub": subject, "aud": []string{"sts.amazonaws.com"},
		"exp": time.Now().Add(24 * time.Hour).Unix(), "nbf": time.Now().Unix(), "iat": time.Now().Unix(),
	}
	for k, v := range change {
		c[k] = v
	}
	return c
}

func (s *signer) token(header string, change map[string]any) string {
	body, err := json.Marshal(claims(change))
	if err != nil {
		panic(err)
	}
	text := encode([]byte(header)) + "." + encode(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.private(), crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + encode(signature)
}

const goodHeader = `{"alg":"RS256","kid":"k1"}`

// irsa is a trust policy as the EKS documentation makes it.
func irsa(provider, subject string) string {
	return `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::000000000000:oidc-provider/` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity",` +
		`"Condition":{"StringEquals":{"` + provider + `:sub":"` + subject + `","` + provider + `:aud":"sts.amazonaws.com"}}}`
}

func withToken(role, token string) *sdk.AssumeRoleWithWebIdentityInput {
	return &sdk.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: aws.String("pod"), WebIdentityToken: &token}
}

func TestWebIdentity(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	provider := strings.TrimPrefix(issuer, "https://")
	w.iam.issuers[account+"/"+provider] = []string{"sts.amazonaws.com"}
	role := w.iam.trusting(account, "/", "web", irsa(provider, subject))
	in := withToken(role, w.signer.token(goodHeader, nil))
	in.DurationSeconds = aws.Int32(1800)
	out := must[sdk.AssumeRoleWithWebIdentityOutput](t)(w.AssumeRoleWithWebIdentity(as(""), in))
	if got := *out.AssumedRoleUser.Arn; got != "arn:aws:sts::000000000000:assumed-role/web/pod" || *out.AssumedRoleUser.AssumedRoleId != "AROAweb:pod" {
		t.Errorf("assumed role = %s %s", got, *out.AssumedRoleUser.AssumedRoleId)
	}
	if *out.Provider != "arn:aws:iam::000000000000:oidc-provider/"+provider || *out.Audience != "sts.amazonaws.com" || *out.SubjectFromWebIdentityToken != subject {
		t.Errorf("provider = %s, audience %s, subject %s", *out.Provider, *out.Audience, *out.SubjectFromWebIdentityToken)
	}
	if left := time.Until(*out.Credentials.Expiration); left < 29*time.Minute || left > 30*time.Minute {
		t.Errorf("expires in %s", left)
	}
	if got, want := w.identity(t, *out.Credentials.AccessKeyId), account+" arn:aws:sts::000000000000:assumed-role/web/pod AROAweb:pod"; got != want {
		t.Errorf("session is %s, want %s", got, want)
	}
	if secret, ok := w.Secret(t.Context(), *out.Credentials.AccessKeyId); !ok || secret != *out.Credentials.SecretAccessKey {
		t.Errorf("its secret is %q, %v", secret, ok)
	}
}

func TestWebIdentityRefusals(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	provider := strings.TrimPrefix(issuer, "https://")
	w.iam.issuers[account+"/"+provider] = []string{"sts.amazonaws.com"}
	w.iam.issuers[account+"/elsewhere.example.com"] = []string{"sts.amazonaws.com"}
	role := w.iam.trusting(account, "/", "web", irsa(provider, subject))
	others := w.iam.trusting(account, "/", "others", irsa(provider, "system:serviceaccount:default:db"))
	users := w.iam.trusting(account, "/", "users", accounts)
	good := w.signer.token(goodHeader, nil)
	head, signature := good[:strings.LastIndexByte(good, '.')], good[strings.LastIndexByte(good, '.'):]
	forged := encode([]byte(goodHeader)) + "." + encode([]byte(`{"iss":"`+issuer+`","sub":"system:serviceaccount:kube-system:admin","aud":"sts.amazonaws.com","exp":4000000000}`)) + signature
	const (
		notJWT   = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
		noKey    = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
		unsigned = "The ID Token provided is not signed by its issuer."
		refused  = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	)
	for name, c := range map[string]struct {
		in            *sdk.AssumeRoleWithWebIdentityInput
		code, message string
	}{
		"nonsense":              {withToken(role, "nonsense"), "InvalidIdentityToken", notJWT},
		"no JSON":               {withToken(role, "e30.bm8.c2ln"), "InvalidIdentityToken", notJWT},
		"no base64":             {withToken(role, head+".!"), "InvalidIdentityToken", notJWT},
		"no issuer":             {withToken(role, w.signer.token(goodHeader, map[string]any{"iss": ""})), "InvalidIdentityToken", notJWT},
		"no provider":           {withToken(role, w.signer.token(goodHeader, map[string]any{"iss": "https://unknown.example.com"})), "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://unknown.example.com"},
		"provider elsewhere":    {withToken(role, w.signer.token(goodHeader, map[string]any{"iss": "https://elsewhere.example.com"})), "InvalidIdentityToken", noKey},
		"other account":         {withToken(w.iam.trusting(other, "/", "web", irsa(provider, subject)), good), "InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + issuer},
		"unknown key":           {withToken(role, w.signer.token(`{"alg":"RS256","kid":"k2"}`, nil)), "InvalidIdentityToken", noKey},
		"no signature":          {withToken(role, w.signer.token(`{"alg":"none","kid":"k1"}`, nil)), "InvalidIdentityToken", unsigned},
		"other algorithm":       {withToken(role, w.signer.token(`{"alg":"HS256","kid":"k1"}`, nil)), "InvalidIdentityToken", unsigned},
		"forged":                {withToken(role, forged), "InvalidIdentityToken", unsigned},
		"other audience":        {withToken(role, w.signer.token(goodHeader, map[string]any{"aud": "https://kubernetes.default.svc"})), "InvalidIdentityToken", "Incorrect token audience"},
		"several audiences":     {withToken(role, w.signer.token(goodHeader, map[string]any{"aud": []string{"vault", "sts.amazonaws.com"}})), "", ""},
		"one audience":          {withToken(role, w.signer.token(goodHeader, map[string]any{"aud": "sts.amazonaws.com"})), "", ""},
		"no expiry":             {withToken(role, w.signer.token(goodHeader, map[string]any{"exp": 0})), "ExpiredTokenException", ""},
		"other subject":         {withToken(role, w.signer.token(goodHeader, map[string]any{"sub": "system:serviceaccount:other:web"})), "AccessDenied", refused},
		"other's role":          {withToken(others, good), "AccessDenied", refused},
		"a role of users":       {withToken(users, good), "AccessDenied", refused},
		"no such role":          {withToken(role+"x", good), "AccessDenied", refused},
		"no role":               {withToken("arn:aws:iam::000000000000:user/x", good), "ValidationError", "Request ARN is invalid"},
		"too long":              {change(withToken(role, good), func(in *sdk.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(7201) }), "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		"policy":                {change(withToken(role, good), func(in *sdk.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String("{") }), "MalformedPolicyDocument", "The policy is not in the valid JSON format."},
		"an OAuth 2.0 provider": {change(withToken(role, good), func(in *sdk.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("www.amazon.com") }), "ValidationError", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.AssumeRoleWithWebIdentity(as(""), c.in)
			if c.code == "" && err != nil {
				t.Fatal(err)
			}
			if c.code != "" {
				wantError(t, err, c.code, c.message)
			}
		})
	}
	w.signer.away = errors.New("the control plane does not run")
	_, err := w.AssumeRoleWithWebIdentity(as(""), withToken(role, good))
	wantError(t, err, "InvalidIdentityToken", noKey)
	if _, ok := errors.AsType[*types.InvalidIdentityTokenException](err); !ok || !strings.Contains(err.Error(), "does not run") {
		t.Errorf("a control plane that is away: %v", err)
	}
}

func change[T any](in *T, edit func(*T)) *T {
	edit(in)
	return in
}

// TestWebIdentityTimes: from when and until when a token is good.
func TestWebIdentityTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, done := newWorld(t)
		defer done()
		provider := strings.TrimPrefix(issuer, "https://")
		w.iam.issuers[account+"/"+provider] = []string{"sts.amazonaws.com"}
		role := w.iam.trusting(account, "/", "web", irsa(provider, subject))
		now := time.Now()
		token := w.signer.token(goodHeader, map[string]any{"nbf": now.Add(10 * time.Second).Unix(), "exp": now.Add(20 * time.Second).Unix()})
		try := func() error {
			_, err := w.AssumeRoleWithWebIdentity(as(""), withToken(role, token))
			return err
		}
		wantError(t, try(), "InvalidIdentityToken", "Token not valid yet: current date/time 946684800 must not be before the date/time 946684810")
		time.Sleep(10 * time.Second)
		if err := try(); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		wantError(t, try(), "ExpiredTokenException", "Token expired: current date/time 946684820 must be before the expiration date/time946684820")
	})
}

func TestDecodeAuthorizationMessage(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	_, err := w.DecodeAuthorizationMessage(w.ctx, nil)
	wantError(t, err, "InvalidAuthorizationMessageException", "Message is not valid")
}
