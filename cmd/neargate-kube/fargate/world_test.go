package fargate_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate"
	"github.com/neargate/neargate/emulator/eks/link"
)

const arn = "arn:aws:eks:us-west-2:000000000000:cluster/demo"

func subnet(n int) link.Subnet {
	return link.Subnet{ID: fmt.Sprintf("subnet-%d", n), VPC: "vpc-1", VPCCIDR: "10.0.0.0/16", CIDR: fmt.Sprintf("10.0.%d.0/24", n), Zone: "us-west-2" + string(rune('a'+n-1))}
}

var fp = link.FargateProfile{Name: "fp", Subnets: []link.Subnet{subnet(1), subnet(2)}, Selectors: []link.Selector{{Namespace: "default"}}}

// world is a cluster with a Compute in it. Everything happens in a bubble, whose
// time is virtual.
type world struct {
	*testing.T
	client  *fake.Clientset
	parent  *parent
	compute *fargate.Compute
	events  *events
	stop    func()
	budget  map[string]bool // pods that a PodDisruptionBudget keeps

	mu       sync.Mutex
	settings link.Settings
	listen   []func()
	changed  int
}

// events is a recorder that keeps lines like "fargate-scheduler web Warning
// FailedScheduling text".
type events struct {
	mu    sync.Mutex
	lines []string
}

type recorder struct {
	record.EventRecorder
	*events
	component string
}

func (r recorder) Event(o runtime.Object, kind, reason, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, strings.Join([]string{r.component, o.(metav1.Object).GetName(), kind, reason, message}, " "))
}

func (e *events) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := e.lines
	e.lines = nil
	return lines
}

// inWorld runs a test in a world that begins with these objects.
func inWorld(t *testing.T, s link.Settings, test func(*world), objects ...runtime.Object) {
	inWorldOf(t, newParent(), s, test, objects...)
}

func inWorldOf(t *testing.T, p *parent, s link.Settings, test func(*world), objects ...runtime.Object) {
	synctest.Test(t, func(t *testing.T) {
		p.more = make(chan struct{}) // of this bubble
		w := &world{T: t, client: fake.NewClientset(objects...), parent: p, settings: s, events: &events{}}
		w.client.PrependReactor("create", "pods", w.bind)
		w.start()
		test(w)
		w.stop()
	})
}

// bind is what the API server does at pods/binding.
func (w *world) bind(a clienttesting.Action) (bool, runtime.Object, error) {
	create, ok := a.(clienttesting.CreateAction)
	if ok && a.GetSubresource() == "eviction" {
		return true, nil, w.evict(create.GetObject().(*policyv1.Eviction))
	}
	if !ok || a.GetSubresource() != "binding" {
		return false, nil, nil
	}
	b := create.GetObject().(*corev1.Binding)
	pods := corev1.SchemeGroupVersion.WithResource("pods")
	o, err := w.client.Tracker().Get(pods, b.Namespace, b.Name)
	if err != nil {
		return true, nil, err
	}
	p := o.(*corev1.Pod).DeepCopy()
	p.Spec.NodeName, p.Status.NominatedNodeName = b.Target.Name, ""
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}
	return true, b, w.client.Tracker().Update(pods, p, b.Namespace)
}

// evict is what the API server does at pods/eviction.
func (w *world) evict(e *policyv1.Eviction) error {
	if w.budget[e.Name] {
		return apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	}
	return w.client.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), e.Namespace, e.Name)
}

// start runs a new Compute on what there is.
func (w *world) start() {
	log := zerolog.Nop()
	if os.Getenv("NEARGATE_TEST_LOG") != "" {
		log = zerolog.New(os.Stderr)
	}
	ctx, cancel := context.WithCancel(w.Context())
	factory := informers.NewSharedInformerFactory(w.client, 0)
	b := boxes.New(w.parent, log)
	c, err := fargate.New(fargate.Config{
		Client: w.client, Informers: factory, Parent: w.parent, Boxes: b,
		Cluster: link.Config{Name: "demo", ARN: arn, Region: "us-west-2", ServiceCIDR: "10.100.0.0/16", Version: "1.35"},
		Settings: func() link.Settings {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.settings
		},
		OnSettings: func(f func()) { w.listen = append(w.listen, f) },
		Version:    "v1.35.0-eks-neargate",
		CheckLogging: func(m *corev1.ConfigMap) error {
			if m.Data["output.conf"] == "" {
				return errors.New("no output")
			}
			return nil
		},
		Changed:  func() { w.mu.Lock(); w.changed++; w.mu.Unlock() },
		Recorder: func(component string) record.EventRecorder { return recorder{events: w.events, component: component} },
		Log:      log,
	})
	if err != nil {
		w.Fatal(err)
	}
	w.compute = c
	factory.Start(ctx.Done())
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(ctx) })
	wg.Go(func() { _ = c.Run(ctx) }) // ends with ctx
	w.stop = func() { cancel(); wg.Wait(); factory.Shutdown() }
	w.pass(time.Second)
}

// pass lets time go by, and whatever happens in it happen.
func (w *world) pass(d time.Duration) {
	time.Sleep(d) // virtual
	synctest.Wait()
}

func (w *world) set(change func(*link.Settings)) {
	w.mu.Lock()
	change(&w.settings)
	w.settings.Revision++
	listen := w.listen
	w.mu.Unlock()
	for _, f := range listen {
		f()
	}
	w.pass(time.Millisecond)
}

// fargatePod is a pod as admission leaves it.
func fargatePod(name string) *corev1.Pod {
	p := plainPod(name)
	p.Labels = map[string]string{"eks.amazonaws.com/fargate-profile": "fp"}
	p.Annotations = map[string]string{"CapacityProvisioned": "0.25vCPU 0.5GB", "Logging": "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"}
	p.Spec.SchedulerName = "fargate-scheduler"
	return p
}

func plainPod(name string) *corev1.Pod {
	sum := sha256.Sum256([]byte(name)) // a name is used once in a test
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(fmt.Sprintf("%x-0000-4000-8000-%x", sum[:4], sum[4:10]))},
		Spec:       corev1.PodSpec{SchedulerName: "default-scheduler", DNSPolicy: corev1.DNSClusterFirst, Containers: []corev1.Container{{Name: "c", Image: "nginx"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodPending},
	}
}

func (w *world) create(pods ...*corev1.Pod) {
	w.Helper()
	for _, p := range pods {
		if _, err := w.client.CoreV1().Pods(p.Namespace).Create(w.Context(), p, metav1.CreateOptions{}); err != nil {
			w.Fatal(err)
		}
	}
	w.pass(time.Millisecond)
}

func (w *world) pod(name string) *corev1.Pod {
	w.Helper()
	p, err := w.client.CoreV1().Pods("default").Get(w.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) delete(name string) {
	w.Helper()
	if err := w.client.CoreV1().Pods("default").Delete(w.Context(), name, metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}
	w.pass(time.Millisecond)
}

// change writes a pod anew.
func (w *world) change(name string, f func(*corev1.Pod)) {
	w.Helper()
	p := w.pod(name)
	f(p)
	if _, err := w.client.CoreV1().Pods("default").Update(w.Context(), p, metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
	w.pass(time.Millisecond)
}

// nodes are by name.
func (w *world) nodes() map[string]*corev1.Node {
	w.Helper()
	l, err := w.client.CoreV1().Nodes().List(w.Context(), metav1.ListOptions{})
	if err != nil {
		w.Fatal(err)
	}
	all := map[string]*corev1.Node{}
	for i := range l.Items {
		all[l.Items[i].Name] = &l.Items[i]
	}
	return all
}

func (w *world) nodeNames() []string {
	w.Helper()
	return slices.Sorted(maps.Keys(w.nodes()))
}

func (w *world) wantEvents(want ...string) {
	w.Helper()
	if got := w.events.take(); !slices.Equal(got, want) {
		w.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (w *world) wantNodes(want ...string) {
	w.Helper()
	if got := w.nodeNames(); !slices.Equal(got, want) {
		w.Errorf("nodes %q, want %q", got, want)
	}
}

// scheduled is the condition PodScheduled as one line.
func scheduled(p *corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			return strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message))
		}
	}
	return ""
}
