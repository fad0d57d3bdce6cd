package pods_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/sandbox"
)

// story tells a sandbox's states one after the other and gives the events.
func story(p *v1.Pod, h pods.History, states ...*sandbox.Sandbox) []string {
	var all []string
	for i := 1; i < len(states); i++ {
		found, _ := pods.Changes(p, states[i-1], states[i], h, now.Add(time.Duration(i)*time.Second))
		for _, e := range found {
			all = append(all, fmt.Sprintf("%s %s [%s] %s", e.Type, e.Reason, e.Container, e.Message))
		}
	}
	return all
}

func at(state sandbox.ContainerState) sandbox.ContainerStatus {
	return sandbox.ContainerStatus{Name: "a", State: state}
}

func with(b *sandbox.Sandbox, change func(*sandbox.Sandbox)) *sandbox.Sandbox {
	change(b)
	return b
}

func TestEvents(t *testing.T) {
	pulling := at(sandbox.ContainerPulling)
	failed, backOff, never, config := pulling, pulling, pulling, at(sandbox.ContainerPulled)
	failed.Trouble, failed.TroubleText, failed.Tries = sandbox.TroublePull, "gone", 1
	backOff.Trouble, backOff.TroubleText, backOff.Tries = sandbox.TroubleBackOff, `Back-off pulling image "nginx:1": ErrImagePull: gone`, 1
	backOff.TryAt = now
	never.Trouble, never.TroubleText = sandbox.TroubleNever, "not there"
	config.ImageDigest, config.Trouble, config.TroubleText = "sha256:1", sandbox.TroubleConfig, "container has runAsNonRoot and image will run as root"
	pulled := at(sandbox.ContainerPulled)
	pulled.ImageDigest = "sha256:1"
	local := pulled
	local.Local = "no such host"
	again := ended("a", 1)
	again.FinishedAt = now
	again.RestartAt, again.Fetched = now.Add(2*time.Second), 1
	crash := ended("a", 1)
	crash.RestartAt = crash.FinishedAt.Add(10 * time.Second)
	second := runs("a")
	second.Attempt, second.LastExit = 1, &sandbox.Exit{Code: 1}
	sick := runs("a")
	sick.Ready, sick.Failures.Readiness = false, sandbox.Failed{Count: 1, Output: "HTTP probe failed with statuscode: 500"}
	sicker := sick
	sicker.Failures.Readiness.Count = 3
	dead := runs("a")
	dead.Reason, dead.Failures.Liveness = "Container failed liveness probe: exit code 1: no such file", sandbox.Failed{Count: 3, Output: "no such file"}
	slow := runs("a")
	slow.Reason, slow.Failures.Startup = "Container failed startup probe: exit code 1", sandbox.Failed{Count: 30}
	late := runs("a")
	late.Failures.Startup = sandbox.Failed{Count: 29}
	hook := runs("a")
	hook.Reason = "PostStartHookError: secret"
	code := sandbox.ExitStartError
	unstarted := sandbox.ContainerStatus{Name: "a", State: sandbox.ContainerStopped, ExitCode: &code, ImageDigest: "sha256:1", Reason: sandbox.ReasonStartError, Message: "no such file", Trouble: sandbox.TroubleRun, TroubleText: "no such file"}
	always := func(b *sandbox.Sandbox) *sandbox.Sandbox { b.Spec.Containers[0].Pull = sandbox.PullAlways; return b }
	falling := func(b *sandbox.Sandbox, code string) *sandbox.Sandbox {
		b.Desired, b.Status.Falling = sandbox.Desired{Stopped: true, Code: code}, true
		return b
	}
	never1 := pod("a")
	never1.Spec.RestartPolicy = v1.RestartPolicyNever
	for name, x := range map[string]struct {
		pod    *v1.Pod
		states []*sandbox.Sandbox
		want   []string
	}{
		"starts, image there": {states: []*sandbox.Sandbox{box(at(sandbox.ContainerPending)), box(pulling), box(pulled), box(runs("a"))}, want: []string{
			`Normal Pulled [a] Container image "nginx:1" already present on machine and can be accessed by the pod`,
			"Normal Created [a] Container created", "Normal Started [a] Container started",
		}},
		"all at once": {states: []*sandbox.Sandbox{nil, box(runs("a"))}, want: []string{
			`Normal Pulled [a] Container image "nginx:1" already present on machine and can be accessed by the pod`,
			"Normal Created [a] Container created", "Normal Started [a] Container started",
		}},
		"is always pulled": {states: []*sandbox.Sandbox{box(at(sandbox.ContainerPending)), always(box(pulling)), always(box(pulling)), always(box(pulled))}, want: []string{
			`Normal Pulling [a] Pulling image "nginx:1"`,
			`Normal Pulled [a] Successfully pulled image "nginx:1" in 2s (2s including waiting).`,
		}},
		"is there, though it cannot be pulled": {states: []*sandbox.Sandbox{box(at(sandbox.ContainerPending)), always(box(pulling)), always(box(local))}, want: []string{
			`Normal Pulling [a] Pulling image "nginx:1"`,
			`Warning Failed [a] Failed to pull image "nginx:1": no such host`,
			`Normal Pulled [a] Container image "nginx:1" already present on machine and taken as it is, as it could not be pulled`,
		}},
		"is pulled for each run": {states: []*sandbox.Sandbox{always(box(runs("a"))), always(box(again)), always(box(again)), always(box(second))}, want: []string{
			"Warning BackOff [a] Back-off restarting failed container a in pod web_default(" + uid + ")",
			`Normal Pulling [a] Pulling image "nginx:1"`,
			`Normal Pulled [a] Successfully pulled image "nginx:1" in 1s (1s including waiting).`,
			"Normal Created [a] Container created", "Normal Started [a] Container started",
		}},
		"cannot be pulled, then it can": {states: []*sandbox.Sandbox{box(pulling), box(failed), box(backOff), box(backOff), box(pulled)}, want: []string{
			`Normal Pulling [a] Pulling image "nginx:1"`,
			`Warning Failed [a] Failed to pull image "nginx:1": gone`, "Warning Failed [a] Error: ErrImagePull",
			`Normal BackOff [a] Back-off pulling image "nginx:1"`, "Warning Failed [a] Error: ImagePullBackOff",
			`Normal Pulling [a] Pulling image "nginx:1"`,
			`Normal Pulled [a] Successfully pulled image "nginx:1" in 4s (4s including waiting).`,
		}},
		"backs off, failure not seen": {states: []*sandbox.Sandbox{box(at(sandbox.ContainerPending)), box(backOff)}, want: []string{
			`Normal Pulling [a] Pulling image "nginx:1"`,
			`Warning Failed [a] Failed to pull image "nginx:1": gone`, "Warning Failed [a] Error: ErrImagePull",
			`Normal BackOff [a] Back-off pulling image "nginx:1"`, "Warning Failed [a] Error: ImagePullBackOff",
		}},
		"is never pulled": {states: []*sandbox.Sandbox{box(pulling), box(never)}, want: []string{
			`Warning ErrImageNeverPull [a] Container image "nginx:1" is not present with pull policy of Never`, "Warning Failed [a] Error: ErrImageNeverPull",
		}},
		"cannot be made": {states: []*sandbox.Sandbox{box(pulled), box(config)}, want: []string{"Warning Failed [a] Error: container has runAsNonRoot and image will run as root"}},
		"cannot be started": {states: []*sandbox.Sandbox{box(pulled), box(unstarted)}, want: []string{
			"Normal Created [a] Container created", "Warning Failed [a] Error: no such file",
		}},
		"crashes": {states: []*sandbox.Sandbox{box(runs("a")), box(crash), box(crash), box(second)}, want: []string{
			"Warning BackOff [a] Back-off restarting failed container a in pod web_default(" + uid + ")",
			`Normal Pulled [a] Container image "nginx:1" already present on machine and can be accessed by the pod`,
			"Normal Created [a] Container created", "Normal Started [a] Container started",
		}},
		"is not ready": {states: []*sandbox.Sandbox{box(runs("a")), box(sick), box(sick)}, want: []string{"Warning Unhealthy [a] Readiness probe failed: HTTP probe failed with statuscode: 500"}},
		"is not ready for long": {states: []*sandbox.Sandbox{box(runs("a")), box(sick), box(sicker), box(runs("a"))}, want: []string{
			"Warning Unhealthy [a] Readiness probe failed: HTTP probe failed with statuscode: 500", "Warning Unhealthy [a] Readiness probe failed: HTTP probe failed with statuscode: 500",
		}},
		"is not alive": {states: []*sandbox.Sandbox{box(runs("a")), box(dead), box(dead)}, want: []string{
			"Warning Unhealthy [a] Liveness probe failed: no such file", "Normal Killing [a] Container a failed liveness probe, will be restarted",
		}},
		"does not come up, never again": {pod: never1, states: []*sandbox.Sandbox{box(runs("a")), box(late), box(slow)}, want: []string{
			"Warning Unhealthy [a] Startup probe failed: ", "Warning Unhealthy [a] Startup probe failed: ", "Normal Killing [a] Container a failed startup probe",
		}},
		"its hook fails": {states: []*sandbox.Sandbox{box(runs("a")), box(hook)}, want: []string{
			"Warning FailedPostStartHook [a] PostStartHook failed", "Normal Killing [a] FailedPostStartHook",
		}},
		"is stopped":                   {states: []*sandbox.Sandbox{box(runs("a")), falling(box(runs("a")), "UserInitiated"), falling(box(ended("a", 0)), "UserInitiated")}, want: []string{"Normal Killing [a] Stopping container a"}},
		"is stopped between two looks": {states: []*sandbox.Sandbox{box(runs("a")), falling(box(ended("a", 0)), "UserInitiated")}, want: []string{"Normal Killing [a] Stopping container a"}},
		"ends by itself":               {states: []*sandbox.Sandbox{box(runs("a")), falling(box(ended("a", 0)), sandbox.CodeEssential)}},
		"is late": {states: []*sandbox.Sandbox{box(runs("a")), falling(box(runs("a")), "DeadlineExceeded")}, want: []string{
			"Normal DeadlineExceeded [] Pod was active on the node longer than the specified deadline", "Normal Killing [a] Stopping container a",
		}},
		"its hook at the end fails": {states: []*sandbox.Sandbox{falling(box(runs("a")), "UserInitiated"), with(falling(box(ended("a", 0)), "UserInitiated"), func(b *sandbox.Sandbox) {
			b.Status.Notes = []string{"a: preStop: exit code 1"}
		})}, want: []string{"Warning FailedPreStopHook [a] PreStopHook failed"}},
		"the sandbox cannot be made": {states: []*sandbox.Sandbox{box(), with(box(), func(b *sandbox.Sandbox) { b.Status.Height, b.Status.Trouble = 0, "Docker is away" })}, want: []string{
			"Warning FailedCreatePodSandBox [] Failed to create pod sandbox: Docker is away",
		}},
		"nothing is new": {states: []*sandbox.Sandbox{box(runs("a")), box(runs("a"))}},
	} {
		t.Run(name, func(t *testing.T) {
			if x.pod == nil {
				x.pod = pod("a")
			}
			if got := story(x.pod, pods.History{}, x.states...); !slices.Equal(got, x.want) {
				t.Errorf("got  %q\nwant %q", got, x.want)
			}
		})
	}
}

func TestSlowPullIsTold(t *testing.T) {
	b := box(at(sandbox.ContainerPulling))
	h := pods.History{}
	all, again := pods.Changes(pod("a"), nil, b, h, now)
	if len(all) != 0 || again != 300*time.Millisecond {
		t.Errorf("%v, again in %v", all, again)
	}
	all, again = pods.Changes(pod("a"), b, b, h, now.Add(300*time.Millisecond))
	if len(all) != 1 || all[0].Reason != "Pulling" || again != 0 {
		t.Errorf("%v, again in %v", all, again)
	}
	if all, _ = pods.Changes(pod("a"), b, b, h, now.Add(time.Second)); len(all) != 0 {
		t.Errorf("told twice: %v", all)
	}
}
