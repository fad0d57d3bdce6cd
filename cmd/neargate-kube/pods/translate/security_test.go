package translate_test

import (
	"reflect"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestSecurity(t *testing.T) {
	for name, c := range map[string]struct {
		pod  v1.PodSecurityContext
		own  v1.SecurityContext
		want sandbox.Container
	}{
		"none":             {v1.PodSecurityContext{}, v1.SecurityContext{}, sandbox.Container{}},
		"pod's user":       {v1.PodSecurityContext{RunAsUser: ptr.To[int64](5), RunAsGroup: ptr.To[int64](6)}, v1.SecurityContext{}, sandbox.Container{User: "5:6"}},
		"own user":         {v1.PodSecurityContext{RunAsUser: ptr.To[int64](5), RunAsGroup: ptr.To[int64](6)}, v1.SecurityContext{RunAsUser: ptr.To[int64](0)}, sandbox.Container{User: "0:6"}},
		"group alone":      {v1.PodSecurityContext{}, v1.SecurityContext{RunAsGroup: ptr.To[int64](6)}, sandbox.Container{User: ":6"}},
		"groups":           {v1.PodSecurityContext{FSGroup: ptr.To[int64](9), SupplementalGroups: []int64{7, 8}}, v1.SecurityContext{}, sandbox.Container{Groups: []int{9, 7, 8}}},
		"non root":         {v1.PodSecurityContext{RunAsNonRoot: ptr.To(true)}, v1.SecurityContext{}, sandbox.Container{NonRoot: true}},
		"own non root":     {v1.PodSecurityContext{RunAsNonRoot: ptr.To(true)}, v1.SecurityContext{RunAsNonRoot: ptr.To(false)}, sandbox.Container{}},
		"read only root":   {v1.PodSecurityContext{}, v1.SecurityContext{ReadOnlyRootFilesystem: ptr.To(true)}, sandbox.Container{ReadOnlyRoot: true}},
		"no escalation":    {v1.PodSecurityContext{}, v1.SecurityContext{AllowPrivilegeEscalation: ptr.To(false)}, sandbox.Container{NoNewPrivileges: true}},
		"escalation":       {v1.PodSecurityContext{}, v1.SecurityContext{AllowPrivilegeEscalation: ptr.To(true)}, sandbox.Container{}},
		"capabilities":     {v1.PodSecurityContext{}, v1.SecurityContext{Capabilities: &v1.Capabilities{Add: []v1.Capability{"NET_BIND_SERVICE"}, Drop: []v1.Capability{"ALL"}}}, sandbox.Container{CapAdd: []string{"NET_BIND_SERVICE"}, CapDrop: []string{"ALL"}}},
		"seccomp":          {v1.PodSecurityContext{SeccompProfile: &v1.SeccompProfile{Type: "Unconfined"}}, v1.SecurityContext{}, sandbox.Container{Seccomp: "unconfined"}},
		"own seccomp":      {v1.PodSecurityContext{SeccompProfile: &v1.SeccompProfile{Type: "Unconfined"}}, v1.SecurityContext{SeccompProfile: &v1.SeccompProfile{Type: "RuntimeDefault"}}, sandbox.Container{}},
		"sysctls":          {v1.PodSecurityContext{Sysctls: []v1.Sysctl{{Name: "net/ipv4/tcp_syncookies", Value: "0"}}}, v1.SecurityContext{}, sandbox.Container{Sysctls: map[string]string{"net.ipv4.tcp_syncookies": "0"}}},
		"not privileged":   {v1.PodSecurityContext{}, v1.SecurityContext{Privileged: ptr.To(false)}, sandbox.Container{}},
		"user not of root": {v1.PodSecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](1)}, v1.SecurityContext{}, sandbox.Container{NonRoot: true, User: "1"}},
	} {
		pod := shopPod(box(func(b *v1.Container) { b.SecurityContext = &c.own }))
		pod.Spec.SecurityContext = &c.pod
		r := translated(t, pod, &objects{})
		o := r.Completion.Containers[0]
		got := sandbox.Container{User: o.User, Groups: o.Groups, NonRoot: o.NonRoot, ReadOnlyRoot: o.ReadOnlyRoot, NoNewPrivileges: o.NoNewPrivileges,
			CapAdd: o.CapAdd, CapDrop: o.CapDrop, Seccomp: o.Seccomp, Sysctls: o.Sysctls}
		if !reflect.DeepEqual(got, c.want) || r.Notes != nil {
			t.Errorf("%s: got %+v, %q; want %+v", name, got, r.Notes, c.want)
		}
	}
}

func TestSecurityErrors(t *testing.T) {
	for want, own := range map[string]v1.SecurityContext{
		`container's runAsUser breaks non-root policy (pod: "web-0_shop(11111111-2222-3333-4444-555555555555)", container: web)`: {RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](0)},
		`container web is privileged: Neargate runs no privileged containers`:                                                    {Privileged: ptr.To(true)},
		`seccomp profile "p.json" of type Localhost: the node has no profiles of its own`:                                        {SeccompProfile: &v1.SeccompProfile{Type: "Localhost", LocalhostProfile: ptr.To("p.json")}},
	} {
		errs := untold(t, shopPod(box(func(b *v1.Container) { b.SecurityContext = &own })), &objects{})
		if len(errs) != 1 || errs[0].Message != want || errs[0].Reason != "CreateContainerConfigError" {
			t.Errorf("got %v; want %s", errs, want)
		}
	}
}

func TestSecurityNotes(t *testing.T) {
	pod := shopPod(box(func(b *v1.Container) {
		b.SecurityContext = &v1.SecurityContext{SELinuxOptions: &v1.SELinuxOptions{}, ProcMount: ptr.To(v1.UnmaskedProcMount), AppArmorProfile: &v1.AppArmorProfile{Type: "Unconfined"}}
	}))
	pod.Spec.SecurityContext = &v1.PodSecurityContext{SupplementalGroupsPolicy: ptr.To(v1.SupplementalGroupsPolicyStrict)}
	got := strings.Join(translated(t, pod, &objects{}).Notes, "\n")
	for _, want := range []string{"seLinuxOptions", "procMount Unmasked", "appArmorProfile Unconfined", "supplementalGroupsPolicy Strict"} {
		if !strings.Contains(got, want) {
			t.Errorf("no note of %s in %s", want, got)
		}
	}
}

// The token belongs to a user when all containers run as that one.
func TestTokenOwner(t *testing.T) {
	user := func(n *int64) *v1.SecurityContext { return &v1.SecurityContext{RunAsUser: n} }
	for name, c := range map[string]struct {
		a, b *int64
		want int
		mode uint32
	}{"one": {ptr.To[int64](3), ptr.To[int64](3), 3, 0o600}, "two": {ptr.To[int64](3), ptr.To[int64](4), 0, 0o644}, "unsaid": {ptr.To[int64](3), nil, 0, 0o644}} {
		pod := shopPod(v1.Container{Name: "a", SecurityContext: user(c.a)}, v1.Container{Name: "b", SecurityContext: user(c.b)})
		pod.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{{ServiceAccountToken: &v1.ServiceAccountTokenProjection{Path: "t"}}}}}}}
		if f := translated(t, pod, store()).Completion.Volumes[0].Files[0]; f.UID != c.want || f.Mode != c.mode {
			t.Errorf("%s: got %d %o", name, f.UID, f.Mode)
		}
	}
}
