package translate_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/sandbox"
)

// written are the files of a volume, one a line: path mode uid:gid data.
func written(v *sandbox.Volume) string {
	var b strings.Builder
	for _, f := range v.Files {
		fmt.Fprintf(&b, "%s %04o %d:%d %s\n", f.Path, f.Mode, f.UID, f.GID, f.Data)
	}
	return b.String()
}

func named(name string) v1.LocalObjectReference { return v1.LocalObjectReference{Name: name} }

func store() *objects {
	fixed := secret("fixed", map[string]string{"k": "v"})
	fixed.Immutable = ptr.To(true)
	cm := configMap("c", map[string]string{"b": "two", "a": "one"})
	cm.BinaryData = map[string][]byte{"z": {1}}
	return &objects{
		configMaps: []*v1.ConfigMap{cm}, secrets: []*v1.Secret{secret("s", map[string]string{"key": "geheim"}), fixed},
		token: translate.Token{Value: "tok", Issued: issued, Expires: issued.Add(time.Hour)},
	}
}

func TestVolumes(t *testing.T) {
	labels := v1.DownwardAPIVolumeFile{Path: "meta/labels", FieldRef: &v1.ObjectFieldSelector{FieldPath: "metadata.labels"}}
	limit := v1.DownwardAPIVolumeFile{Path: "cpu", Mode: ptr.To[int32](0o400), ResourceFieldRef: &v1.ResourceFieldSelector{ContainerName: "web", Resource: "limits.cpu", Divisor: resource.MustParse("1m")}}
	group := func(s *v1.PodSpec) { s.SecurityContext = &v1.PodSecurityContext{FSGroup: ptr.To[int64](2000)} }
	user := func(s *v1.PodSpec) { s.SecurityContext = &v1.PodSecurityContext{RunAsUser: ptr.To[int64](1000)} }
	none := func(*v1.PodSpec) {}
	token := v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{DefaultMode: ptr.To[int32](0o644), Sources: []v1.VolumeProjection{{ServiceAccountToken: &v1.ServiceAccountTokenProjection{Path: "token"}}}}}
	due := issued.Add(48 * time.Minute)
	for name, c := range map[string]struct {
		source v1.VolumeSource
		pod    func(*v1.PodSpec)
		files  string
		update translate.Update
	}{
		"configMap": {v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: named("c")}}, none,
			"a 0644 0:0 one\nb 0644 0:0 two\nz 0644 0:0 \x01\n", translate.Update{ConfigMaps: []string{"c"}}},
		"configMap items": {v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: named("c"), DefaultMode: ptr.To[int32](0o600),
			Items: []v1.KeyToPath{{Key: "a", Path: "x/./y"}, {Key: "b", Path: "b", Mode: ptr.To[int32](0o777)}}}}, none,
			"b 0777 0:0 two\nx/y 0600 0:0 one\n", translate.Update{ConfigMaps: []string{"c"}}},
		"configMap optional": {v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: named("none"), Optional: ptr.To(true), Items: []v1.KeyToPath{{Key: "a", Path: "a"}}}}, none,
			"", translate.Update{ConfigMaps: []string{"none"}}},
		"secret with group": {v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "s", DefaultMode: ptr.To[int32](0o400)}}, group,
			"key 0440 0:2000 geheim\n", translate.Update{Secrets: []string{"s"}}},
		"secret, immutable": {v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "fixed"}}, none, "k 0644 0:0 v\n", translate.Update{}},
		"downward": {v1.VolumeSource{DownwardAPI: &v1.DownwardAPIVolumeSource{Items: []v1.DownwardAPIVolumeFile{labels, limit}}}, none,
			"cpu 0400 0:0 2000\nmeta/labels 0644 0:0 app=\"web\"\n", translate.Update{Fields: true}},
		"downward without fields": {v1.VolumeSource{DownwardAPI: &v1.DownwardAPIVolumeSource{Items: []v1.DownwardAPIVolumeFile{limit}}}, none, "cpu 0400 0:0 2000\n", translate.Update{}},
		"token":                   {token, none, "token 0644 0:0 tok\n", translate.Update{RefreshAt: due}},
		"token of a group":        {token, group, "token 0640 0:2000 tok\n", translate.Update{RefreshAt: due}},
		"token of a user":         {token, user, "token 0600 1000:0 tok\n", translate.Update{RefreshAt: due}},
		"projected": {v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{DefaultMode: ptr.To[int32](0o440), Sources: []v1.VolumeProjection{
			{ConfigMap: &v1.ConfigMapProjection{LocalObjectReference: named("c"), Items: []v1.KeyToPath{{Key: "a", Path: "ca.crt"}}}},
			{Secret: &v1.SecretProjection{LocalObjectReference: named("s"), Items: []v1.KeyToPath{{Key: "key", Path: "ca.crt"}, {Key: "gone", Path: "gone"}}, Optional: ptr.To(true)}},
			{DownwardAPI: &v1.DownwardAPIProjection{Items: []v1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &v1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
			{Secret: &v1.SecretProjection{LocalObjectReference: named("s"), Items: []v1.KeyToPath{{Key: "key", Path: "again"}}}},
		}}}, none, "again 0440 0:0 geheim\nca.crt 0440 0:0 geheim\nnamespace 0440 0:0 shop\n", translate.Update{ConfigMaps: []string{"c"}, Secrets: []string{"s"}}},
	} {
		t.Run(name, func(t *testing.T) {
			pod := shopPod(box())
			pod.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: c.source}}
			c.pod(&pod.Spec)
			r := translated(t, pod, store())
			v := r.Completion.Volumes[0]
			if got := written(&v); got != c.files {
				t.Errorf("got\n%swant\n%s", got, c.files)
			}
			if !v.Atomic || !v.Empty || v.Mode != 0o777 {
				t.Errorf("the root is %+v", v)
			}
			var updates []translate.Update
			if !reflect.DeepEqual(c.update, translate.Update{}) {
				c.update.Volume = "v"
				updates = []translate.Update{c.update}
			}
			if !reflect.DeepEqual(r.Updates, updates) {
				t.Errorf("updates %+v; want %+v", r.Updates, updates)
			}
			again, u, err := translate.Volume(t.Context(), pod, "v", store(), surroundings())
			if err != nil || !reflect.DeepEqual(again, v) || u.RefreshAt != c.update.RefreshAt {
				t.Errorf("Volume gave %+v, %+v, %v", again, u, err)
			}
		})
	}
}

func TestVolumeErrors(t *testing.T) {
	badField := v1.DownwardAPIVolumeFile{Path: "x", FieldRef: &v1.ObjectFieldSelector{FieldPath: "spec.x"}}
	for want, source := range map[string]v1.VolumeSource{
		`configmap "x" not found`:                            {ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: named("x")}},
		`configmap references non-existent config key: nope`: {ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: named("c"), Items: []v1.KeyToPath{{Key: "nope", Path: "p"}}}},
		`secret "x" not found`:                               {Secret: &v1.SecretVolumeSource{SecretName: "x"}},
		`references non-existent secret key: nope`:           {Secret: &v1.SecretVolumeSource{SecretName: "s", Items: []v1.KeyToPath{{Key: "nope", Path: "p"}}}},
		`unsupported fieldPath: spec.x`:                      {DownwardAPI: &v1.DownwardAPIVolumeSource{Items: []v1.DownwardAPIVolumeFile{badField}}},
		`[configmap "x" not found, secret "y" not found]`: {Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{
			{ConfigMap: &v1.ConfigMapProjection{LocalObjectReference: named("x")}}, {Secret: &v1.SecretProjection{LocalObjectReference: named("y")}}}}},
		`clusterTrustBundle: Neargate does not project cluster trust bundles`:                                                                          {Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{{ClusterTrustBundle: &v1.ClusterTrustBundleProjection{}}}}},
		`podCertificate: Neargate does not project pod certificates`:                                                                                   {Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{{PodCertificate: &v1.PodCertificateProjection{}}}}},
		`persistentVolumeClaim "data": Neargate has no persistent volumes; use an emptyDir`:                                                            {PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}},
		`csi: Neargate has no volumes of this type; there are emptyDir, configMap, secret, downwardAPI, projected and, on node groups, hostPath`:       {CSI: &v1.CSIVolumeSource{}},
		`ephemeral: Neargate has no volumes of this type; there are emptyDir, configMap, secret, downwardAPI, projected and, on node groups, hostPath`: {Ephemeral: &v1.EphemeralVolumeSource{}},
		`emptyDir of medium HugePages: Neargate has no huge pages`:                                                                                     {EmptyDir: &v1.EmptyDirVolumeSource{Medium: v1.StorageMediumHugePages}},
	} {
		pod := shopPod(box())
		pod.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: source}}
		want = `MountVolume.SetUp failed for volume "v" : ` + want
		errs := refused(t, pod, store())
		if e := errs[0]; len(errs) != 1 || e.Message != want || e.Reason != "FailedMount" || e.Volume != "v" || e.Container != "" {
			t.Errorf("got %+v; want %s", *errs[0], want)
		}
		if _, _, err := translate.Volume(t.Context(), pod, "v", store(), surroundings()); err == nil || err.Error() != want {
			t.Errorf("Volume gave %v", err)
		}
	}
	if _, _, err := translate.Volume(t.Context(), shopPod(box()), "v", store(), surroundings()); err == nil {
		t.Error("a volume that the pod does not have was translated")
	}
}

func TestTokenRequest(t *testing.T) {
	s := store()
	s.token.Expires = issued.Add(7 * 24 * time.Hour)
	pod := shopPod(box())
	pod.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{
		{ServiceAccountToken: &v1.ServiceAccountTokenProjection{Path: "t", Audience: "sts.amazonaws.com", ExpirationSeconds: ptr.To[int64](86400)}}}}}}}
	r := translated(t, pod, s)
	want := translate.TokenRequest{Namespace: "shop", ServiceAccount: "seller", Audience: "sts.amazonaws.com", Expiration: 24 * time.Hour, PodName: "web-0", PodUID: pod.UID}
	if len(s.asked) != 1 || s.asked[0] != want {
		t.Errorf("asked for %+v", s.asked)
	}
	if got := r.Updates[0].RefreshAt; got != issued.Add(24*time.Hour) {
		t.Errorf("due at %v; want after a day", got)
	}
}

func TestEmptyDirs(t *testing.T) {
	for name, c := range map[string]struct {
		dir  v1.EmptyDirVolumeSource
		pod  string // memory limit of the container
		want sandbox.Volume
	}{
		"disk":                    {v1.EmptyDirVolumeSource{}, "1Gi", sandbox.Volume{}},
		"disk with limit":         {v1.EmptyDirVolumeSource{SizeLimit: resource.NewQuantity(5, resource.BinarySI)}, "", sandbox.Volume{Size: 5}},
		"memory of the node":      {v1.EmptyDirVolumeSource{Medium: "Memory"}, "", sandbox.Volume{Memory: true, Size: 4 << 30}},
		"memory of the pod":       {v1.EmptyDirVolumeSource{Medium: "Memory"}, "1Gi", sandbox.Volume{Memory: true, Size: 1 << 30}},
		"memory of its own":       {v1.EmptyDirVolumeSource{Medium: "Memory", SizeLimit: ptr.To(resource.MustParse("1Mi"))}, "1Gi", sandbox.Volume{Memory: true, Size: 1 << 20}},
		"memory beyond the pod's": {v1.EmptyDirVolumeSource{Medium: "Memory", SizeLimit: ptr.To(resource.MustParse("9Gi"))}, "1Gi", sandbox.Volume{Memory: true, Size: 1 << 30}},
	} {
		pod := shopPod(box(func(b *v1.Container) {
			if c.pod != "" {
				b.Resources.Limits = v1.ResourceList{"memory": resource.MustParse(c.pod)}
			}
		}))
		pod.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: v1.VolumeSource{EmptyDir: &c.dir}}}
		pod.Spec.SecurityContext = &v1.PodSecurityContext{FSGroup: ptr.To[int64](7)}
		c.want.Name, c.want.Mode, c.want.Empty, c.want.GID = "v", 0o777, true, 7
		if got := translated(t, pod, &objects{}).Completion.Volumes[0]; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v; want %+v", name, got, c.want)
		}
	}
}

func TestMounts(t *testing.T) {
	volumes := []v1.Volume{{Name: "d", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}}, {Name: "c", VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: named("c")}}}}
	env := []v1.EnvVar{{Name: "POD", ValueFrom: field("metadata.name")}, {Name: "NONE"}}
	for name, c := range map[string]struct {
		mount v1.VolumeMount
		want  sandbox.Mount
		err   string
	}{
		"plain":            {v1.VolumeMount{Name: "d", MountPath: "/d"}, sandbox.Mount{Volume: "d", Path: "/d"}, ""},
		"read only":        {v1.VolumeMount{Name: "d", MountPath: "/d", ReadOnly: true}, sandbox.Mount{Volume: "d", Path: "/d", ReadOnly: true}, ""},
		"configMap":        {v1.VolumeMount{Name: "c", MountPath: "/c"}, sandbox.Mount{Volume: "c", Path: "/c", ReadOnly: true}, ""},
		"relative":         {v1.VolumeMount{Name: "d", MountPath: "d"}, sandbox.Mount{Volume: "d", Path: "/d"}, ""},
		"subPath":          {v1.VolumeMount{Name: "c", MountPath: "/f", SubPath: "a"}, sandbox.Mount{Volume: "c", Path: "/f", SubPath: "a", ReadOnly: true}, ""},
		"subPathExpr":      {v1.VolumeMount{Name: "d", MountPath: "/d", SubPathExpr: "logs/$(POD)"}, sandbox.Mount{Volume: "d", Path: "/d", SubPath: "logs/web-0"}, ""},
		"missing variable": {v1.VolumeMount{Name: "d", MountPath: "/d", SubPathExpr: "$(X)/$(NONE)"}, sandbox.Mount{}, "missing value for NONE, X"},
		"absolute":         {v1.VolumeMount{Name: "d", MountPath: "/d", SubPathExpr: "/$(POD)"}, sandbox.Mount{}, "error SubPath `/web-0` must not be an absolute path"},
		"upwards":          {v1.VolumeMount{Name: "d", MountPath: "/d", SubPath: "a/../.."}, sandbox.Mount{}, "unable to provision SubPath `a/../..`: must not contain '..'"},
		"unknown":          {v1.VolumeMount{Name: "x", MountPath: "/d"}, sandbox.Mount{}, `cannot find volume "x" to mount into container "web"`},
	} {
		pod := shopPod(box(func(b *v1.Container) { b.VolumeMounts, b.Env = []v1.VolumeMount{c.mount}, env }))
		pod.Spec.Volumes = volumes
		if c.err != "" {
			if errs := untold(t, pod, store()); len(errs) != 1 || errs[0].Message != c.err || errs[0].Container != "web" {
				t.Errorf("%s: got %v", name, errs)
			}
			continue
		}
		if got := translated(t, pod, store()).Completion.Containers[0].Mounts; len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
