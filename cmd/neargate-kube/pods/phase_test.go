package pods_test

import (
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/pods"
)

func waiting() v1.ContainerState {
	return v1.ContainerState{Waiting: &v1.ContainerStateWaiting{}}
}

func runningState() v1.ContainerState {
	return v1.ContainerState{Running: &v1.ContainerStateRunning{}}
}

func exit(code int32) v1.ContainerState {
	return v1.ContainerState{Terminated: &v1.ContainerStateTerminated{ExitCode: code}}
}

func in(name string, s v1.ContainerState) v1.ContainerStatus {
	yes := s.Running != nil
	return v1.ContainerStatus{Name: name, State: s, Started: &yes}
}

func waitingAfter(name string, code int32) v1.ContainerStatus {
	return v1.ContainerStatus{Name: name, State: waiting(), LastTerminationState: exit(code)}
}

func always() *v1.ContainerRestartPolicy {
	p := v1.ContainerRestartPolicyAlways
	return &p
}

func TestPhase(t *testing.T) {
	main := v1.PodSpec{Containers: []v1.Container{{Name: "a"}}}
	two := v1.PodSpec{Containers: []v1.Container{{Name: "a"}, {Name: "b"}}}
	init := v1.PodSpec{InitContainers: []v1.Container{{Name: "i"}}, Containers: []v1.Container{{Name: "a"}}}
	side := v1.PodSpec{InitContainers: []v1.Container{{Name: "s", RestartPolicy: always()}}, Containers: []v1.Container{{Name: "a"}}}
	never, onFailure := v1.RestartPolicyNever, v1.RestartPolicyOnFailure
	no := false
	rule := v1.ContainerRestartPolicyNever
	ruled := v1.PodSpec{Containers: []v1.Container{{Name: "a", RestartPolicy: &rule, RestartPolicyRules: []v1.ContainerRestartRule{{
		Action: v1.ContainerRestartRuleActionRestart, ExitCodes: &v1.ContainerRestartRuleOnExitCodes{Operator: v1.ContainerRestartRuleOnExitCodesOpIn, Values: []int32{42}},
	}}}}}
	for name, x := range map[string]struct {
		spec   v1.PodSpec
		policy v1.RestartPolicy
		all    []v1.ContainerStatus
		ended  bool
		want   v1.PodPhase
	}{
		"no status":                        {spec: main, want: v1.PodPending},
		"waiting":                          {spec: main, all: []v1.ContainerStatus{in("a", waiting())}, want: v1.PodPending},
		"running":                          {spec: main, all: []v1.ContainerStatus{in("a", runningState())}, want: v1.PodRunning},
		"one of two runs":                  {spec: two, all: []v1.ContainerStatus{in("a", runningState()), in("b", waiting())}, want: v1.PodPending},
		"one of two crashes":               {spec: two, all: []v1.ContainerStatus{in("a", runningState()), waitingAfter("b", 1)}, want: v1.PodRunning},
		"one of two is done":               {spec: two, policy: never, all: []v1.ContainerStatus{in("a", runningState()), in("b", exit(0))}, want: v1.PodRunning},
		"crash loop":                       {spec: main, all: []v1.ContainerStatus{waitingAfter("a", 1)}, want: v1.PodRunning},
		"restarting after success":         {spec: main, all: []v1.ContainerStatus{in("a", exit(0))}, want: v1.PodRunning},
		"done":                             {spec: main, policy: never, all: []v1.ContainerStatus{in("a", exit(0))}, want: v1.PodSucceeded},
		"failed":                           {spec: main, policy: never, all: []v1.ContainerStatus{in("a", exit(1))}, want: v1.PodFailed},
		"one of two failed":                {spec: two, policy: never, all: []v1.ContainerStatus{in("a", exit(0)), in("b", exit(2))}, want: v1.PodFailed},
		"on failure, done":                 {spec: main, policy: onFailure, all: []v1.ContainerStatus{in("a", exit(0))}, want: v1.PodSucceeded},
		"on failure, failed":               {spec: main, policy: onFailure, all: []v1.ContainerStatus{in("a", exit(1))}, want: v1.PodRunning},
		"stopped, always, success":         {spec: main, all: []v1.ContainerStatus{in("a", exit(0))}, ended: true, want: v1.PodSucceeded},
		"stopped, always, killed":          {spec: main, all: []v1.ContainerStatus{in("a", exit(137))}, ended: true, want: v1.PodFailed},
		"init runs":                        {spec: init, all: []v1.ContainerStatus{in("i", runningState()), in("a", waiting())}, want: v1.PodPending},
		"init failed, never":               {spec: init, policy: never, all: []v1.ContainerStatus{in("i", exit(1)), in("a", waiting())}, want: v1.PodFailed},
		"init failed, always":              {spec: init, all: []v1.ContainerStatus{waitingAfter("i", 1), in("a", waiting())}, want: v1.PodPending},
		"init done":                        {spec: init, all: []v1.ContainerStatus{in("i", exit(0)), in("a", runningState())}, want: v1.PodRunning},
		"sidecar runs":                     {spec: side, all: []v1.ContainerStatus{in("s", runningState()), in("a", waiting())}, want: v1.PodPending},
		"sidecar starting":                 {spec: side, all: []v1.ContainerStatus{{Name: "s", State: runningState(), Started: &no}, in("a", waiting())}, want: v1.PodPending},
		"sidecar starts anew, main runs":   {spec: side, all: []v1.ContainerStatus{{Name: "s", State: runningState(), Started: &no}, in("a", runningState())}, want: v1.PodRunning},
		"sidecar outlives main":            {spec: side, policy: never, all: []v1.ContainerStatus{in("s", runningState()), in("a", exit(0))}, want: v1.PodRunning},
		"sidecar ended after main":         {spec: side, policy: never, all: []v1.ContainerStatus{in("s", exit(143)), in("a", exit(0))}, want: v1.PodSucceeded},
		"own policy never, ruled code":     {spec: ruled, all: []v1.ContainerStatus{in("a", exit(42))}, want: v1.PodRunning},
		"own policy never, any other code": {spec: ruled, all: []v1.ContainerStatus{in("a", exit(1))}, want: v1.PodFailed},
	} {
		t.Run(name, func(t *testing.T) {
			x.spec.RestartPolicy = x.policy
			if got := pods.Phase(&x.spec, x.all, x.ended); got != x.want {
				t.Errorf("%s, want %s", got, x.want)
			}
		})
	}
}
