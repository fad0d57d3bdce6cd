package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/cmd/neargate-kube/audit"
	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/eks/link"
)

// plane is a control plane while it runs.
type plane struct {
	config   link.Config
	out      io.Writer
	log      zerolog.Logger
	board    *board
	settings *settings
	child    *child
	parent   *link.ParentClient
	keys     keys
	tokens   *access.Tokens
	issuer   *access.Issuer
	own      *identity.Own
	auditing *audit.Policy
	inForce  atomic.Int64 // the revision of the settings that are
	kubelets *pipes       // the kubelet API
	metering *pipes       // metrics.k8s.io
	boxes    *boxes.Boxes
	api      netip.Addr // of the Service default/kubernetes
	listener net.Listener
	known    atomic.Pointer[known]
}

// Run is the whole life of a control plane: until ctx ends, or something fails
// without which it cannot go on. Logs go to out, as JSON.
func Run(ctx context.Context, c link.Config, out io.Writer) error {
	keep := &ring{}
	p := &plane{config: c, out: out, log: newLog(out, keep), board: newBoard(), settings: &settings{now: c.Settings}, kubelets: newPipes(), metering: newPipes()}
	p.parent = link.DialParent(c.ParentSocket)
	p.boxes = boxes.New(p.parent, p.logOf("boxes"))
	p.child = &child{board: p.board, settings: p.settings, log: keep, ready: make(chan struct{})}
	if err := p.child.serve(ctx, c.ChildSocket); err != nil {
		return err
	}
	err := p.run(ctx)
	if err != nil && ctx.Err() == nil {
		p.board.change(func(s *link.Status) { s.Phase, s.Error = link.Failed, err.Error() })
	}
	return err
}

func (p *plane) run(ctx context.Context) error {
	if err := p.check(); err != nil {
		return err
	}
	generous()
	p.board.progress("opening the database")
	d, err := openDatabase(p.config.Dir, filepath.Dir(p.config.ChildSocket), p.board.unkept)
	if err != nil {
		return err
	}
	defer d.close()
	if err := p.listen(); err != nil {
		return err
	}
	p.board.progress("starting the API server")
	server, err := p.server(ctx, d)
	if err != nil {
		return err
	}
	// The API server outlives what calls it, so that the last statuses of the
	// others are written.
	g, inner := errgroup.WithContext(ctx)
	serverCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.run(serverCtx) }()
	g.Go(func() error { return p.work(inner, server) })
	g.Go(func() error {
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("the API server has ended: %w", cmpErr(err))
		case <-inner.Done():
			return nil
		}
	})
	err = g.Wait()
	end()
	select {
	case <-ended:
	case <-time.After(farewell):
	}
	return err
}

// farewell is how long the API server may take to end once nothing here calls
// it any more. By then it has answered what it was asked and has taken itself
// out of its Service; what it would still wait for, a second and more, are
// clients that keep connections open. Every write is a transaction of the
// database, so that nothing is lost with it.
const farewell = 400 * time.Millisecond

func cmpErr(err error) error {
	if err == nil {
		return errors.New("nobody asked it to")
	}
	return err
}

// check refuses what cannot be served, in words that reach the user.
func (p *plane) check() error {
	if !slices.Contains(Versions, p.config.Version) {
		return fmt.Errorf("this neargate-kube can be Kubernetes %v, not %s", Versions, p.config.Version)
	}
	cidr, err := netip.ParsePrefix(p.config.ServiceCIDR)
	if err != nil {
		return fmt.Errorf("the service CIDR: %w", err)
	}
	p.api = cidr.Masked().Addr().Next()
	return os.MkdirAll(p.config.Dir, 0o700)
}

// listen takes the address that the cluster has had before; it is in users'
// kubeconfig files.
func (p *plane) listen() (err error) {
	p.listener, err = net.Listen("tcp", p.config.Listen)
	if err != nil {
		return fmt.Errorf("the API server's address: %w", err)
	}
	host, _, _ := net.SplitHostPort(p.listener.Addr().String())
	hosts := append([]string{
		"127.0.0.1", "::1", "localhost", host, p.api.String(),
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}, p.config.Hosts...)
	slices.Sort(hosts)
	if p.keys, err = makeKeys(p.config.Dir, slices.Compact(hosts)); err != nil {
		return err
	}
	ca, err := os.ReadFile(p.keys.cert("ca"))
	if err != nil {
		return err
	}
	p.board.change(func(s *link.Status) {
		s.Address, s.CA, s.Version = p.listener.Addr().String(), ca, gitVersion(p.config.Version)
	})
	return nil
}

func (p *plane) server(ctx context.Context, d *database) (*apiServer, error) {
	log, policies := p.logOf("authenticator"), access.NewPolicies(p.settings.get)
	p.tokens = &access.Tokens{
		Verifier: p.parent, Settings: p.settings.get, Node: p.nodeOf, Log: log,
		IsTold: func() bool { return p.isExported(link.LogAuthenticator) },
	}
	if err := p.audit(); err != nil {
		return nil, err
	}
	p.own = identity.New()
	p.issuer = &access.Issuer{Own: p.config.Issuer, Log: log}
	args := apiServerArgs(&p.config, p.keys, d, p.api.String())
	return newAPIServer(ctx, &p.config, args, p.listener, hooks{
		tokens:     []authenticator.Token{p.own, p.tokens, p.issuer},
		authorizer: policies,
		rules:      policies,
		admission:  p.admission(),
		kubelet:    p.kubelets.dial,
		pods:       p.dialPod,
		auditing:   p.auditing,
		auditLog:   audit.NewLog(p.out, p.logOf("kube-apiserver")).Backend(),
	})
}

// audit makes the audit policy, which follows the settings.
func (p *plane) audit() (err error) {
	if p.auditing, err = audit.NewPolicy(); err != nil {
		return err
	}
	follow := func() { p.auditing.Switch(p.isExported(link.LogAudit)) }
	p.settings.onChange(follow)
	follow()
	return nil
}

// isExported tells whether a type of log goes to CloudWatch Logs.
func (p *plane) isExported(kind string) bool { return slices.Contains(p.settings.get().Logs, kind) }

func (p *plane) logOf(component string) zerolog.Logger {
	return p.log.With().Str("component", component).Logger()
}

// rest is how the parts talk to the API server: as who a context says, and
// without as who is usual.
func (p *plane) rest(s *apiServer, usual identity.User) *rest.Config {
	c := *s.client
	c.QPS, c.Burst = -1, -1 // no limit: it is this very process
	c.UserAgent = "neargate-kube"
	c.WrapTransport = func(next http.RoundTripper) http.RoundTripper { return p.own.Client(next, usual) }
	return &c
}

func (p *plane) client(s *apiServer, usual identity.User) (kubernetes.Interface, error) {
	c := p.rest(s, usual)
	c.ContentType = "application/vnd.kubernetes.protobuf"
	return kubernetes.NewForConfig(c)
}
