package translate

import (
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Kubelet's CrashLoopBackOff.
const (
	crashBackoff    = 10 * time.Second
	maxCrashBackoff = 5 * time.Minute
	resetBackoff    = 10 * time.Minute
)

// lastExitCode is the highest one that a process on Linux can have.
const lastExitCode = 255

// restart is that of a main container.
func (t *translation) restart(c *v1.Container) sandbox.Restart {
	return t.policy(c, t.again)
}

// restartInit is that of an init container: a sidecar always starts again,
// any other until it has succeeded, unless the pod never restarts.
func (t *translation) restartInit(c *v1.Container) sandbox.Restart {
	if isSidecar(c) {
		return restarted(sandbox.RestartAlways, nil)
	}
	return t.policy(c, func(c *v1.Container, code int32) bool { return code != 0 && t.again(c, code) })
}

// policy finds the sandbox's terms for the exit codes that are followed by
// another start.
func (t *translation) policy(c *v1.Container, again func(*v1.Container, int32) bool) sandbox.Restart {
	var ignored []int
	for code := range int32(lastExitCode + 1) {
		if !again(c, code) {
			ignored = append(ignored, int(code))
		}
	}
	switch {
	case len(ignored) > lastExitCode:
		return restarted(sandbox.RestartNever, nil)
	case len(ignored) > 0 && ignored[0] == 0:
		return restarted(sandbox.RestartOnFailure, slices.Clip(ignored[1:]))
	}
	return restarted(sandbox.RestartAlways, ignored)
}

func restarted(p sandbox.RestartPolicy, ignored []int) sandbox.Restart {
	if p == sandbox.RestartNever {
		return sandbox.Restart{}
	}
	return sandbox.Restart{Policy: p, IgnoredExitCodes: ignored, Backoff: crashBackoff, MaxBackoff: maxCrashBackoff, ResetBackoff: resetBackoff, Fresh: true}
}

// again tells whether a container that ended with code is started again: by
// the first of its own rules that fits, else its own policy, else the pod's.
func (t *translation) again(c *v1.Container, code int32) bool {
	if c.RestartPolicy == nil {
		return byPolicy(string(t.pod.Spec.RestartPolicy), code)
	}
	for _, r := range c.RestartPolicyRules {
		if fits(r.ExitCodes, code) {
			if r.Action != v1.ContainerRestartRuleActionRestart {
				t.note("container %s: the action %s of its restartPolicyRules restarts the container alone", c.Name, r.Action)
			}
			return true
		}
	}
	return byPolicy(string(*c.RestartPolicy), code)
}

func fits(r *v1.ContainerRestartRuleOnExitCodes, code int32) bool {
	if r == nil {
		return false
	}
	listed := slices.Contains(r.Values, code)
	return listed == (r.Operator == v1.ContainerRestartRuleOnExitCodesOpIn)
}

func byPolicy(policy string, code int32) bool {
	switch v1.RestartPolicy(policy) {
	case v1.RestartPolicyNever:
		return false
	case v1.RestartPolicyOnFailure:
		return code != 0
	}
	return true
}
