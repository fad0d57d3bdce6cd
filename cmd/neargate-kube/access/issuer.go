package access

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"

	"github.com/neargate/neargate/emulator/eks/link"
)

// Issuer authenticates by tokens of the OIDC provider that is associated with
// the cluster, if one is. The protocol is upstream's: keys are fetched from
// the issuer, over TLS and trusting whom this machine trusts; while it cannot
// be reached nobody comes in by it, and it is tried again and again.
type Issuer struct {
	// Own is the cluster's issuer of service account tokens, which cannot be
	// associated.
	Own string
	Log zerolog.Logger
	// Client reaches the issuer; nil for one with the system's authorities.
	Client *http.Client

	mu  sync.Mutex
	now *provider
}

// provider is what was made of one setting.
type provider struct {
	of     link.IdentityIssuer
	tokens oidc.AuthenticatorTokenWithHealthCheck
	end    context.CancelFunc
	asked  chan struct{} // closed once the issuer has answered, or could not
	mu     sync.Mutex
	why    error
}

// Set makes the provider anew when it is another than before; nil leaves none.
// What is made ends with ctx. The channel is closed when the new one's tokens
// are let in, or the first try to reach it has failed.
func (i *Issuer) Set(ctx context.Context, to *link.IdentityIssuer) (asked <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.now != nil && to != nil && reflect.DeepEqual(i.now.of, *to) {
		return i.now.asked
	}
	if i.now != nil {
		i.now.end()
		i.Log.Info().Str("issuer", i.now.of.IssuerURL).Msg("tokens of the issuer are not taken any more")
		i.now = nil
	}
	if to == nil {
		return closed()
	}
	ctx, end := context.WithCancel(ctx)
	p := &provider{of: *to, end: end, asked: make(chan struct{})}
	i.now = p
	var err error
	if p.tokens, err = oidc.New(ctx, oidc.Options{JWTAuthenticator: rulesOf(to), Client: i.Client, DisallowedIssuers: []string{i.Own}}); err != nil {
		p.why = err
		close(p.asked)
		i.Log.Error().Str("issuer", to.IssuerURL).Err(err).Msg("the identity provider cannot be used")
		return p.asked
	}
	p.why = fmt.Errorf("the issuer %s has not answered yet", to.IssuerURL)
	go p.follow(ctx, i.Log)
	return p.asked
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// untried ends the error that upstream begins with, before its first try.
const untried = "is not initialized"

// How often upstream's own tries are looked at: soon at first, as an issuer
// mostly answers at once.
const (
	firstPeek = 10 * time.Millisecond
	lastPeek  = 5 * time.Second
)

// follow notes how upstream fares with the issuer, until it is in.
func (p *provider) follow(ctx context.Context, log zerolog.Logger) {
	said := ""
	answered := sync.OnceFunc(func() { close(p.asked) })
	for wait := firstPeek; ; wait = min(2*wait, lastPeek) {
		err := p.tokens.HealthCheck()
		if err == nil {
			p.tell(nil)
			log.Info().Str("issuer", p.of.IssuerURL).Msg("tokens of the issuer are taken")
			answered()
			return
		}
		if text := err.Error(); !strings.HasSuffix(text, untried) {
			p.tell(err)
			if text != said {
				log.Warn().Str("issuer", p.of.IssuerURL).Err(err).Msg("the issuer cannot be reached: its tokens are not taken")
			}
			said = text
			answered()
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			answered()
			return
		}
	}
}

func (p *provider) tell(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.why = err
}

// Why tells why the associated provider's tokens are not taken; nil when they
// are, or there is no provider.
func (i *Issuer) Why() error {
	i.mu.Lock()
	p := i.now
	i.mu.Unlock()
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// AuthenticateToken implements authenticator.Token.
func (i *Issuer) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	i.mu.Lock()
	p := i.now
	i.mu.Unlock()
	if p == nil || p.tokens == nil {
		return nil, false, nil
	}
	r, ok, err := p.tokens.AuthenticateToken(ctx, token)
	if err != nil && ctx.Err() == nil {
		i.Log.Warn().Str("issuer", p.of.IssuerURL).Err(err).Msg("access denied")
	}
	return r, ok, err
}

// rulesOf says in Kubernetes' words what EKS's configuration means. Without a
// claim users are named by sub, and by default that is prefixed with the
// issuer, as others than e-mail addresses are; "-" is no prefix.
func rulesOf(to *link.IdentityIssuer) apiserver.JWTAuthenticator {
	claim, prefix := to.UsernameClaim, to.UsernamePrefix
	if claim == "" {
		claim = "sub"
	}
	switch {
	case prefix == "-":
		prefix = ""
	case prefix == "" && claim != "email":
		prefix = to.IssuerURL + "#"
	}
	a := apiserver.JWTAuthenticator{
		Issuer:        apiserver.Issuer{URL: to.IssuerURL, Audiences: []string{to.ClientID}},
		ClaimMappings: apiserver.ClaimMappings{Username: apiserver.PrefixedClaimOrExpression{Claim: claim, Prefix: &prefix}},
	}
	if to.GroupsClaim != "" {
		a.ClaimMappings.Groups = apiserver.PrefixedClaimOrExpression{Claim: to.GroupsClaim, Prefix: new(to.GroupsPrefix)}
	}
	for name, value := range to.RequiredClaims {
		a.ClaimValidationRules = append(a.ClaimValidationRules, apiserver.ClaimValidationRule{Claim: name, RequiredValue: value})
	}
	return a
}
