package pods_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// theatre is a worker that runs, between a fake API and a scripted parent.
type theatre struct {
	*testing.T
	client *fake.Clientset
	parent *parent
	words  *words
	pods   watch.Interface
	events watch.Interface
}

// soon is how long a test waits for what has to come.
const soon = 2 * time.Minute

func open(t *testing.T, objects ...runtime.Object) *theatre {
	t.Helper()
	client := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	s := &theatre{T: t, client: client, words: &words{text: "old"}, parent: &parent{asked: make(chan string, 100), events: make(chan link.SandboxEvent), fails: map[string]error{}}}
	var err error
	if s.pods, err = client.CoreV1().Pods("").Watch(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if s.events, err = client.CoreV1().Events("").Watch(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	b := boxes.New(s.parent, zerolog.Nop())
	w, err := pods.New(pods.Config{Client: client, Informers: factory, Boxes: b, Parent: s.parent, Translator: s.words, Cluster: link.Config{ARN: clusterARN}, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{}, 2)
	factory.Start(ctx.Done())
	go func() { b.Run(ctx); done <- struct{}{} }()
	go func() { _ = w.Run(ctx); done <- struct{}{} }()
	t.Cleanup(func() { cancel(); <-done; <-done; factory.Shutdown() })
	return s
}

// send tells of a sandbox; nil means that all there are have been told.
func (s *theatre) send(b *sandbox.Sandbox) {
	s.Helper()
	e := link.SandboxEvent{Synced: b == nil, Sandbox: b}
	if b != nil {
		b.Spec.Owner = clusterARN + "/default/web"
		e.ID = b.Spec.ID
	}
	select {
	case s.parent.events <- e:
	case <-time.After(soon):
		s.Fatal("nobody watches")
	}
}

// asked waits for the next call of the parent, and passes over those that may
// come again before it.
func (s *theatre) asked(want string, again ...string) {
	s.Helper()
	for {
		select {
		case got := <-s.parent.asked:
			if slices.Contains(again, got) {
				continue
			}
			if got != want {
				s.Fatalf("asked for %q, want %q", got, want)
			}
		case <-time.After(soon):
			s.Fatalf("nobody asked for %q", want)
		}
		return
	}
}

// until waits for a pod's status that is so.
func (s *theatre) until(what string, is func(v1.PodStatus) bool) {
	s.Helper()
	for late := time.After(soon); ; {
		select {
		case e := <-s.pods.ResultChan():
			if p, ok := e.Object.(*v1.Pod); ok && is(p.Status) {
				return
			}
		case <-late:
			s.Fatalf("the pod never was %s", what)
		}
	}
}

func isReady(st v1.PodStatus) bool { return condition(st, v1.PodReady) == "True" }

// event waits for the next event.
func (s *theatre) event() *v1.Event {
	s.Helper()
	select {
	case e := <-s.events.ResultChan():
		return e.Object.(*v1.Event)
	case <-time.After(soon):
		s.Fatal("no event")
	}
	return nil
}

func TestWholeLife(t *testing.T) {
	cm := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "c"}, Data: map[string]string{"k": "old"}}
	s := open(t, cm)
	s.send(openBox())
	s.send(nil)
	if _, err := s.client.CoreV1().Pods("default").Create(t.Context(), mounted(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// The sandbox may have been looked at before its pod was there; it was asked
	// for then, as its pod might have been deleted meanwhile.
	for got := ""; got != "complete a"; {
		select {
		case got = <-s.parent.asked:
		case <-time.After(soon):
			t.Fatal("the sandbox was never completed")
		}
	}
	s.send(made("old"))
	s.until("ready", isReady)
	if e := s.event(); e.Reason != "Pulled" || e.Source.Component != "kubelet" || e.Source.Host != "fargate-ip-10-0-1-5.ec2.internal" || e.InvolvedObject.FieldPath != "spec.containers{a}" || string(e.InvolvedObject.UID) != uid {
		t.Errorf("%+v", e)
	}
	s.words.mu.Lock()
	s.words.text = "new"
	s.words.mu.Unlock()
	cm.Data["k"] = "new"
	if _, err := s.client.CoreV1().ConfigMaps("default").Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.asked("write v new", "complete a")                                                                         // which is asked again as long as the sandbox tells nothing
	if err := s.client.CoreV1().Pods("default").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil { // by force
		t.Fatal(err)
	}
	s.asked("stop UserInitiated 1s")
	s.send(stopped(made("old"), "UserInitiated"))
	s.asked("remove")
}

func TestAdoption(t *testing.T) {
	p := mounted()
	p.Status = pods.StatusOf(p, made("old"), pods.Notes{}, start)
	orphan := box(runs("a"))
	orphan.Spec.ID = strings.Repeat("0", 32)
	s := open(t, p)
	s.send(made("old"))
	s.send(orphan)
	s.send(nil)
	s.asked("stop UserInitiated 1s") // the orphan, and only now: nothing was done before all was known
	sick := made("old")
	sick.Status.Containers[0].Ready, sick.Status.Containers[0].Health = false, sandbox.HealthUnhealthy
	sick.Status.Containers[0].Failures.Readiness.Count = 3
	s.send(sick)
	s.until("unready", func(st v1.PodStatus) bool {
		return condition(st, v1.PodReady) == "False ContainersNotReady containers with unready status: [a]"
	})
	if e := s.event(); e.Reason != "Unhealthy" {
		t.Errorf("%s %s: what was told before the restart is told again", e.Reason, e.Message)
	}
	select {
	case got := <-s.parent.asked:
		t.Errorf("asked for %q", got)
	default:
	}
}
