package emulator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		name, host, origin, site string
		want                     int
	}{
		{"a CLI", "localhost:4566", "", "", 200},
		{"an address", "127.0.0.1:4566", "", "", 200},
		{"an IPv6 address", "[::1]:4566", "", "", 200},
		{"another address of this machine", "192.0.2.7:4566", "", "", 200},
		{"a service of localhost", "ecs.localhost:4566", "", "", 200},
		{"AWS's name pointed here", "ecs.us-east-1.amazonaws.com", "", "", 200},
		{"AWS's name in China", "ecs.cn-north-1.amazonaws.com.cn", "", "", 200},
		{"AWS's name for both stacks", "ecs.us-east-1.api.aws", "", "", 200},
		{"an issuer's name pointed here", "oidc.eks.us-east-1.amazonaws.com", "", "", 200},
		{"a page from elsewhere at an issuer's name", "oidc.eks.us-east-1.amazonaws.com", "https://evil.example", "cross-site", 403},
		{"a name that ends like an issuer's", "oidc.eks.us-east-1.amazonaws.com.evil.example", "", "", 403},
		{"an allowed name", "neargate:4566", "", "", 200},
		{"a name in other letters", "NearGate:4566", "", "", 200},
		{"a rebound name", "evil.example:4566", "", "", 403},
		{"a name that ends like ours", "evil-localhost:4566", "", "", 403},
		{"a name that begins like ours", "localhost.evil.example", "", "", 403},
		{"an address that is a name", "127.0.0.1.evil.example", "", "", 403},
		{"no Host", "", "", "", 403},
		{"only a port", ":4566", "", "", 403},
		{"our own page", "localhost:4566", "http://localhost:4566", "same-origin", 200},
		{"a typed address", "localhost:4566", "", "none", 200},
		{"a page from elsewhere", "localhost:4566", "https://evil.example", "cross-site", 403},
		{"a page of another port", "localhost:4566", "http://localhost:8080", "same-site", 403},
		{"an old browser's page", "localhost:4566", "https://evil.example", "", 403},
		{"a sandboxed page", "localhost:4566", "null", "", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard([]string{"NEARgate"}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
			r.Host = c.host
			set(r, "Origin", c.origin)
			set(r, "Sec-Fetch-Site", c.site)
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
			if c.want == 403 && w.Header().Get("X-Amzn-Errortype") != "AccessDeniedException" {
				t.Errorf("not an AWS error: %v", w.Header())
			}
		})
	}
}

func set(r *http.Request, name, value string) {
	if value != "" {
		r.Header.Set(name, value)
	}
}
