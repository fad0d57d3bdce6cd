package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
)

// Own is what this process shows to its own API server: a secret that it makes
// at its start, that no file and no other process ever sees, and that goes no
// further than its own loopback connection, like the token of the API server's
// own client.
//
// Decision: no impersonation by that client. With it, the audit log has
// system:apiserver as the one who asks, and whom it stands for in another
// field, where no rule of EKS's policy and no query looks.
type Own struct{ secret string }

// New makes the secret.
func New() *Own { return &Own{prefix + rand.Text() + rand.Text()} }

// prefix keeps other tokens from being compared with the secret.
const prefix = "neargate-own."

// separator stands between a name and the groups behind the secret; none of ours
// has it.
const separator = ","

// Client is a round tripper that asks as who the context says, and without as
// usual. It has to be the one next to the wire: it replaces the authorization
// that others have set.
func (o *Own) Client(next http.RoundTripper, usual User) http.RoundTripper {
	return &roundTripper{o, next, usual}
}

type roundTripper struct {
	*Own
	next  http.RoundTripper
	usual User
}

// RoundTrip implements http.RoundTripper.
func (r *roundTripper) RoundTrip(q *http.Request) (*http.Response, error) {
	u, ok := q.Context().Value(key{}).(User)
	if !ok {
		u = r.usual
	}
	if u.Name == "" {
		return r.next.RoundTrip(q)
	}
	q = q.Clone(q.Context())
	q.Header.Set("Authorization", "Bearer "+r.token(u))
	q.Header.Set("User-Agent", u.agent)
	return r.next.RoundTrip(q)
}

// WrappedRoundTripper lets client-go find the connection below.
func (r *roundTripper) WrappedRoundTripper() http.RoundTripper { return r.next }

func (o *Own) token(u User) string {
	return o.secret + strings.Join(append([]string{u.Name}, u.groups...), separator)
}

// AuthenticateToken implements authenticator.Token. It takes the tokens of
// Client and leaves all others to others; one that begins like them is
// compared in constant time.
func (o *Own) AuthenticateToken(_ context.Context, token string) (*authenticator.Response, bool, error) {
	if !strings.HasPrefix(token, prefix) || len(token) < len(o.secret) ||
		subtle.ConstantTimeCompare([]byte(token[:len(o.secret)]), []byte(o.secret)) != 1 {
		return nil, false, nil
	}
	who := strings.Split(token[len(o.secret):], separator)
	return &authenticator.Response{User: &user.DefaultInfo{Name: who[0], Groups: who[1:]}}, true, nil
}
