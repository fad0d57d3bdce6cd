package admission

import (
	"maps"

	"k8s.io/kubernetes/pkg/apis/core"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
)

// apply writes a mutation into a pod.
func apply(pod *core.Pod, m rules.Mutation) {
	pod.Labels = merged(pod.Labels, m.Labels)
	pod.Annotations = merged(pod.Annotations, m.Annotations)
	if m.SchedulerName != "" {
		pod.Spec.SchedulerName = m.SchedulerName
	}
	pod.Spec.PriorityClassName = m.PriorityClassName
	pod.Spec.Priority = &m.Priority
	if pod.Spec.PreemptionPolicy != nil { // of another class, if that was resolved already
		always := core.PreemptLowerPriority
		pod.Spec.PreemptionPolicy = &always
	}
}

// merged leaves the map of a stored or shared object alone.
func merged(old, more map[string]string) map[string]string {
	all := make(map[string]string, len(old)+len(more))
	maps.Copy(all, old)
	maps.Copy(all, more)
	return all
}

// complete gives containers that limit a resource without a request for it the
// limit as request, as Kubernetes' defaulting does; plugins and webhooks may
// have added limits since.
func complete(pod *core.Pod) {
	for _, list := range [][]core.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			r := &list[i].Resources
			for name, limit := range r.Limits {
				if _, ok := r.Requests[name]; ok {
					continue
				}
				if r.Requests == nil {
					r.Requests = core.ResourceList{}
				}
				r.Requests[name] = limit.DeepCopy()
			}
		}
	}
}
