package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file is about clusters whose Docker Engine goes away. Bad days of their
// control planes are in eks_crash_test.go.

const plainManifest = `
apiVersion: v1
kind: Pod
metadata: {name: plain}
spec:
  terminationGracePeriodSeconds: 2
  volumes: [{name: v, emptyDir: {}}]
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [write, /v/x, kept, serve], volumeMounts: [{name: v, mountPath: /v}]}]
`

// identities tells which containers the pods run, and how often they started.
const identities = `{range .items[*]}{.metadata.name} {.status.podIP} {.status.phase} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\n"}{end}`

// readiness is the condition Ready of nodes, as "False False".
const readiness = `{.items[*].status.conditions[?(@.type=='Ready')].status}`

// explained asks `neargate why` until it says all of this.
func (n *namespace) explained(pod string, parts ...string) {
	n.t.Helper()
	eventually(n.t, "why explains "+pod, patience, func() error {
		ref := n.name + "/" + n.ns + "/" + pod
		if pod == "" {
			ref = n.name
		}
		said, err := command(nil, binary, "why", "--endpoint", n.endpoint, ref)
		for _, part := range parts {
			if err == nil && !strings.Contains(said, part) {
				err = fmt.Errorf("it does not say %q:\n%s", part, said)
			}
		}
		return err
	})
}

// TestEKSDockerAway: without the Engine pods run on and nobody claims to know
// how they are; new ones wait and say for what; when it is back, so is all.
func TestEKSDockerAway(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	s := serveEKS(t, "--docker-host", "unix://"+p.path)
	t.Cleanup(p.mend) // before the server is emptied
	n := s.cluster(t, "cut", "t-*").in(t, "t-cut")
	n.apply(webManifest + "---" + plainManifest)
	n.k("rollout status deployment/web --timeout=240s")
	n.ready("pod/plain")
	before := n.k("get pods -o jsonpath={}", identities)

	p.cut()
	n.runs("late", "", "serve")
	away := "unix://" + p.path // in whatever words
	n.holds(away, "get events --field-selector involvedObject.name=plain,reason=FailedSync -o jsonpath={.items[*].message}")
	n.explained("plain", "It is RUNNING since ", "That is how it was when it was last seen. Since ", "the runtime does not tell how it is", away)
	n.explained("late", "Pod provisioning timed out (will retry) for pod: t-cut/late: ", away)
	n.explained("", "Its pods cannot be looked after until the runtime answers: ", away)
	n.holds(away, "get events --field-selector involvedObject.name=late,reason=FailedScheduling -o jsonpath={.items[*].message}")
	if said := n.fails("logs plain"); !strings.Contains(said, away) {
		t.Errorf("kubectl logs says %s", said)
	}
	if said := n.fails("exec plain -- probe whoami"); !strings.Contains(said, away) {
		t.Errorf("kubectl exec says %s", said)
	}
	const long = 90 * time.Second
	n.comes(long, "get nodes -o jsonpath={}", []string{readiness}, func(s string) bool { return s == "False False False" }, "False False False")
	n.holds("container runtime is down: ", "describe nodes")
	n.says("Pending", "get pod late -o jsonpath={.status.phase}")
	if now := n.k("get pods -o jsonpath={} --field-selector metadata.name!=late", identities); now != before {
		t.Errorf("while the Engine is away:\n%s\nbefore:\n%s", now, before)
	}

	p.mend()
	n.comes(long, "get nodes -o jsonpath={}", []string{readiness}, func(s string) bool { return s == "True True True True" }, "True True True True")
	n.ready("pod/late", "pod/plain")
	n.ready("pod", "-l app=web")
	if after := n.k("get pods -o jsonpath={} --field-selector metadata.name!=late", identities); after != before {
		t.Errorf("afterwards:\n%s\nbefore:\n%s", after, before)
	}
	n.says("kept", "exec plain -- probe read /v/x")
	n.holds("web-", "exec plain -- probe get http://web/")
	n.says("", "get nodes -o jsonpath={}", "{.items[*].spec.taints[?(@.key=='node.kubernetes.io/not-ready')].key}")
}

// TestEKSEngineKilled: an Engine that dies and comes back with its containers
// costs nothing; one that comes back without them costs the pods that were in
// it, which is told, and those of a Deployment are replaced. So it is with
// tasks.
func TestEKSEngineKilled(t *testing.T) {
	t.Parallel()
	requirePodImage(t)
	e := startEngine(t, "--live-restore")
	e.image(podImage)
	e.image(probeImage)
	s := serveEKS(t, "--docker-host", e.host())
	t.Cleanup(func() { e.start("--live-restore") }) // before the server is emptied
	n := s.cluster(t, "shaken", "t-*").in(t, "t-shaken")
	n.apply(webManifest + "---" + plainManifest)
	n.k("rollout status deployment/web --timeout=240s")
	n.ready("pod/plain")
	k := s.run(t, definition("task", probe("app", "serve")))
	k.running()
	before := n.k("get pods -o jsonpath={}", identities)

	e.kill()
	n.explained("plain", "That is how it was when it was last seen.")
	if got := k.describe(); aws.ToString(got.LastStatus) != "RUNNING" {
		t.Errorf("the task is %s", aws.ToString(got.LastStatus))
	}
	e.start("--live-restore")
	n.holds("web-", "exec plain -- probe get http://web/")
	if after := n.k("get pods -o jsonpath={}", identities); after != before {
		t.Errorf("afterwards:\n%s\nbefore:\n%s", after, before)
	}
	k.running()

	e.kill()
	e.start()
	const lost = "The network namespace of the task is gone"
	n.comes(2*time.Minute, "get pod plain -o jsonpath={}", []string{"{.status.phase} {.status.reason}: {.status.message}"},
		func(s string) bool { return strings.HasPrefix(s, "Failed Terminated: "+lost) }, "Failed Terminated")
	n.comes(2*time.Minute, "get deployment web -o jsonpath={.status.readyReplicas}", nil, func(s string) bool { return s == "2" }, "2")
	var names []string
	for _, line := range strings.Split(before, "\n") {
		name, _, _ := strings.Cut(line, " ")
		if strings.HasPrefix(name, "web-") {
			names = append(names, name)
		}
	}
	if after := n.k("get pods -l app=web --field-selector status.phase=Running -o name"); strings.Contains(after, names[0]) || strings.Contains(after, names[1]) {
		t.Errorf("a pod whose sandbox is gone runs: %s, before %s", after, names)
	}
	n.explained("plain", lost)
	stop := k.stopped()
	if !strings.HasPrefix(aws.ToString(stop.StoppedReason), lost) || stop.StopCode != types.TaskStopCodeTerminationNotice {
		t.Errorf("the task stopped: %s %s", stop.StopCode, aws.ToString(stop.StoppedReason))
	}
	n.k("delete deployment,pod --all")
	n.becomes("", "get nodes -o name")
	eventually(t, "the Engine is empty", patience, func() error {
		left, err := e.docker("ps", "-aq", "--filter", "label=dev.neargate.role=container")
		if err == nil && left != "" {
			err = errors.New("there is " + left)
		}
		return err
	})
}
