package fargate_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
)

// blind has the runtime tell nothing of a pod's sandbox, or tell again.
func (w *world) blind(name, why string) {
	w.Helper()
	id := boxes.ID(w.pod(name).UID)
	w.parent.set(func() {
		b := w.parent.all[id]
		b.Status.Trouble, b.Status.UnseenSince = why, time.Time{}
		if why != "" {
			b.Status.UnseenSince = time.Now()
		}
		w.parent.tell(b)
	})
	w.pass(time.Millisecond)
}

// readiness is a node's condition Ready as one line.
func (w *world) readiness(name string) string {
	w.Helper()
	for _, c := range w.nodes()[name].Status.Conditions {
		if c.Type == corev1.NodeReady {
			return string(c.Status) + " " + c.Reason + ": " + c.Message
		}
	}
	return ""
}

const second = "fargate-ip-10-0-2-10.us-west-2.compute.internal"

func TestANodeWithoutRuntimeIsNotReady(t *testing.T) {
	const ready, down = "True KubeletReady: kubelet is posting ready status", "False KubeletNotReady: container runtime is down: no Docker"
	inWorld(t, onFargate, func(w *world) {
		w.create(fargatePod("web"), fargatePod("other"))
		want := func(when, one, two string) {
			t.Helper()
			if a, b := w.readiness(first), w.readiness(second); a != one || b != two {
				t.Errorf("%s: %q and %q", when, a, b)
			}
		}
		want("at the beginning", ready, ready)
		w.blind("web", "no Docker")
		w.pass(29 * time.Second)
		want("for a moment", ready, ready)
		w.pass(2 * time.Second)
		want("one alone", down, ready)
		w.blind("web", "")
		want("it is back", ready, ready)

		w.end("other")
		want("an ended one", ready, ready)
		w.blind("web", "no Docker")
		w.pass(31 * time.Second)
		want("none is seen any more", down, down)
		w.stop()
		w.start()
		want("after a restart", down, down)
		w.blind("web", "")
		want("all are back", ready, ready)
	})
}
