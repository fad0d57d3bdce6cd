package translate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// safeSysctls are those that kubelet lets a pod set without being told to.
var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
	"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat",
}

// refusals are what kubelet does not take.
func (t *translation) refusals() Errors {
	var errs Errors
	for _, name := range sorted(maps.Keys(t.sysctls())) {
		if !slices.Contains(safeSysctls, name) {
			errs = append(errs, &Error{Reason: ReasonSysctl, Rejected: true, Message: fmt.Sprintf("forbidden sysctl: %q not allowlisted", name)})
		}
	}
	spec := &t.pod.Spec
	if spec.OS != nil && spec.OS.Name != v1.Linux {
		errs = append(errs, &Error{Reason: ReasonOS, Rejected: true, Message: "Failed to admit pod as the OS field doesn't match node OS"})
	}
	return errs
}

// shared refuses what no sandbox can be: what Fargate refuses before, but a
// node group's pod may still ask for.
func (t *translation) shared() error {
	spec := &t.pod.Spec
	var shared []string
	for _, s := range []struct {
		name string
		on   bool
	}{{"hostNetwork", spec.HostNetwork}, {"hostPID", spec.HostPID}, {"hostIPC", spec.HostIPC}} {
		if s.on {
			shared = append(shared, s.name)
		}
	}
	if len(shared) == 0 {
		return nil
	}
	return fmt.Errorf("%s: Neargate's nodes share nothing with their pods", strings.Join(shared, ", "))
}

// tellIneffective notes fields of the pod that have no effect.
func (t *translation) tellIneffective() {
	spec := &t.pod.Spec
	if !ptr.Deref(spec.HostUsers, true) {
		t.note("hostUsers false has no effect: the pod has no user namespace of its own")
	}
	if len(spec.ResourceClaims) > 0 || spec.Resources != nil && len(spec.Resources.Claims) > 0 {
		t.note("resourceClaims have no effect: there are no devices")
	}
	if r := ptr.Deref(spec.RuntimeClassName, ""); r != "" {
		t.note("runtimeClassName %s has no effect: there is one runtime", r)
	}
	for _, list := range [][]v1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			for _, p := range list[i].Ports {
				if p.HostPort != 0 {
					t.note("container %s: hostPort %d has no effect: the pod has an address of its own", list[i].Name, p.HostPort)
				}
			}
		}
	}
}
