package pods

import (
	"fmt"
	"strings"
	"time"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/sandbox"
)

// container_status.go tells of one container what kubelet would tell.

// Reasons of containers' states, in kubelet's and containerd's words.
const (
	waitCreating     = "ContainerCreating"
	waitInitializing = "PodInitializing"
	waitCrashLoop    = "CrashLoopBackOff"

	endCompleted = "Completed"
	endError     = "Error"
	endOOM       = "OOMKilled"
	endUnknown   = "ContainerStatusUnknown"

	textNotLocated = "The container could not be located when the pod was terminated"
	unknownCode    = 137
)

// role is which of a pod's three lists a container is in.
type role int

const (
	mainRole role = iota
	initRole
	ephemeralRole
)

// containerStatus tells of a container. cs is nil as long as the sandbox knows
// nothing of it; old is what was told last, nil when nothing was.
func containerStatus(pod *v1.Pod, c *v1.Container, r role, cs *sandbox.ContainerStatus, old *v1.ContainerStatus) v1.ContainerStatus {
	s := v1.ContainerStatus{Name: c.Name, Image: c.Image, VolumeMounts: mounts(c)}
	if old != nil {
		s.RestartCount, s.LastTerminationState = old.RestartCount, old.LastTerminationState
		s.AllocatedResources, s.Resources = old.AllocatedResources, old.Resources
	}
	waiting := v1.ContainerStateWaiting{Reason: waitCreating}
	if len(pod.Spec.InitContainers) > 0 {
		waiting.Reason = waitInitializing
	}
	if cs == nil {
		s.State.Waiting = &waiting
	} else {
		take(&s, pod, c, cs, waiting)
	}
	if r != ephemeralRole {
		assess(&s, c, r, cs)
	}
	return s
}

// mounts tells where a container's volumes are.
func mounts(c *v1.Container) []v1.VolumeMountStatus {
	var all []v1.VolumeMountStatus
	for _, m := range c.VolumeMounts {
		s := v1.VolumeMountStatus{Name: m.Name, MountPath: m.MountPath, ReadOnly: m.ReadOnly}
		if m.ReadOnly {
			disabled := v1.RecursiveReadOnlyDisabled
			s.RecursiveReadOnly = &disabled
		}
		all = append(all, s)
	}
	return all
}

// take takes in what the sandbox knows of a container.
func take(s *v1.ContainerStatus, pod *v1.Pod, c *v1.Container, cs *sandbox.ContainerStatus, waiting v1.ContainerStateWaiting) {
	s.RestartCount = max(s.RestartCount, int32(cs.Attempt))
	if cs.RuntimeID != "" {
		s.ContainerID = containerID(cs.RuntimeID)
		s.ImageID = imageID(c.Image, cs.ImageDigest)
	}
	if cs.LastExit != nil {
		s.LastTerminationState = v1.ContainerState{Terminated: lastRun(cs.LastExit)}
	}
	if cs.Trouble != "" {
		waiting = v1.ContainerStateWaiting{Reason: cs.Trouble, Message: cs.TroubleText}
	}
	switch pause := cs.RestartAt.Sub(cs.FinishedAt); {
	case cs.State == sandbox.ContainerRunning && isPosted(c, cs):
		s.State.Running = &v1.ContainerStateRunning{StartedAt: second(cs.StartedAt)}
	case cs.State != sandbox.ContainerStopped, !hasEnded(cs):
		if cs.Trouble == "" && cs.LastExit != nil {
			waiting = v1.ContainerStateWaiting{} // a restart is under way
		}
		s.State.Waiting = &waiting
	case !cs.RestartAt.IsZero() && (pause > 0 || cs.Trouble != ""):
		s.LastTerminationState = v1.ContainerState{Terminated: thisRun(cs)}
		if cs.Trouble == "" {
			waiting = v1.ContainerStateWaiting{Reason: waitCrashLoop, Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", pause, c.Name, podText(pod))}
		}
		s.State.Waiting = &waiting
	default:
		s.State.Terminated = thisRun(cs)
	}
}

// allocate tells which resources a container was granted and which it has: what
// the pod asks for, unless that was changed since and its sandbox has it not, or
// not yet.
func allocate(s *v1.ContainerStatus, pod *v1.Pod, c *v1.Container, b *sandbox.Container, cs *sandbox.ContainerStatus) {
	if cs == nil || cs.RuntimeID == "" {
		return
	}
	granted := b == nil || translate.Resources(pod, c) == b.Resources()
	if s.Resources == nil || granted {
		s.AllocatedResources = c.Resources.Requests.DeepCopy()
	}
	if s.Resources == nil || granted && (b == nil || cs.State != sandbox.ContainerRunning || cs.Resized == b.Resizes) {
		s.Resources = c.Resources.DeepCopy()
	}
}

// isPosted: the postStart hook, if there is one, is over. Until then kubelet
// calls the container waiting.
func isPosted(c *v1.Container, cs *sandbox.ContainerStatus) bool {
	return c.Lifecycle == nil || c.Lifecycle.PostStart == nil || cs.PostStarted
}

// hasEnded: there is a run of the container that is over, be it one that never
// came to run because it could not be started.
func hasEnded(cs *sandbox.ContainerStatus) bool {
	return !cs.StartedAt.IsZero() || cs.ExitCode != nil
}

// assess fills in what probes and exits mean for started and ready.
func assess(s *v1.ContainerStatus, c *v1.Container, r role, cs *sandbox.ContainerStatus) {
	started := s.State.Running != nil && cs != nil && cs.Started
	if r == initRole && !isSidecar(c) {
		started = s.State.Running != nil
		s.Ready = s.State.Terminated != nil && s.State.Terminated.ExitCode == 0
	} else {
		s.Ready = started && cs.Ready
	}
	s.Started = &started
}

// thisRun tells how the newest run ended.
func thisRun(cs *sandbox.ContainerStatus) *v1.ContainerStateTerminated {
	t := &v1.ContainerStateTerminated{StartedAt: second(cs.StartedAt), FinishedAt: second(cs.FinishedAt), Message: cs.Message}
	if cs.RuntimeID != "" {
		t.ContainerID = containerID(cs.RuntimeID)
	}
	if cs.ExitCode == nil {
		t.Reason, t.Message, t.ExitCode = endUnknown, textNotLocated, unknownCode
		return t
	}
	t.ExitCode = int32(*cs.ExitCode)
	t.Reason = ending(t.ExitCode, cs.OOMKilled, cs.Reason)
	return neverStarted(t)
}

// neverStarted gives the run of a container that could not be started the time
// that kubelet makes of none at all, 1970.
func neverStarted(t *v1.ContainerStateTerminated) *v1.ContainerStateTerminated {
	if t.Reason == sandbox.ReasonStartError && t.StartedAt.IsZero() {
		t.StartedAt = metav1.Unix(0, 0)
	}
	return t
}

// lastRun tells how the run before the newest ended.
func lastRun(e *sandbox.Exit) *v1.ContainerStateTerminated {
	t := &v1.ContainerStateTerminated{
		ExitCode: int32(e.Code), Reason: ending(int32(e.Code), e.OOMKilled, e.Reason), Message: e.Message,
		StartedAt: second(e.StartedAt), FinishedAt: second(e.FinishedAt),
	}
	if e.RuntimeID != "" {
		t.ContainerID = containerID(e.RuntimeID)
	}
	return neverStarted(t)
}

// ending is the reason of an exit.
func ending(code int32, oom bool, reason string) string {
	switch {
	case oom:
		return endOOM
	case endReason(reason) != "":
		return endReason(reason)
	case code == 0:
		return endCompleted
	}
	return endError
}

// endReason is the runtime's own reason of an end, when it is one that
// Kubernetes shows.
func endReason(reason string) string {
	word, _, _ := strings.Cut(reason, ":")
	switch word {
	case sandbox.ReasonStartError, "ContainerCannotRun":
		return word
	}
	return ""
}

func containerID(runtimeID string) string { return "containerd://" + runtimeID }

// imageID names an image by its digest, as a container runtime does.
func imageID(image, digest string) string {
	if digest == "" {
		return ""
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return digest
	}
	return named.Name() + "@" + digest
}

// podText names a pod as kubelet's messages do.
func podText(pod *v1.Pod) string { return fmt.Sprintf("%s_%s(%s)", pod.Name, pod.Namespace, pod.UID) }

// second is a time as the API server keeps it.
func second(t time.Time) metav1.Time {
	if t.IsZero() {
		return metav1.Time{}
	}
	return metav1.NewTime(t.UTC().Truncate(time.Second))
}
