package fargate_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

const (
	nodeA = "ip-10-0-1-10.us-west-2.compute.internal"
	nodeB = "ip-10-0-2-10.us-west-2.compute.internal"
)

func group(desired int) link.Nodegroup {
	return link.Nodegroup{
		Name: "ng", Subnets: []link.Subnet{subnet(1), subnet(2)}, Labels: map[string]string{"team": "a"},
		Taints: []link.Taint{}, CapacityType: "ON_DEMAND", AMIType: "AL2023_x86_64_STANDARD", InstanceType: "t3.medium",
		CPU: 2048, Memory: 4 << 30, InstanceID: "i-0123456789abcdef0", Desired: desired,
	}
}

func withGroup(desired int) link.Settings {
	return link.Settings{Nodegroups: []link.Nodegroup{group(desired)}, FargateProfiles: []link.FargateProfile{fp}}
}

func TestNodesOfAGroup(t *testing.T) {
	inWorld(t, withGroup(2), func(w *world) {
		w.wantNodes(nodeA, nodeB)
		n := w.nodes()[nodeA]
		if want := map[string]string{
			"eks.amazonaws.com/nodegroup": "ng", "eks.amazonaws.com/capacityType": "ON_DEMAND", "eks.amazonaws.com/nodegroup-image": "AL2023_x86_64_STANDARD",
			"node.kubernetes.io/instance-type": "t3.medium", "beta.kubernetes.io/instance-type": "t3.medium", "team": "a",
			"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
			"kubernetes.io/hostname": nodeA, "topology.kubernetes.io/zone": "us-west-2a", "topology.kubernetes.io/region": "us-west-2",
			"failure-domain.beta.kubernetes.io/zone": "us-west-2a", "failure-domain.beta.kubernetes.io/region": "us-west-2",
		}; !reflect.DeepEqual(n.Labels, want) {
			t.Errorf("labels %v", n.Labels)
		}
		if n.Spec.ProviderID != "aws:///us-west-2a/i-0123456789abcdef0" || w.nodes()[nodeB].Spec.ProviderID == "aws:///us-west-2b/i-0123456789abcdef0" {
			t.Errorf("provider IDs %q and %q", n.Spec.ProviderID, w.nodes()[nodeB].Spec.ProviderID)
		}
		if a := n.Status.Allocatable; a.Cpu().String() != "2" || a.Memory().Value() != 4<<30 || a.Pods().Value() != 110 {
			t.Errorf("allocatable %v", a)
		}
		for _, s := range w.parent.specs() {
			if !s.Open || s.Labels[boxes.NodeLabel] != "ng" || s.Group != arn || s.Size != (sandbox.Size{}) {
				t.Errorf("sandbox %+v", s)
			}
		}
		if s := w.compute.Status(); s.Nodegroups["ng"] != 2 || len(s.Draining) != 0 {
			t.Errorf("status %+v", s)
		}
		w.stop()
		w.start()
		w.wantNodes(nodeA, nodeB)
		if n := len(w.parent.specs()); n != 2 {
			t.Errorf("%d sandboxes after a restart", n)
		}
		w.deleteNode(nodeA)
		w.wantNodes(nodeA, nodeB)
	})
}

func TestAPodOnANodeGroup(t *testing.T) {
	inWorld(t, withGroup(1), func(w *world) {
		p := plainPod("web")
		p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("256Mi")}
		w.create(p)
		if got := w.pod("web").Spec.NodeName; got != nodeA {
			t.Fatalf("on node %q", got)
		}
		w.wantEvents("default-scheduler web Normal Scheduled Successfully assigned default/web to " + nodeA)
		specs := w.parent.specs()
		s := specs[len(specs)-1]
		if want := (sandbox.Size{CPU: 512, Memory: 256 << 20}); s.Size != want || s.Network.Subnet != "subnet-1" || s.Labels["io.kubernetes.node.name"] != nodeA {
			t.Errorf("sandbox %+v", s)
		}
		free := plainPod("free")
		w.create(free)
		specs = w.parent.specs()
		if s := specs[len(specs)-1]; s.Size != (sandbox.Size{}) {
			t.Errorf("a pod without limits has %+v", s.Size)
		}
		w.wantNodes(nodeA)
	})
}

func TestUnmatchedPodsWaitForANode(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.create(plainPod("web"))
		w.wantEvents("default-scheduler web Warning FailedScheduling no nodes available to schedule pods")
		if got := scheduled(w.pod("web")); got != "False Unschedulable no nodes available to schedule pods" {
			t.Errorf("condition %q", got)
		}
		w.create(fargatePod("other"), fargatePod("another"))
		w.change("web", func(p *corev1.Pod) { p.Status.Message = "a status is no reason to look again" })
		for _, e := range w.events.take() {
			if strings.Contains(e, "default-scheduler") {
				t.Errorf("a node that does not suit has it told %q", e)
			}
		}
		w.delete("another")
		w.wantEvents()
		w.pass(6 * time.Minute)
		w.wantEvents("default-scheduler web Warning FailedScheduling 0/1 nodes are available: 1 node(s) had untolerated taint(s). " +
			"no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.")
		w.set(func(s *link.Settings) { s.Nodegroups = []link.Nodegroup{group(1)} })
		w.pass(time.Second)
		if got := w.pod("web").Spec.NodeName; got != "ip-10-0-1-11.us-west-2.compute.internal" {
			t.Errorf("on node %q", got)
		}
	})
}

func TestRoomIsGivenOnce(t *testing.T) {
	inWorld(t, withGroup(1), func(w *world) {
		w.parent.set(func() { w.parent.slow = true })
		for i := range 5 {
			p := plainPod(fmt.Sprintf("web-%d", i))
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"cpu": resource.MustParse("600m")}
			w.create(p)
		}
		w.parent.give()
		w.pass(time.Second)
		on := 0
		for i := range 5 {
			if p := w.pod(fmt.Sprintf("web-%d", i)); p.Spec.NodeName != "" {
				on++
			} else if got := scheduled(p); got[:len("False Unschedulable 0/1 nodes are available: 1 Insufficient cpu.")] != "False Unschedulable 0/1 nodes are available: 1 Insufficient cpu." {
				t.Errorf("condition %q", got)
			}
		}
		if on != 3 {
			t.Errorf("%d pods of 600m on 2 CPUs", on)
		}
		w.delete("web-0")
		w.delete("web-1")
		w.pass(time.Second)
		on = 0
		for i := 2; i < 5; i++ {
			if w.pod(fmt.Sprintf("web-%d", i)).Spec.NodeName != "" {
				on++
			}
		}
		if on != 3 {
			t.Errorf("%d of the other three", on)
		}
	})
}

func TestCordonIsHonoured(t *testing.T) {
	inWorld(t, withGroup(2), func(w *world) {
		n := w.nodes()[nodeA]
		n.Spec.Unschedulable = true
		if _, err := w.client.CoreV1().Nodes().Update(w.Context(), n, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Millisecond)
		for i := range 3 {
			name := fmt.Sprintf("web-%d", i)
			w.create(plainPod(name))
			if got := w.pod(name).Spec.NodeName; got != nodeB {
				t.Errorf("%s on %q", name, got)
			}
		}
		if !w.nodes()[nodeA].Spec.Unschedulable {
			t.Error("somebody has uncordoned it")
		}
	})
}

func TestAGroupShrinksAndGoes(t *testing.T) {
	inWorld(t, withGroup(2), func(w *world) {
		w.create(plainPod("a"), plainPod("b"))
		on := map[string]string{w.pod("a").Spec.NodeName: "a", w.pod("b").Spec.NodeName: "b"}
		w.set(func(s *link.Settings) { s.Nodegroups = []link.Nodegroup{group(1)} })
		w.pass(time.Second)
		w.wantNodes(nodeA)
		if _, err := w.client.CoreV1().Pods("default").Get(w.Context(), on[nodeB], metav1.GetOptions{}); err == nil {
			t.Error("its pod is still there")
		}
		w.change(on[nodeA], func(p *corev1.Pod) {
			p.DeletionTimestamp = &metav1.Time{Time: time.Now()}
			p.Finalizers = []string{"x/y"}
		})
		w.set(func(s *link.Settings) { g := group(1); g.Deleting = true; s.Nodegroups = []link.Nodegroup{g} })
		w.pass(time.Second)
		w.wantNodes(nodeA)
		if s := w.compute.Status(); s.Draining["nodegroup/ng"] != 2 || !w.nodes()[nodeA].Spec.Unschedulable {
			t.Errorf("status %+v, node %+v", s, w.nodes()[nodeA].Spec)
		}
		w.delete(on[nodeA])
		w.pass(time.Second)
		w.wantNodes()
		if s := w.compute.Status(); len(s.Draining) != 0 {
			t.Errorf("status %+v", s)
		}
		for id := range w.parent.all {
			if w.parent.all[id].Spec.Labels[boxes.NodeLabel] != "" {
				t.Error("the sandbox of a node is left")
			}
		}
	})
}

func TestADaemonSetsPodGoesAfterItsNode(t *testing.T) {
	inWorld(t, withGroup(1), func(w *world) {
		p := plainPod("agent")
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "agent", UID: "1", Controller: &yes}}
		w.create(p)
		w.set(func(s *link.Settings) { g := group(1); g.Deleting = true; s.Nodegroups = []link.Nodegroup{g} })
		w.wantNodes()
		w.pass(time.Second)
		if l, err := w.client.CoreV1().Pods("").List(w.Context(), metav1.ListOptions{}); err != nil || len(l.Items) != 0 {
			t.Errorf("pods %v %v", l.Items, err)
		}
		if s := w.compute.Status(); len(s.Draining) != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestAGroupGetsLabelsAndTaints(t *testing.T) {
	inWorld(t, withGroup(1), func(w *world) {
		n := w.nodes()[nodeA]
		n.Labels["mine"] = "1"
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "mine", Effect: "NoSchedule"})
		if _, err := w.client.CoreV1().Nodes().Update(w.Context(), n, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Millisecond)
		update := func(labels map[string]string, taints ...link.Taint) *corev1.Node {
			w.set(func(s *link.Settings) {
				g := group(1)
				g.Labels, g.Taints = labels, taints
				s.Nodegroups = []link.Nodegroup{g}
			})
			return w.nodes()[nodeA]
		}
		text := func(n *corev1.Node) string {
			return fmt.Sprint(n.Labels["team"], " ", n.Labels["new"], " ", n.Labels["mine"], " ", n.Spec.Taints)
		}
		n = update(map[string]string{"team": "b", "new": "x"}, link.Taint{Key: "dedicated", Value: "b", Effect: "NoSchedule"})
		if got, want := text(n), "b x 1 [{mine  NoSchedule <nil>} {dedicated b NoSchedule <nil>}]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		w.create(plainPod("web"))
		if got := w.pod("web").Spec.NodeName; got != "" {
			t.Errorf("on node %q", got)
		}
		n = update(map[string]string{"new": "y"}, link.Taint{Key: "dedicated", Value: "c", Effect: "NoSchedule"})
		if got, want := text(n), " y 1 [{mine  NoSchedule <nil>} {dedicated c NoSchedule <nil>}]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		n = update(nil)
		if got, want := text(n), "  1 [{mine  NoSchedule <nil>}]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestAPodPutOnANodeByName(t *testing.T) {
	inWorld(t, withGroup(1), func(w *world) {
		p := plainPod("web")
		p.Spec.NodeName = nodeA
		w.create(p)
		specs := w.parent.specs()
		if s := specs[len(specs)-1]; s.Labels["io.kubernetes.pod.name"] != "web" || s.Network.Subnet != "subnet-1" {
			t.Errorf("sandbox %+v", s)
		}
	})
}

func TestANodeThatGoesBeforeItsPodComes(t *testing.T) {
	inWorld(t, withGroup(2), func(w *world) {
		w.parent.set(func() { w.parent.slow = true })
		n := w.nodes()[nodeA]
		n.Spec.Unschedulable = true
		if _, err := w.client.CoreV1().Nodes().Update(w.Context(), n, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.create(plainPod("web")) // meant for nodeB
		w.set(func(s *link.Settings) { s.Nodegroups = []link.Nodegroup{group(1)} })
		n = w.nodes()[nodeA]
		n.Spec.Unschedulable = false
		if _, err := w.client.CoreV1().Nodes().Update(w.Context(), n, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.parent.give()
		w.pass(time.Minute)
		if got := w.pod("web").Spec.NodeName; got != nodeA {
			t.Errorf("on node %q", got)
		}
	})
}
