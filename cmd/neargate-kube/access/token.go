package access

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"

	"github.com/neargate/neargate/emulator/eks/link"
)

// tokenPrefix begins every token of `aws eks get-token`.
const tokenPrefix = "k8s-aws-v1."

// Verifier tells who stands behind a token; the emulator does.
type Verifier interface {
	Authenticate(ctx context.Context, token string) (link.Identity, error)
}

// Tokens authenticates by tokens of `aws eks get-token`.
type Tokens struct {
	Verifier Verifier
	Settings func() link.Settings
	awsAuth  atomic.Pointer[AWSAuth]
}

// SetAWSAuth replaces what the aws-auth ConfigMap says; nil when there is none.
func (t *Tokens) SetAWSAuth(a *AWSAuth) { t.awsAuth.Store(a) }

// Request is the authenticator of HTTP requests.
func (t *Tokens) Request() authenticator.Request { return bearertoken.New(t) }

// AuthenticateToken implements authenticator.Token. A token of another kind is
// left to the others; one of this kind that is no good, or of somebody whom
// nothing maps, ends in Kubernetes' 401.
func (t *Tokens) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	if !strings.HasPrefix(token, tokenPrefix) {
		return nil, false, nil
	}
	id, err := t.Verifier.Authenticate(ctx, token)
	if err != nil {
		return nil, false, err
	}
	u, ok := User(id, t.Settings(), t.awsAuth.Load())
	if !ok {
		return nil, false, errors.New("no access entry and no line of aws-auth is for " + id.CanonicalARN)
	}
	return &authenticator.Response{User: u}, true, nil
}
