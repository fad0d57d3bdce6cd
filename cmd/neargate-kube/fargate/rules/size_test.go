package rules_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
)

func list(cpu, memory, storage string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for name, s := range map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory, corev1.ResourceEphemeralStorage: storage} {
		if s != "" {
			l[name] = resource.MustParse(s)
		}
	}
	return l
}

func container(cpu, memory, storage string) corev1.Container {
	return corev1.Container{Resources: corev1.ResourceRequirements{Requests: list(cpu, memory, storage)}}
}

func requesting(cpu, memory, storage string) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{container(cpu, memory, storage)}, SchedulerName: rules.SchedulerName}}
}

func TestCapacity(t *testing.T) {
	for _, c := range []struct{ cpu, memory, want string }{
		{"", "", "0.25vCPU 0.5GB"},
		{"", "256Mi", "0.25vCPU 0.5GB"},
		{"", "257Mi", "0.25vCPU 1GB"},
		{"250m", "256Mi", "0.25vCPU 0.5GB"},
		{"250m", "1792Mi", "0.25vCPU 2GB"},
		{"250m", "1793Mi", "0.5vCPU 3GB"},
		{"251m", "", "0.5vCPU 1GB"},
		{"500m", "3840Mi", "0.5vCPU 4GB"},
		{"500m", "4Gi", "1vCPU 5GB"},
		{"1", "", "1vCPU 2GB"},
		{"1", "8Gi", "2vCPU 9GB"}, // AWS's own example
		{"2", "", "2vCPU 4GB"},
		{"2", "15Gi", "2vCPU 16GB"},
		{"2", "16Gi", "4vCPU 17GB"},
		{"4", "", "4vCPU 8GB"},
		{"4", "29Gi", "4vCPU 30GB"},
		{"4", "30Gi", "8vCPU 32GB"},
		{"8", "", "8vCPU 16GB"},
		{"8", "17Gi", "8vCPU 20GB"},
		{"8", "60Gi", "16vCPU 64GB"},
		{"16", "", "16vCPU 32GB"},
		{"16", "119Gi", "16vCPU 120GB"},
		{"16", "120Gi", ""},
		{"16001m", "", ""},
	} {
		got := ""
		if s, ok := rules.SizeOf(requesting(c.cpu, c.memory, "")); ok {
			got = rules.Capacity(s)
		}
		if got != c.want {
			t.Errorf("cpu %q memory %q: %q, want %q", c.cpu, c.memory, got, c.want)
		}
	}
}

func TestSizeCountsContainers(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	sidecar := container("250m", "256Mi", "")
	sidecar.RestartPolicy = &always
	limited := corev1.Container{Resources: corev1.ResourceRequirements{Limits: list("4", "8Gi", "")}}
	for name, c := range map[string]struct {
		init, main []corev1.Container
		want       string
	}{
		"the sum":                  {nil, []corev1.Container{container("1", "1Gi", ""), container("1", "1Gi", "")}, "2vCPU 4GB"},
		"a larger init container":  {[]corev1.Container{container("2", "1Gi", "")}, []corev1.Container{container("1", "5Gi", "")}, "2vCPU 6GB"},
		"the largest, not the sum": {[]corev1.Container{container("1", "", ""), container("1", "", "")}, []corev1.Container{container("500m", "", "")}, "1vCPU 2GB"},
		"sidecars add up":          {[]corev1.Container{sidecar}, []corev1.Container{container("250m", "256Mi", "")}, "0.5vCPU 1GB"},
		"limits do not count":      {nil, []corev1.Container{limited}, "0.25vCPU 0.5GB"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := rules.SizeOf(&corev1.Pod{Spec: corev1.PodSpec{InitContainers: c.init, Containers: c.main}})
			if got := rules.Capacity(s); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestStorage(t *testing.T) {
	const gib = 1 << 30
	for request, want := range map[string]int64{"": 20 * gib, "1Gi": 20 * gib, "5Gi": 20 * gib, "5121Mi": 21 * gib, "100Gi": 115 * gib, "175Gi": 190 * gib} {
		if s, ok := rules.SizeOf(requesting("", "", request)); !ok || s.Storage != want {
			t.Errorf("%q: %d %v, want %d", request, s.Storage/gib, ok, want/gib)
		}
	}
	if _, ok := rules.SizeOf(requesting("", "", "176Gi")); ok {
		t.Error("176 GiB fit")
	}
}
