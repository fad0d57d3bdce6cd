package controlplane

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"github.com/neargate/neargate/cmd/neargate-kube/access/irsa"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/admission"
	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/cmd/neargate-kube/kubelet"
	"github.com/neargate/neargate/cmd/neargate-kube/metrics"
	"github.com/neargate/neargate/cmd/neargate-kube/network"
	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/eks/link"
)

// resync is how often informers look at everything without cause: what they
// are told is complete, so hardly ever.
const resync = 12 * time.Hour

// parts are what works through the API server.
type parts struct {
	client    kubernetes.Interface
	factory   informers.SharedInformerFactory
	compute   *fargate.Compute
	worker    *pods.Worker
	publisher *network.Publisher
	kubelet   *kubelet.Server
	metrics   *metrics.Server
	usage     *availability // of metrics.k8s.io
}

// work runs everything that works through the API server, from the moment that
// it answers.
func (p *plane) work(ctx context.Context, server *apiServer) error {
	client, err := p.client(server, identity.User{})
	if err != nil {
		return err
	}
	authenticator, err := p.client(server, identity.Authenticator)
	if err != nil {
		return err
	}
	p.board.progress("waiting for the API server")
	if err := awaitReady(ctx, client.Discovery().RESTClient()); err != nil {
		return fmt.Errorf("the API server did not become ready: %w", err)
	}
	parts, err := p.parts(server, client)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return runControllers(ctx, p.keys, "https://"+p.listener.Addr().String()) })
	g.Go(func() error { return p.followAWSAuth(ctx, authenticator) })
	g.Go(func() error { p.boxes.Run(ctx); return nil })
	parts.factory.Start(ctx.Done())
	// Before it is registered: what is registered is asked at once.
	if err := serveTLS(ctx, p.metering, p.keys, parts.metrics); err != nil {
		return err
	}
	if err := p.bootstrap(identity.As(ctx, identity.ClusterBootstrap), server, client); err != nil {
		return err
	}
	parts.factory.WaitForCacheSync(ctx.Done())
	if err := parts.run(ctx, g, p); err != nil {
		return err
	}
	g.Go(func() error { parts.usage.follow(ctx); return nil })
	g.Go(func() error {
		p.enforce(identity.As(ctx, identity.NodeManager), client, func() { p.tellStatus(parts) })
		return nil
	})
	p.child.open(client.Discovery().RESTClient(), p.whyOf(parts))
	p.settings.onChange(func() { p.tellStatus(parts) })
	p.tellStatus(parts)
	p.board.change(func(s *link.Status) {
		s.Phase, s.Progress, s.ReadyAt = link.Ready, "ready", time.Now().UTC()
	})
	defer frugal()()
	return g.Wait()
}

// parts makes them; nothing runs yet.
func (p *plane) parts(server *apiServer, client kubernetes.Interface) (*parts, error) {
	q := &parts{client: client, factory: informers.NewSharedInformerFactoryWithOptions(client, resync, informers.WithTransform(slim))}
	p.known.Store(&known{nodes: q.factory.Core().V1().Nodes().Lister()})
	told := func() { p.tellStatus(q) }
	var err error
	if q.usage, err = newAvailability(server, told); err != nil {
		return nil, err
	}
	q.compute, err = fargate.New(fargate.Config{
		Client: client, Informers: q.factory, Parent: p.parent, Boxes: p.boxes, Cluster: p.config,
		Settings: p.settings.get, OnSettings: p.settings.onChange, Version: gitVersion(p.config.Version),
		CheckLogging: checkLogging, Changed: func() { p.tellStatus(q) }, Log: p.logOf("fargate-scheduler"),
	})
	if err != nil {
		return nil, err
	}
	if q.worker, err = pods.New(pods.Config{
		Client: client, Informers: q.factory, Boxes: p.boxes, Parent: p.parent, Cluster: p.config,
		Settings: p.settings.get, Log: p.logOf("kubelet"),
	}); err != nil {
		return nil, err
	}
	if q.publisher, err = network.New(network.Config{
		Client: client, Informers: q.factory, Parent: p.parent, Log: p.logOf("network"),
		Own: map[string]bool{"default/kubernetes": true, "kube-system/kube-dns": true}, Changed: told,
	}); err != nil {
		return nil, err
	}
	core := q.factory.Core().V1()
	if err := onDNS(core.Services().Informer(), told); err != nil {
		return nil, err
	}
	q.kubelet = kubelet.New(kubelet.Config{Pods: core.Pods().Lister(), Boxes: p.boxes, Inner: p.parent, Log: p.logOf("kubelet")})
	q.metrics = metrics.New(core.Pods().Lister(), core.Nodes().Lister(), p.parent)
	return q, nil
}

// run starts the parts in a group.
func (q *parts) run(ctx context.Context, g *errgroup.Group, p *plane) error {
	if err := serveTLS(ctx, p.kubelets, p.keys, q.kubelet); err != nil {
		return err
	}
	g.Go(func() error { return q.compute.Run(ctx) })
	g.Go(func() error { return q.worker.Run(ctx) })
	g.Go(func() error { return q.publisher.Run(ctx) })
	g.Go(func() error { q.metrics.Run(ctx); return nil })
	return nil
}

// slim drops what nobody in this process reads from whatever informers keep.
func slim(o any) (any, error) {
	if m, err := meta.Accessor(o); err == nil {
		m.SetManagedFields(nil)
	}
	return o, nil
}

// admission are the plugins that stand for EKS's webhooks, in their order.
func (p *plane) admission() []plugin {
	return []plugin{
		{admission.PluginName, admission.Factory(admission.Config{Profiles: profiles{p.settings}, Region: p.config.Region, CheckLogging: checkLogging})},
		{irsa.PluginName, irsa.Factory(irsa.Config{Region: p.config.Region, Associated: p.settings.associated})},
	}
}

// checkLogging says why a ConfigMap aws-logging is not good.
func checkLogging(m *corev1.ConfigMap) error {
	_, err := translate.Logging(m)
	return err
}

type profiles struct{ *settings }

func (p profiles) FargateProfiles() []link.FargateProfile { return p.get().FargateProfiles }

// dialPod connects the API server with a pod: through the pod's sandbox, as
// there need not be a route to it from here.
func (p *plane) dialPod(ctx context.Context, transport, address string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		var d net.Dialer
		return d.DialContext(ctx, transport, address)
	}
	if at == p.metricsAddress() {
		return p.metering.dial(ctx, transport, address)
	}
	for _, id := range p.boxes.IDs() {
		if b, ok := p.boxes.Get(id); ok && b.Status.Address != nil && b.Status.Address.IP == at.Addr().String() && !b.IsStopped() {
			return p.parent.Dial(ctx, id, transport, address)
		}
	}
	var d net.Dialer
	return d.DialContext(ctx, transport, address)
}
