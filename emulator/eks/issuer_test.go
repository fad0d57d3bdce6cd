package eks_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/store"
)

func (w *world) get(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	w.api.Issuer().ServeHTTP(answer, r)
	return answer.Code, strings.TrimSpace(answer.Body.String())
}

func TestIssuer(t *testing.T) {
	w := newWorld(t)
	issuer := *w.create("web", "").Identity.Oidc.Issuer
	id := w.planes.all[webARN].config.ID
	secure := httptest.NewRequest(http.MethodGet, "https://localhost:4566"+eks.IssuerPath+id+"/.well-known/openid-configuration", nil)
	secure.TLS = &tls.ConnectionState{}
	for _, row := range []struct {
		request *http.Request
		keys    string
	}{
		{httptest.NewRequest(http.MethodGet, issuer+"/.well-known/openid-configuration", nil), issuer + "/keys"},
		{httptest.NewRequest(http.MethodGet, "http://localhost:4566"+eks.IssuerPath+id+"/.well-known/openid-configuration", nil), "http://localhost:4566/_neargate/oidc/id/" + id + "/keys"},
		{secure, "https://localhost:4566/_neargate/oidc/id/" + id + "/keys"},
	} {
		code, body := w.get(t, row.request)
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusOK {
			t.Fatalf("%d %s: %v", code, body, err)
		}
		want := map[string]any{
			"issuer": issuer, "jwks_uri": row.keys, "authorization_endpoint": "urn:kubernetes:programmatic_authorization",
			"response_types_supported": []any{"id_token"}, "subject_types_supported": []any{"public"}, "claims_supported": []any{"sub", "iss"},
			"id_token_signing_alg_values_supported": []any{"RS256"},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	if code, body := w.get(t, httptest.NewRequest(http.MethodGet, issuer+"/keys", nil)); code != http.StatusOK || body != `{"keys":[]}` {
		t.Errorf("keys: %d %s", code, body)
	}
	if keys, err := w.api.KeysOf(t.Context(), issuer); err != nil || strings.TrimSpace(string(keys)) != `{"keys":[]}` {
		t.Errorf("keys: %s, %v", keys, err)
	}
	for _, other := range []string{"", "https://elsewhere.example.com/id/" + id, issuer + "/", issuer + "0"} {
		if _, err := w.api.KeysOf(t.Context(), other); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("keys of %q: %v", other, err)
		}
	}
	for path, want := range map[string]int{
		issuer + "/other": http.StatusNotFound, issuer: http.StatusNotFound,
		"https://oidc.eks.eu-west-1.amazonaws.com/id/ABC/keys": http.StatusNotFound, "https://oidc.eks.eu-west-1.amazonaws.com/": http.StatusNotFound,
	} {
		if code, body := w.get(t, httptest.NewRequest(http.MethodGet, path, nil)); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := w.get(t, httptest.NewRequest(http.MethodPost, issuer+"/keys", nil)); code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", code)
	}
	delete(w.planes.all, webARN)
	if code, body := w.get(t, httptest.NewRequest(http.MethodGet, issuer+"/keys", nil)); code != http.StatusServiceUnavailable || !strings.Contains(body, "does not tell its keys") {
		t.Errorf("without a control plane: %d %s", code, body)
	}
	r := recordsWorld(t)
	issuer = *r.create("web", "").Identity.Oidc.Issuer
	if code, body := r.get(t, httptest.NewRequest(http.MethodGet, issuer+"/keys", nil)); code != http.StatusServiceUnavailable || !strings.Contains(body, "records only") {
		t.Errorf("with records only: %d %s", code, body)
	}
	if _, err := r.api.KeysOf(t.Context(), issuer); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("keys with records only: %v", err)
	}
}
