package fargate_test

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
)

func TestAPodIsBoundBeforeItsSandboxIsUp(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.parent.set(func() { w.parent.early = true })
		w.create(fargatePod("web"))
		const name = "fargate-ip-10-0-1-10.us-west-2.compute.internal"
		if got := w.pod("web").Spec.NodeName; got != name {
			t.Errorf("on node %q", got)
		}
		w.wantNodes(name)
	})
}

func TestANodeOfAGroupWaitsForItsSandbox(t *testing.T) {
	p := newParent()
	p.early = true
	inWorldOf(t, p, link.Settings{Nodegroups: []link.Nodegroup{group(1)}}, func(w *world) {
		w.wantNodes()
		w.parent.rise()
		w.pass(time.Second)
		w.wantNodes(nodeA)
	})
}

func TestANodeWhoseAddressWasLost(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		away := true
		w.client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
			return away && a.GetSubresource() == "binding", nil, errors.New("the API is away")
		})
		p := fargatePod("web")
		w.parent.set(func() { w.parent.early = true })
		w.create(p)
		w.wantNodes("fargate-ip-10-0-1-10.us-west-2.compute.internal")
		if err := w.parent.StopSandbox(w.Context(), boxes.ID(p.UID), "TaskFailedToStart", "The address 10.0.1.10 was lost", nil); err != nil {
			t.Fatal(err)
		}
		w.pass(5 * time.Minute)
		if got := w.pod("web"); got.Spec.NodeName != "" || got.Status.Phase != corev1.PodPending {
			t.Errorf("on node %q, %s", got.Spec.NodeName, got.Status.Phase)
		}
		away = false
		w.pass(time.Minute)
		const name = "fargate-ip-10-0-2-10.us-west-2.compute.internal"
		if got := w.pod("web").Spec.NodeName; got != name {
			t.Errorf("on node %q", got)
		}
		w.wantNodes(name)
	})
}
