package network

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
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
	Changed   func()          // called when State may tell something new; it must not block; may be nil
	Log       zerolog.Logger
}

// Publisher keeps the emulator told of the cluster's Services.
type Publisher struct {
	Config
	dirty     chan struct{}
	table     sandbox.ServiceTable // as told last
	balancers []link.LoadBalancer  // as told last
	settled   bool                 // they were told, and where they answer is written
	stale     atomic.Bool          // they are to be told again

	mu     sync.Mutex
	told   bool              // the table, once at least
	err    error             // of the last attempt to tell the table
	silent map[string]string // load balancers that do not answer: why
}

// gather is how long changes are waited for that come together: the pods of a
// Deployment become ready in a crowd.
const gather = 15 * time.Millisecond

// retry is the wait after the emulator could not be told, and again the one
// after a load balancer could not be made.
const (
	retry = time.Second
	again = 15 * time.Second
)

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
	if err := p.tell(ctx, Table(v)); err != nil {
		return err
	}
	return p.balance(ctx, v)
}

func (p *Publisher) tell(ctx context.Context, t sandbox.ServiceTable) error {
	told, failed := p.State()
	if told && failed == nil && reflect.DeepEqual(t, p.table) {
		return nil
	}
	err := p.Parent.SetServices(ctx, t)
	if err != nil {
		err = fmt.Errorf("telling the Services: %w", err)
	} else {
		p.table = t
	}
	p.mu.Lock()
	p.told, p.err = told || err == nil, err
	p.mu.Unlock()
	if p.Changed != nil && (!told || (err == nil) != (failed == nil)) {
		p.Changed()
	}
	return err
}

// State tells whether the emulator has ever taken the Services, and the error
// of the last attempt to tell them.
func (p *Publisher) State() (told bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told, p.err
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
