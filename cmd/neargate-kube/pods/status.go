package pods

import (
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// status.go puts a pod's status together from what is known of its sandbox.

// Reasons of pods that end before their time, in kubelet's words where it has
// any.
const (
	reasonDeadline = "DeadlineExceeded"
	textDeadline   = "Pod was active on the node longer than the specified deadline"

	reasonTerminated    = "Terminated"
	reasonSandboxFailed = "FailedCreatePodSandBox"
	textSandboxLost     = "The pod's sandbox does not exist any more"
)

// maxMessages is how many bytes all termination messages of a pod may have.
const maxMessages = 12 << 10

// notes are what the worker knows of a pod beside its sandbox.
type notes struct {
	HostIP string
	// Resizing is how a wish for other resources stands.
	Resizing resizing
	// Lost: there is no sandbox and there will be none.
	Lost bool
	// Rejected is why the pod is not taken at all; nil when it is.
	Rejected *Problem
}

// status is how a bound pod's status should be. box is nil when there is no
// sandbox. What others write in the status stays as it is, and a pod that has
// come to its end stays at it.
func status(pod *v1.Pod, box *sandbox.Sandbox, n notes, now time.Time) v1.PodStatus {
	s := *pod.Status.DeepCopy()
	if box == nil && (isTerminal(s.Phase) || !n.Lost) {
		return s
	}
	s.ObservedGeneration = pod.Generation
	if s.StartTime == nil {
		t := second(now)
		s.StartTime = &t
	}
	addresses(&s, box, n)
	s.ContainerStatuses = sorted(statuses(pod, pod.Spec.Containers, mainRole, box, s.ContainerStatuses, n))
	s.InitContainerStatuses = statuses(pod, pod.Spec.InitContainers, initRole, box, s.InitContainerStatuses, n)
	s.EphemeralContainerStatuses = sorted(statuses(pod, ephemeral(pod), ephemeralRole, box, s.EphemeralContainerStatuses, n))
	ended := hasStopped(box, n)
	if ended {
		terminate(pod, &s)
	}
	all := slices.Concat(s.InitContainerStatuses, s.ContainerStatuses)
	p := phase(&pod.Spec, all, ended)
	if ended && p == v1.PodSucceeded && isTorn(pod, box) && phase(&pod.Spec, all, false) != p {
		p = v1.PodFailed // it ended well, but not by its own doing: nothing of it was to end
	}
	outcome(pod, box, &s, n, p)
	s.Conditions = conditions(pod, s.Phase, all, isUp(box), n.Resizing, now)
	shorten(&s)
	return s
}

// statuses tells of the containers of one list.
func statuses(pod *v1.Pod, containers []v1.Container, r role, box *sandbox.Sandbox, old []v1.ContainerStatus, n notes) []v1.ContainerStatus {
	var all []v1.ContainerStatus
	for i := range containers {
		c := &containers[i]
		was := find(old, c.Name)
		cs := inBox(box, c.Name)
		if cs == nil && was != nil && (was.State.Terminated != nil || n.Lost) {
			all = append(all, *was)
			continue
		}
		s := containerStatus(pod, made(box, c), r, cs, was)
		allocate(&s, pod, c, madeOf(box, c.Name), cs)
		all = append(all, s)
	}
	return all
}

// made is a container as its sandbox has it: an image that was changed since
// is not the one that runs.
func made(box *sandbox.Sandbox, c *v1.Container) *v1.Container {
	if box == nil {
		return c
	}
	for i := range box.Spec.Containers {
		if b := &box.Spec.Containers[i]; b.Name == c.Name && b.Image != "" && b.Image != c.Image {
			n := *c
			n.Image = b.Image
			return &n
		}
	}
	return c
}

// inBox is what the sandbox knows of a container.
func inBox(box *sandbox.Sandbox, name string) *sandbox.ContainerStatus {
	if box == nil {
		return nil
	}
	for i := range box.Status.Containers {
		if box.Status.Containers[i].Name == name {
			return &box.Status.Containers[i]
		}
	}
	return nil
}

func ephemeral(pod *v1.Pod) []v1.Container {
	var all []v1.Container
	for i := range pod.Spec.EphemeralContainers {
		all = append(all, v1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	return all
}

func sorted(all []v1.ContainerStatus) []v1.ContainerStatus {
	slices.SortFunc(all, func(a, b v1.ContainerStatus) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	return all
}

// addresses tells the pod's address once its sandbox has been up there.
func addresses(s *v1.PodStatus, box *sandbox.Sandbox, n notes) {
	if box != nil && box.Status.Address != nil && box.Status.Address.IP != "" && !box.Status.ConnectivityAt.IsZero() {
		s.PodIP = box.Status.Address.IP
		s.PodIPs = []v1.PodIP{{IP: s.PodIP}}
	}
	if n.HostIP != "" {
		s.HostIP = n.HostIP
		s.HostIPs = []v1.HostIP{{IP: n.HostIP}}
	}
}

// isUp: the sandbox has its network.
func isUp(box *sandbox.Sandbox) bool {
	return box != nil && box.Status.Height >= 1 && box.Status.Address != nil && (!box.Status.Falling || box.Status.Height > 1)
}

// mayRun: some container of the sandbox runs, or is about to.
func mayRun(box *sandbox.Sandbox) bool {
	if box == nil || box.IsStopped() {
		return false
	}
	return slices.ContainsFunc(box.Status.Containers, func(cs sandbox.ContainerStatus) bool {
		return cs.State == sandbox.ContainerRunning || cs.State == sandbox.ContainerCreated
	})
}

// hasStopped: nothing of the pod runs, and nothing will.
func hasStopped(box *sandbox.Sandbox, n notes) bool { return n.Lost || box != nil && box.IsStopped() }

func isTerminal(p v1.PodPhase) bool { return p == v1.PodSucceeded || p == v1.PodFailed }

// terminate gives containers an end of which none is known though the pod has
// come to its own. Those that were never going to be started, because an init
// container has not passed, keep waiting.
func terminate(pod *v1.Pod, s *v1.PodStatus) {
	lost := func(cs *v1.ContainerStatus) {
		if cs.State.Terminated == nil {
			cs.State = v1.ContainerState{Terminated: &v1.ContainerStateTerminated{Reason: endUnknown, Message: textNotLocated, ExitCode: unknownCode}}
			no := false
			cs.Ready, cs.Started = false, &no
		}
	}
	if hasInitialized(pod, s) {
		for i := range s.ContainerStatuses {
			lost(&s.ContainerStatuses[i])
		}
	}
	begun := min(1, len(s.InitContainerStatuses))
	for i, cs := range s.InitContainerStatuses {
		if cs.State.Waiting == nil || cs.LastTerminationState.Terminated != nil {
			begun = i + 1
		}
	}
	for i := range begun {
		lost(&s.InitContainerStatuses[i])
	}
}

// hasInitialized: the pod's init containers have let the others start.
func hasInitialized(pod *v1.Pod, s *v1.PodStatus) bool {
	last := len(pod.Spec.InitContainers) - 1
	if last < 0 {
		return true
	}
	for _, cs := range s.ContainerStatuses {
		if cs.State.Waiting == nil || cs.LastTerminationState.Terminated != nil {
			return true
		}
	}
	c := &pod.Spec.InitContainers[last]
	cs := find(s.InitContainerStatuses, c.Name)
	if cs == nil {
		return false
	}
	if isSidecar(c) {
		return cs.State.Running != nil && cs.Started != nil && *cs.Started
	}
	end := lastEnd(cs)
	return end != nil && end.ExitCode == 0
}

// outcome sets phase, reason and message. A pod comes to its end only when
// nothing of it can run any more, and never leaves it.
func outcome(pod *v1.Pod, box *sandbox.Sandbox, s *v1.PodStatus, n notes, p v1.PodPhase) {
	ended := hasStopped(box, n)
	reason, message := "", ""
	switch {
	case n.Rejected != nil:
		p, reason, message = v1.PodFailed, n.Rejected.Reason, n.Rejected.Message
	case box != nil && box.Desired.Stopped && box.Desired.Code == reasonDeadline:
		p, reason, message = v1.PodFailed, reasonDeadline, textDeadline
	case ended && !isTerminal(p):
		p = v1.PodFailed
	}
	if ended && p == v1.PodFailed && reason == "" {
		reason, message = cause(pod, box)
	}
	was := pod.Status.Phase
	switch {
	case isTerminal(was), p == was:
	case isTerminal(p) && mayRun(box):
		if was == "" {
			s.Phase = v1.PodPending
		}
	default:
		s.Phase, s.Reason, s.Message = p, reason, message
	}
}

// isTorn: the pod's sandbox was taken away by others than those who may.
func isTorn(pod *v1.Pod, box *sandbox.Sandbox) bool {
	return pod.DeletionTimestamp == nil && box != nil && box.Desired.Code == sandbox.CodeTermination
}

// cause tells why a pod failed when it was not by its own containers' exits.
func cause(pod *v1.Pod, box *sandbox.Sandbox) (reason, message string) {
	switch {
	case pod.DeletionTimestamp != nil:
	case box == nil:
		return endUnknown, textSandboxLost
	case box.Desired.Code == sandbox.CodeTermination:
		return reasonTerminated, box.Desired.Reason
	case box.Desired.Code == sandbox.CodeFailedToStart && !slices.ContainsFunc(box.Status.Containers, func(cs sandbox.ContainerStatus) bool { return hasEnded(&cs) }):
		return reasonSandboxFailed, box.Desired.Reason
	}
	return "", ""
}

// shorten cuts termination messages, so that a status never grows too large.
func shorten(s *v1.PodStatus) {
	lists := [][]v1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses}
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	for _, l := range lists {
		for i := range l {
			cut(&l[i].State, maxMessages/n)
			cut(&l[i].LastTerminationState, maxMessages/n)
		}
	}
}

func cut(s *v1.ContainerState, limit int) {
	if s.Terminated == nil || len(s.Terminated.Message) <= limit {
		return
	}
	t := *s.Terminated
	t.Message = t.Message[:limit]
	s.Terminated = &t
}
