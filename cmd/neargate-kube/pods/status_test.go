package pods_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/sandbox"
)

const uid = "11111111-2222-4333-8444-555555555555"

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(time.Minute)
)

// pod is a bound pod with main containers of these names.
func pod(names ...string) *v1.Pod {
	p := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", UID: uid, Generation: 3},
		Spec:       v1.PodSpec{NodeName: "fargate-ip-10-0-1-5.ec2.internal", RestartPolicy: v1.RestartPolicyAlways},
		Status:     v1.PodStatus{Phase: v1.PodPending, QOSClass: v1.PodQOSBurstable},
	}
	for _, n := range names {
		p.Spec.Containers = append(p.Spec.Containers, v1.Container{Name: n, Image: "nginx:1"})
	}
	return p
}

// box is the sandbox of pod with these containers.
func box(all ...sandbox.ContainerStatus) *sandbox.Sandbox {
	b := &sandbox.Sandbox{Spec: sandbox.Spec{ID: boxes.ID(uid), Owner: "arn:cluster/default/web", Steps: 2}}
	b.Status.Height, b.Status.ConnectivityAt, b.Status.Address = 1, start, &sandbox.Address{IP: "10.0.1.5"}
	for _, cs := range all {
		b.Spec.Containers = append(b.Spec.Containers, sandbox.Container{Name: cs.Name, Image: "nginx:1"})
		b.Status.Containers = append(b.Status.Containers, cs)
	}
	return b
}

func runs(name string) sandbox.ContainerStatus {
	return sandbox.ContainerStatus{Name: name, State: sandbox.ContainerRunning, StartedAt: start, Started: true, Ready: true, RuntimeID: "abc", ImageDigest: "sha256:1"}
}

func ended(name string, code int) sandbox.ContainerStatus {
	return sandbox.ContainerStatus{Name: name, State: sandbox.ContainerStopped, StartedAt: start, FinishedAt: start.Add(time.Second), ExitCode: &code, RuntimeID: "abc"}
}

func stopped(b *sandbox.Sandbox, code string) *sandbox.Sandbox {
	b.Desired = sandbox.Desired{Stopped: true, Code: code, Reason: "because"}
	b.Status.Height, b.Status.Falling = 0, true
	for i := range b.Status.Containers {
		b.Status.Containers[i].State = sandbox.ContainerStopped
	}
	return b
}

// say puts the state of a container in a line.
func say(cs v1.ContainerStatus) string {
	text := func(s v1.ContainerState) string {
		switch {
		case s.Running != nil:
			return "running since " + s.Running.StartedAt.UTC().Format("15:04:05")
		case s.Terminated != nil:
			return strings.TrimSpace(fmt.Sprintf("ended %s %d %s", s.Terminated.Reason, s.Terminated.ExitCode, s.Terminated.Message))
		case s.Waiting != nil:
			return strings.TrimSpace("waits " + s.Waiting.Reason + " " + s.Waiting.Message)
		}
		return ""
	}
	out := text(cs.State)
	if last := text(cs.LastTerminationState); last != "" {
		out += "; before: " + last
	}
	if cs.Ready {
		out += "; ready"
	}
	if cs.RestartCount > 0 {
		out += fmt.Sprintf("; restarts %d", cs.RestartCount)
	}
	return out
}

func TestContainerStates(t *testing.T) {
	pulling := sandbox.ContainerStatus{Name: "a", State: sandbox.ContainerPulling}
	backOff := pulling
	backOff.Trouble, backOff.TroubleText = sandbox.TroubleBackOff, `Back-off pulling image "nginx:1": ErrImagePull: gone`
	unready := runs("a")
	unready.Ready = false
	crash := ended("a", 1)
	crash.Attempt, crash.RestartAt = 1, crash.FinishedAt.Add(10*time.Second)
	crash.LastExit = &sandbox.Exit{Code: 7}
	soon := ended("a", 1)
	soon.RestartAt = soon.FinishedAt
	oom := ended("a", 137)
	oom.OOMKilled = true
	said := ended("a", 2)
	said.Message = "no database"
	vanished := ended("a", 0)
	vanished.ExitCode = nil
	again := runs("a")
	again.Attempt, again.LastExit = 2, &sandbox.Exit{Code: 3, Message: "bye", StartedAt: start}
	made := again
	made.State = sandbox.ContainerCreated
	code := sandbox.ExitStartError
	unstarted := sandbox.ContainerStatus{Name: "a", State: sandbox.ContainerStopped, ExitCode: &code, FinishedAt: start, RestartAt: start, Reason: sandbox.ReasonStartError, Message: "no such file", Trouble: sandbox.TroubleRun, TroubleText: "no such file"}
	loops := unstarted
	loops.Trouble, loops.TroubleText, loops.RestartAt = "", "", start.Add(20*time.Second)
	for name, x := range map[string]struct {
		cs   *sandbox.ContainerStatus
		want string
	}{
		"unknown":              {nil, "waits ContainerCreating"},
		"pulling":              {&pulling, "waits ContainerCreating"},
		"cannot be pulled":     {&backOff, `waits ImagePullBackOff Back-off pulling image "nginx:1": ErrImagePull: gone`},
		"runs":                 {new(runs("a")), "running since 12:00:00; ready"},
		"runs, not ready":      {&unready, "running since 12:00:00"},
		"done":                 {new(ended("a", 0)), "ended Completed 0"},
		"failed":               {new(ended("a", 3)), "ended Error 3"},
		"failed with message":  {&said, "ended Error 2 no database"},
		"out of memory":        {&oom, "ended OOMKilled 137"},
		"vanished":             {&vanished, "ended ContainerStatusUnknown 137 The container could not be located when the pod was terminated"},
		"restarts at once":     {&soon, "ended Error 1"},
		"crash loop":           {&crash, "waits CrashLoopBackOff back-off 10s restarting failed container=a pod=web_default(" + uid + "); before: ended Error 1; restarts 1"},
		"runs again":           {&again, "running since 12:00:00; before: ended Error 3 bye; ready; restarts 2"},
		"made again":           {&made, "waits; before: ended Error 3 bye; restarts 2"},
		"cannot be started":    {&unstarted, "waits RunContainerError no such file; before: ended StartError 128 no such file"},
		"never can be started": {&loops, "waits CrashLoopBackOff back-off 20s restarting failed container=a pod=web_default(" + uid + "); before: ended StartError 128 no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			b := box()
			if x.cs != nil {
				b = box(*x.cs)
			}
			s := pods.StatusOf(pod("a"), b, pods.Notes{}, now)
			if got := say(s.ContainerStatuses[0]); got != x.want {
				t.Errorf("%s\nwant %s", got, x.want)
			}
		})
	}
}

// TestPostStart: as long as the hook runs, the container is not running to
// Kubernetes.
func TestPostStart(t *testing.T) {
	p := pod("a")
	p.Spec.Containers[0].Lifecycle = &v1.Lifecycle{PostStart: &v1.LifecycleHandler{Exec: &v1.ExecAction{Command: []string{"x"}}}}
	for posted, want := range map[bool]string{false: "waits ContainerCreating", true: "running since 12:00:00; ready"} {
		cs := runs("a")
		cs.PostStarted, cs.Started, cs.Ready = posted, posted, posted
		if got := say(pods.StatusOf(p, box(cs), pods.Notes{}, now).ContainerStatuses[0]); got != want {
			t.Errorf("done: %t: %s\nwant %s", posted, got, want)
		}
	}
}

func TestWaitsForConfiguration(t *testing.T) {
	p := pod("a", "b")
	lost := at(sandbox.ContainerPulled)
	lost.Name, lost.Asking, lost.Trouble, lost.TroubleText = "b", true, sandbox.TroubleConfig, `configmap "x" not found`
	s := pods.StatusOf(p, box(at(sandbox.ContainerPulled), lost), pods.Notes{}, now)
	if got := say(s.ContainerStatuses[1]); got != `waits CreateContainerConfigError configmap "x" not found` {
		t.Error(got)
	}
	if got := say(s.ContainerStatuses[0]); got != "waits ContainerCreating" || s.Phase != v1.PodPending {
		t.Error(got, s.Phase)
	}
}

func TestIdentity(t *testing.T) {
	p := pod("a")
	p.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{{Name: "v", MountPath: "/v", ReadOnly: true}}
	s := pods.StatusOf(p, box(runs("a")), pods.Notes{HostIP: "10.0.1.5"}, now)
	cs := s.ContainerStatuses[0]
	if cs.ContainerID != "containerd://abc" || cs.ImageID != "docker.io/library/nginx@sha256:1" || cs.Image != "nginx:1" {
		t.Errorf("%+v", cs)
	}
	if s.PodIP != "10.0.1.5" || s.PodIPs[0].IP != "10.0.1.5" || s.HostIP != "10.0.1.5" || s.HostIPs[0].IP != "10.0.1.5" {
		t.Errorf("%+v", s)
	}
	if !s.StartTime.Time.Equal(now) || s.ObservedGeneration != 3 || s.QOSClass != v1.PodQOSBurstable {
		t.Errorf("%+v", s)
	}
	m := cs.VolumeMounts[0]
	if m.Name != "v" || m.MountPath != "/v" || !m.ReadOnly || *m.RecursiveReadOnly != v1.RecursiveReadOnlyDisabled {
		t.Errorf("%+v", m)
	}
	for image, want := range map[string]string{
		"nginx": "docker.io/library/nginx@sha256:1", "me/x:2": "docker.io/me/x@sha256:1",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b:v": "123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b@sha256:1",
	} {
		if got := pods.ImageID(image, "sha256:1"); got != want {
			t.Errorf("%s: %s", image, got)
		}
	}
}

func TestInitContainers(t *testing.T) {
	p := pod("a")
	p.Spec.InitContainers = []v1.Container{{Name: "i", Image: "i"}, {Name: "s", Image: "s", RestartPolicy: always()}}
	first := runs("i")
	s := pods.StatusOf(p, box(first, sandbox.ContainerStatus{Name: "s"}, sandbox.ContainerStatus{Name: "a"}), pods.Notes{}, now)
	i := s.InitContainerStatuses[0]
	if got := say(i); got != "running since 12:00:00" || !*i.Started {
		t.Error(got, *i.Started)
	}
	if got := say(s.ContainerStatuses[0]); got != "waits PodInitializing" {
		t.Error(got)
	}
	if c := condition(s, v1.PodInitialized); c != "False ContainersNotInitialized containers with incomplete status: [i s]" {
		t.Error(c)
	}
	s = pods.StatusOf(p, box(ended("i", 0), runs("s"), sandbox.ContainerStatus{Name: "a"}), pods.Notes{}, now)
	if got := say(s.InitContainerStatuses[0]); got != "ended Completed 0; ready" {
		t.Error(got)
	}
	if c := condition(s, v1.PodInitialized); c != "True" {
		t.Error(c)
	}
	if c := condition(s, v1.ContainersReady); c != "False ContainersNotReady containers with unready status: [a]" {
		t.Error(c)
	}
}

func condition(s v1.PodStatus, t v1.PodConditionType) string {
	for _, c := range s.Conditions {
		if c.Type == t {
			return strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message))
		}
	}
	return "none"
}

func TestConditions(t *testing.T) {
	unready := runs("a")
	unready.Ready = false
	gated := pod("a")
	gated.Spec.ReadinessGates = []v1.PodReadinessGate{{ConditionType: "lb"}}
	shut := gated.DeepCopy()
	shut.Status.Conditions = []v1.PodCondition{{Type: "lb", Status: v1.ConditionFalse}}
	open := gated.DeepCopy()
	open.Status.Conditions = []v1.PodCondition{{Type: "lb", Status: v1.ConditionTrue}}
	job := pod("a")
	job.Spec.RestartPolicy = v1.RestartPolicyNever
	for name, x := range map[string]struct {
		pod  *v1.Pod
		box  *sandbox.Sandbox
		want map[v1.PodConditionType]string
	}{
		"creating": {pod("a", "b"), box(), map[v1.PodConditionType]string{
			v1.PodReadyToStartContainers: "True", v1.PodInitialized: "True", v1.PodScheduled: "True",
			v1.PodReady:        "False ContainersNotReady containers with unready status: [a b]",
			v1.ContainersReady: "False ContainersNotReady containers with unready status: [a b]",
		}},
		"ready":         {pod("a"), box(runs("a")), map[v1.PodConditionType]string{v1.PodReady: "True", v1.ContainersReady: "True"}},
		"not ready":     {pod("a"), box(unready), map[v1.PodConditionType]string{v1.PodReady: "False ContainersNotReady containers with unready status: [a]"}},
		"no gate":       {gated, box(runs("a")), map[v1.PodConditionType]string{v1.PodReady: `False ReadinessGatesNotReady corresponding condition of pod readiness gate "lb" does not exist.`, v1.ContainersReady: "True"}},
		"gate is shut":  {shut, box(runs("a")), map[v1.PodConditionType]string{v1.PodReady: `False ReadinessGatesNotReady the status of pod readiness gate "lb" is not "True", but False`, "lb": "False"}},
		"gate is open":  {open, box(runs("a")), map[v1.PodConditionType]string{v1.PodReady: "True", "lb": "True"}},
		"done":          {job, stopped(box(ended("a", 0)), sandbox.CodeEssential), map[v1.PodConditionType]string{v1.PodReady: "False PodCompleted", v1.ContainersReady: "False PodCompleted", v1.PodInitialized: "True PodCompleted", v1.PodReadyToStartContainers: "False PodSandboxNotReady"}},
		"failed":        {job, stopped(box(ended("a", 1)), sandbox.CodeEssential), map[v1.PodConditionType]string{v1.PodReady: "False PodFailed", v1.ContainersReady: "False PodFailed", v1.PodInitialized: "True"}},
		"nothing is up": {pod("a"), &sandbox.Sandbox{}, map[v1.PodConditionType]string{v1.PodReadyToStartContainers: "False PodSandboxNotReady"}},
		"not owned by us": {func() *v1.Pod {
			p := pod("a")
			p.Status.Conditions = []v1.PodCondition{{Type: v1.DisruptionTarget, Status: v1.ConditionTrue, Reason: "EvictionByEvictionAPI"}}
			return p
		}(), box(runs("a")), map[v1.PodConditionType]string{v1.DisruptionTarget: "True EvictionByEvictionAPI"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := pods.StatusOf(x.pod, x.box, pods.Notes{}, now)
			for c, want := range x.want {
				if got := condition(s, c); got != want {
					t.Errorf("%s: %s\nwant %s", c, got, want)
				}
			}
		})
	}
}

func TestTransitionTimes(t *testing.T) {
	p := pod("a")
	p.Status = pods.StatusOf(p, box(), pods.Notes{}, start)
	s := pods.StatusOf(p, box(runs("a")), pods.Notes{}, now)
	for _, c := range s.Conditions {
		want := start
		if c.Type == v1.PodReady || c.Type == v1.ContainersReady {
			want = now
		}
		if !c.LastTransitionTime.Time.Equal(want) || c.ObservedGeneration != 3 {
			t.Errorf("%s changed at %v, want %v", c.Type, c.LastTransitionTime, want)
		}
	}
	if !s.StartTime.Time.Equal(start) {
		t.Error(s.StartTime)
	}
}

func TestEnds(t *testing.T) {
	job := func(names ...string) *v1.Pod {
		p := pod(names...)
		p.Spec.RestartPolicy = v1.RestartPolicyNever
		p.Status.Phase = v1.PodRunning
		return p
	}
	withSidecar := job("a")
	withSidecar.Spec.InitContainers = []v1.Container{{Name: "s", RestartPolicy: always()}}
	deleted := pod("a")
	deleted.DeletionTimestamp, deleted.Status.Phase = &metav1.Time{Time: now}, v1.PodRunning
	done := job("a")
	done.Status.Phase = v1.PodSucceeded
	initialised := job("a")
	initialised.Spec.InitContainers = []v1.Container{{Name: "i"}}
	late := func(b *sandbox.Sandbox) *sandbox.Sandbox {
		b.Desired = sandbox.Desired{Stopped: true, Code: "DeadlineExceeded"}
		return b
	}
	for name, x := range map[string]struct {
		pod                   *v1.Pod
		box                   *sandbox.Sandbox
		lost                  bool
		phase, reason, detail string
		first                 string // container
	}{
		"its last container has ended":        {pod: job("a"), box: box(ended("a", 0)), phase: "Succeeded", first: "ended Completed 0"},
		"a sidecar still runs":                {pod: withSidecar, box: box(ended("a", 0), runs("s")), phase: "Running", first: "ended Completed 0"},
		"the sidecar has ended":               {pod: withSidecar, box: box(ended("a", 0), ended("s", 143)), phase: "Succeeded", first: "ended Completed 0"},
		"deleted, stopped by the signal":      {pod: deleted, box: stopped(box(ended("a", 143)), "UserInitiated"), phase: "Failed", first: "ended Error 143"},
		"deleted, stopped with 0":             {pod: deleted, box: stopped(box(ended("a", 0)), "UserInitiated"), phase: "Succeeded", first: "ended Completed 0"},
		"deleted, never started":              {pod: deleted, box: stopped(box(sandbox.ContainerStatus{Name: "a"}), "UserInitiated"), phase: "Failed", first: "ended ContainerStatusUnknown 137 The container could not be located when the pod was terminated"},
		"deadline, still running":             {pod: job("a"), box: late(box(runs("a"))), phase: "Running", first: "running since 12:00:00; ready"},
		"deadline":                            {pod: job("a"), box: late(stopped(box(ended("a", 137)), "")), phase: "Running", first: "ended Error 137"},
		"taken, and its container ended well": {pod: pod("a"), box: stopped(box(ended("a", 0)), sandbox.CodeTermination), phase: "Failed", reason: "Terminated", detail: "because", first: "ended Completed 0"},
		"taken after all was done": {pod: func() *v1.Pod {
			p := pod("a")
			p.Spec.RestartPolicy = v1.RestartPolicyNever
			return p
		}(), box: stopped(box(ended("a", 0)), sandbox.CodeTermination), phase: "Succeeded", first: "ended Completed 0"},
		"the network namespace was taken":    {pod: pod("a"), box: stopped(box(ended("a", 137)), sandbox.CodeTermination), phase: "Failed", reason: "Terminated", detail: "because", first: "ended Error 137"},
		"the sandbox could not be made":      {pod: pod("a"), box: stopped(box(sandbox.ContainerStatus{Name: "a"}), sandbox.CodeFailedToStart), phase: "Failed", reason: "FailedCreatePodSandBox", detail: "because", first: "ended ContainerStatusUnknown 137 The container could not be located when the pod was terminated"},
		"init failed":                        {pod: initialised, box: stopped(box(ended("i", 1), sandbox.ContainerStatus{Name: "a"}), sandbox.CodeFailedToStart), phase: "Failed", first: "waits PodInitializing"},
		"lost":                               {pod: pod("a"), lost: true, phase: "Failed", reason: "ContainerStatusUnknown", detail: "The pod's sandbox does not exist any more", first: "ended ContainerStatusUnknown 137 The container could not be located when the pod was terminated"},
		"what has succeeded stays succeeded": {pod: done, box: stopped(box(ended("a", 1)), "PodFinished"), phase: "Succeeded", first: "ended Error 1"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "deadline" {
				x.box.Desired = sandbox.Desired{Stopped: true, Code: "DeadlineExceeded"}
				x.phase, x.reason, x.detail = "Failed", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
			}
			s := pods.StatusOf(x.pod, x.box, pods.Notes{Lost: x.lost}, now)
			if string(s.Phase) != x.phase || s.Reason != x.reason || s.Message != x.detail {
				t.Errorf("%s %s %s", s.Phase, s.Reason, s.Message)
			}
			if got := say(s.ContainerStatuses[0]); got != x.first {
				t.Errorf("%s\nwant %s", got, x.first)
			}
		})
	}
}

func TestKeepsWhatIsKnownWithoutSandbox(t *testing.T) {
	p := pod("a")
	p.Status = pods.StatusOf(p, stopped(box(ended("a", 0)), "UserInitiated"), pods.Notes{}, start)
	got := pods.StatusOf(p, nil, pods.Notes{}, now)
	if say(got.ContainerStatuses[0]) != say(p.Status.ContainerStatuses[0]) || got.Phase != p.Status.Phase {
		t.Errorf("%+v", got)
	}
	ran := pod("a")
	ran.Status = pods.StatusOf(ran, box(runs("a")), pods.Notes{}, start)
	if got := say(pods.StatusOf(ran, nil, pods.Notes{Lost: true}, now).ContainerStatuses[0]); !strings.HasPrefix(got, "ended ContainerStatusUnknown 137") {
		t.Error(got)
	}
}

func TestMessagesAreCut(t *testing.T) {
	long := ended("a", 1)
	long.Message = strings.Repeat("x", 5000)
	s := pods.StatusOf(pod("a", "b", "c", "d"), box(long), pods.Notes{}, now)
	if n := len(s.ContainerStatuses[0].State.Terminated.Message); n != 12<<10/4 {
		t.Error(n)
	}
}

// As with kubelet: `kubectl describe` would call a time that is not there year 1.
func TestRunThatNeverBeganIsOf1970(t *testing.T) {
	code := sandbox.ExitStartError
	unstarted := sandbox.ContainerStatus{Name: "a", State: sandbox.ContainerStopped, ExitCode: &code, FinishedAt: start, Reason: sandbox.ReasonStartError}
	again := runs("a")
	again.Attempt, again.LastExit = 1, &sandbox.Exit{Code: code, FinishedAt: start, Reason: sandbox.ReasonStartError}
	p := podOf(v1.RestartPolicyNever, v1.Container{Name: "a"})
	this := pods.StatusOf(p, box(unstarted), pods.Notes{}, start).ContainerStatuses[0].State.Terminated
	last := pods.StatusOf(p, box(again), pods.Notes{}, start).ContainerStatuses[0].LastTerminationState.Terminated
	for name, got := range map[string]*v1.ContainerStateTerminated{"this run": this, "the last one": last} {
		if got == nil || got.StartedAt.Unix() != 0 || !got.FinishedAt.Time.Equal(start) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
