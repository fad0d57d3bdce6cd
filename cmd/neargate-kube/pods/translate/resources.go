package translate

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/neargate/neargate/emulator/sandbox"
)

// unitsPerCPU are CPU units of one vCPU.
const unitsPerCPU = 1024

// Kubelet's least quota is 1 ms in 100 ms.
const minQuota = 10 // thousandths of a CPU

// minReservation is the least memory that the Engine takes as a reservation.
const minReservation = 6 << 20

// size translates requests and limits. A limit that the container does not
// have is the pod's, where the pod has limits of its own.
func (t *translation) size(c *v1.Container, out *sandbox.Container) {
	limit := func(name v1.ResourceName) resource.Quantity {
		q := c.Resources.Limits[name]
		if q.IsZero() && t.pod.Spec.Resources != nil {
			q = t.pod.Spec.Resources.Limits[name]
		}
		return q
	}
	cpu, memory := limit(v1.ResourceCPU), limit(v1.ResourceMemory)
	request, asked := c.Resources.Requests[v1.ResourceCPU]
	if !asked {
		request = cpu
	}
	out.CPU = ceil(request.MilliValue()*unitsPerCPU, 1000)
	if !cpu.IsZero() {
		out.CPULimit = ceil(max(minQuota, cpu.MilliValue())*unitsPerCPU, 1000)
	}
	out.Memory = memory.Value()
	if r := c.Resources.Requests[v1.ResourceMemory]; r.Value() >= minReservation && (out.Memory == 0 || r.Value() <= out.Memory) {
		out.MemoryReservation = r.Value()
	}
	if q, ok := c.Resources.Limits[v1.ResourceEphemeralStorage]; ok {
		t.note("container %s: its limit of ephemeral-storage, %s, is not enforced: no pod is evicted for its disk use", c.Name, q.String())
	}
	if len(c.Resources.Claims) > 0 {
		t.note("container %s: resource claims have no effect", c.Name)
	}
}

// Resources are what a container of a pod asks for, in a sandbox's terms.
func Resources(pod *v1.Pod, c *v1.Container) sandbox.Resources {
	var out sandbox.Container
	newTranslation(pod, nil, Environment{}).size(c, &out)
	return out.Resources()
}

// memoryOfPod is the sum of the containers' memory limits, 0 when one of them
// has none: what kubelet bounds memory volumes with.
func (t *translation) memoryOfPod() int64 {
	if t.pod.Spec.Resources != nil {
		if q := t.pod.Spec.Resources.Limits[v1.ResourceMemory]; !q.IsZero() {
			return q.Value()
		}
	}
	var sum int64
	for i := range t.pod.Spec.Containers {
		q := t.pod.Spec.Containers[i].Resources.Limits[v1.ResourceMemory]
		if q.IsZero() {
			return 0
		}
		sum += q.Value()
	}
	return sum
}
