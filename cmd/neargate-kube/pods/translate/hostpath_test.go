package translate_test

import (
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/sandbox"
)

func TestHostPath(t *testing.T) {
	env := surroundings()
	env.Fargate, env.Node = false, "0123"
	kind := func(k v1.HostPathType) *v1.HostPathType { return &k }
	for name, c := range map[string]struct {
		path string
		kind *v1.HostPathType
		want string // of the error, else the place
		env  translate.Environment
	}{
		"plain":       {"/data", nil, "0123,/data", env},
		"type":        {"/data", kind(v1.HostPathDirectoryOrCreate), "0123,DirectoryOrCreate/data", env},
		"device":      {"/dev/null", kind(v1.HostPathCharDev), "0123,CharDevice/dev/null", env},
		"not of it":   {"/etc/hosts", kind(v1.HostPathDirectory), `MountVolume.SetUp failed for volume "v" : hostPath type check failed: /etc/hosts is not a directory`, env},
		"kernel's":    {"/proc", nil, `MountVolume.SetUp failed for volume "v" : hostPath "/proc": Neargate's nodes have neither processes nor devices of their own that pods could see`, env},
		"below":       {"/sys/fs/cgroup", kind(v1.HostPathDirectory), `MountVolume.SetUp failed for volume "v" : hostPath "/sys/fs/cgroup": Neargate's nodes have neither processes nor devices of their own that pods could see`, env},
		"beside":      {"/process", nil, "0123,/process", env},
		"without one": {"/data", nil, `MountVolume.SetUp failed for volume "v" : hostPath "/data": the pod's node has no disk`, surroundings()},
	} {
		t.Run(name, func(t *testing.T) {
			pod := shopPod(box(func(c *v1.Container) { c.VolumeMounts = []v1.VolumeMount{{Name: "v", MountPath: "/v", SubPath: "s"}} }))
			pod.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: v1.VolumeSource{HostPath: &v1.HostPathVolumeSource{Path: c.path, Type: c.kind}}}}
			r, err := translate.Pod(t.Context(), pod, &objects{}, c.env)
			if err != nil {
				if err.Error() != c.want {
					t.Error(err)
				}
				return
			}
			if v := r.Completion.Volumes[0]; v.Name != "v" || v.Node != "0123" || v.Path != c.want {
				t.Errorf("%+v", v)
			}
			if m := r.Completion.Containers[0].Mounts[0]; m != (sandbox.Mount{Volume: "v", Path: "/v", SubPath: "s"}) {
				t.Errorf("%+v", m)
			}
			if len(r.Notes) != 1 || !strings.HasPrefix(r.Notes[0], "hostPath "+c.path+" is on the virtual node's own disk") {
				t.Errorf("notes %q", r.Notes)
			}
		})
	}
}
