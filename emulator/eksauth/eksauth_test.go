package eksauth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/eksauth"
	"github.com/neargate/neargate/emulator/store"
)

const (
	shop   = "arn:aws:eks:us-east-1:000000000000:cluster/shop"
	issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
	role   = "arn:aws:iam::000000000000:role/app"
)

// world plays EKS, STS and the pods of one cluster.
type world struct {
	*eksauth.API
	key          *rsa.PrivateKey
	agent        bool
	associations map[string]types.PodIdentityAssociation // by namespace/account
	running      eksauth.Pod
	keysAway     error
	asked        eksauth.Session // of STS, last
	trusts       bool
}

func (w *world) IssuerOf(_ *store.Tx, cluster string) (string, string, error) {
	if cluster != shop {
		return "", "", store.ErrNotFound
	}
	return issuer, "shop", nil
}

func (w *world) KeysOf(_ context.Context, of string) ([]byte, error) {
	if of != issuer || w.keysAway != nil {
		return nil, w.keysAway
	}
	return json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "kid": "k", "n": base64.RawURLEncoding.EncodeToString(w.key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(w.key.E)).Bytes()),
	}}})
}

func (w *world) AssociationOf(_ *store.Tx, _, namespace, account string) (types.PodIdentityAssociation, error) {
	p, ok := w.associations[namespace+"/"+account]
	if !ok {
		return p, store.ErrNotFound
	}
	return p, nil
}

func (w *world) HasAgent(*store.Tx, string) (bool, error) { return w.agent, nil }

func (w *world) Runs(_ *store.Tx, _ string, p eksauth.Pod) (bool, error) { return p == w.running, nil }

func (w *world) Assume(_ *store.Tx, s eksauth.Session) (eksauth.Credentials, error) {
	w.asked = s
	if !w.trusts {
		return eksauth.Credentials{}, eksauth.ErrNotTrusted
	}
	return eksauth.Credentials{AccessKeyID: "ASIA1", SecretAccessKey: "secret", SessionToken: "token", Account: "000000000000",
		Expiration: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), "memory", store.Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{key: key, agent: true, trusts: true, running: eksauth.Pod{Namespace: "a", Name: "web-1", UID: "u-1", ServiceAccount: "app"},
		associations: map[string]types.PodIdentityAssociation{"a/app": {RoleArn: aws.String(role)}}}
	w.API = eksauth.New(eksauth.Config{Store: st, Clusters: w, Roles: w, Pods: w})
	return w
}

// token makes one of the running pod, changed by a function.
func (w *world) token(t *testing.T, change func(claims map[string]any)) string {
	t.Helper()
	now := time.Now()
	claims := map[string]any{
		"iss": issuer, "sub": "system:serviceaccount:a:app", "aud": []string{"pods.eks.amazonaws.com"},
		"exp": now.Add(time.Hour).Unix(), "nbf": now.Add(-time.Minute).Unix(),
		"kubernetes.io": map[string]any{"namespace": "a", "pod": map[string]string{"name": "web-1", "uid": "u-1"}, "serviceaccount": map[string]string{"name": "app", "uid": "s-1"}},
	}
	if change != nil {
		change(claims)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, w.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// ask asks the agent.
func (w *world) ask(host, path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://"+host+path, nil)
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	answer := httptest.NewRecorder()
	w.Agent(shop).ServeHTTP(answer, r)
	return answer
}

func TestAgentAnswers(t *testing.T) {
	w := newWorld(t)
	got := w.ask("169.254.170.23", "/v1/credentials", w.token(t, nil))
	want := `{"AccessKeyId":"ASIA1","SecretAccessKey":"secret","Token":"token","AccountId":"000000000000","Expiration":"2026-01-02T03:04:05Z"}`
	if got.Code != http.StatusOK || got.Body.String() != want || got.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	s := w.asked
	if !regexp.MustCompile(`^eks-shop-web-1-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(s.Name) {
		t.Errorf("session name %s", s.Name)
	}
	tags := map[string]string{"eks-cluster-arn": shop, "eks-cluster-name": "shop", "kubernetes-namespace": "a",
		"kubernetes-service-account": "app", "kubernetes-pod-name": "web-1", "kubernetes-pod-uid": "u-1"}
	if s.Cluster != shop || s.Role != role || s.TargetRole != "" || s.Duration != 6*time.Hour || !maps.Equal(s.Tags, tags) {
		t.Errorf("session %+v", s)
	}
}

func TestTargetRoleAndNoTags(t *testing.T) {
	w := newWorld(t)
	w.associations["a/app"] = types.PodIdentityAssociation{RoleArn: aws.String(role), TargetRoleArn: aws.String(role + "2"), ExternalId: aws.String("x"), DisableSessionTags: aws.Bool(true)}
	w.running.Name = strings.Repeat("p", 80)
	token := w.token(t, func(c map[string]any) {
		c["kubernetes.io"].(map[string]any)["pod"] = map[string]string{"name": w.running.Name, "uid": "u-1"}
	})
	if got := w.ask("169.254.170.23:80", "/v1/credentials", token); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if s := w.asked; s.Tags != nil || s.TargetRole != role+"2" || s.ExternalID != "x" || len(s.Name) > 64 {
		t.Errorf("session %+v", s)
	}
}

func TestAgentRefuses(t *testing.T) {
	const id = `^\[[-0-9a-f]{36}\]: `
	for name, c := range map[string]struct {
		host, path string
		token      func(w *world) string
		change     func(w *world)
		status     int
		text       string // pattern
	}{
		"host": {host: "localhost", status: 403,
			text: `^Access Denied\. Called agent through invalid address, please use either \[169\.254\.170\.23 fd00:ec2::23\] address not localhost\n$`},
		"no token":  {token: func(*world) string { return "" }, status: 400, text: `^Service account token cannot be empty\n$`},
		"path":      {path: "/v2/credentials", status: 404, text: `^404 page not found\n$`},
		"no add-on": {change: func(w *world) { w.agent = false }, status: 503, text: `^the cluster has no EKS Pod Identity Agent: create the add-on eks-pod-identity-agent\n$`},
		"bearer": {token: func(w *world) string { return "Bearer " + w.token(t, nil) }, status: 400,
			text: `^Service account token cannot be parsed: token is malformed: could not base64 decode header: illegal base64 data at input byte 6\n$`},
		"expired": {token: func(w *world) string {
			return w.token(t, func(c map[string]any) { c["exp"] = time.Now().Add(-time.Second).Unix() })
		}, status: 400, text: `^Service account token failed basic claim validations: token is expired\n$`},
		"audience": {token: func(w *world) string { return w.token(t, func(c map[string]any) { c["aud"] = "sts.amazonaws.com" }) }, status: 400,
			text: id + `\(InvalidTokenException\): The token is for the audience \["sts\.amazonaws\.com"\] and not for pods\.eks\.amazonaws\.com\., fault: client\n$`},
		"another cluster": {token: func(w *world) string { return w.token(t, func(c map[string]any) { c["iss"] = issuer + "2" }) }, status: 400,
			text: id + `\(InvalidTokenException\): The token was issued by `},
		"signature": {change: func(w *world) {
			other, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			w.key = other
		}, status: 400, text: id + `\(InvalidTokenException\): The token is not signed by the cluster's issuer\., fault: client\n$`},
		"no pod": {token: func(w *world) string {
			return w.token(t, func(c map[string]any) { delete(c["kubernetes.io"].(map[string]any), "pod") })
		}, status: 400, text: id + `\(InvalidTokenException\): The token is not bound to a pod\., fault: client\n$`},
		"pod has gone": {change: func(w *world) { w.running = eksauth.Pod{} }, status: 400,
			text: id + `\(InvalidTokenException\): The token's pod a/web-1 \(u-1\) does not run any more\., fault: client\n$`},
		"no association": {change: func(w *world) { clear(w.associations) }, status: 404,
			text: id + `\(ResourceNotFoundException\): No pod identity association found for service account a/app in cluster shop\., fault: client\n$`},
		"trust": {change: func(w *world) { w.trusts = false }, status: 400,
			text: id + `\(AccessDeniedException\): Unauthorized Exception! EKS does not have permissions to assume the associated role\., fault: client\n$`},
		"keys": {change: func(w *world) { w.keysAway = errors.New("starting") }, status: 503,
			text: id + `\(ServiceUnavailableException\): The keys of the cluster's issuer cannot be had: starting, fault: server\n$`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			host, path := "169.254.170.23", "/v1/credentials"
			if c.host != "" {
				host = c.host
			}
			if c.path != "" {
				path = c.path
			}
			token := w.token(t, nil)
			if c.token != nil {
				token = c.token(w)
			}
			if c.change != nil {
				c.change(w)
			}
			got := w.ask(host, path, token)
			if got.Code != c.status || !regexp.MustCompile(c.text).Match(got.Body.Bytes()) {
				t.Errorf("%d %s", got.Code, bytes.TrimSpace(got.Body.Bytes()))
			}
		})
	}
}
