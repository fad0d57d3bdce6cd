package pods_test

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	fakeruntime "github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
)

// Here pods live in a real engine, whose containers do what their environment
// says, in virtual time.

// engine is the parent as far as the worker needs it, over a real engine.
type engine struct {
	link.Sandboxes
	link.Containers
	store *store.Store
}

func (e engine) update(ctx context.Context, f func(*store.Tx) error) error {
	return e.store.Update(ctx, "test", f)
}

func (e engine) CompleteSandbox(ctx context.Context, id string, c link.Completion) error {
	return e.update(ctx, func(tx *store.Tx) error { return sandbox.Complete(tx, id, sandbox.Completion(c)) })
}

func (e engine) AddContainer(ctx context.Context, id string, c sandbox.Container) error {
	return e.update(ctx, func(tx *store.Tx) error { return sandbox.AddContainer(tx, id, c) })
}

func (e engine) ConfigureContainer(ctx context.Context, id, name string, c link.Configuration) error {
	return e.update(ctx, func(tx *store.Tx) error { return sandbox.Configure(tx, id, name, sandbox.Configuration(c)) })
}

func (e engine) ResizeContainer(ctx context.Context, id, name string, r sandbox.Resources) error {
	return e.update(ctx, func(tx *store.Tx) error { return sandbox.Resize(tx, id, name, r) })
}

func (e engine) RestartContainer(ctx context.Context, id, name string, attempt int, reason string) error {
	return e.update(ctx, func(tx *store.Tx) error { return sandbox.Again(tx, id, name, attempt, reason) })
}

func (e engine) StopSandbox(ctx context.Context, id, code, reason string, grace *time.Duration) error {
	return e.update(ctx, func(tx *store.Tx) error {
		return sandbox.Stop(tx, id, sandbox.Desired{Code: code, Reason: reason, Grace: grace})
	})
}

func (e engine) RemoveSandbox(ctx context.Context, id string) error {
	return e.update(ctx, func(tx *store.Tx) error { return sandbox.Remove(tx, id) })
}

func (e engine) Watch(ctx context.Context) iter.Seq2[link.SandboxEvent, error] {
	return func(yield func(link.SandboxEvent, error) bool) {
		var since int64
		err := e.store.View(ctx, func(tx *store.Tx) error {
			since = tx.Revision() // there are no sandboxes yet
			return nil
		})
		if err != nil || !yield(link.SandboxEvent{Synced: true}, err) {
			return
		}
		for changes, err := range e.store.Watch(ctx, since, sandbox.Sandboxes.Kind()) {
			if err != nil {
				yield(link.SandboxEvent{}, err)
				return
			}
			for _, c := range changes {
				event := link.SandboxEvent{ID: c.Key}
				if c.After != nil {
					event.Sandbox = new(sandbox.Sandbox)
					if err := json.Unmarshal(c.After, event.Sandbox); err != nil {
						panic(err)
					}
				}
				if !yield(event, nil) {
					return
				}
			}
		}
	}
}

// life is a pod in its engine.
type life struct {
	*testing.T
	client *fake.Clientset
	store  *store.Store
	began  time.Time
}

// live has a pod live, in virtual time.
func live(t *testing.T, p *v1.Pod, f func(*life)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &life{T: t, client: fake.NewClientset(node()), began: time.Now()}
		graceful(l.client)
		var err error
		if l.store, err = store.Open(ctx, "memory", store.Options{}); err != nil {
			t.Fatal(err)
		}
		e := engine{store: l.store}
		factory := informers.NewSharedInformerFactory(l.client, 0)
		b := boxes.New(e, zerolog.New(zerolog.NewTestWriter(t)))
		w, err := pods.New(pods.Config{Client: l.client, Informers: factory, Boxes: b, Parent: e, Cluster: link.Config{ARN: clusterARN, Region: "us-east-1"}, Log: zerolog.New(zerolog.NewTestWriter(t))})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{}, 3)
		run := func(f func()) { go func() { f(); done <- struct{}{} }() }
		factory.Start(ctx.Done())
		run(func() {
			_ = sandbox.New(sandbox.Config{Store: l.store, Runtime: fakeruntime.New(fakeruntime.Options{})}).Run(ctx)
		})
		run(func() { b.Run(ctx) })
		run(func() { _ = w.Run(ctx) })
		defer func() {
			cancel()
			for range cap(done) {
				<-done
			}
			factory.Shutdown()
			if err := l.store.Close(); err != nil {
				t.Error(err)
			}
		}()
		l.create(p)
		f(l)
	})
}

// graceful has the fake API delete as the real one does: what is bound stays
// until its node has let it go.
func graceful(client *fake.Clientset) {
	pods := v1.SchemeGroupVersion.WithResource("pods")
	client.PrependReactor("delete", "pods", func(a k8stesting.Action) (bool, runtime.Object, error) {
		d := a.(k8stesting.DeleteActionImpl)
		if g := d.DeleteOptions.GracePeriodSeconds; g != nil && *g == 0 {
			return false, nil, nil
		}
		o, err := client.Tracker().Get(pods, d.Namespace, d.Name)
		if err != nil {
			return true, nil, err
		}
		p := o.(*v1.Pod).DeepCopy()
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: time.Now()}, p.Spec.TerminationGracePeriodSeconds
		return true, nil, client.Tracker().Update(pods, p, d.Namespace)
	})
}

// create does what the scheduler does: it makes an open sandbox for the pod and
// binds it then.
func (l *life) create(p *v1.Pod) {
	l.Helper()
	node := p.Spec.NodeName
	p.Spec.NodeName = ""
	api := l.client.CoreV1().Pods("default")
	if _, err := api.Create(l.Context(), p, metav1.CreateOptions{}); err != nil {
		l.Fatal(err)
	}
	synctest.Wait()
	err := l.store.Update(l.Context(), "test", func(tx *store.Tx) error {
		return sandbox.Create(tx, sandbox.Spec{
			ID: boxes.ID(uid), Owner: clusterARN + "/default/web", Group: clusterARN, Open: true, Steps: 2, Patient: true,
			Network: sandbox.Network{VPC: "vpc-1", VPCCIDR: "10.0.0.0/16", Subnet: "subnet-1", SubnetCIDR: "10.0.1.0/24"},
		})
	})
	if err != nil {
		l.Fatal(err)
	}
	synctest.Wait()
	p.Spec.NodeName = node
	if _, err := api.Update(l.Context(), p, metav1.UpdateOptions{}); err != nil {
		l.Fatal(err)
	}
}

// at lets time pass until so long after the beginning, and gives the pod.
func (l *life) at(d time.Duration) *v1.Pod {
	l.Helper()
	time.Sleep(time.Until(l.began.Add(d)))
	synctest.Wait()
	p, err := l.client.CoreV1().Pods("default").Get(l.Context(), "web", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		l.Fatal(err)
	}
	return p
}

// is compares phase, readiness and the first container's state, without times.
func (l *life) is(d time.Duration, want string) {
	l.Helper()
	p := l.at(d)
	if p == nil {
		l.Fatalf("after %v there is no pod", d)
	}
	ready := ""
	if isReady(p.Status) {
		ready = " ready"
	}
	all := slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses, p.Status.EphemeralContainerStatuses)
	got := string(p.Status.Phase) + ready
	for _, cs := range all {
		text := say(cs)
		if cs.State.Running != nil {
			text = "running"
		}
		got += "; " + cs.Name + " " + strings.ReplaceAll(strings.TrimSuffix(text, "; ready"), uid, "UID")
	}
	if got != want {
		l.Errorf("after %v\n got %s\nwant %s", d, got, want)
	}
}

// events are all there are, in order.
func (l *life) events() []string {
	synctest.Wait()
	var all []string
	for _, a := range l.client.Actions() {
		if c, ok := a.(k8stesting.CreateAction); ok && a.GetResource().Resource == "events" {
			e := c.GetObject().(*v1.Event)
			all = append(all, e.Reason+" "+strings.TrimSuffix(strings.TrimPrefix(e.InvolvedObject.FieldPath, "spec.containers{"), "}"))
		}
	}
	return all
}

// script is a container that does what its environment says: FAKE_EXIT=3 ….
func script(name, environment string) v1.Container {
	c := v1.Container{Name: name, Image: "nginx:1", ImagePullPolicy: v1.PullIfNotPresent}
	for _, e := range strings.Fields(environment) {
		key, value, _ := strings.Cut(e, "=")
		c.Env = append(c.Env, v1.EnvVar{Name: key, Value: value})
	}
	return c
}

func podOf(policy v1.RestartPolicy, all ...v1.Container) *v1.Pod {
	p := pod()
	grace := int64(5)
	p.Spec.Containers, p.Spec.RestartPolicy, p.Spec.TerminationGracePeriodSeconds = all, policy, &grace
	return p
}

func TestLifeOfAJob(t *testing.T) {
	live(t, podOf(v1.RestartPolicyNever, script("a", "FAKE_RUN_FOR=5s")), func(l *life) {
		l.is(time.Second, "Running ready; a running")
		l.is(6*time.Second, "Succeeded; a ended Completed 0")
		if got := l.events(); !slices.Equal(got, []string{"Pulled a", "Created a", "Started a"}) {
			t.Error(got)
		}
	})
	live(t, podOf(v1.RestartPolicyNever, script("a", "FAKE_EXIT=3 FAKE_MESSAGE=oops"), script("b", "FAKE_RUN_FOR=5s")), func(l *life) {
		l.is(time.Second, "Running; a ended Error 3 oops; b running")
		l.is(6*time.Second, "Failed; a ended Error 3 oops; b ended Completed 0")
	})
}

func TestLifeInACrashLoop(t *testing.T) {
	live(t, podOf(v1.RestartPolicyAlways, script("a", "FAKE_EXIT=1")), func(l *life) {
		l.is(time.Second, "Running; a waits CrashLoopBackOff back-off 10s restarting failed container=a pod=web_default(UID); before: ended Error 1; restarts 1")
		l.is(15*time.Second, "Running; a waits CrashLoopBackOff back-off 20s restarting failed container=a pod=web_default(UID); before: ended Error 1; restarts 2")
		if got := l.events(); !slices.Contains(got, "BackOff a") {
			t.Error(got)
		}
	})
	live(t, podOf(v1.RestartPolicyAlways, script("a", "FAKE_OOM_AFTER=1s")), func(l *life) {
		l.is(3*time.Second, "Running; a waits CrashLoopBackOff back-off 10s restarting failed container=a pod=web_default(UID); before: ended OOMKilled 137; restarts 1")
	})
}

func TestLifeWithoutAnImage(t *testing.T) {
	live(t, podOf(v1.RestartPolicyAlways, script("a", "FAKE_PULL_ERROR=gone")), func(l *life) {
		p := l.at(time.Second)
		if w := p.Status.ContainerStatuses[0].State.Waiting; w == nil || w.Reason != "ErrImagePull" || !strings.Contains(w.Message, "gone") {
			t.Errorf("%+v", p.Status.ContainerStatuses[0].State)
		}
		p = l.at(6 * time.Second)
		if w := p.Status.ContainerStatuses[0].State.Waiting; w == nil || w.Reason != "ImagePullBackOff" || !strings.HasPrefix(w.Message, `Back-off pulling image "nginx:1": ErrImagePull: `) {
			t.Errorf("%+v", p.Status.ContainerStatuses[0].State)
		}
		if p.Status.Phase != v1.PodPending || p.Status.PodIP == "" {
			t.Errorf("%+v", p.Status)
		}
		if got := l.events(); !slices.Equal(got, []string{"Pulling a", "Failed a", "Failed a", "BackOff a", "Failed a"}) {
			t.Error(got)
		}
	})
	live(t, podOf(v1.RestartPolicyAlways, script("a", "FAKE_PULL_FOR=2s")), func(l *life) {
		l.is(time.Second, "Pending; a waits ContainerCreating")
		l.is(3*time.Second, "Running ready; a running")
		if got := l.events(); !slices.Equal(got, []string{"Pulling a", "Pulled a", "Created a", "Started a"}) {
			t.Error(got)
		}
	})
}

func TestLifeThatCannotBegin(t *testing.T) {
	live(t, podOf(v1.RestartPolicyAlways, script("a", "FAKE_START_ERROR=nothing")), func(l *life) {
		p := l.at(time.Second)
		cs := p.Status.ContainerStatuses[0]
		if cs.State.Waiting == nil || cs.LastTerminationState.Terminated == nil || cs.LastTerminationState.Terminated.Reason != "StartError" || cs.LastTerminationState.Terminated.ExitCode != 128 {
			t.Errorf("%+v", cs)
		}
		if got := l.events(); !slices.Contains(got, "Failed a") || slices.Contains(got, "Started a") {
			t.Error(got)
		}
	})
}

func TestLifeWithInitContainers(t *testing.T) {
	p := podOf(v1.RestartPolicyNever, script("a", "FAKE_RUN_FOR=10s"))
	side := script("s", "")
	side.RestartPolicy = always()
	p.Spec.InitContainers = []v1.Container{script("i", "FAKE_RUN_FOR=2s"), side}
	live(t, p, func(l *life) {
		l.is(time.Second, "Pending; i running; s waits PodInitializing; a waits PodInitializing")
		l.is(5*time.Second, "Running ready; i ended Completed 0; s running; a running")
		st := l.at(30 * time.Second).Status
		if st.Phase != v1.PodSucceeded || st.InitContainerStatuses[1].State.Terminated == nil {
			t.Errorf("%+v", st)
		}
	})
	p = podOf(v1.RestartPolicyNever, script("a", ""))
	p.Spec.InitContainers = []v1.Container{script("i", "FAKE_EXIT=1")}
	live(t, p, func(l *life) {
		l.is(time.Second, "Failed; i ended Error 1; a waits PodInitializing")
	})
}

func TestLifeUnderProbes(t *testing.T) {
	c := script("a", "FAKE_HEALTHY_AFTER=10s")
	c.ReadinessProbe = &v1.Probe{PeriodSeconds: 1, TimeoutSeconds: 1, FailureThreshold: 1, SuccessThreshold: 1, ProbeHandler: v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Port: intstr.FromInt32(80), Path: "/"}}}
	c.Ports = []v1.ContainerPort{{ContainerPort: 80}}
	live(t, podOf(v1.RestartPolicyAlways, c), func(l *life) {
		l.is(5*time.Second, "Running; a running")
		l.is(12*time.Second, "Running ready; a running")
		if got := l.events(); !slices.Contains(got, "Unhealthy a") {
			t.Error(got)
		}
	})
}

func TestLifeThatHasToBeEnded(t *testing.T) {
	c := script("a", "FAKE_UNHEALTHY_AFTER=5s")
	c.LivenessProbe = &v1.Probe{PeriodSeconds: 1, TimeoutSeconds: 1, FailureThreshold: 2, SuccessThreshold: 1, ProbeHandler: v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Port: intstr.FromInt32(80), Path: "/"}}}
	c.Ports = []v1.ContainerPort{{ContainerPort: 80}}
	live(t, podOf(v1.RestartPolicyAlways, c), func(l *life) {
		l.is(3*time.Second, "Running ready; a running")
		p := l.at(9 * time.Second)
		if cs := p.Status.ContainerStatuses[0]; cs.RestartCount != 1 || cs.LastTerminationState.Terminated == nil {
			t.Errorf("%+v", cs)
		}
		if got := l.events(); !slices.Contains(got, "Unhealthy a") || !slices.Contains(got, "Killing a") {
			t.Error(got)
		}
	})
	p := podOf(v1.RestartPolicyAlways, script("a", ""))
	seconds := int64(10)
	p.Spec.ActiveDeadlineSeconds = &seconds
	live(t, p, func(l *life) {
		l.is(9*time.Second, "Running ready; a running")
		st := l.at(20 * time.Second).Status
		if st.Phase != v1.PodFailed || st.Reason != "DeadlineExceeded" || st.ContainerStatuses[0].State.Terminated == nil {
			t.Errorf("%+v", st)
		}
		if got := l.events(); !slices.Contains(got, "DeadlineExceeded ") {
			t.Errorf("%q", got)
		}
	})
}

func TestLifeEndsByDeletion(t *testing.T) {
	live(t, podOf(v1.RestartPolicyAlways, script("a", "FAKE_IGNORE_TERM=1")), func(l *life) {
		l.is(time.Second, "Running ready; a running")
		if err := l.client.CoreV1().Pods("default").Delete(l.Context(), "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		l.is(5*time.Second, "Running ready; a running")
		if p := l.at(7 * time.Second); p != nil {
			t.Errorf("%+v", p.Status)
		}
		err := l.store.View(l.Context(), func(tx *store.Tx) error {
			_, err := sandbox.Get(tx, boxes.ID(uid))
			return err
		})
		if err == nil {
			t.Error("the sandbox's record is still there")
		}
		if got := l.events(); !slices.Contains(got, "Killing a") {
			t.Error(got)
		}
	})
}

func TestLifeWithADebugger(t *testing.T) {
	live(t, podOf(v1.RestartPolicyAlways, script("a", "")), func(l *life) {
		p := l.at(time.Second)
		c := script("debug", "FAKE_RUN_FOR=1s")
		p.Spec.EphemeralContainers = []v1.EphemeralContainer{{EphemeralContainerCommon: v1.EphemeralContainerCommon{Name: c.Name, Image: c.Image, Env: c.Env}}}
		if _, err := l.client.CoreV1().Pods("default").Update(t.Context(), p, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.is(1500*time.Millisecond, "Running ready; a running; debug running")
		l.is(5*time.Second, "Running ready; a running; debug ended Completed 0")
	})
}
