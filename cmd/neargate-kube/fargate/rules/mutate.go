package rules

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/eks/link"
)

// A Mutation is what admission writes into a pod that a profile matches.
type Mutation struct {
	Labels      map[string]string
	Annotations map[string]string
	// SchedulerName is "" when the pod keeps its own, with which Fargate will
	// refuse it.
	SchedulerName     string
	PriorityClassName string
	Priority          int32
}

// Mutate returns what becomes of a pod on a profile. logging is the value of
// the annotation Logging. A pod that is too large has no CapacityProvisioned.
func Mutate(pod *corev1.Pod, p link.FargateProfile, logging string) Mutation {
	m := Mutation{
		Labels:            map[string]string{ProfileLabel: p.Name},
		Annotations:       map[string]string{LoggingKey: logging},
		PriorityClassName: PriorityClassName,
		Priority:          Priority,
	}
	if size, ok := SizeOf(pod); ok {
		m.Annotations[CapacityKey] = Capacity(size)
	}
	switch pod.Spec.SchedulerName {
	case "", corev1.DefaultSchedulerName, SchedulerName:
		m.SchedulerName = SchedulerName
	}
	return m
}
