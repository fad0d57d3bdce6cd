package pods

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	requests "k8s.io/component-helpers/resource"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/sandbox"
)

// resize.go is about resources that are changed in a pod that runs. A node of a
// node group grants them if it has room, as kubelet does; one of Fargate's is
// as large as it was made for its pod, and grants nothing.

// textNoResize is kubelet's, of nodes that cannot.
const textNoResize = "In-place pod resize is not supported on this node"

// retryResize is after how long it is seen whether a node has room now.
const retryResize = 10 * time.Second

// resizing is how a pod's wish for other resources stands.
type resizing struct {
	Grant []grant
	// Reason and Text are why it is not granted: Deferred or Infeasible, with
	// kubelet's words.
	Reason, Text string
	// Underway: it was granted and is not in force yet; Failed is why not.
	Underway bool
	Failed   string
}

// grant is what a container shall have.
type grant struct {
	Name      string
	Resources sandbox.Resources
	Attempt   int
	Again     bool // it wants another run for that
}

// planResize decides about what a pod asks for that its sandbox does not give.
// node is nil when it is not known; others are the pods that are on it too.
func planResize(pod *v1.Pod, box *sandbox.Sandbox, node *v1.Node, others []*v1.Pod) resizing {
	var r resizing
	for _, c := range resizables(pod) {
		b, cs := madeOf(box, c.Name), inBox(box, c.Name)
		if b == nil || cs == nil {
			continue
		}
		if want := translate.Resources(pod, c); want != b.Resources() {
			running := cs.State == sandbox.ContainerRunning
			r.Grant = append(r.Grant, grant{c.Name, want, cs.Attempt, running && wantsRun(c, b.Resources(), want)})
		} else if cs.State == sandbox.ContainerRunning && cs.Resized != b.Resizes {
			r.Underway = true
			if cs.ResizeTrouble != "" {
				r.Failed = cs.ResizeTrouble
			}
		}
	}
	if len(r.Grant) == 0 {
		return r
	}
	if r.Reason, r.Text = refusal(pod, node, others); r.Reason != "" {
		r.Grant = nil
	}
	return r
}

// resizables are the containers whose resources may be changed.
func resizables(pod *v1.Pod) []*v1.Container {
	var all []*v1.Container
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; isSidecar(c) {
			all = append(all, c)
		}
	}
	for i := range pod.Spec.Containers {
		all = append(all, &pod.Spec.Containers[i])
	}
	return all
}

// wantsRun: the container's resizePolicy says that what changes takes another
// run.
func wantsRun(c *v1.Container, was, want sandbox.Resources) bool {
	for _, p := range c.ResizePolicy {
		if p.RestartPolicy != v1.RestartContainer {
			continue
		}
		if p.ResourceName == v1.ResourceCPU && (was.CPU != want.CPU || was.CPULimit != want.CPULimit) ||
			p.ResourceName == v1.ResourceMemory && (was.Memory != want.Memory || was.MemoryReservation != want.MemoryReservation) {
			return true
		}
	}
	return false
}

// refusal is why a node does not grant what a pod asks for.
func refusal(pod *v1.Pod, node *v1.Node, others []*v1.Pod) (reason, text string) {
	if node == nil || strings.HasPrefix(pod.Spec.NodeName, fargateNode) {
		return v1.PodReasonInfeasible, textNoResize
	}
	asked := requests.PodRequests(pod, requests.PodResourcesOptions{})
	for _, name := range []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory} {
		if want, has := amount(asked, name), amount(node.Status.Allocatable, name); want > has {
			return v1.PodReasonInfeasible, fmt.Sprintf("Node didn't have enough capacity: %s, requested: %d, capacity: %d", name, want, has)
		}
	}
	for _, name := range []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory} {
		var used int64
		for _, o := range others {
			if o.UID != pod.UID && !isTerminal(o.Status.Phase) {
				used += amount(requests.PodRequests(o, requests.PodResourcesOptions{UseStatusResources: true}), name)
			}
		}
		if want, has := amount(asked, name), amount(node.Status.Allocatable, name); used+want > has {
			return v1.PodReasonDeferred, fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d", name, want, used, has)
		}
	}
	return "", ""
}

// amount is in thousandths of a processor, or in bytes.
func amount(l v1.ResourceList, name v1.ResourceName) int64 {
	q := l[name]
	if name == v1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}

// madeOf is a container as its sandbox is to have it.
func madeOf(box *sandbox.Sandbox, name string) *sandbox.Container {
	if box == nil {
		return nil
	}
	for i := range box.Spec.Containers {
		if box.Spec.Containers[i].Name == name {
			return &box.Spec.Containers[i]
		}
	}
	return nil
}

// resize grants what is granted and tells how it stands.
func (w *Worker) resize(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, node *v1.Node, m *memory) (time.Duration, error) {
	was := m.resizing
	r := planResize(pod, box, node, w.beside(pod))
	for _, g := range r.Grant {
		if err := w.Parent.ResizeContainer(ctx, box.Spec.ID, g.Name, g.Resources); err != nil {
			return 0, fmt.Errorf("resize container %s: %w", g.Name, err)
		}
		if !g.Again {
			continue
		}
		if err := w.Parent.RestartContainer(ctx, box.Spec.ID, g.Name, g.Attempt, fmt.Sprintf("Container %s resize requires restart", g.Name)); err != nil {
			return 0, fmt.Errorf("resize container %s: %w", g.Name, err)
		}
	}
	r.Underway = r.Underway || len(r.Grant) > 0
	m.resizing = r
	for _, e := range resizeEvents(pod, was, r, m.resize != pod.Generation) {
		w.record(pod, e)
	}
	if r.Reason != "" {
		m.resize = pod.Generation
	}
	if r.Reason == v1.PodReasonDeferred {
		return retryResize, nil
	}
	return 0, nil
}

// beside are the pods of a pod's node.
func (w *Worker) beside(pod *v1.Pod) []*v1.Pod {
	var all []*v1.Pod
	for _, o := range w.pods.List() {
		if p, ok := o.(*v1.Pod); ok && p.Spec.NodeName == pod.Spec.NodeName {
			all = append(all, p)
		}
	}
	return all
}

// resizeEvents tell how a wish for other resources comes on. fresh: nothing was
// told yet of the pod as it is specified now.
func resizeEvents(pod *v1.Pod, was, is resizing, fresh bool) []event {
	normal := func(reason, what string) event {
		return event{Type: v1.EventTypeNormal, Reason: reason, Message: "Pod resize " + what + ": " + resizeSummary(pod, "")}
	}
	var all []event
	if is.Reason != "" && (fresh || is.Reason != was.Reason) {
		all = append(all, event{Type: v1.EventTypeWarning, Reason: "Resize" + is.Reason, Message: "Pod resize " + is.Reason + ": " + resizeSummary(pod, is.Text)})
	}
	if len(is.Grant) > 0 {
		all = append(all, normal("ResizeStarted", "started"))
	}
	if is.Failed != "" && is.Failed != was.Failed {
		all = append(all, event{Type: v1.EventTypeWarning, Reason: "ResizeError", Message: "Pod resize error: " + resizeSummary(pod, is.Failed)})
	}
	if was.Underway && !is.Underway && is.Reason == "" {
		all = append(all, normal("ResizeCompleted", "completed"))
	}
	return all
}

// resizeSummary is what kubelet tells of a pod's resources.
func resizeSummary(pod *v1.Pod, failed string) string {
	type allocation struct {
		Name      string                  `json:"name"`
		Resources v1.ResourceRequirements `json:"resources"`
	}
	s := struct {
		InitContainers []allocation `json:"initContainers,omitempty"`
		Containers     []allocation `json:"containers,omitempty"`
		Generation     int64        `json:"generation"`
		Error          string       `json:"error,omitempty"`
	}{Generation: pod.Generation, Error: failed}
	for i := range pod.Spec.InitContainers {
		s.InitContainers = append(s.InitContainers, allocation{pod.Spec.InitContainers[i].Name, pod.Spec.InitContainers[i].Resources})
	}
	for i := range pod.Spec.Containers {
		s.Containers = append(s.Containers, allocation{pod.Spec.Containers[i].Name, pod.Spec.Containers[i].Resources})
	}
	text, err := json.Marshal(s)
	if err != nil { // there is nothing in it that cannot be marshalled
		panic(err)
	}
	return string(text)
}

// conditions are kubelet's of a wish for other resources.
func (r *resizing) conditions() []v1.PodCondition {
	var all []v1.PodCondition
	if r.Reason != "" {
		all = append(all, v1.PodCondition{Type: v1.PodResizePending, Status: v1.ConditionTrue, Reason: r.Reason, Message: r.Text})
	}
	if r.Underway {
		c := v1.PodCondition{Type: v1.PodResizeInProgress, Status: v1.ConditionTrue}
		if r.Failed != "" {
			c.Reason, c.Message = v1.PodReasonError, r.Failed
		}
		all = append(all, c)
	}
	return all
}
