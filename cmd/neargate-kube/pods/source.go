package pods

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// source.go lets package translate see the cluster.

// fargateNode is what names of Fargate's nodes begin with.
const fargateNode = "fargate-"

// translator is the Translator of package translate.
type translator struct {
	w        *Worker
	services corelisters.ServiceLister

	mu     sync.Mutex
	tokens map[translate.TokenRequest]translate.Token
}

func newTranslator(w *Worker, services corelisters.ServiceLister) *translator {
	return &translator{w: w, services: services, tokens: map[translate.TokenRequest]translate.Token{}}
}

func (t *translator) Pod(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox) (Translation, error) {
	env, err := t.environment(ctx, pod, box)
	if err != nil {
		return Translation{}, err
	}
	r, err := translate.Pod(ctx, pod, t, env)
	if err != nil {
		return Translation{}, problems(err)
	}
	return translation(r), nil
}

func translation(r *translate.Result) Translation {
	out := Translation{Completion: r.Completion, Notes: r.Notes}
	for _, e := range r.Events {
		out.Events = append(out.Events, Warning(e))
	}
	return out
}

func (t *translator) Container(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, name string) (Translation, error) {
	env, err := t.environment(ctx, pod, box)
	if err != nil {
		return Translation{}, err
	}
	r, err := translate.Container(ctx, pod, name, t, env)
	if err != nil {
		return Translation{}, problems(err)
	}
	return translation(r), nil
}

func (t *translator) Ephemeral(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, name string) (sandbox.Container, []string, error) {
	env, err := t.environment(ctx, pod, box)
	if err != nil {
		return sandbox.Container{}, nil, err
	}
	for i := range pod.Spec.EphemeralContainers {
		if ec := &pod.Spec.EphemeralContainers[i]; ec.Name == name {
			c, notes := translate.Ephemeral(ctx, pod, ec, t, env)
			return c, notes, nil
		}
	}
	return sandbox.Container{}, nil, Problems{{Reason: translate.ReasonConfig, Container: name, Message: "the pod has no such container"}}
}

func (t *translator) Volume(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, volume string) ([]sandbox.File, time.Time, error) {
	env, err := t.environment(ctx, pod, box)
	if err != nil {
		return nil, time.Time{}, err
	}
	v, u, err := translate.Volume(ctx, pod, volume, t, env)
	return v.Files, u.RefreshAt, problems(err)
}

// problems puts the errors of package translate in the worker's form. Those
// that come of the API being away stay what they are: they are no fault of the
// pod's.
func problems(err error) error {
	var all translate.Errors
	if !errors.As(err, &all) {
		return err
	}
	var out Problems
	for _, e := range all {
		if cause := e.Unwrap(); cause != nil && isAway(cause) {
			return err
		}
		out = append(out, Problem{Reason: e.Reason, Container: e.Container, Message: e.Message, Rejected: e.Rejected})
	}
	return out
}

func isAway(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err)
}

// environment is what holds for a pod and is not in it.
func (t *translator) environment(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox) (translate.Environment, error) {
	e := translate.Environment{
		Region: t.w.Cluster.Region, Version: t.w.Cluster.Version, EmulatorURL: t.w.Cluster.EmulatorURL,
		Fargate: strings.HasPrefix(pod.Spec.NodeName, fargateNode),
	}
	if s := t.w.Settings; s != nil {
		if v := s().Version; v != "" {
			e.Version = v
		}
	}
	if box.Status.Address != nil {
		e.PodIPs = []string{box.Status.Address.IP}
		e.HostIPs = e.PodIPs
	}
	if node, err := t.w.nodes.Get(pod.Spec.NodeName); err == nil {
		e.Allocatable = node.Status.Allocatable
		if !e.Fargate {
			e.Node = node.Status.NodeInfo.SystemUUID
		}
		if ip := internalIP(node); ip != "" {
			e.HostIPs = []string{ip}
		}
	}
	var err error
	if pod.Annotations[rules.LoggingKey] == rules.LoggingEnabled {
		e.Outputs, err = t.outputs(ctx)
	}
	return e, err
}

// outputs reads where Fargate's log router sends output. A ConfigMap that went
// or broke since the pod was admitted gives none.
func (t *translator) outputs(ctx context.Context) (*translate.Outputs, error) {
	cm, err := t.w.objects.configMap(ctx, translate.LoggingNamespace, translate.LoggingName)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	o, err := translate.Logging(cm)
	if err != nil {
		t.w.Log.Warn().Err(err).Msg("the ConfigMap aws-logging gives no outputs")
		return nil, nil
	}
	return o, nil
}

// ConfigMap implements translate.Source.
func (t *translator) ConfigMap(ctx context.Context, namespace, name string) (*v1.ConfigMap, error) {
	return t.w.objects.configMap(ctx, namespace, name)
}

// Secret implements translate.Source.
func (t *translator) Secret(ctx context.Context, namespace, name string) (*v1.Secret, error) {
	return t.w.objects.secret(ctx, namespace, name)
}

// Services implements translate.Source.
func (t *translator) Services(_ context.Context, namespace string) ([]*v1.Service, error) {
	return t.services.Services(namespace).List(labels.Everything())
}

// HostPath implements translate.Source.
func (t *translator) HostPath(ctx context.Context, node, path, kind string) (link.HostPathState, error) {
	return t.w.Parent.HostPath(ctx, node, path, kind)
}

// Token implements translate.Source. A token that is not due yet is given
// again, so that a volume is not written anew for nothing.
func (t *translator) Token(ctx context.Context, r translate.TokenRequest) (translate.Token, error) {
	now := time.Now()
	if k, ok := t.kept(r, now); ok {
		return k, nil
	}
	q := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{
		BoundObjectRef: &authv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: r.PodName, UID: r.PodUID},
	}}
	if r.Audience != "" {
		q.Spec.Audiences = []string{r.Audience}
	}
	if r.Expiration > 0 {
		seconds := int64(r.Expiration / time.Second)
		q.Spec.ExpirationSeconds = &seconds
	}
	a, err := t.ask(ctx, r, q)
	if err != nil {
		return translate.Token{}, err
	}
	k := translate.Token{Value: a.Status.Token, Issued: now, Expires: a.Status.ExpirationTimestamp.Time}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens[r] = k
	return k, nil
}

// How long after a refusal a token is asked for again, doubled with each, and
// when that is given up.
const (
	firstAsk = 2 * time.Millisecond
	lastAsk  = 250 * time.Millisecond
)

// ask asks for a token as the pod's node. The node authorizer follows the pods
// by a watch of its own, so that a pod that has just got its node may not count
// as its yet: then it is asked again.
func (t *translator) ask(ctx context.Context, r translate.TokenRequest, q *authv1.TokenRequest) (*authv1.TokenRequest, error) {
	for wait := firstAsk; ; wait *= 2 {
		a, err := t.w.Client.CoreV1().ServiceAccounts(r.Namespace).CreateToken(ctx, r.ServiceAccount, q, metav1.CreateOptions{})
		if !apierrors.IsForbidden(err) || wait > lastAsk {
			return a, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// kept finds a token that has most of its life before it.
func (t *translator) kept(r translate.TokenRequest, now time.Time) (translate.Token, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.tokens[r]
	due := k.Issued.Add(min(k.Expires.Sub(k.Issued)*8/10, 24*time.Hour))
	return k, ok && now.Before(due)
}

// forget drops the tokens of a pod that is gone.
func (t *translator) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for r := range t.tokens {
		if r.PodUID == uid {
			delete(t.tokens, r)
		}
	}
}

func internalIP(node *v1.Node) string {
	for _, a := range node.Status.Addresses {
		if a.Type == v1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}
