package fargate_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
)

const first = "fargate-ip-10-0-1-10.us-west-2.compute.internal"

func (w *world) deleteNode(name string) {
	w.Helper()
	if err := w.client.CoreV1().Nodes().Delete(w.Context(), name, metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}
	w.pass(time.Millisecond)
}

// end has a pod's sandbox stop.
func (w *world) end(name string) {
	w.Helper()
	if err := w.parent.StopSandbox(w.Context(), boxes.ID(w.pod(name).UID), "", "", nil); err != nil {
		w.Fatal(err)
	}
	w.pass(time.Millisecond)
}

func TestANodeGoesWithItsPod(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.create(fargatePod("web"))
		w.pass(10 * time.Second)
		if _, err := w.client.CoordinationV1().Leases("kube-node-lease").Get(w.Context(), first, metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
		w.change("web", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
		w.wantNodes(first) // a pod that is over keeps it
		w.delete("web")
		w.wantNodes()
		if l, err := w.client.CoordinationV1().Leases("kube-node-lease").List(w.Context(), metav1.ListOptions{}); err != nil || len(l.Items) != 0 {
			t.Errorf("leases %v %v", l.Items, err)
		}
	})
}

func TestANodeThatIsDeletedComesBack(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.create(fargatePod("web"))
		was := w.nodes()[first]
		w.deleteNode(first)
		w.wantNodes(first)
		if is := w.nodes()[first]; is.Spec.ProviderID != was.Spec.ProviderID {
			t.Errorf("provider ID %q, was %q", is.Spec.ProviderID, was.Spec.ProviderID)
		}
		w.end("web")
		w.deleteNode(first)
		w.wantNodes() // its pod lives no more: it is left to the collector
		w.change("web", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })
		w.wantNodes(first) // its logs can be read
	})
}

func TestAfterARestart(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.create(fargatePod("web"), fargatePod("gone"), fargatePod("bare"))
		const gone, bare = "fargate-ip-10-0-2-10.us-west-2.compute.internal", "fargate-ip-10-0-1-11.us-west-2.compute.internal"
		w.wantNodes(first, bare, gone)
		w.parent.set(func() { w.parent.slow = true })
		w.create(fargatePod("coming"), fargatePod("lost"))
		w.stop()
		w.events.take()
		for _, name := range []string{"gone", "lost"} {
			if err := w.client.CoreV1().Pods("default").Delete(w.Context(), name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.client.CoreV1().Nodes().Delete(w.Context(), bare, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		made := len(w.parent.specs())
		w.start()
		w.wantNodes(first, bare)
		w.wantEvents()
		w.parent.give()
		w.pass(time.Millisecond)
		if w.pod("coming").Spec.NodeName == "" {
			t.Error("the one that was on its way waits")
		}
		if now := len(w.parent.specs()); now != made {
			t.Errorf("%d sandboxes were made, %d before", now, made)
		}
		if n := w.parent.count(); n != 3 { // web, bare, coming
			t.Errorf("%d sandboxes", n)
		}
	})
}

func TestAnAddressFindsANewOwner(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		old := &corev1.Node{}
		old.Name, old.UID = first, "old"
		old.Labels = map[string]string{"eks.amazonaws.com/compute-type": "fargate"}
		old.Spec.ProviderID = "aws:///us-west-2a/0123456789-00000000000000000000000000000000/" + first
		w.stop()
		if err := w.client.Tracker().Add(old); err != nil {
			t.Fatal(err)
		}
		w.create(fargatePod("web"))
		w.start()
		if got := w.nodes()[first]; got == nil || got.UID == "old" || w.pod("web").Spec.NodeName != first {
			t.Errorf("node %+v of pod on %q", got, w.pod("web").Spec.NodeName)
		}
	})
}

func TestLeasesAreRenewed(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.create(fargatePod("web"))
		w.pass(10 * time.Second)
		renewed := func() time.Time {
			l, err := w.client.CoordinationV1().Leases("kube-node-lease").Get(w.Context(), first, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if *l.Spec.HolderIdentity != first || *l.Spec.LeaseDurationSeconds != 40 || l.OwnerReferences[0].Name != first {
				t.Errorf("lease %+v", l)
			}
			return l.Spec.RenewTime.Time
		}
		was := renewed()
		w.client.ClearActions()
		w.pass(30 * time.Second)
		if d := renewed().Sub(was); d != 30*time.Second {
			t.Errorf("renewed after %v", d)
		}
		if n := len(w.client.Actions()); n != 4 { // three updates, and the look above
			t.Errorf("%d calls in half a minute: %v", n, w.client.Actions())
		}
		if err := w.client.CoordinationV1().Leases("kube-node-lease").Delete(w.Context(), first, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(10 * time.Second)
		renewed()
	})
}

func TestANodeIsHealed(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.create(fargatePod("web"))
		n := w.nodes()[first]
		for i := range n.Status.Conditions {
			n.Status.Conditions[i].Status, n.Status.Conditions[i].Reason = corev1.ConditionUnknown, "NodeStatusUnknown"
		}
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeUnreachable, Effect: "NoExecute"}, corev1.Taint{Key: "mine", Effect: "NoSchedule"})
		if _, err := w.client.CoreV1().Nodes().Update(w.Context(), n, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Millisecond)
		n = w.nodes()[first]
		for _, c := range n.Status.Conditions {
			if want := corev1.ConditionStatus(map[bool]string{true: "True", false: "False"}[c.Type == corev1.NodeReady]); c.Status != want {
				t.Errorf("%s is %s", c.Type, c.Status)
			}
		}
		if len(n.Spec.Taints) != 2 || n.Spec.Taints[1].Key != "mine" {
			t.Errorf("taints %v", n.Spec.Taints)
		}
	})
}

func TestAProfileIsDrained(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.create(fargatePod("web"))
		w.parent.set(func() { w.parent.slow = true })
		refused := fargatePod("refused")
		refused.Spec.HostPID = true
		w.create(fargatePod("coming"), plainPod("other"), refused)
		if s := w.compute.Status(); len(s.Draining) != 0 {
			t.Errorf("draining %v before", s.Draining)
		}
		// As with a grace period: a pod stays until its worker has ended it.
		w.change("web", func(p *corev1.Pod) {
			p.DeletionTimestamp = &metav1.Time{Time: time.Now()}
			p.Finalizers = []string{"x/y"}
		})
		w.set(func(s *link.Settings) { p := fp; p.Deleting = true; s.FargateProfiles = []link.FargateProfile{p} })
		if s := w.compute.Status(); s.Draining["fargateprofile/fp"] != 1 {
			t.Errorf("draining %v", s.Draining)
		}
		w.delete("web")
		if s := w.compute.Status(); len(s.Draining) != 0 {
			t.Errorf("draining %v after", s.Draining)
		}
		l, err := w.client.CoreV1().Pods("").List(w.Context(), metav1.ListOptions{})
		if err != nil || len(l.Items) != 2 || l.Items[0].Name != "other" || l.Items[1].Name != "refused" {
			t.Errorf("pods %v %v", l.Items, err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.changed < 2 {
			t.Errorf("told %d times", w.changed)
		}
	})
}

func TestAPodPutOnSomebodyElsesFargateNode(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.create(fargatePod("web"))
		p := plainPod("intruder")
		p.Spec.NodeName = first
		w.create(p)
		got := w.pod("intruder")
		if got.Status.Phase != corev1.PodFailed || got.Status.Reason != "OutOfpods" {
			t.Errorf("status %+v", got.Status)
		}
	})
}
