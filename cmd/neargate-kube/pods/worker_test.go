package pods_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/sandbox"
)

func (s *stage) get() (*v1.Pod, error) {
	return s.client.CoreV1().Pods("default").Get(s.Context(), "web", metav1.GetOptions{})
}

func (s *stage) status() v1.PodStatus {
	s.Helper()
	p, err := s.get()
	if err != nil {
		s.Fatal(err)
	}
	return p.Status
}

func openBox() *sandbox.Sandbox {
	b := box()
	b.Spec.Open = true
	return b
}

func node() *v1.Node {
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "fargate-ip-10-0-1-5.ec2.internal"},
		Status:     v1.NodeStatus{Addresses: []v1.NodeAddress{{Type: v1.NodeHostName, Address: "h"}, {Type: v1.NodeInternalIP, Address: "10.0.1.5"}}},
	}
}

func TestPodComesUp(t *testing.T) {
	s := newStage(t, pod("a"), node())
	s.is(openBox())
	s.round()
	s.took("complete a")
	if st := s.status(); st.Phase != v1.PodPending || st.PodIP != "10.0.1.5" || st.HostIP != "10.0.1.5" || say(st.ContainerStatuses[0]) != "waits ContainerCreating" {
		t.Errorf("%+v", st)
	}
	s.is(box(at(sandbox.ContainerPulled)))
	s.round()
	s.is(box(runs("a")))
	s.round()
	if st := s.status(); st.Phase != v1.PodRunning || condition(st, v1.PodReady) != "True" || say(st.ContainerStatuses[0]) != "running since 12:00:00; ready" {
		t.Errorf("%+v", st)
	}
	s.took("")
	s.told(`Pulled: Container image "nginx:1" already present on machine and can be accessed by the pod`, "Created: Container created", "Started: Container started")
	writes := len(s.client.Actions())
	s.round()
	if n := slices.IndexFunc(s.client.Actions()[writes:], func(a k8stesting.Action) bool { return a.GetVerb() == "patch" }); n >= 0 {
		t.Error("a status was written though nothing had changed")
	}
}

func TestProblems(t *testing.T) {
	s := newStage(t, pod("a"))
	s.is(openBox())
	s.words.problems = pods.Problems{
		{Reason: "FailedMount", Message: `MountVolume.SetUp failed for volume "v" : configmap "x" not found`},
		{Reason: "FailedMount", Message: `secret "y" not found`},
	}
	if again := s.round(); again != 500*time.Millisecond {
		t.Error(again)
	}
	s.told(`FailedMount: MountVolume.SetUp failed for volume "v" : configmap "x" not found`, `FailedMount: secret "y" not found`)
	if got := say(s.status().ContainerStatuses[0]); got != "waits ContainerCreating" {
		t.Error(got)
	}
	if again := s.round(); again <= 0 || again > 500*time.Millisecond || s.words.asked != 1 {
		t.Errorf("again in %v, asked %d times", again, s.words.asked)
	}
	p, _ := s.get()
	if why := strings.Join(s.w.Why(p), "\n"); !strings.Contains(why, `The pod cannot be set up (FailedMount): secret "y" not found`) {
		t.Error(why)
	}
	s.words.problems = nil
	s.w.Dirty(boxes.ID(uid)) // what it refers to has changed
	s.round()
	s.took("complete a")
	s.told()
	if got := say(s.status().ContainerStatuses[0]); got != "waits ContainerCreating" {
		t.Error(got)
	}
	p, _ = s.get()
	if why := s.w.Why(p); !slices.Equal(why, []string{"hostPort has no effect."}) {
		t.Error(why)
	}
}

func TestRejected(t *testing.T) {
	s := newStage(t, pod("a"))
	s.is(openBox())
	s.words.problems = pods.Problems{{Reason: "SysctlForbidden", Message: "forbidden sysctl", Rejected: true}}
	s.round()
	s.told("SysctlForbidden: forbidden sysctl")
	if st := s.status(); st.Phase != v1.PodFailed || st.Reason != "SysctlForbidden" || st.Message != "forbidden sysctl" || condition(st, v1.PodReady) != "False PodFailed" {
		t.Errorf("%+v", st)
	}
	s.round()
	s.took("stop PodFinished")
}

func TestDeletion(t *testing.T) {
	p := pod("a")
	p.Finalizers = []string{"batch.kubernetes.io/job-tracking"}
	grace := int64(7)
	p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: now}, &grace
	p.Status.Phase = v1.PodRunning
	s := newStage(t, p)
	s.is(box(runs("a")))
	s.round()
	s.took("stop UserInitiated 7s")
	s.told(`Pulled: Container image "nginx:1" already present on machine and can be accessed by the pod`, "Created: Container created", "Started: Container started")
	b := box(runs("a"))
	seven := 7 * time.Second
	b.Desired = sandbox.Desired{Stopped: true, Grace: &seven}
	s.is(b)
	s.round()
	s.took("")
	s.told("Killing: Stopping container a")
	s.is(stopped(box(ended("a", 0)), "UserInitiated"))
	s.client.ClearActions()
	s.round()
	var order []string
	for _, a := range s.client.Actions() {
		if a.GetVerb() != "get" {
			order = append(order, a.GetVerb()+" "+a.GetSubresource())
		}
		if d, ok := a.(k8stesting.DeleteActionImpl); ok {
			if o := d.DeleteOptions; *o.GracePeriodSeconds != 0 || *o.Preconditions.UID != uid {
				t.Errorf("%+v", o)
			}
		}
	}
	if !slices.Equal(order, []string{"patch status", "delete "}) {
		t.Error(order)
	}
	s.took("")
	if err := s.pods.Delete(p); err != nil {
		t.Fatal(err)
	}
	s.round()
	s.took("remove")
	delete(s.boxes.all, boxes.ID(uid))
	s.round()
	s.took("")
}

func TestDeletedOnceThoughFinalizersKeepIt(t *testing.T) {
	p := pod("a")
	p.DeletionTimestamp = &metav1.Time{Time: now}
	s := newStage(t, p)
	s.client.PrependReactor("delete", "pods", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, nil })
	s.is(stopped(box(ended("a", 0)), "UserInitiated"))
	s.round()
	s.round()
	n := 0
	for _, a := range s.client.Actions() {
		if a.GetVerb() == "delete" {
			n++
		}
	}
	if n != 1 || s.status().Phase != v1.PodSucceeded {
		t.Errorf("deleted %d times, %s", n, s.status().Phase)
	}
}

func TestOrphans(t *testing.T) {
	s := newStage(t)
	s.is(box(runs("a")))
	s.round()
	s.took("stop UserInitiated 1s")
	s.is(stopped(box(ended("a", 137)), "UserInitiated"))
	s.round()
	s.took("remove")

	other := pod("a")
	other.UID = "someone-else"
	s = newStage(t, other)
	s.is(box(runs("a")))
	s.round()
	s.took("stop UserInitiated 1s")
}

func TestNoOrphanWhileTheInformerIsBehind(t *testing.T) {
	p := pod("a")
	s := newStage(t, p)
	if err := s.pods.Delete(p); err != nil {
		t.Fatal(err)
	}
	s.is(box(runs("a")))
	if _, err := s.w.Sync(t.Context(), boxes.ID(uid)); err == nil {
		t.Error("it is not tried again")
	}
	s.took("")
	s.client.PrependReactor("get", "pods", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewInternalError(errAway)
	})
	if _, err := s.w.Sync(t.Context(), boxes.ID(uid)); !apierrors.IsInternalError(errors.Unwrap(err)) && !apierrors.IsInternalError(err) {
		t.Error(err)
	}
	s.took("")
}

func TestLinkAway(t *testing.T) {
	s := newStage(t, pod("a"))
	s.is(openBox())
	s.parent.fails["complete"] = errAway
	if _, err := s.w.Sync(t.Context(), boxes.ID(uid)); !errors.Is(err, errAway) {
		t.Error(err)
	}
	if st := s.status(); st.PodIP != "10.0.1.5" {
		t.Error("the status waits for the parent")
	}
}

func mounted() *v1.Pod {
	p := pod("a")
	p.Spec.Volumes = []v1.Volume{
		{Name: "v", VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: v1.LocalObjectReference{Name: "c"}}}},
		{Name: "unused", VolumeSource: v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "s"}}},
		{Name: "e", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}},
	}
	p.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{{Name: "v"}, {Name: "e"}}
	return p
}

func made(text string) *sandbox.Sandbox {
	b := box(runs("a"))
	b.Spec.Volumes = []sandbox.Volume{{Name: "v", Files: []sandbox.File{{Path: "f", Data: []byte(text)}}}, {Name: "e"}}
	return b
}

func TestLiveVolumes(t *testing.T) {
	if got := pods.LiveNames(mounted()); !slices.Equal(got, []string{"v"}) {
		t.Error(got)
	}
	s := newStage(t, mounted())
	s.is(made("old"))
	s.round()
	s.took("") // adopted with what it should hold
	s.words.text = "new"
	s.round()
	s.took("") // nobody said that anything has changed
	s.w.Dirty(boxes.ID(uid))
	s.round()
	s.took("write v new")
	s.w.Dirty(boxes.ID(uid))
	s.round()
	s.took("")
	s.events = nil
	s.words.problems = pods.Problems{{Reason: "FailedMount", Message: `configmap "c" not found`}}
	s.w.Dirty(boxes.ID(uid))
	if again := s.round(); again < 50*time.Second || again > time.Minute {
		t.Error(again)
	}
	s.took("")
	s.told(`FailedMount: configmap "c" not found`)
}

func TestAdoptedVolumeIsBehind(t *testing.T) {
	s := newStage(t, mounted())
	s.words.text = "new"
	s.is(made("old"))
	s.round()
	s.took("write v new")
}

func TestWriteIsTriedAgain(t *testing.T) {
	s := newStage(t, mounted())
	s.words.text = "new"
	s.is(made("old"))
	s.parent.fails["write"] = errAway
	if _, err := s.w.Sync(t.Context(), boxes.ID(uid)); !errors.Is(err, errAway) {
		t.Error(err)
	}
	delete(s.parent.fails, "write")
	s.parent.took()
	s.round()
	s.took("write v new")
}

func TestTokensAreDue(t *testing.T) {
	s := newStage(t, mounted())
	s.is(made("old"))
	s.words.due = time.Now().Add(time.Hour)
	if again := s.round(); again < 59*time.Minute || again > time.Hour {
		t.Error(again)
	}
	s.words.due = time.Now().Add(-time.Second)
	s.w.Dirty(boxes.ID(uid))
	s.round() // learns that it is due
	s.words.text = "token"
	s.round()
	s.took("write v token")
}

func TestEphemeralContainers(t *testing.T) {
	p := pod("a")
	p.Spec.EphemeralContainers = []v1.EphemeralContainer{{EphemeralContainerCommon: v1.EphemeralContainerCommon{Name: "debug", Image: "busybox"}}}
	s := newStage(t, p)
	s.is(box(runs("a")))
	s.round()
	s.took("add debug")
	if why := s.w.Why(p); !slices.Equal(why, []string{"debug gets no capabilities.", "hostPort has no effect."}) {
		t.Error(why)
	}
	if got := say(s.status().EphemeralContainerStatuses[0]); got != "waits ContainerCreating" {
		t.Error(got)
	}
	debug := runs("debug")
	s.is(box(runs("a"), debug))
	s.round()
	s.took("")
	if got := say(s.status().EphemeralContainerStatuses[0]); got != "running since 12:00:00" {
		t.Error(got)
	}
}

func TestChangesThatAreNotTaken(t *testing.T) {
	p := pod("a")
	p.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse("1")}
	s := newStage(t, p)
	s.is(box(runs("a")))
	s.round()
	s.events = nil
	p, _ = s.get()
	p.Generation++
	p.Spec.Containers[0].Image = "nginx:2"
	p.Spec.Containers[0].Resources.Requests[v1.ResourceCPU] = resource.MustParse("2")
	if _, err := s.client.CoreV1().Pods("default").Update(t.Context(), p, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.see(p)
	s.round()
	s.told(`ResizeInfeasible: Pod resize Infeasible: {"containers":[{"name":"a","resources":{"requests":{"cpu":"2"}}}],"generation":`+fmt.Sprint(p.Generation)+`,"error":"In-place pod resize is not supported on this node"}`,
		`FailedSync: Container a definition changed to image "nginx:2", which is not taken while the pod runs: delete the pod, so that it is made anew`)
	st := s.status()
	if got := condition(st, v1.PodResizePending); !strings.HasPrefix(got, "True Infeasible In-place pod resize") {
		t.Error(got)
	}
	if image := st.ContainerStatuses[0].Image; image != "nginx:1" {
		t.Error(image)
	}
	if cpu := st.ContainerStatuses[0].AllocatedResources.Cpu().String(); cpu != "1" {
		t.Error(cpu)
	}
	s.round()
	s.told()
}

func TestLost(t *testing.T) {
	p := pod("a")
	p.Status = pods.StatusOf(p, box(runs("a")), pods.Notes{}, start)
	s := newStage(t, p)
	s.round()
	if st := s.status(); st.Phase != v1.PodFailed || st.Reason != "ContainerStatusUnknown" || condition(st, v1.PodReady) != "False PodFailed" {
		t.Errorf("%+v", st)
	}
	s.round()
	s.took("")
}

func TestOthersConditionsStay(t *testing.T) {
	s := newStage(t, pod("a"))
	newer, _ := s.get()
	newer.Status.Conditions = []v1.PodCondition{{Type: "lb", Status: v1.ConditionTrue}}
	if _, err := s.client.CoreV1().Pods("default").UpdateStatus(t.Context(), newer, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.is(box(runs("a"))) // and the informer has not seen the condition
	s.round()
	if st := s.status(); condition(st, "lb") != "True" || condition(st, v1.PodReady) != "True" {
		t.Errorf("%+v", st.Conditions)
	}
}

func TestDeadline(t *testing.T) {
	p := pod("a")
	seconds := int64(30)
	p.Spec.ActiveDeadlineSeconds = &seconds
	s := newStage(t, p)
	s.is(box(runs("a")))
	s.round()
	if again := s.round(); again <= 10*time.Second || again > 30*time.Second {
		t.Errorf("looks again in %v", again)
	}
	p, _ = s.get()
	p.Status.StartTime = &metav1.Time{Time: time.Now().Add(-time.Minute)}
	if _, err := s.client.CoreV1().Pods("default").UpdateStatus(t.Context(), p, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.see(p)
	s.events = nil
	s.round()
	s.took("stop DeadlineExceeded")
	s.is(stopped(box(ended("a", 143)), "DeadlineExceeded"))
	s.round()
	s.told("DeadlineExceeded: Pod was active on the node longer than the specified deadline", "Killing: Stopping container a")
	if st := s.status(); st.Phase != v1.PodFailed || st.Reason != "DeadlineExceeded" || say(st.ContainerStatuses[0]) != "ended Error 143" {
		t.Errorf("%+v", st)
	}
}

func TestUnboundPodIsLeftAlone(t *testing.T) {
	p := pod("a")
	p.Spec.NodeName = ""
	s := newStage(t, p)
	b := openBox()
	b.Status.Height, b.Status.Trouble = 0, "Docker is away"
	s.is(b)
	s.round()
	s.took("")
	s.told()
	if st := s.status(); st.StartTime != nil || len(st.ContainerStatuses) > 0 {
		t.Errorf("%+v", st)
	}
}

func TestPodPutOnANodeByName(t *testing.T) {
	s := newStage(t, pod("a"), node())
	s.round()
	if st := s.status(); st.Phase != v1.PodPending || st.StartTime != nil {
		t.Errorf("%+v", st)
	}
	s.is(openBox()) // the node's group has made it
	s.round()
	s.took("complete a")

	own := node()
	own.Spec.ProviderID = "aws:///us-east-1a/0123456789-" + boxes.ID(uid) + "/" + own.Name
	s = newStage(t, pod("a"), own)
	s.round()
	if st := s.status(); st.Phase != v1.PodFailed {
		t.Errorf("its own node has lost it, and it is %s", st.Phase)
	}
}
