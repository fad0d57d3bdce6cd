package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/rs/zerolog"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/websocket"

	"github.com/neargate/neargate/emulator/eks/link"
)

// tokenPrefix begins every token of `aws eks get-token`.
const tokenPrefix = "k8s-aws-v1."

// Verifier tells who stands behind a token; the emulator does.
type Verifier interface {
	Authenticate(ctx context.Context, token string) (link.Identity, error)
}

// Tokens authenticates by tokens of `aws eks get-token`.
//
// Decision: every token is verified anew. A call of the emulator takes some
// 60 µs and its own check less than a millisecond, so a cache would save
// nothing that anybody feels, and would let in who is not let in any more.
type Tokens struct {
	Verifier Verifier
	Settings func() link.Settings
	// Node returns the name of the node that an EC2 instance is, "" when there
	// is none; it may be nil.
	Node func(instance string) string
	// Log gets a line for each token that is denied, and for each that is good
	// while IsTold says so; without IsTold, for those as well.
	Log     zerolog.Logger
	IsTold  func() bool
	awsAuth atomic.Pointer[AWSAuth]
}

// SetAWSAuth replaces what the aws-auth ConfigMap says; nil when there is none.
func (t *Tokens) SetAWSAuth(a *AWSAuth) { t.awsAuth.Store(a) }

// Request is the authenticator of HTTP requests by tokens, told in the ways in
// which Kubernetes takes them.
func Request(tokens authenticator.Token) authenticator.Request {
	inner := union.New(bearertoken.New(tokens), websocket.NewProtocolAuthenticator(tokens))
	return authenticator.RequestFunc(func(r *http.Request) (*authenticator.Response, bool, error) {
		return inner.AuthenticateRequest(r.WithContext(withClient(r.Context(), r.RemoteAddr)))
	})
}

// AuthenticateToken implements authenticator.Token. A token of another kind is
// left to the others; one of this kind that is no good, or of somebody whom
// nothing maps, ends in Kubernetes' 401, which does not say why: the log does.
func (t *Tokens) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	if !strings.HasPrefix(token, tokenPrefix) {
		return nil, false, nil
	}
	d := t.decide(ctx, token)
	switch {
	case d.err == nil:
		if t.IsTold == nil || t.IsTold() {
			t.Log.Info().Msg(d.line(ctx, token))
		}
		return &authenticator.Response{User: d.user}, true, nil
	case ctx.Err() == nil:
		t.Log.Warn().Msg(d.line(ctx, token))
	}
	return nil, false, d.err
}

func (t *Tokens) decide(ctx context.Context, token string) (d decision) {
	if d.identity, d.err = t.Verifier.Authenticate(ctx, token); d.err != nil {
		return d
	}
	u, ok := User(d.identity, t.Settings(), t.awsAuth.Load(), t.Node)
	if !ok {
		d.err = fmt.Errorf("%w: %s", errNotMapped, d.identity.CanonicalARN)
		return d
	}
	d.user = u
	return d
}

// errNotMapped means that no access entry and no line of aws-auth is for
// somebody, in aws-iam-authenticator's words.
var errNotMapped = errors.New("ARN is not mapped")
