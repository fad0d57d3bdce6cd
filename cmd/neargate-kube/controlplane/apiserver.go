package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/pflag"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/admission"
	mutatingPolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	authunion "k8s.io/apiserver/pkg/authentication/request/union"
	tokenunion "k8s.io/apiserver/pkg/authentication/token/union"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	authzunion "k8s.io/apiserver/pkg/authorization/union"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/eks/link"
)

// apiserver.go embeds the upstream kube-apiserver. Its own command is not
// used, because that handles signals and applies logging for the process.

// hooks are what is plugged into the API server.
type hooks struct {
	// tokens are tried before the API server's own, in their order.
	tokens []authenticator.Token
	// authorizer is asked when RBAC has no opinion, and rules tells what it
	// allows.
	authorizer authorizer.Authorizer
	rules      authorizer.RuleResolver
	// admission are plugins that stand for EKS's webhooks, in their order. They
	// run where webhooks do: after all that complete an object.
	admission []plugin
	// kubelet dials the kubelet API of whatever node.
	kubelet func(ctx context.Context, network, address string) (net.Conn, error)
	// pods dials addresses of pods and Services: webhooks, aggregated APIs, and
	// the proxy subresources.
	pods func(ctx context.Context, network, address string) (net.Conn, error)
	// auditing says what is audited, and auditLog takes it.
	auditing audit.PolicyRuleEvaluator
	auditLog audit.Backend
}

type plugin struct {
	name    string
	factory admission.Factory
}

// apiServer is a kube-apiserver that is ready to run.
type apiServer struct {
	run    func(ctx context.Context) error
	client *rest.Config // privileged, in this process
}

// apiServerArgs are the flags, in kube-apiserver's own terms.
func apiServerArgs(c *link.Config, k keys, d *database, api string) []string {
	args := []string{
		"--etcd-servers=unix://" + d.socket,
		"--etcd-compaction-interval=0", // kine does that by itself
		// What the API server puts into default/kubernetes. It may not be a
		// loopback address; pods get there through their sandbox's tunnel.
		"--advertise-address=" + api,
		"--endpoint-reconciler-type=lease",
		"--tls-cert-file=" + k.cert("apiserver"), "--tls-private-key-file=" + k.key("apiserver"),
		"--client-ca-file=" + k.cert("ca"),
		"--service-account-key-file=" + k.key("sa"), "--service-account-signing-key-file=" + k.key("sa"),
		"--service-account-issuer=" + c.Issuer,
		"--service-account-extend-token-expiration=false",
		"--api-audiences=https://kubernetes.default.svc,sts.amazonaws.com",
		"--service-cluster-ip-range=" + c.ServiceCIDR,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		// Nodes are Ready when they are made here. This one would taint them as
		// if they were not, until a controller has looked: three requests a pod.
		"--disable-admission-plugins=TaintNodesByCondition",
		"--requestheader-client-ca-file=" + k.cert("front-proxy-ca"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + k.cert("front-proxy"), "--proxy-client-key-file=" + k.key("front-proxy"),
		"--enable-aggregator-routing=true",
		"--kubelet-preferred-address-types=InternalIP",
		"--allow-privileged=true", // refused by Fargate's own rules, in Fargate's words
		"--profiling=false",
		"--enable-priority-and-fairness=false",
		"--event-ttl=1h",
	}
	if c.Version != Versions[len(Versions)-1] {
		args = append(args, "--emulated-version="+c.Version)
	}
	return args
}

// newAPIServer builds the chain of servers on a listener.
func newAPIServer(ctx context.Context, c *link.Config, args []string, l net.Listener, h hooks) (*apiServer, error) {
	s := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, f := range s.Flags().FlagSets {
		flags.AddFlagSet(f)
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	s.SecureServing.Listener = l
	s.SecureServing.BindPort = l.Addr().(*net.TCPAddr).Port
	order := &s.Admission.GenericAdmission.RecommendedPluginOrder
	for _, p := range h.admission {
		s.Admission.GenericAdmission.Plugins.Register(p.name, p.factory)
		at := slices.Index(*order, mutatingPolicy.PluginName)
		*order = slices.Insert(slices.Clone(*order), max(at, 0), p.name)
	}
	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, fmt.Errorf("Kubernetes %s: %w", c.Version, err)
	}
	var err error
	if s.InformerName, err = cache.NewInformerName("kube-apiserver"); err != nil {
		return nil, err
	}
	completed, err := s.Complete(ctx)
	if err != nil {
		return nil, err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return h.chain(c, completed)
}

// chain plugs the hooks in, between the making of the configuration and its
// completion, where upstream allows it.
func (h hooks) chain(c *link.Config, o options.CompletedOptions) (*apiServer, error) {
	cfg, err := app.NewConfig(o)
	if err != nil {
		return nil, err
	}
	v, err := info(c.Version)
	if err != nil {
		return nil, err
	}
	if err := h.admit(cfg); err != nil {
		return nil, err
	}
	// The aggregator is the outermost of the three servers.
	outer := cfg.Aggregator.GenericConfig
	build := outer.BuildHandlerChainFunc
	outer.BuildHandlerChainFunc = func(api http.Handler, c *genericapiserver.Config) http.Handler {
		return tellVersion(v, build(api, c))
	}
	// Every request passes it, and it is the one that is run.
	outer.AuditPolicyRuleEvaluator, outer.AuditBackend = h.auditing, h.auditLog
	h.dial(cfg)
	if err := quickPolicy(cfg.KubeAPIs.ControlPlane.Generic); err != nil {
		return nil, err
	}
	done, err := cfg.Complete()
	if err != nil {
		return nil, err
	}
	chain, err := app.CreateServerChain(done)
	if err != nil {
		return nil, err
	}
	client := rest.CopyConfig(chain.GenericAPIServer.LoopbackClientConfig)
	prepared, err := chain.PrepareRun()
	if err != nil {
		return nil, err
	}
	return &apiServer{run: prepared.Run, client: client}, nil
}

// admit has the hooks decide who comes in and what one may do: in the outermost
// server, whose word the others take, and in the one that answers reviews of
// tokens and of access, which is what `kubectl auth can-i` asks for.
func (h hooks) admit(cfg *app.Config) error {
	inner := cfg.KubeAPIs.ControlPlane.Generic
	// These tokens are for this API whatever audience is asked for. Upstream's
	// own authenticator adds the group inside of what is joined here.
	tokens := authenticator.WrapAudienceAgnosticToken(inner.Authentication.APIAudiences, tokenunion.New(h.tokens...))
	who := authunion.New(group.NewAuthenticatedGroupAdder(access.Request(tokens)), inner.Authentication.Authenticator)
	what, err := authzunion.New(
		authzunion.NamedAuthorizer{AuthorizerName: "kubernetes", Authorizer: inner.Authorization.Authorizer},
		authzunion.NamedAuthorizer{AuthorizerName: "eks", Authorizer: h.authorizer},
		authzunion.NamedAuthorizer{AuthorizerName: "neargate", Authorizer: identity.Rules{}},
	)
	if err != nil {
		return err
	}
	inner.RuleResolver = authzunion.NewRuleResolvers(inner.RuleResolver, h.rules)
	for _, c := range []*genericapiserver.Config{inner, &cfg.Aggregator.GenericConfig.Config} {
		c.Authentication.Authenticator, c.Authorization.Authorizer = who, what
	}
	return nil
}

// dial makes the API server reach kubelets and pods our way: no route to
// either is needed.
func (h hooks) dial(cfg *app.Config) {
	cfg.KubeAPIs.Extra.KubeletClientConfig.Lookup = func(egressselector.NetworkContext) (utilnet.DialFunc, error) {
		return h.kubelet, nil
	}
	if t := cfg.KubeAPIs.ControlPlane.ProxyTransport; t != nil {
		t.DialContext = h.pods
	}
}

// awaitReady asks /readyz until the API server says ok.
func awaitReady(ctx context.Context, client rest.Interface) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := client.Get().AbsPath("/readyz").DoRaw(ctx); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
