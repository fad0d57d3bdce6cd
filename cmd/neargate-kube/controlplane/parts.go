package controlplane

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/informers"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/emulator/eks/link"
)

// parts runs everything that works through the API server, once it answers.
func (p *plane) parts(ctx context.Context, server *apiServer) error {
	client, err := server.clients()
	if err != nil {
		return err
	}
	p.board.progress("waiting for the API server")
	if err := awaitReady(ctx, client.Discovery().RESTClient()); err != nil {
		return fmt.Errorf("the API server did not become ready: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 12*time.Hour)
	p.roles.Store(new(factory.Rbac().V1().ClusterRoles().Lister()))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return runControllers(ctx, p.keys, "https://"+p.listener.Addr().String()) })
	g.Go(func() error { return p.followAWSAuth(ctx, client) })
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := p.bootstrap(ctx, client); err != nil {
		return err
	}
	p.child.client = client.Discovery().RESTClient()
	p.child.why = func(string) []string { return nil }
	close(p.child.ready)
	p.board.change(func(s *link.Status) {
		s.Phase, s.Progress, s.ReadyAt = link.Ready, "ready", time.Now().UTC()
	})
	return g.Wait()
}

// policies is the authorizer for access policies. Before the roles are known it
// has no opinion.
func (p *plane) policies() *access.Policies {
	return &access.Policies{Settings: p.settings.get, Role: func(name string) ([]rbacv1.PolicyRule, error) {
		l := p.roles.Load()
		if l == nil {
			return nil, fmt.Errorf("the cluster is starting")
		}
		role, err := (*l).Get(name)
		if err != nil {
			return nil, err
		}
		return role.Rules, nil
	}}
}

func (p *plane) admission() []plugin { return nil }

func (p *plane) dialPod(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}
