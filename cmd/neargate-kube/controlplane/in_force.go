package controlplane

import (
	"context"
	"time"

	"k8s.io/client-go/kubernetes"
)

// in_force.go does what new settings need done before they are in force. Most
// parts read them whenever they act, and need nothing.

// How long settings are held back for an issuer that does not answer, and
// until aws-auth is written again that could not be.
const (
	issuerPatience = 10 * time.Second
	awsAuthRetry   = 2 * time.Second
)

// enforce brings settings into force until ctx ends, and tells each time which
// are.
func (p *plane) enforce(ctx context.Context, client kubernetes.Interface, told func()) {
	changed := make(chan struct{}, 1)
	mark := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	p.settings.onChange(mark)
	mark()
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		s := p.settings.get()
		asked := p.issuer.Set(ctx, s.IdentityIssuer)
		if err := writeNodeRoles(ctx, client, s); err != nil && ctx.Err() == nil {
			// What a user has made unreadable keeps nobody from anything else.
			p.log.Warn().Str("component", "authenticator").Err(err).Msg("the roles of nodes are not in aws-auth; it is tried again")
			time.AfterFunc(awsAuthRetry, mark)
		}
		t := time.NewTimer(issuerPatience)
		select {
		case <-asked:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
		p.inForce.Store(s.Revision)
		told()
	}
}
