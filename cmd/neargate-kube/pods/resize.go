package pods

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// resize.go is about what may be changed in a pod that runs, and cannot be
// followed here.

const textNoResize = "In-place resize is not supported on this node: containers keep the resources that they started with"

// resizePending says why the resources that a pod's specification asks for are
// not the ones that its containers have; "" when they are. What they have is in
// the status, from when they started.
func resizePending(pod *v1.Pod) string {
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		cs := find(pod.Status.ContainerStatuses, c.Name)
		if cs == nil || cs.Resources == nil {
			continue
		}
		if !equality.Semantic.DeepEqual(cs.Resources.Requests, c.Resources.Requests) || !equality.Semantic.DeepEqual(cs.Resources.Limits, c.Resources.Limits) {
			return textNoResize
		}
	}
	return ""
}
