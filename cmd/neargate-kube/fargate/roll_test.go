package fargate_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/emulator/eks/link"
)

func groupOf(desired int, version, release string) link.Nodegroup {
	g := group(desired)
	g.Version, g.Release = version, release
	return g
}

func (w *world) regroup(g link.Nodegroup) {
	w.set(func(s *link.Settings) { s.Nodegroups = []link.Nodegroup{g} })
	w.pass(time.Second)
}

func (w *world) isGone(name string) bool {
	w.Helper()
	_, err := w.client.CoreV1().Pods("default").Get(w.Context(), name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.Fatal(err)
	}
	return err != nil
}

// kubelets are the versions that the nodes tell.
func (w *world) kubelets() map[string]string {
	all := map[string]string{}
	for name, n := range w.nodes() {
		all[name] = n.Status.NodeInfo.KubeletVersion
	}
	return all
}

func TestAGroupGetsALaterVersion(t *testing.T) {
	inWorld(t, link.Settings{Nodegroups: []link.Nodegroup{groupOf(2, "1.34", "1.34.0-20260101")}}, func(w *world) {
		if got := w.kubelets(); got[nodeA] != "v1.34.0-eks-neargate" || got[nodeB] != "v1.34.0-eks-neargate" {
			t.Fatalf("the group's version is not its nodes': %v", got)
		}
		w.create(plainPod("web"))
		at := w.pod("web").Spec.NodeName
		w.budget = map[string]bool{"web": true}
		w.regroup(groupOf(2, "1.35", "1.35.0-20260101"))
		// The other one may have gone first; this one's is kept.
		w.pass(time.Minute)
		n := w.nodes()[at]
		if w.isGone("web") || !n.Spec.Unschedulable || n.Status.NodeInfo.KubeletVersion != "v1.34.0-eks-neargate" || w.compute.Status().Nodegroups["ng"] == 2 {
			t.Errorf("the pod is gone %t, its node %+v", w.isGone("web"), n.Spec)
		}
		w.budget = nil
		w.pass(10 * time.Second)
		if got := w.kubelets(); got[nodeA] != "v1.35.0-eks-neargate" || got[nodeB] != "v1.35.0-eks-neargate" || !w.isGone("web") {
			t.Errorf("%v, the pod is gone %t", got, w.isGone("web"))
		}
		for name, n := range w.nodes() {
			if n.Spec.Unschedulable {
				t.Errorf("%s is cordoned", name)
			}
		}
		if s := w.compute.Status(); s.Nodegroups["ng"] != 2 || len(s.Stuck) != 0 {
			t.Errorf("status %+v", s)
		}
		uid := w.nodes()[nodeA].CreationTimestamp
		w.regroup(groupOf(2, "1.35", "1.35.0-20260202"))
		w.pass(10 * time.Second)
		if n := w.nodes()[nodeA]; n.Annotations["neargate.dev/release"] != "1.35.0-20260202" {
			t.Errorf("another release, of %v: %v", uid, n.Annotations)
		}
	})
}

func TestPodsThatStayFailAnUpdate(t *testing.T) {
	old, later := groupOf(1, "1.34", "1.34.0-20260101"), groupOf(1, "1.35", "1.35.0-20260101")
	inWorld(t, link.Settings{Nodegroups: []link.Nodegroup{old}}, func(w *world) {
		w.create(plainPod("web"))
		w.budget = map[string]bool{"web": true}
		w.regroup(later)
		w.pass(14 * time.Minute)
		if s := w.compute.Status(); len(s.Stuck) != 0 {
			t.Errorf("too early: %+v", s)
		}
		w.pass(2 * time.Minute)
		if s := w.compute.Status(); !slices.Equal(s.Stuck["ng"], []string{nodeA}) || w.isGone("web") {
			t.Fatalf("status %+v", s)
		}
		// EKS gives up: the node is used again.
		w.regroup(old)
		if n := w.nodes()[nodeA]; n.Spec.Unschedulable || len(w.compute.Status().Stuck) != 0 || w.compute.Status().Nodegroups["ng"] != 1 {
			t.Errorf("node %+v, status %+v", n.Spec, w.compute.Status())
		}
		later.Force = true
		w.regroup(later)
		w.pass(10 * time.Second)
		if got := w.kubelets()[nodeA]; got != "v1.35.0-eks-neargate" || !w.isGone("web") {
			t.Errorf("with force: %s, the pod is gone %t", got, w.isGone("web"))
		}
	})
}

// A node that goes waits for its pods for five minutes.
func TestANodeThatGoesHonoursBudgets(t *testing.T) {
	inWorld(t, withGroup(1), func(w *world) {
		w.create(plainPod("web"))
		w.budget = map[string]bool{"web": true}
		g := group(1)
		g.Deleting = true
		w.regroup(g)
		w.pass(4 * time.Minute)
		w.wantNodes(nodeA)
		if w.isGone("web") {
			t.Error("the budget did not count")
		}
		w.pass(2 * time.Minute)
		w.wantNodes()
		if !w.isGone("web") {
			t.Error("the pod is still there")
		}
	})
}

// One that is wanted again before it was empty is used again.
func TestANodeThatStaysAfterAll(t *testing.T) {
	inWorld(t, withGroup(1), func(w *world) {
		w.create(plainPod("web"))
		w.budget = map[string]bool{"web": true}
		w.regroup(group(0))
		if !w.nodes()[nodeA].Spec.Unschedulable {
			t.Error("it is not cordoned")
		}
		w.regroup(group(1))
		if n := w.nodes()[nodeA]; n.Spec.Unschedulable || n.Annotations["neargate.dev/drain-since"] != "" || w.isGone("web") {
			t.Errorf("%+v %v", n.Spec, n.Annotations)
		}
		w.budget = nil
		w.create(plainPod("more"))
		if got := w.pod("more").Spec.NodeName; got != nodeA {
			t.Errorf("on %q", got)
		}
	})
}

// A group counts when its nodes have what it asks for.
func TestAGroupIsReadyWithItsLabels(t *testing.T) {
	inWorld(t, withGroup(1), func(w *world) {
		g := group(1)
		g.Labels, g.Taints = map[string]string{"team": "b"}, []link.Taint{{Key: "k", Value: "v", Effect: "NoSchedule"}}
		w.regroup(g)
		n := w.nodes()[nodeA]
		if s := w.compute.Status(); s.Nodegroups["ng"] != 1 || n.Labels["team"] != "b" || len(n.Spec.Taints) != 1 {
			t.Errorf("%+v, %v %v", s, n.Labels, n.Spec.Taints)
		}
		w.regroup(group(1))
		n = w.nodes()[nodeA]
		if n.Labels["team"] != "a" || len(n.Spec.Taints) != 0 {
			t.Errorf("%v %v", n.Labels, n.Spec.Taints)
		}
		if got := n.Labels[corev1.LabelTopologyZone]; got != "us-west-2a" {
			t.Errorf("zone %q", got)
		}
	})
}
