package e2e_test

import (
	"context"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
)

// TestInformers is a program like those that people write with client-go: it
// follows pods by an informer, changes a Deployment and updates on conflict.
func TestInformers(t *testing.T) {
	kube, image := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	factory := informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithNamespace("default"))
	pods, nodes := factory.Core().V1().Pods(), factory.Core().V1().Nodes()
	seen := watched{changed: make(chan struct{}, 1)}
	if _, err := pods.Informer().AddEventHandler(seen.handler()); err != nil {
		t.Fatal(err)
	}
	nodes.Informer()
	factory.Start(ctx.Done())
	t.Cleanup(factory.Shutdown)
	t.Cleanup(cancel)
	for kind, ok := range factory.WaitForCacheSync(ctx.Done()) {
		if !ok {
			t.Fatalf("the informer of %s has not synced", kind)
		}
	}
	deployments := kube.AppsV1().Deployments("default")
	if _, err := deployments.Create(ctx, deployment(image, 2), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	seen.until(ctx, t, "two pods are Ready", func() bool { return seen.ready() == 2 })
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		d, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		d.Spec.Replicas = ptr.To[int32](3)
		_, err = deployments.Update(ctx, d, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	seen.until(ctx, t, "three pods are Ready", func() bool { return seen.ready() == 3 })
	for _, p := range seen.list() {
		if _, err := nodes.Lister().Get(p.Spec.NodeName); err != nil {
			t.Errorf("the node of %s: %v", p.Name, err)
		}
	}
	stale := deployment(image, 1)
	stale.ResourceVersion = "1"
	if _, err := deployments.Update(ctx, stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("an update of what was long ago: %v", err)
	}
	if err := deployments.Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationForeground)}); err != nil {
		t.Fatal(err)
	}
	seen.until(ctx, t, "all pods are gone", func() bool { return len(seen.list()) == 0 })
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(context.Context) (bool, error) {
		return len(nodes.Informer().GetStore().ListKeys()) == 0, nil
	})
	if err != nil {
		t.Errorf("nodes are left: %v", nodes.Informer().GetStore().ListKeys())
	}
}

func deployment(image string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(replicas), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					Containers:                    []corev1.Container{{Name: "web", Image: image, ImagePullPolicy: corev1.PullNever}},
					TerminationGracePeriodSeconds: ptr.To[int64](2),
				},
			},
		},
	}
}

// watched keeps what an informer tells.
type watched struct {
	mu      sync.Mutex
	pods    map[string]*corev1.Pod
	changed chan struct{}
}

func (w *watched) handler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { w.put(o) },
		UpdateFunc: func(_, o any) { w.put(o) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if p, ok := o.(*corev1.Pod); ok {
				w.change(func() { delete(w.pods, p.Name) })
			}
		},
	}
}

func (w *watched) put(o any) {
	if p, ok := o.(*corev1.Pod); ok {
		w.change(func() { w.pods[p.Name] = p })
	}
}

func (w *watched) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pods == nil {
		w.pods = map[string]*corev1.Pod{}
	}
	f()
	select {
	case w.changed <- struct{}{}:
	default: // somebody will look anyway
	}
}

func (w *watched) list() (all []*corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.pods {
		all = append(all, p)
	}
	return all
}

func (w *watched) ready() (n int) {
	for _, p := range w.list() {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil {
				n++
			}
		}
	}
	return n
}

func (w *watched) until(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waiting until %s: there are %d pods, %d of them Ready", what, len(w.list()), w.ready())
		case <-w.changed:
		}
	}
}
