package rules

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"github.com/neargate/neargate/emulator/sandbox"
)

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
	// overhead is what Fargate adds for Kubernetes' own components.
	overhead = 256 * mib
	// Of ephemeral storage Fargate keeps 15 GiB for itself: a request of 100
	// gives 115, and the default of 20 leaves 5.
	storageOverhead = 15 * gib
	storageDefault  = 20 * gib
	storageMost     = 175 * gib
)

// A step of Fargate's table: a number of CPU units, and which memory it can
// have.
type step struct {
	cpu         int64 // units
	low, high   int64 // MiB
	granularity int64 // MiB
}

// steps is the table of reference section 5. The smallest has 0.5 GB beside
// whole ones.
var steps = []step{
	{256, 512, 512, 512}, {256, 1024, 2048, 1024},
	{512, 1024, 4096, 1024},
	{1024, 2048, 8192, 1024},
	{2048, 4096, 16384, 1024},
	{4096, 8192, 30720, 1024},
	{8192, 16384, 61440, 4096},
	{16384, 32768, 122880, 8192},
}

// SizeOf returns the Fargate size of a pod: the smallest combination that holds
// what its containers request, and 256 MiB. False: there is none so large.
func SizeOf(pod *corev1.Pod) (sandbox.Size, bool) {
	r := Requests(pod)
	units := (r.Cpu().MilliValue()*1024 + 999) / 1000
	memory := r.Memory().Value() + overhead
	storage, ok := storageOf(r.StorageEphemeral().Value())
	if !ok {
		return sandbox.Size{}, false
	}
	for _, s := range steps {
		if s.cpu < units || s.high*mib < memory {
			continue
		}
		unit := s.granularity * mib
		m := max(s.low*mib, (memory+unit-1)/unit*unit)
		return sandbox.Size{CPU: s.cpu, Memory: m, Storage: storage}, true
	}
	return sandbox.Size{}, false
}

// Requests are what the scheduler counts for a pod: the larger of its largest
// init container and the sum of the others. (Pod-level resources, and sidecars,
// count as Kubernetes counts them.)
func Requests(pod *corev1.Pod) corev1.ResourceList {
	return resource.PodRequests(pod, resource.PodResourcesOptions{})
}

// storageOf returns the bytes of ephemeral storage for a request.
func storageOf(request int64) (int64, bool) {
	whole := (request + gib - 1) / gib * gib
	return max(storageDefault, whole+storageOverhead), request <= storageMost
}

// Capacity is the text of the annotation CapacityProvisioned:
// "0.25vCPU 0.5GB".
func Capacity(s sandbox.Size) string {
	return fmt.Sprintf("%svCPU %sGB", decimal(float64(s.CPU)/1024), decimal(float64(s.Memory)/float64(gib)))
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
