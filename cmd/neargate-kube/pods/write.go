package pods

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/neargate/neargate/emulator/sandbox"
)

// write makes the pod's status what it should be and returns the pod as it is
// then. It sends the differences only, so that what others write meanwhile
// stays, and nothing when there are none.
func (w *Worker) write(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, node *v1.Node, m *memory) (*v1.Pod, error) {
	want := status(pod, box, m.about(pod, node), time.Now())
	if equality.Semantic.DeepEqual(want, pod.Status) {
		return pod, nil
	}
	if m.pod == pod && m.wanted != nil && equality.Semantic.DeepEqual(want, *m.wanted) {
		return pod, nil // the API server has made of it what it takes
	}
	patch, err := difference(pod, want)
	if err != nil {
		return pod, err
	}
	got, err := w.Client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err) && strings.Contains(err.Error(), "uid"):
		return pod, nil // it is gone; the informer will say so
	case err != nil:
		return pod, fmt.Errorf("write the status of %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	m.pod, m.wanted = got, &want
	return got, nil
}

// difference is a patch that brings a pod's status to want, and is refused
// when another pod has taken the name.
func difference(pod *v1.Pod, want v1.PodStatus) ([]byte, error) {
	before, err := json.Marshal(v1.Pod{Status: pod.Status})
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(v1.Pod{ObjectMeta: metav1.ObjectMeta{UID: pod.UID}, Status: want})
	if err != nil {
		return nil, err
	}
	return strategicpatch.CreateTwoWayMergePatch(before, after, v1.Pod{})
}

// about is what the status of a pod has to know beside the records.
func (m *memory) about(pod *v1.Pod, node *v1.Node) notes {
	n := notes{HostIP: pod.Status.HostIP, Resizing: m.resizing, Lost: m.lost, Rejected: m.problems.rejection()}
	if node != nil {
		n.HostIP = internalIP(node)
	}
	return n
}
