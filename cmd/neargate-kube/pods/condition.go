package pods

import (
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// condition.go computes the conditions that kubelet owns. Everybody else's
// stay as they are.

// Reasons of conditions, in kubelet's words.
const (
	reasonUnknownStatuses = "UnknownContainerStatuses"
	reasonCompleted       = "PodCompleted"
	reasonFailed          = "PodFailed"
	reasonNotReady        = "ContainersNotReady"
	reasonNotInitialized  = "ContainersNotInitialized"
	reasonGatesNotReady   = "ReadinessGatesNotReady"
	reasonSandboxNotReady = "PodSandboxNotReady"
)

func ownCondition(t v1.PodConditionType) bool {
	switch t {
	case v1.PodReadyToStartContainers, v1.PodInitialized, v1.PodReady, v1.ContainersReady, v1.PodScheduled, v1.PodResizePending, v1.PodResizeInProgress:
		return true
	}
	return false
}

// conditions are the pod's conditions when its containers stand as statuses
// says; up tells that its sandbox has its network.
func conditions(pod *v1.Pod, phase v1.PodPhase, statuses []v1.ContainerStatus, up bool, r resizing, now time.Time) []v1.PodCondition {
	var all []v1.PodCondition
	for _, c := range pod.Status.Conditions {
		if !ownCondition(c.Type) {
			all = append(all, c)
		}
	}
	containers := containersReady(pod, phase, statuses)
	own := []v1.PodCondition{
		readyToStart(up), initialized(pod, phase, statuses), ready(pod, all, containers), containers,
		{Type: v1.PodScheduled, Status: v1.ConditionTrue},
	}
	if !isTerminal(phase) {
		own = append(own, r.conditions()...)
	}
	for _, c := range own {
		c.ObservedGeneration = pod.Generation
		c.LastTransitionTime = transition(pod.Status.Conditions, c, now)
		all = append(all, c)
	}
	return all
}

// transition is when a condition got the status that it has.
func transition(old []v1.PodCondition, c v1.PodCondition, now time.Time) metav1.Time {
	for _, o := range old {
		if o.Type == c.Type && o.Status == c.Status && !o.LastTransitionTime.IsZero() {
			return o.LastTransitionTime
		}
	}
	return second(now)
}

func readyToStart(up bool) v1.PodCondition {
	if up {
		return v1.PodCondition{Type: v1.PodReadyToStartContainers, Status: v1.ConditionTrue}
	}
	return v1.PodCondition{Type: v1.PodReadyToStartContainers, Status: v1.ConditionFalse, Reason: reasonSandboxNotReady}
}

// initialized: all init containers have done their part. What has been
// initialized stays so, though a sidecar starts anew.
func initialized(pod *v1.Pod, phase v1.PodPhase, statuses []v1.ContainerStatus) v1.PodCondition {
	c := v1.PodCondition{Type: v1.PodInitialized, Status: v1.ConditionTrue}
	unknown, incomplete := sift(pod.Spec.InitContainers, statuses, func(c *v1.Container, cs *v1.ContainerStatus) bool {
		if isSidecar(c) {
			return cs.Started != nil && *cs.Started
		}
		return cs.Ready
	})
	switch {
	case phase == v1.PodSucceeded && len(unknown) == 0:
		c.Reason = reasonCompleted
	case anyMainStarted(&pod.Spec, statuses):
	case len(unknown)+len(incomplete) > 0:
		c.Status, c.Reason, c.Message = v1.ConditionFalse, reasonNotInitialized, lacking(unknown, "incomplete", incomplete)
	}
	return c
}

func containersReady(pod *v1.Pod, phase v1.PodPhase, statuses []v1.ContainerStatus) v1.PodCondition {
	c := v1.PodCondition{Type: v1.ContainersReady, Status: v1.ConditionFalse}
	var counted []v1.Container
	for _, i := range pod.Spec.InitContainers {
		if isSidecar(&i) {
			counted = append(counted, i)
		}
	}
	counted = append(counted, pod.Spec.Containers...)
	unknown, unready := sift(counted, statuses, func(_ *v1.Container, cs *v1.ContainerStatus) bool { return cs.Ready })
	switch {
	case len(statuses) == 0:
		c.Reason = reasonUnknownStatuses
	case phase == v1.PodSucceeded && len(unknown) == 0:
		c.Reason = reasonCompleted
	case phase == v1.PodFailed:
		c.Reason = reasonFailed
	case len(unknown)+len(unready) > 0:
		c.Reason, c.Message = reasonNotReady, lacking(unknown, "unready", unready)
	default:
		c.Status = v1.ConditionTrue
	}
	return c
}

// ready is what Services go by: all containers are ready, and all readiness
// gates, which others open, are open.
func ready(pod *v1.Pod, others []v1.PodCondition, containers v1.PodCondition) v1.PodCondition {
	c := containers
	c.Type = v1.PodReady
	if c.Status != v1.ConditionTrue {
		return c
	}
	var shut []string
	for _, g := range pod.Spec.ReadinessGates {
		if text := gate(others, g.ConditionType); text != "" {
			shut = append(shut, text)
		}
	}
	if len(shut) > 0 {
		c.Status, c.Reason, c.Message = v1.ConditionFalse, reasonGatesNotReady, strings.Join(shut, ", ")
	}
	return c
}

// gate tells why a readiness gate is not open.
func gate(conditions []v1.PodCondition, t v1.PodConditionType) string {
	for _, c := range conditions {
		if c.Type != t {
			continue
		}
		if c.Status == v1.ConditionTrue {
			return ""
		}
		return fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", string(t), c.Status)
	}
	return fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", string(t))
}

// sift names the containers without a status, and those whose status is not as
// it should be.
func sift(containers []v1.Container, statuses []v1.ContainerStatus, good func(*v1.Container, *v1.ContainerStatus) bool) (unknown, bad []string) {
	for i := range containers {
		c := &containers[i]
		switch cs := find(statuses, c.Name); {
		case cs == nil:
			unknown = append(unknown, c.Name)
		case !good(c, cs):
			bad = append(bad, c.Name)
		}
	}
	return unknown, bad
}

func lacking(unknown []string, how string, bad []string) string {
	var texts []string
	if len(unknown) > 0 {
		texts = append(texts, fmt.Sprintf("containers with unknown status: %s", unknown))
	}
	if len(bad) > 0 {
		texts = append(texts, fmt.Sprintf("containers with %s status: %s", how, bad))
	}
	return strings.Join(texts, ", ")
}
