package emulator

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// This file keeps web pages away from an endpoint that can run containers.
//
// Decision: the emulator takes any credentials, so what stands between a page
// in the user's browser and his Docker socket is where a request comes from.
// A browser says so itself (Origin, Sec-Fetch-Site), and a page that made its
// own name resolve to 127.0.0.1 is known by the Host that it asks for: only
// addresses, localhost and names that were allowed are answered. Tokens were
// the alternative; stock clients could not send them.

// guard refuses what a browser sends from elsewhere and Hosts that nobody
// allowed.
type guard struct {
	hosts []string // in lower case, allowed beside the ones that are always
	next  http.Handler
}

func newGuard(hosts []string, next http.Handler) *guard {
	g := &guard{next: next}
	for _, h := range hosts {
		g.hosts = append(g.hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if reason := g.refuses(r); reason != "" {
		refuse(w, reason)
		return
	}
	g.next.ServeHTTP(w, r)
}

// refuses tells why a request is refused; "" lets it pass.
func (g *guard) refuses(r *http.Request) string {
	if !g.allows(hostname(r.Host)) {
		return "The Host " + strings.ToValidUTF8(r.Host, "?") + " is not one of Neargate's. Start it with --allow-host to add a name."
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return "Requests of web pages from elsewhere are refused."
	}
	if o := r.Header.Get("Origin"); o != "" && !sameOrigin(o, r.Host) {
		return "Requests of web pages from elsewhere are refused."
	}
	return ""
}

// allows: an address cannot be rebound by a page, a name could. AWS's own
// names reach us only where somebody has pointed them here.
func (g *guard) allows(host string) bool {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, suffix := range []string{"localhost", "amazonaws.com", "amazonaws.com.cn", "api.aws", "host.docker.internal"} {
		if host == suffix || strings.HasSuffix(host, "."+suffix) {
			return true
		}
	}
	return slices.Contains(g.hosts, host)
}

func hostname(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return hostport
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// refuse answers in a shape that both SDKs and people can read.
func refuse(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	w.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "AccessDeniedException", "message": message})
}
