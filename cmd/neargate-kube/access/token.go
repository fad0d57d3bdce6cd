package access

import (
	"context"
	"errors"
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
	Node    func(instance string) string
	Log     zerolog.Logger
	awsAuth atomic.Pointer[AWSAuth]
}

// SetAWSAuth replaces what the aws-auth ConfigMap says; nil when there is none.
func (t *Tokens) SetAWSAuth(a *AWSAuth) { t.awsAuth.Store(a) }

// Request is the authenticator of HTTP requests by tokens, told in the ways in
// which Kubernetes takes them.
func Request(tokens authenticator.Token) authenticator.Request {
	return union.New(bearertoken.New(tokens), websocket.NewProtocolAuthenticator(tokens))
}

// AuthenticateToken implements authenticator.Token. A token of another kind is
// left to the others; one of this kind that is no good, or of somebody whom
// nothing maps, ends in Kubernetes' 401, which does not say why: the log does.
func (t *Tokens) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	if !strings.HasPrefix(token, tokenPrefix) {
		return nil, false, nil
	}
	id, err := t.Verifier.Authenticate(ctx, token)
	if err != nil {
		if ctx.Err() == nil {
			t.Log.Warn().Err(err).Msg("access denied")
		}
		return nil, false, err
	}
	u, ok := User(id, t.Settings(), t.awsAuth.Load(), t.Node)
	if !ok {
		err := errors.New("no access entry and no line of aws-auth is for " + id.CanonicalARN)
		t.Log.Warn().Str("arn", id.ARN).Err(err).Msg("access denied")
		return nil, false, err
	}
	return &authenticator.Response{User: u}, true, nil
}
