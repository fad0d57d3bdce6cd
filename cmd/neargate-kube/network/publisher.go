package network

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Teller is told; the emulator is.
type Teller interface {
	SetServices(ctx context.Context, t sandbox.ServiceTable) error
	SetLoadBalancers(ctx context.Context, all []link.LoadBalancer) ([]link.LoadBalancerStatus, error)
}

// Config is what a Publisher stands on.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory
	Parent    Teller
	Own       map[string]bool // see View
	Log       zerolog.Logger
}

// Publisher keeps the emulator told of the cluster's Services.
type Publisher struct {
	Config
	dirty     chan struct{}
	table     sandbox.ServiceTable // as told last
	told      bool
	balancers []link.LoadBalancer
}

// gather is how long changes are waited for that come together: the pods of a
// Deployment become ready in a crowd.
const gather = 15 * time.Millisecond

// retry is the wait after the emulator could not be told.
const retry = time.Second

// New returns a Publisher; its informers start with the factory.
func New(c Config) (*Publisher, error) {
	p := &Publisher{Config: c, dirty: make(chan struct{}, 1)}
	mark := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { p.mark() }, DeleteFunc: func(any) { p.mark() },
		UpdateFunc: func(was, now any) {
			if matters(was, now) {
				p.mark()
			}
		},
	}
	var errs []error
	for _, i := range []cache.SharedIndexInformer{
		c.Informers.Core().V1().Services().Informer(), c.Informers.Discovery().V1().EndpointSlices().Informer(), c.Informers.Core().V1().Pods().Informer(),
	} {
		_, err := i.AddEventHandler(mark)
		errs = append(errs, err)
	}
	return p, errors.Join(errs...)
}

// matters leaves out what pods' statuses change without changing any name.
func matters(was, now any) bool {
	a, ok := was.(*corev1.Pod)
	b, both := now.(*corev1.Pod)
	return !ok || !both || a.Status.PodIP != b.Status.PodIP || a.Status.Phase != b.Status.Phase
}

func (p *Publisher) mark() {
	select {
	case p.dirty <- struct{}{}:
	default:
	}
}

// Run publishes until ctx ends. The informers must be in sync.
func (p *Publisher) Run(ctx context.Context) error {
	p.mark()
	for {
		select {
		case <-p.dirty:
		case <-ctx.Done():
			return nil
		}
		wait(ctx, gather)
		if err := p.publish(ctx); err != nil && ctx.Err() == nil {
			p.Log.Warn().Err(err).Msg("the Services cannot be told")
			wait(ctx, retry)
			p.mark()
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (p *Publisher) publish(ctx context.Context) error {
	v, err := p.view()
	if err != nil {
		return err
	}
	if t := Table(v); !p.told || !reflect.DeepEqual(t, p.table) {
		if err := p.Parent.SetServices(ctx, t); err != nil {
			return fmt.Errorf("telling the Services: %w", err)
		}
		p.table, p.told = t, true
	}
	return p.balance(ctx, v)
}

func (p *Publisher) view() (v View, err error) {
	v.Own = p.Own
	if v.Services, err = p.Informers.Core().V1().Services().Lister().List(labels.Everything()); err != nil {
		return v, err
	}
	if v.Slices, err = p.Informers.Discovery().V1().EndpointSlices().Lister().List(labels.Everything()); err != nil {
		return v, err
	}
	v.Pods, err = p.Informers.Core().V1().Pods().Lister().List(labels.Everything())
	return v, err
}

// balance tells which load balancers there shall be, and writes into each
// Service where it answers.
func (p *Publisher) balance(ctx context.Context, v View) error {
	want := Balancers(v)
	if p.balancers != nil && reflect.DeepEqual(want, p.balancers) {
		return nil
	}
	answers, err := p.Parent.SetLoadBalancers(ctx, want)
	if err != nil {
		return fmt.Errorf("telling the load balancers: %w", err)
	}
	at := map[string]link.LoadBalancerStatus{}
	for _, a := range answers {
		at[a.Name] = a
	}
	var errs []error
	for _, s := range v.Services {
		errs = append(errs, p.write(ctx, s, at[s.Namespace+"/"+s.Name]))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if p.balancers = want; want == nil {
		p.balancers = []link.LoadBalancer{}
	}
	return nil
}

// write puts a load balancer's address into its Service's status, and takes it
// out of one that has none any more.
func (p *Publisher) write(ctx context.Context, s *corev1.Service, a link.LoadBalancerStatus) error {
	var want []corev1.LoadBalancerIngress
	if a.Address != "" {
		want = []corev1.LoadBalancerIngress{{IP: a.Address, Hostname: a.Hostname}}
	}
	if !balanced(s) && s.Spec.Type == corev1.ServiceTypeLoadBalancer {
		return nil // somebody else's
	}
	has := s.Status.LoadBalancer.Ingress
	if len(has) == len(want) && (len(want) == 0 || has[0].IP == want[0].IP && has[0].Hostname == want[0].Hostname) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": want}}})
	if err != nil {
		return err
	}
	_, err = p.Client.CoreV1().Services(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err == nil && a.Error != "" {
		p.Log.Warn().Str("service", a.Name).Str("error", a.Error).Msg("a load balancer does not answer")
	}
	return err
}
