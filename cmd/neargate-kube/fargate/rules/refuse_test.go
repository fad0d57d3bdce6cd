package rules_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
)

func volume(name string, s corev1.VolumeSource) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: s}
}

func claimed(name, claim string) corev1.Volume {
	return volume(name, corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}})
}

func TestRefuse(t *testing.T) {
	yes := true
	privileged := corev1.Container{SecurityContext: &corev1.SecurityContext{Privileged: &yes}}
	hostPort := corev1.Container{Ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}}
	hostIP := corev1.Container{Ports: []corev1.ContainerPort{{ContainerPort: 80, HostIP: "127.0.0.1"}}}
	hostPath := corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
	gpu := container("", "", "")
	gpu.Resources.Requests["nvidia.com/gpu"] = resource.MustParse("1")
	const no = "Pod not supported on Fargate: "
	for name, c := range map[string]struct {
		change func(*corev1.PodSpec)
		want   string
	}{
		"nothing": {func(*corev1.PodSpec) {}, ""},
		"all host namespaces": {func(s *corev1.PodSpec) { s.HostNetwork, s.HostPID, s.HostIPC = true, true, true },
			no + "fields not supported: HostNetwork, HostPID, HostIPC"},
		"host network and port": {func(s *corev1.PodSpec) { s.HostNetwork = true; s.Containers = []corev1.Container{hostPort} },
			no + "fields not supported: HostNetwork, port contains HostIP or HostPort"},
		"host address": {func(s *corev1.PodSpec) { s.Containers = []corev1.Container{hostIP} },
			no + "port contains HostIP or HostPort"},
		"privileged": {func(s *corev1.PodSpec) { s.Containers = []corev1.Container{privileged} },
			no + "invalid SecurityContext fields: Privileged"},
		"privileged twice, once as init container": {func(s *corev1.PodSpec) {
			s.InitContainers = []corev1.Container{privileged}
			s.Containers = []corev1.Container{privileged}
		}, no + "invalid SecurityContext fields: Privileged,Privileged"},
		"as the EFS driver": {func(s *corev1.PodSpec) {
			s.HostNetwork = true
			s.Containers = []corev1.Container{privileged, hostPort}
		}, no + "fields not supported: HostNetwork, invalid SecurityContext fields: Privileged, port contains HostIP or HostPort"},
		"privileged with a host path": {func(s *corev1.PodSpec) {
			s.Containers = []corev1.Container{privileged}
			s.Volumes = []corev1.Volume{volume("mntdatas3fs", hostPath)}
		}, no + "invalid SecurityContext fields: Privileged, volumes not supported: mntdatas3fs is of an unsupported volume Type"},
		"two bad volumes": {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{volume("a", hostPath), volume("b", hostPath)} },
			no + "volumes not supported: a is of an unsupported volume Type, b is of an unsupported volume Type"},
		"all good volumes": {func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{
				volume("a", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}),
				volume("b", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}),
				volume("c", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}),
				volume("d", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}),
				volume("e", corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{}}),
			}
		}, ""},
		"claim not bound": {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{claimed("data", "unbound")} },
			no + "volumes not supported: data not supported because: PVC unbound not bound"},
		"claim missing": {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{claimed("persistence", "test-pvc")} },
			no + `volumes not supported: persistence not supported because: persistentvolumeclaim "test-pvc" not found`},
		"claim of EBS": {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{claimed("storage-volume", "ebs")} },
			no + "volumes not supported: storage-volume not supported because: PVC ebs bound to invalid PV pv-1 with CSI Driver: ebs.csi.aws.com"},
		"claim of EFS": {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{claimed("data", "efs")} },
			no + "volumes not supported: data not supported because: PVC efs bound to PV pv-2 with CSI Driver: efs.csi.aws.com, which Neargate does not mount"},
		"claim without driver": {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{claimed("data", "nfs")} },
			no + "volumes not supported: data not supported because: PVC nfs bound to invalid PV pv-3"},
		"GPU": {func(s *corev1.PodSpec) { s.Containers = []corev1.Container{gpu} },
			no + "resources not supported: nvidia.com/gpu"},
		"own scheduler": {func(s *corev1.PodSpec) { s.SchedulerName = "mine" },
			no + "SchedulerName is not fargate-scheduler"},
		"too large": {func(s *corev1.PodSpec) { s.Containers = []corev1.Container{container("20", "", "")} },
			"Your pod's cpu/memory requirements exceed the max Fargate configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			p := requesting("", "", "")
			c.change(&p.Spec)
			r := rules.Refuse(p, func(name string) rules.Claim {
				return map[string]rules.Claim{
					"unbound": {Exists: true},
					"ebs":     {Exists: true, Volume: "pv-1", Driver: "ebs.csi.aws.com"},
					"efs":     {Exists: true, Volume: "pv-2", Driver: "efs.csi.aws.com"},
					"nfs":     {Exists: true, Volume: "pv-3"},
				}[name]
			})
			got := ""
			if r != nil {
				got = r.Message
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestRefuseReason(t *testing.T) {
	if r := rules.Refuse(requesting("20", "", ""), nil); r == nil || r.Reason != "POD_CPU_MEM_EXCEEDS_MAX_FARGATE_SIZE" {
		t.Errorf("too large: %+v", r)
	}
	p := requesting("", "", "")
	p.Spec.HostPID = true
	if r := rules.Refuse(p, nil); r == nil || r.Reason != "Unschedulable" {
		t.Errorf("host PID: %+v", r)
	}
}
