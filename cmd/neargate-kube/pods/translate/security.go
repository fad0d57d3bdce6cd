package translate

import (
	"fmt"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/sandbox"
)

// security.go is about who a container runs as and what it may do.

// security is a container's securityContext over the pod's.
type security struct {
	user, group *int64
	nonRoot     bool
	seccomp     *v1.SeccompProfile
	own         v1.SecurityContext // the container's
	pod         v1.PodSecurityContext
}

func (t *translation) security(c *v1.Container) security {
	s := security{pod: ptr.Deref(t.pod.Spec.SecurityContext, v1.PodSecurityContext{}), own: ptr.Deref(c.SecurityContext, v1.SecurityContext{})}
	s.user = either(s.own.RunAsUser, s.pod.RunAsUser)
	s.group = either(s.own.RunAsGroup, s.pod.RunAsGroup)
	s.seccomp = either(s.own.SeccompProfile, s.pod.SeccompProfile)
	s.nonRoot = ptr.Deref(either(s.own.RunAsNonRoot, s.pod.RunAsNonRoot), false)
	return s
}

func either[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// secure fills in what a container may do.
func (t *translation) secure(c *v1.Container, out *sandbox.Container) error {
	s := t.security(c)
	if ptr.Deref(s.own.Privileged, false) {
		return fmt.Errorf("container %s is privileged: Neargate runs no privileged containers", c.Name)
	}
	if s.nonRoot && s.user != nil && *s.user == 0 {
		return fmt.Errorf("container's runAsUser breaks non-root policy (pod: %q, container: %s)", t.describe(), c.Name)
	}
	out.User, out.NonRoot, out.Groups = s.userAndGroup(), s.nonRoot, s.groups()
	out.ReadOnlyRoot = ptr.Deref(s.own.ReadOnlyRootFilesystem, false)
	out.NoNewPrivileges = !ptr.Deref(s.own.AllowPrivilegeEscalation, true)
	if s.own.Capabilities != nil {
		out.CapAdd, out.CapDrop = capabilities(s.own.Capabilities.Add), capabilities(s.own.Capabilities.Drop)
	}
	t.tellSecurity(c.Name, &s)
	return s.applySeccomp(out)
}

// userAndGroup is uid, uid:gid, or :gid for the image's user in another group.
func (s *security) userAndGroup() string {
	text := ""
	if s.user != nil {
		text = strconv.FormatInt(*s.user, 10)
	}
	if s.group != nil {
		text += ":" + strconv.FormatInt(*s.group, 10)
	}
	return text
}

func (s *security) groups() []int {
	var all []int
	if s.pod.FSGroup != nil {
		all = append(all, int(*s.pod.FSGroup))
	}
	for _, g := range s.pod.SupplementalGroups {
		all = append(all, int(g))
	}
	return all
}

func capabilities(list []v1.Capability) []string {
	var all []string
	for _, c := range list {
		all = append(all, string(c))
	}
	return all
}

// applySeccomp: without a profile a container gets the runtime's default one.
func (s *security) applySeccomp(out *sandbox.Container) error {
	if s.seccomp == nil {
		return nil
	}
	switch s.seccomp.Type {
	case v1.SeccompProfileTypeUnconfined:
		out.Seccomp = "unconfined"
	case v1.SeccompProfileTypeLocalhost:
		return fmt.Errorf("seccomp profile %q of type Localhost: the node has no profiles of its own", ptr.Deref(s.seccomp.LocalhostProfile, ""))
	}
	return nil
}

func (t *translation) tellSecurity(name string, s *security) {
	if either(s.own.SELinuxOptions, s.pod.SELinuxOptions) != nil {
		t.note("container %s: seLinuxOptions have no effect", name)
	}
	if either(s.own.WindowsOptions, s.pod.WindowsOptions) != nil {
		t.note("container %s: windowsOptions have no effect: the node runs Linux", name)
	}
	if p := s.pod.SELinuxChangePolicy; p != nil {
		t.note("seLinuxChangePolicy %s has no effect: volumes have no SELinux labels", *p)
	}
	if a := either(s.own.AppArmorProfile, s.pod.AppArmorProfile); a != nil && a.Type != v1.AppArmorProfileTypeRuntimeDefault {
		t.note("container %s: appArmorProfile %s has no effect: the runtime's own is used", name, a.Type)
	}
	if p := ptr.Deref(s.own.ProcMount, v1.DefaultProcMount); p != v1.DefaultProcMount {
		t.note("container %s: procMount %s has no effect", name, p)
	}
	if p := ptr.Deref(s.pod.SupplementalGroupsPolicy, v1.SupplementalGroupsPolicyMerge); p != v1.SupplementalGroupsPolicyMerge {
		t.note("supplementalGroupsPolicy %s has no effect: the groups of the image's /etc/group are merged in", p)
	}
}

// fileOwner is the user that all containers of the pod run as, nil when there
// is no such one: kubelet makes tokens that user's own.
func (t *translation) fileOwner() *int64 {
	var owner *int64
	for _, list := range [][]v1.Container{t.pod.Spec.InitContainers, t.pod.Spec.Containers} {
		for i := range list {
			user := t.security(&list[i]).user
			if user == nil || owner != nil && *owner != *user {
				return nil
			}
			owner = user
		}
	}
	return owner
}

// fsGroup is the group that volumes belong to; nil: none.
func (t *translation) fsGroup() *int64 {
	if t.pod.Spec.SecurityContext == nil {
		return nil
	}
	return t.pod.Spec.SecurityContext.FSGroup
}
