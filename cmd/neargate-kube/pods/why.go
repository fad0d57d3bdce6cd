package pods

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Why tells in sentences what keeps a pod from what it should be, and what it
// asks for without getting it. Nothing is told of a pod that is not bound: that
// is the scheduler's matter.
func (w *Worker) Why(pod *v1.Pod) []string {
	if pod.Spec.NodeName == "" {
		return nil
	}
	box, _ := w.Boxes.Get(boxes.ID(pod.UID))
	w.mu.Lock()
	m := w.memories[boxes.ID(pod.UID)]
	w.mu.Unlock()
	if m == nil {
		m = &memory{}
	}
	m.Lock()
	defer m.Unlock()
	all := whyProblems(pod, box, m)
	if box == nil {
		return all
	}
	for i := range box.Status.Containers {
		all = append(all, whyContainer(containerOf(box, i), &box.Status.Containers[i])...)
	}
	for _, c := range imageChanges(pod, box) {
		if !isOpen(box) && !madeOf(box, c.Name).Asks {
			all = append(all, fmt.Sprintf("Container %s keeps the image that it started with: %s is taken when the pod is made anew.", c.Name, c.Image))
		}
	}
	if r := &m.resizing; r.Reason != "" || r.Failed != "" {
		all = append(all, fmt.Sprintf("The resources that it asks for now are not in force (%s): %s.", cmp.Or(r.Reason, v1.PodReasonError), cmp.Or(r.Text, r.Failed)))
	}
	if err := w.learn(pod, box, m); err != nil {
		all = append(all, "What the pod asks for and does not get cannot be told at the moment: "+err.Error())
	}
	return slices.Concat(all, m.notes, box.Status.Notes)
}

// containerOf is what a container of a sandbox is to be.
func containerOf(box *sandbox.Sandbox, i int) *sandbox.Container {
	if i < len(box.Spec.Containers) {
		return &box.Spec.Containers[i]
	}
	return &sandbox.Container{}
}

// askNotes is how long it may take to find out what an adopted pod does not
// get.
const askNotes = 5 * time.Second

// learn finds out what a pod asks for and does not get, when another process
// has set it up.
func (w *Worker) learn(pod *v1.Pod, box *sandbox.Sandbox, m *memory) error {
	if m.noted || isOpen(box) || box.Desired.Stopped {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), askNotes)
	defer cancel()
	t, err := w.Translator.Pod(ctx, pod, box)
	if err != nil {
		return err
	}
	m.note(t.Notes)
	m.noted = true
	return nil
}

func whyProblems(pod *v1.Pod, box *sandbox.Sandbox, m *memory) []string {
	var all []string
	switch {
	case box == nil && pod.Status.StartTime == nil:
		all = append(all, fmt.Sprintf("There is no sandbox for the pod on node %s yet.", pod.Spec.NodeName))
	case box == nil && !isTerminal(pod.Status.Phase):
		all = append(all, textSandboxLost+".")
	case box == nil:
	case box.Status.Trouble != "":
		all = append(all, fmt.Sprintf("The sandbox has trouble and is tried again (%d times so far): %s", box.Status.Tries, box.Status.Trouble))
	case isOpen(box) && box.Status.Address == nil && !box.Status.Falling:
		all = append(all, "The sandbox has no address yet.")
	case box.Desired.Stopped && !box.IsStopped():
		all = append(all, "The sandbox is being stopped: "+box.Desired.Reason)
	}
	for _, p := range m.problems {
		if p.Container != "" {
			all = append(all, fmt.Sprintf("Container %s cannot be made (%s): %s", p.Container, p.Reason, p.Message))
			continue
		}
		all = append(all, fmt.Sprintf("The pod cannot be set up (%s): %s", p.Reason, p.Message))
	}
	if pod.DeletionTimestamp != nil && len(pod.Finalizers) > 0 && (box == nil || box.IsStopped()) {
		all = append(all, fmt.Sprintf("The pod has stopped; finalizers keep it in the API: %v", pod.Finalizers))
	}
	return all
}

func whyContainer(c *sandbox.Container, cs *sandbox.ContainerStatus) []string {
	all := whyNot(cs)
	if cs.Local != "" {
		all = append(all, fmt.Sprintf("Container %s has the image that was on this machine already, as %s could not be had from its registry: %s", cs.Name, c.Image, cs.Local))
	}
	return all
}

func whyNot(cs *sandbox.ContainerStatus) []string {
	switch {
	case cs.Trouble != "":
		return []string{fmt.Sprintf("Container %s waits (%s): %s", cs.Name, cs.Trouble, cs.TroubleText)}
	case !cs.RestartAt.IsZero():
		return []string{fmt.Sprintf("Container %s has ended %s and is started again at %s.", cs.Name, exitText(cs), cs.RestartAt.UTC().Format("15:04:05"))}
	case cs.State == sandbox.ContainerRunning && cs.Health == sandbox.HealthUnhealthy:
		return []string{fmt.Sprintf("Container %s is not ready: %s", cs.Name, cs.HealthOutput)}
	case cs.State == sandbox.ContainerRunning && !cs.Started && cs.Failures.Startup.Count > 0:
		text := fmt.Sprintf("Container %s runs; its startup probe has failed %d times so far", cs.Name, cs.Failures.Startup.Count)
		if out := strings.TrimSpace(cs.Failures.Startup.Output); out != "" {
			return []string{text + ": " + out}
		}
		return []string{text + "."}
	case cs.State == sandbox.ContainerRunning && !cs.Started:
		return []string{fmt.Sprintf("Container %s runs; its startup probe has not passed yet.", cs.Name)}
	}
	return nil
}

func exitText(cs *sandbox.ContainerStatus) string {
	if cs.ExitCode == nil {
		return "without an exit code"
	}
	return fmt.Sprintf("with exit code %d", *cs.ExitCode)
}
