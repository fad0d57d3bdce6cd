package pods

import (
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// event.go finds the events of a pod by comparing its sandbox with what it was
// before, so that nothing is told twice, and not anew after a restart.

// event is an event of a pod, in kubelet's words.
type event struct {
	Type, Reason, Message string
	Container             string // whom it is about; "": the pod
}

// slowPull is how long a pull takes at least before it is believed to be one:
// looking whether an image is there takes less.
const slowPull = 300 * time.Millisecond

// history is what is known of the pulls that go on, by container.
type history map[string]pull

type pull struct {
	since time.Time // when it was seen first
	told  bool      // by an event Pulling
}

// changes finds the events between two states of a pod's sandbox, either of
// which may be nil. again says when to ask anew though nothing has changed.
func changes(pod *v1.Pod, before, after *sandbox.Sandbox, h history, now time.Time) (all []event, again time.Duration) {
	if after == nil {
		return nil, 0
	}
	all = sandboxTrouble(before, after)
	for _, c := range allContainers(pod) {
		cs := inBox(after, c.Name)
		if cs == nil {
			continue
		}
		d := diff{pod: pod, c: c, policy: pullPolicy(after, c), box: after, was: inBox(before, c.Name), is: cs, h: h, now: now}
		if d.was == nil {
			d.was = &sandbox.ContainerStatus{}
		}
		more, wait := d.events()
		all = append(all, more...)
		if again == 0 || wait > 0 && wait < again {
			again = wait
		}
	}
	return append(all, endings(before, after)...), again
}

func allContainers(pod *v1.Pod) []*v1.Container {
	var all []*v1.Container
	for i := range pod.Spec.InitContainers {
		all = append(all, &pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		all = append(all, &pod.Spec.Containers[i])
	}
	for i := range pod.Spec.EphemeralContainers {
		c := v1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		all = append(all, &c)
	}
	return all
}

// pullPolicy is the one that the sandbox goes by.
func pullPolicy(box *sandbox.Sandbox, c *v1.Container) sandbox.PullPolicy {
	for i := range box.Spec.Containers {
		if box.Spec.Containers[i].Name == c.Name {
			return box.Spec.Containers[i].Pull
		}
	}
	return sandbox.PullPolicy(c.ImagePullPolicy)
}

func sandboxTrouble(before, after *sandbox.Sandbox) []event {
	text := after.Status.Trouble
	if text == "" || before != nil && before.Status.Trouble == text {
		return nil
	}
	if after.Status.Height < 1 && !after.Status.Falling {
		return []event{{Type: v1.EventTypeWarning, Reason: "FailedCreatePodSandBox", Message: "Failed to create pod sandbox: " + text}}
	}
	if after.Status.Falling {
		return []event{{Type: v1.EventTypeWarning, Reason: "FailedKillPod", Message: "error killing pod: " + text}}
	}
	return []event{{Type: v1.EventTypeWarning, Reason: "FailedSync", Message: "error determining status: " + text}}
}

// endings tells which containers are being stopped, and what went wrong with
// that.
func endings(before, after *sandbox.Sandbox) []event {
	var all []event
	if after.Desired.Stopped && (before == nil || !before.Desired.Stopped) {
		if after.Desired.Code == reasonDeadline {
			all = append(all, event{Type: v1.EventTypeNormal, Reason: reasonDeadline, Message: textDeadline})
		}
		for i := range after.Status.Containers {
			cs := &after.Status.Containers[i]
			was := inBox(before, cs.Name)
			if cs.State == sandbox.ContainerRunning || was != nil && was.State == sandbox.ContainerRunning && after.Desired.Code != sandbox.CodeEssential {
				all = append(all, event{v1.EventTypeNormal, "Killing", "Stopping container " + cs.Name, cs.Name})
			}
		}
	}
	for _, n := range after.Status.Notes {
		name, text, _ := strings.Cut(n, ": ")
		if strings.HasPrefix(text, "preStop: ") && (before == nil || !slices.Contains(before.Status.Notes, n)) {
			all = append(all, event{v1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed", name})
		}
	}
	return all
}

// diff is one container, then and now.
type diff struct {
	pod     *v1.Pod
	c       *v1.Container
	policy  sandbox.PullPolicy
	box     *sandbox.Sandbox
	was, is *sandbox.ContainerStatus
	h       history
	now     time.Time
}

func (d *diff) normal(reason, format string, args ...any) event {
	return event{v1.EventTypeNormal, reason, fmt.Sprintf(format, args...), d.c.Name}
}

func (d *diff) warning(reason, format string, args ...any) event {
	return event{v1.EventTypeWarning, reason, fmt.Sprintf(format, args...), d.c.Name}
}

func (d *diff) events() (all []event, again time.Duration) {
	all, again = d.pulling()
	all = append(all, d.trouble()...)
	all = append(all, d.pulled()...)
	all = append(all, d.started()...)
	all = append(all, d.probed()...)
	return append(all, d.ended()...), again
}

// pulling tells that an image is being pulled, when it is: when it always is,
// or when it takes so long that it must be.
func (d *diff) pulling() ([]event, time.Duration) {
	if wait := d.is.RestartAt.Sub(d.now); d.isToFetch() && wait > 0 {
		return nil, wait
	}
	if d.is.State != sandbox.ContainerPulling && !d.isToFetch() || d.policy == sandbox.PullNever || d.is.Trouble != "" {
		return nil, 0
	}
	p, known := d.h[d.c.Name]
	if !known {
		p.since = d.now
		d.h[d.c.Name] = p
	}
	if p.told {
		return nil, 0
	}
	if wait := p.since.Add(slowPull).Sub(d.now); wait > 0 && d.policy != sandbox.PullAlways {
		return nil, wait
	}
	return []event{d.tellPulling(p.since)}, 0
}

// isToFetch: it is to be started again with what its registry has then.
func (d *diff) isToFetch() bool {
	return d.policy == sandbox.PullAlways && d.is.State == sandbox.ContainerStopped && !d.is.RestartAt.IsZero() && d.is.Fetched <= d.is.Attempt+1 && !d.box.Desired.Stopped
}

func (d *diff) tellPulling(since time.Time) event {
	d.h[d.c.Name] = pull{since, true}
	return d.normal("Pulling", "Pulling image %q", d.c.Image)
}

// trouble tells why a container cannot be made or started at the moment.
func (d *diff) trouble() []event {
	if d.is.Trouble == "" || d.is.Trouble == d.was.Trouble && d.is.Tries == d.was.Tries && d.is.TroubleText == d.was.TroubleText {
		return nil
	}
	var all []event
	switch d.is.Trouble {
	case sandbox.TroublePull:
		all = d.pullFailed(d.is.TroubleText)
	case sandbox.TroubleBackOff:
		if d.was.Trouble != sandbox.TroublePull {
			_, text, _ := strings.Cut(d.is.TroubleText, "ErrImagePull: ")
			all = append(d.pullFailed(text), d.warning("Failed", "Error: ErrImagePull"))
		}
		all = append(all, d.normal("BackOff", "Back-off pulling image %q", d.c.Image))
	case sandbox.TroubleName:
		all = append(all, d.warning("InspectFailed", "%s", d.is.TroubleText))
	case sandbox.TroubleNever:
		all = append(all, d.warning("ErrImageNeverPull", "Container image %q is not present with pull policy of Never", d.c.Image))
	case sandbox.TroubleRun:
		return nil // told as the end that it is
	default:
		return []event{d.warning("Failed", "Error: %s", d.named(d.is.TroubleText))}
	}
	return append(all, d.warning("Failed", "Error: %s", d.is.Trouble))
}

func (d *diff) pullFailed(text string) []event {
	var all []event
	if !d.h[d.c.Name].told {
		all = append(all, d.tellPulling(d.now))
	}
	delete(d.h, d.c.Name) // the next try is told anew
	return append(all, d.warning("Failed", "Failed to pull image %q: %s", d.c.Image, text))
}

// named puts the container's name in place of its id, so that equal events
// look equal.
func (d *diff) named(text string) string {
	if d.is.RuntimeID == "" {
		return text
	}
	return strings.ReplaceAll(text, d.is.RuntimeID, d.c.Name)
}

// pulled tells that the image is there, before each run.
func (d *diff) pulled() []event {
	first := passedPull(d.is) && !passedPull(d.was)
	if !first && !d.newRun() {
		return nil
	}
	var all []event
	p := d.h[d.c.Name]
	if !p.told && first && (d.was.Trouble == sandbox.TroublePull || d.was.Trouble == sandbox.TroubleBackOff) {
		all, p = append(all, d.tellPulling(d.was.TryAt)), pull{d.was.TryAt, true}
	}
	delete(d.h, d.c.Name)
	if !p.told {
		return []event{d.normal("Pulled", "Container image %q already present on machine and can be accessed by the pod", d.c.Image)}
	}
	if d.is.Local != "" {
		return append(all, d.warning("Failed", "Failed to pull image %q: %s", d.c.Image, d.is.Local),
			d.normal("Pulled", "Container image %q already present on machine and taken as it is, as it could not be pulled", d.c.Image))
	}
	took := max(d.now.Sub(p.since), 0).Truncate(time.Millisecond)
	return append(all, d.normal("Pulled", "Successfully pulled image %q in %v (%v including waiting).", d.c.Image, took, took))
}

func passedPull(cs *sandbox.ContainerStatus) bool {
	switch cs.State {
	case sandbox.ContainerPulled, sandbox.ContainerCreated, sandbox.ContainerRunning:
		return true
	case sandbox.ContainerStopped:
		return hasEnded(cs)
	}
	return false
}

// newRun: a later attempt than the one known before has begun.
func (d *diff) newRun() bool { return d.is.Attempt > d.was.Attempt }

func (d *diff) started() []event {
	var all []event
	ran := !d.is.StartedAt.IsZero() && (d.newRun() || d.was.StartedAt.IsZero())
	failed := d.is.State == sandbox.ContainerStopped && endReason(d.is.Reason) != "" && (d.newRun() || d.was.State != sandbox.ContainerStopped)
	if ran || failed {
		all = append(all, d.normal("Created", "Container created"))
	}
	switch {
	case failed:
		all = append(all, d.warning("Failed", "Error: %s", d.named(d.is.Message)))
	case ran:
		all = append(all, d.normal("Started", "Container started"))
	}
	return all
}

// Beginnings of the reasons for which the engine stops a container.
const (
	killedLiveness  = "Container failed liveness probe: "
	killedStartup   = "Container failed startup probe: "
	killedPostStart = "PostStartHookError: "
)

// probed tells of probes that have failed, and of what follows.
func (d *diff) probed() []event {
	all := d.failures()
	if d.is.Ending != "" && d.was.Ending == "" {
		all = append(all, d.normal("Killing", "%s", d.is.Ending))
	}
	if d.is.Reason == d.was.Reason && !d.newRun() {
		return all
	}
	for prefix, kind := range map[string]string{killedLiveness: "liveness", killedStartup: "startup"} {
		if strings.HasPrefix(d.is.Reason, prefix) {
			all = append(all, d.killing(kind))
		}
	}
	if strings.HasPrefix(d.is.Reason, killedPostStart) {
		all = append(all, d.warning("FailedPostStartHook", "PostStartHook failed"), d.normal("Killing", "FailedPostStartHook"))
	}
	return all
}

// failures tells of probes that have failed again.
func (d *diff) failures() []event {
	var all []event
	is, was := &d.is.Failures, d.was.Failures
	if d.newRun() {
		was = sandbox.Failures{}
	}
	for _, p := range []struct {
		kind    string
		is, was sandbox.Failed
	}{{"Startup", is.Startup, was.Startup}, {"Liveness", is.Liveness, was.Liveness}, {"Readiness", is.Readiness, was.Readiness}} {
		if p.is.Count > p.was.Count {
			all = append(all, d.warning("Unhealthy", "%s probe failed: %s", p.kind, p.is.Output))
		}
	}
	return all
}

func (d *diff) killing(probe string) event {
	after := ""
	if restarts(&d.pod.Spec, d.c, unknownCode) {
		after = ", will be restarted"
	}
	return d.normal("Killing", "Container %s failed %s probe%s", d.c.Name, probe, after)
}

// ended tells that a container waits before it is started again.
func (d *diff) ended() []event {
	if d.is.RestartAt.IsZero() || d.is.RestartAt.Equal(d.was.RestartAt) || !d.is.RestartAt.After(d.is.FinishedAt) {
		return nil
	}
	return []event{d.warning("BackOff", "Back-off restarting failed container %s in pod %s", d.c.Name, podText(d.pod))}
}
