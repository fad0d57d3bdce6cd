package rules

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// TooLarge is the reason and the text of the condition when no Fargate size
// holds the pod.
const (
	TooLargeReason = "POD_CPU_MEM_EXCEEDS_MAX_FARGATE_SIZE"
	TooLarge       = "Your pod's cpu/memory requirements exceed the max Fargate configuration"
)

// A Refusal is why a pod cannot run on Fargate.
type Refusal struct {
	Reason  string // of the condition PodScheduled
	Message string // of the condition and of the event
}

// A Claim tells of a PersistentVolumeClaim.
type Claim struct {
	Exists bool
	Volume string // the PersistentVolume that it is bound to, "" none
	Driver string // the CSI driver of that, "" when it has none
}

// Refuse returns why a pod that matches a profile cannot run on Fargate, nil
// when it can. claim looks a claim of the pod's namespace up.
func Refuse(pod *corev1.Pod, claim func(name string) Claim) *Refusal {
	if causes := causes(pod, claim); len(causes) > 0 {
		return &Refusal{corev1.PodReasonUnschedulable, "Pod not supported on Fargate: " + strings.Join(causes, ", ")}
	}
	if _, ok := SizeOf(pod); !ok {
		return &Refusal{TooLargeReason, TooLarge}
	}
	return nil
}

// causes are in the order that AWS tells them in.
func causes(pod *corev1.Pod, claim func(string) Claim) []string {
	var all []string
	add := func(what string, items []string, glue string) {
		if len(items) > 0 {
			all = append(all, what+strings.Join(items, glue))
		}
	}
	add("fields not supported: ", fields(pod), ", ")
	add("invalid SecurityContext fields: ", privileged(pod), ",")
	if hasHostPort(pod) {
		all = append(all, "port contains HostIP or HostPort")
	}
	add("resources not supported: ", extended(pod), ", ")
	add("volumes not supported: ", volumes(pod, claim), ", ")
	if s := pod.Spec.SchedulerName; s != SchedulerName {
		all = append(all, "SchedulerName is not "+SchedulerName)
	}
	return all
}

func fields(pod *corev1.Pod) []string {
	var names []string
	for _, f := range []struct {
		is   bool
		name string
	}{{pod.Spec.HostNetwork, "HostNetwork"}, {pod.Spec.HostPID, "HostPID"}, {pod.Spec.HostIPC, "HostIPC"}} {
		if f.is {
			names = append(names, f.name)
		}
	}
	return names
}

// containers are all that a pod is created with.
func containers(pod *corev1.Pod) []corev1.Container {
	return slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
}

// privileged names the field once per container that has it.
func privileged(pod *corev1.Pod) []string {
	var names []string
	for _, c := range containers(pod) {
		if s := c.SecurityContext; s != nil && s.Privileged != nil && *s.Privileged {
			names = append(names, "Privileged")
		}
	}
	return names
}

func hasHostPort(pod *corev1.Pod) bool {
	return slices.ContainsFunc(containers(pod), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 || p.HostIP != "" })
	})
}

// extended lists requested resources that no Fargate size has: GPUs, huge pages.
func extended(pod *corev1.Pod) []string {
	var names []string
	for name, q := range Requests(pod) {
		switch name {
		case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		default:
			if !q.IsZero() {
				names = append(names, string(name))
			}
		}
	}
	slices.Sort(names)
	return names
}

func volumes(pod *corev1.Pod, claim func(string) Claim) []string {
	var bad []string
	for _, v := range pod.Spec.Volumes {
		if why := volume(v, claim); why != "" {
			bad = append(bad, v.Name+" "+why)
		}
	}
	return bad
}

// volume tells why a volume is not supported, "" when it is.
func volume(v corev1.Volume, claim func(string) Claim) string {
	switch {
	case v.EmptyDir != nil, v.ConfigMap != nil, v.Secret != nil, v.Projected != nil, v.DownwardAPI != nil:
		return ""
	case v.PersistentVolumeClaim == nil:
		return "is of an unsupported volume Type"
	}
	name := v.PersistentVolumeClaim.ClaimName
	switch c := claim(name); {
	case !c.Exists:
		return fmt.Sprintf("not supported because: persistentvolumeclaim %q not found", name)
	case c.Volume == "":
		return fmt.Sprintf("not supported because: PVC %s not bound", name)
	case c.Driver == "":
		return fmt.Sprintf("not supported because: PVC %s bound to invalid PV %s", name, c.Volume)
	case c.Driver == "efs.csi.aws.com": // AWS can, Neargate cannot
		return fmt.Sprintf("not supported because: PVC %s bound to PV %s with CSI Driver: %s, which Neargate does not mount", name, c.Volume, c.Driver)
	default:
		return fmt.Sprintf("not supported because: PVC %s bound to invalid PV %s with CSI Driver: %s", name, c.Volume, c.Driver)
	}
}
