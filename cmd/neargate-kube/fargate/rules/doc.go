// Package rules is what Fargate decides about a pod, as functions of the pod:
// which profile it matches, how large it becomes, what is written into it at
// admission, and why it cannot run. The facts and the texts are those of
// reference/eks-fargate.md, sections 4, 5 and 7.
package rules

// What admission writes into pods, and what the nodes carry.
const (
	SchedulerName     = "fargate-scheduler"
	ProfileLabel      = "eks.amazonaws.com/fargate-profile"
	ComputeType       = "eks.amazonaws.com/compute-type" // label and taint of nodes, annotation of pods
	Fargate           = "fargate"
	CapacityKey       = "CapacityProvisioned" // annotation
	LoggingKey        = "Logging"             // annotation
	PriorityClassName = "system-node-critical"
	Priority          = 2000001000
)

// Values of the annotation Logging.
const (
	LoggingEnabled  = "LoggingEnabled"
	LoggingNotFound = "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"
	LoggingInvalid  = "LoggingDisabled: LOGGING_CONFIGMAP_INVALID"
)
