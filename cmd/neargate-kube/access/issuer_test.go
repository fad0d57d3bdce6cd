package access_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/emulator/eks/link"
)

// provider is an OIDC provider that may be out of order.
type provider struct {
	*httptest.Server
	key  *rsa.PrivateKey
	away atomic.Bool
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.away.Load() {
			http.Error(w, "out of order", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/keys" {
			fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"k","alg":"RS256","use":"sig","n":%q,"e":%q}]}`, encoded(key.N.Bytes()), encoded(big.NewInt(int64(key.E)).Bytes()))
			return
		}
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, p.URL, p.URL+"/keys")
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": p.URL, "aud": "kubectl", "sub": "jo", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	text := encoded([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encoded(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encoded(signature)
}

// as tells who comes in by a token: name and groups, or the error.
func as(t *testing.T, i *access.Issuer, token string) string {
	t.Helper()
	r, ok, err := i.AuthenticateToken(t.Context(), token)
	if err != nil {
		return "error: " + err.Error()
	}
	if !ok {
		return ""
	}
	return r.User.GetName() + " " + strings.Join(r.User.GetGroups(), ",")
}

func TestIssuerClaims(t *testing.T) {
	p := newProvider(t)
	for _, row := range []struct {
		name   string
		of     link.IdentityIssuer
		claims map[string]any
		want   string // its beginning
	}{
		{"subject, prefixed with the issuer", link.IdentityIssuer{}, nil, p.URL + "#jo "},
		{"no prefix", link.IdentityIssuer{UsernamePrefix: "-"}, nil, "jo "},
		{"claim and prefixes", link.IdentityIssuer{UsernameClaim: "upn", UsernamePrefix: "u:", GroupsClaim: "roles", GroupsPrefix: "g:"},
			map[string]any{"upn": "x", "roles": []string{"a", "b"}}, "u:x g:a,g:b"},
		{"one group", link.IdentityIssuer{UsernamePrefix: "-", GroupsClaim: "roles"}, map[string]any{"roles": "a"}, "jo a"},
		{"groups that nobody asked for", link.IdentityIssuer{UsernamePrefix: "-"}, map[string]any{"groups": []string{"system:masters"}}, "jo "},
		{"e-mail needs no prefix", link.IdentityIssuer{UsernameClaim: "email"}, map[string]any{"email": "jo@x", "email_verified": true}, "jo@x "},
		{"e-mail that nobody has verified", link.IdentityIssuer{UsernameClaim: "email"}, map[string]any{"email": "jo@x", "email_verified": false}, "error: oidc: email not verified"},
		{"required claim", link.IdentityIssuer{UsernamePrefix: "-", RequiredClaims: map[string]string{"hd": "x"}}, map[string]any{"hd": "x"}, "jo "},
		{"required claim is missing", link.IdentityIssuer{RequiredClaims: map[string]string{"hd": "x"}}, nil, "error: oidc: required claim hd not present"},
		{"required claim differs", link.IdentityIssuer{RequiredClaims: map[string]string{"hd": "x"}}, map[string]any{"hd": "y"}, "error: oidc: required claim hd value"},
		{"somebody else's token", link.IdentityIssuer{}, map[string]any{"aud": "other"}, "error: oidc: verify token"},
		{"expired", link.IdentityIssuer{}, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}, "error: oidc: verify token"},
		{"another issuer", link.IdentityIssuer{}, map[string]any{"iss": "https://x"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.of.IssuerURL, row.of.ClientID = p.URL, "kubectl"
			i := &access.Issuer{Client: p.Client(), Log: zerolog.Nop()}
			<-i.Set(t.Context(), &row.of)
			if err := i.Why(); err != nil {
				t.Fatal(err)
			}
			got := as(t, i, p.token(t, row.claims))
			if !strings.HasPrefix(got, row.want) || row.want == "" && got != "" || !strings.HasPrefix(got, "error") && got != row.want {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestIssuerComesAndGoes(t *testing.T) {
	p := newProvider(t)
	var log bytes.Buffer
	i := &access.Issuer{Client: p.Client(), Log: zerolog.New(zerolog.SyncWriter(&log)), Own: "https://own"}
	token := p.token(t, nil)
	if <-i.Set(t.Context(), nil); as(t, i, token) != "" || i.Why() != nil {
		t.Error("there is none, and yet")
	}
	of := link.IdentityIssuer{IssuerURL: p.URL, ClientID: "kubectl", UsernamePrefix: "-"}
	first := i.Set(t.Context(), &of)
	if again := i.Set(t.Context(), &of); again != first {
		t.Error("the same was made anew")
	}
	if <-first; as(t, i, token) != "jo " {
		t.Errorf("in: %q", as(t, i, token))
	}
	other := of
	other.UsernamePrefix = "x:"
	if <-i.Set(t.Context(), &other); as(t, i, token) != "x:jo " {
		t.Errorf("made anew: %q", as(t, i, token))
	}
	if <-i.Set(t.Context(), nil); as(t, i, token) != "" {
		t.Error("it has not left")
	}
	for url, why := range map[string]string{"https://own": "must not overlap with disallowed issuers", "http://x": `URL scheme must be https`} {
		bad := link.IdentityIssuer{IssuerURL: url, ClientID: "c"}
		if <-i.Set(t.Context(), &bad); i.Why() == nil || !strings.Contains(i.Why().Error(), why) || as(t, i, token) != "" {
			t.Errorf("%s: %v", url, i.Why())
		}
	}
}

func TestIssuerOutOfReach(t *testing.T) {
	p := newProvider(t)
	p.away.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	i := &access.Issuer{Client: p.Client(), Log: zerolog.Nop()}
	<-i.Set(ctx, &link.IdentityIssuer{IssuerURL: p.URL, ClientID: "kubectl"})
	if err := i.Why(); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("why: %v", err)
	}
	if got := as(t, i, p.token(t, nil)); !strings.HasPrefix(got, "error: ") {
		t.Errorf("it lets in %q", got)
	}
}
