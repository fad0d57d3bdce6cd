package pods

import (
	"slices"

	v1 "k8s.io/api/core/v1"
)

// phase.go computes a pod's phase from the statuses of its containers, by
// kubelet's rules.

// tally counts a pod's containers by what they mean for its phase.
type tally struct {
	pendingInit    int // init containers that have not ended yet
	pendingSidecar int // sidecars that have not started yet
	hopelessInit   int // init containers that failed and are not tried again

	unknown, running, waiting int // sidecars and main containers

	stopped, settled, succeeded int // main containers: ended; of those for good; of those with 0
}

// phase is a pod's phase. ended says that nothing of the pod runs and that
// nothing of it will be started any more, whatever its restart policy.
func phase(spec *v1.PodSpec, statuses []v1.ContainerStatus, ended bool) v1.PodPhase {
	t := count(spec, statuses)
	switch {
	case t.hopelessInit > 0:
		return v1.PodFailed
	case t.pendingInit > 0, t.pendingSidecar > 0 && !anyMainStarted(spec, statuses), t.waiting > 0, t.unknown > 0:
		return v1.PodPending
	case t.running > 0:
		return v1.PodRunning
	case t.stopped == 0:
		return v1.PodPending
	case !ended && t.settled < t.stopped:
		return v1.PodRunning
	case t.succeeded == t.stopped:
		return v1.PodSucceeded
	}
	return v1.PodFailed
}

func count(spec *v1.PodSpec, statuses []v1.ContainerStatus) tally {
	var t tally
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if isSidecar(c) {
			t.sidecar(find(statuses, c.Name))
		} else {
			t.init(spec, c, find(statuses, c.Name))
		}
	}
	for i := range spec.Containers {
		c := &spec.Containers[i]
		t.main(spec, c, find(statuses, c.Name))
	}
	return t
}

func (t *tally) init(spec *v1.PodSpec, c *v1.Container, cs *v1.ContainerStatus) {
	end := lastEnd(cs)
	switch {
	case end == nil || cs.State.Running != nil:
		t.pendingInit++
	case end.ExitCode != 0 && !restarts(spec, c, end.ExitCode):
		t.hopelessInit++
	}
}

func (t *tally) sidecar(cs *v1.ContainerStatus) {
	switch {
	case cs == nil:
		t.unknown++
	case cs.State.Running != nil:
		if cs.Started == nil || !*cs.Started {
			t.pendingSidecar++
		}
		t.running++
	case lastEnd(cs) == nil:
		t.pendingSidecar++
		t.waiting++
	}
}

func (t *tally) main(spec *v1.PodSpec, c *v1.Container, cs *v1.ContainerStatus) {
	end := lastEnd(cs)
	switch {
	case cs == nil:
		t.unknown++
	case cs.State.Running != nil:
		t.running++
	case end == nil:
		t.waiting++
	default:
		t.stopped++
		if !restarts(spec, c, end.ExitCode) {
			t.settled++
		}
		if cs.State.Terminated != nil && end.ExitCode == 0 {
			t.succeeded++
		}
	}
}

// lastEnd is how a container that does not run ended last; nil when it never
// did.
func lastEnd(cs *v1.ContainerStatus) *v1.ContainerStateTerminated {
	switch {
	case cs == nil:
		return nil
	case cs.State.Terminated != nil:
		return cs.State.Terminated
	}
	return cs.LastTerminationState.Terminated
}

// anyMainStarted: some main container runs or has run.
func anyMainStarted(spec *v1.PodSpec, statuses []v1.ContainerStatus) bool {
	for i := range spec.Containers {
		cs := find(statuses, spec.Containers[i].Name)
		if cs != nil && (cs.State.Running != nil || lastEnd(cs) != nil) {
			return true
		}
	}
	return false
}

// isSidecar tells a native sidecar: an init container that goes on running.
func isSidecar(c *v1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways
}

// restarts tells whether a container that ended with code is started again, by
// its own rules and policy, else by the pod's.
func restarts(spec *v1.PodSpec, c *v1.Container, code int32) bool {
	policy := string(spec.RestartPolicy)
	if c.RestartPolicy != nil {
		if ruled(c.RestartPolicyRules, code) {
			return true
		}
		policy = string(*c.RestartPolicy)
	}
	switch policy {
	case string(v1.RestartPolicyNever):
		return false
	case string(v1.RestartPolicyOnFailure):
		return code != 0
	}
	return true
}

// ruled: one of the rules has the container started again after code.
func ruled(rules []v1.ContainerRestartRule, code int32) bool {
	for _, r := range rules {
		if r.ExitCodes == nil {
			continue
		}
		in := slices.Contains(r.ExitCodes.Values, code)
		if in == (r.ExitCodes.Operator == v1.ContainerRestartRuleOnExitCodesOpIn) {
			return r.Action == v1.ContainerRestartRuleActionRestart || r.Action == v1.ContainerRestartRuleActionRestartAllContainers
		}
	}
	return false
}

// find finds a container's status by name.
func find(statuses []v1.ContainerStatus, name string) *v1.ContainerStatus {
	for i := range statuses {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}
