package network_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/neargate/neargate/cmd/neargate-kube/network"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// teller notes what it is told.
type teller struct {
	mu      sync.Mutex
	tables  []sandbox.ServiceTable
	lists   int
	refuse  error  // telling Services
	broken  error  // telling load balancers
	trouble string // of every load balancer
}

func (p *teller) SetServices(_ context.Context, t sandbox.ServiceTable) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		return p.refuse
	}
	p.tables = append(p.tables, t)
	return nil
}

func (p *teller) SetLoadBalancers(_ context.Context, all []link.LoadBalancer) (out []link.LoadBalancerStatus, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists++
	for _, b := range all {
		if p.trouble != "" {
			out = append(out, link.LoadBalancerStatus{Name: b.Name, Error: p.trouble})
			continue
		}
		out = append(out, link.LoadBalancerStatus{Name: b.Name, Address: "127.64.0.1"})
	}
	return out, p.broken
}

func (p *teller) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *teller) told() (tables, lists int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.tables), p.lists
}

type world struct {
	*network.Publisher
	client  *fake.Clientset
	parent  *teller
	changes int
}

// publish runs a Publisher over these objects, in virtual time.
func publish(t *testing.T, parent *teller, f func(ctx context.Context, w *world), objects ...runtime.Object) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		w := &world{client: fake.NewClientset(objects...), parent: parent}
		factory := informers.NewSharedInformerFactory(w.client, 0)
		var err error
		w.Publisher, err = network.New(network.Config{
			Client: w.client, Informers: factory, Parent: parent, Log: zerolog.Nop(), Changed: func() { w.changes++ },
		})
		if err != nil {
			t.Fatal(err)
		}
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		settle()
		f(ctx, w)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		factory.Shutdown()
		settle()
	})
}

// settle lets what is gathered be told.
func settle() {
	synctest.Wait()
	time.Sleep(100 * time.Millisecond) // virtual
	synctest.Wait()
}

func TestPublisherTellsChanges(t *testing.T) {
	parent := &teller{}
	publish(t, parent, func(ctx context.Context, w *world) {
		if tables, _ := parent.told(); tables != 1 {
			t.Fatalf("told %d times", tables)
		}
		if told, err := w.State(); !told || err != nil || w.changes != 1 {
			t.Errorf("state %t %v, changes %d", told, err, w.changes)
		}
		p := pod("10.0.0.1", corev1.PodRunning)
		made, err := w.client.CoreV1().Pods("a").Create(ctx, p, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		settle()
		if tables, _ := parent.told(); tables != 2 || len(parent.tables[1].Names) != 1 {
			t.Fatalf("told %d times: %+v", tables, parent.tables)
		}
		made = made.DeepCopy()
		made.Status.Message = "nothing for the network"
		if _, err := w.client.CoreV1().Pods("a").UpdateStatus(ctx, made, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if tables, lists := parent.told(); tables != 2 || lists != 1 {
			t.Errorf("told %d tables, %d lists without cause", tables, lists)
		}
	})
}

func TestPublisherTriesAgain(t *testing.T) {
	parent := &teller{refuse: errors.New("away")}
	publish(t, parent, func(_ context.Context, w *world) {
		if told, err := w.State(); told || err == nil || err.Error() != "telling the Services: away" {
			t.Errorf("state %t %v", told, err)
		}
		parent.set(func() { parent.refuse = nil })
		time.Sleep(2 * time.Second)
		settle()
		if told, err := w.State(); !told || err != nil || w.changes < 2 {
			t.Errorf("state %t %v, changes %d", told, err, w.changes)
		}
	})
}

func loadBalancer() *corev1.Service {
	return with(service("web", "10.100.0.7", port("", 80, tcp)), func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeLoadBalancer })
}

func (w *world) ingress(t *testing.T, ctx context.Context) string {
	t.Helper()
	s, err := w.client.CoreV1().Services("a").Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if all := s.Status.LoadBalancer.Ingress; len(all) > 0 {
		return all[0].IP
	}
	return ""
}

func TestPublisherWritesWhereBalancersAnswer(t *testing.T) {
	publish(t, &teller{}, func(ctx context.Context, w *world) {
		if at := w.ingress(t, ctx); at != "127.64.0.1" {
			t.Errorf("it is at %q", at)
		}
		s, err := w.client.CoreV1().Services("a").Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.Spec.Type = corev1.ServiceTypeClusterIP
		if _, err := w.client.CoreV1().Services("a").Update(ctx, s, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if at := w.ingress(t, ctx); at != "" {
			t.Errorf("it is still at %q", at)
		}
	}, loadBalancer())
}

func TestBalancersThatDoNotAnswerAreAskedForAgain(t *testing.T) {
	parent := &teller{trouble: "port 80 is taken"}
	publish(t, parent, func(ctx context.Context, w *world) {
		for _, namespace := range []string{"", "a"} {
			if why := strings.Join(w.Why(ctx, namespace), "\n"); why != "The load balancer of Service a/web does not answer: port 80 is taken" {
				t.Errorf("why %q", why)
			}
		}
		if why := w.Why(ctx, "b"); len(why) > 0 {
			t.Errorf("another namespace: %q", why)
		}
		parent.set(func() { parent.broken = errors.New("away") })
		time.Sleep(20 * time.Second)
		parent.set(func() { parent.trouble, parent.broken = "", nil })
		time.Sleep(20 * time.Second)
		settle()
		if at := w.ingress(t, ctx); at != "127.64.0.1" || len(w.Why(ctx, "")) > 0 {
			t.Errorf("it is at %q: %q", at, w.Why(ctx, ""))
		}
	}, loadBalancer())
}

func TestWhy(t *testing.T) {
	local := corev1.ServiceInternalTrafficPolicyLocal
	for _, row := range []struct {
		of   *corev1.Service
		want string
	}{
		{service("s", "10.100.0.7", port("", 80, tcp)), ""},
		{with(service("s", "10.100.0.7", corev1.ServicePort{Port: 80, NodePort: 30080}, corev1.ServicePort{Port: 81, NodePort: 30081}), func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeNodePort }),
			"Service a/s: nothing listens on nodes, so node port 30080, 30081 does not answer; use the cluster IP, kubectl port-forward, or type LoadBalancer."},
		{with(loadBalancer(), func(s *corev1.Service) { s.Spec.LoadBalancerClass = new("x/y") }), "Service a/web: the load balancer class x/y is left to a controller of that class."},
		{with(loadBalancer(), func(s *corev1.Service) { s.Spec.LoadBalancerSourceRanges = []string{"10.0.0.0/8"} }),
			"Service a/web: loadBalancerSourceRanges are not enforced; the load balancer answers on this machine's loopback range alone."},
		{with(service("s", "10.100.0.7"), func(s *corev1.Service) { s.Spec.InternalTrafficPolicy = &local }), "Service a/s: internalTrafficPolicy Local has no effect: connections go to the pods of all nodes."},
		{service("s", "10.100.0.7", port("", 80, corev1.ProtocolSCTP)), "Service a/s: port 80 is of SCTP, which is not carried."},
	} {
		if got := strings.Join(network.Why([]*corev1.Service{row.of}, nil), "\n"); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
	}
	policy := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "deny"}}
	if got := network.Why(nil, []networkingv1.NetworkPolicy{policy}); len(got) != 1 || got[0] != "NetworkPolicy a/deny has no effect: nothing enforces policies, every pod reaches every other." {
		t.Errorf("%q", got)
	}
}
