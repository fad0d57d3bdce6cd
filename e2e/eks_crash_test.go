package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// This file is about bad days of control planes: kill -9 in the middle of
// things, one that hangs, and programs that are none.

const rollingManifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: IMAGE, imagePullPolicy: Never, args: [serve], env: [{name: V, value: "0"}]}]
`

// TestEKSKilledWhileRollingOut: whatever dies in the middle of a rollout, it is
// finished afterwards, with no pod lost or doubled, and nothing is left over.
func TestEKSKilledWhileRollingOut(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	n := s.cluster(t, "rolling", "t-*").in(t, "t-rolling")
	n.apply(rollingManifest)
	n.k("rollout status deployment/web --timeout=240s")
	for i, blow := range []struct {
		to     string
		strike func()
	}{
		{"the server", func() { s.kill(); s.start() }},
		{"neargate-kube", n.killPlane},
		{"all at once", func() { id := n.process(t); s.kill(); killed(t, id); s.start() }},
	} {
		version := fmt.Sprint(i + 1)
		n.k("set env deployment/web V={}", version)
		// It is in the middle when the first of the new pods is there.
		n.comes(time.Minute, "get deployment web -o jsonpath={}", []string{"{.status.observedGeneration} {.status.updatedReplicas}"},
			func(s string) bool {
				g, r, _ := strings.Cut(s, " ")
				return g == fmt.Sprint(i+2) && r != "" && r != "0"
			}, "a new pod")
		blow.strike()
		n.comes(2*time.Minute, "rollout status deployment/web --timeout=240s", nil, func(string) bool { return true }, "the end of the rollout")
		n.comes(time.Minute, "get pods -o jsonpath={}", []string{"{range .items[*]}{.status.phase}{.spec.containers[0].env[0].value}{.status.containerStatuses[0].restartCount} {end}"},
			func(s string) bool { return s == strings.TrimSpace(strings.Repeat("Running"+version+"0 ", 4)) }, "four pods of version "+version+" after kill -9 of "+blow.to)
		n.checkCount("after kill -9 of "+blow.to, 4)
	}
	n.k("delete deployment web")
	n.becomes("", "get pods,nodes -o name")
	n.checkCount("in the end", 0)
	n.active(t)
}

// killed ends a process that is no child of ours, if it lives.
func killed(t testing.TB, id string) {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(id, &n); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(n, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		t.Fatal(err)
	}
}

// checkCount: so many pods have a node, a sandbox and a container each, nobody
// else does, and there is one control plane.
func (n *namespace) checkCount(when string, pods int) {
	n.t.Helper()
	eventually(n.t, when, patience, func() error {
		nodes, err := n.try("get nodes -o name")
		if err != nil {
			return err
		}
		count := map[string]int{"nodes": len(strings.Fields(nodes))}
		for _, role := range []string{"sandbox", "container"} {
			out, err := command(nil, "docker", "ps", "-a", "--filter", "label=dev.neargate.instance="+n.instance, "--filter", "label=dev.neargate.role="+role, "--format", "{{.Names}}")
			if err != nil {
				return err
			}
			for _, name := range strings.Fields(out) {
				if !strings.Contains(name, "-warm-") {
					count[role]++
				}
			}
		}
		if count["nodes"] != pods || count["sandbox"] != pods || count["container"] != pods {
			return fmt.Errorf("%v for %d pods", count, pods)
		}
		if planes := children(n.t, n.cmd.Process.Pid); len(planes) != 1 {
			return fmt.Errorf("the control planes are %v", planes)
		}
		return nil
	})
}

// TestEKSControlPlaneHangs: one that does not answer is told of, ended and
// started anew, and pods do not notice.
func TestEKSControlPlaneHangs(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	c := s.cluster(t, "hanging", "t-*")
	n := c.in(t, "t-hanging")
	n.apply(plainManifest)
	n.ready("pod/plain")
	before := n.k("get pods -o jsonpath={}", identities)
	id := c.process(t)
	var pid int
	if _, err := fmt.Sscan(id, &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.issue(t, "The control plane does not answer. It has not answered ")
	n.explained("", "The control plane does not answer. It has not answered ", "pods run on meanwhile")
	eventually(t, "another process answers", 2*time.Minute, func() error {
		if _, err := n.try("--request-timeout=5s get namespaces"); err != nil {
			return err
		}
		if now := children(t, s.cmd.Process.Pid); len(now) != 1 || now[0] == id {
			return fmt.Errorf("the control planes are %v, it was %s", now, id)
		}
		return nil
	})
	eventually(t, "the cluster is well", patience, func() error {
		if k := c.active(t); len(k.Health.Issues) > 0 {
			return fmt.Errorf("%+v", k.Health.Issues)
		}
		return nil
	})
	n.comes(time.Minute, "get pods -o jsonpath={}", []string{identities}, func(s string) bool { return s == before }, before)
	n.says("kept", "exec plain -- probe read /v/x")
}

// issue waits for what the health of an ACTIVE cluster says.
func (c *eksCluster) issue(t testing.TB, beginning string) {
	t.Helper()
	eventually(t, "the cluster's health tells", 90*time.Second, func() error {
		k := c.active(t)
		for _, i := range k.Health.Issues {
			if i.Code == types.ClusterIssueCodeClusterUnreachable && strings.HasPrefix(aws.ToString(i.Message), beginning) {
				return nil
			}
		}
		return fmt.Errorf("it says %+v", k.Health.Issues)
	})
}

// TestEKSOtherPrograms: what is no neargate-kube makes a cluster FAILED, with
// what it said and what can be done.
func TestEKSOtherPrograms(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		script string
		parts  []string
	}{
		"exits":    {"exit 3", []string{"neargate-kube has ended: exit status 3"}},
		"nonsense": {`printf 'PK\003\004\n'; echo "{ not JSON" >&2; exit 0`, []string{"has ended, which nobody asked it to", "{ not JSON"}},
		"older": {`echo '{"level":"info","message":"hello"}'; echo 'neargate-kube: this neargate-kube can be Kubernetes [1.20], not 1.35' >&2; exit 1`,
			[]string{"exit status 1", "this neargate-kube can be Kubernetes [1.20], not 1.35"}},
		"broken": {"", []string{"cannot be started", "exec format error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "neargate-kube")
			text := "\x7fELF, but not really"
			if row.script != "" {
				text = "#!/bin/sh\n" + row.script + "\n"
			}
			if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
			s := serveFake(t, "--kube", program)
			c := s.prepare(t, "never")
			c.create(t)
			k := c.settled(t)
			if k.Status != types.ClusterStatusFailed || len(k.Health.Issues) != 1 {
				t.Fatalf("the cluster is %s: %+v", k.Status, k.Health)
			}
			said := aws.ToString(k.Health.Issues[0].Message)
			for _, part := range append(row.parts, "started 3 times from "+program, "neargate doctor --only kube", "make build-kube") {
				if !strings.Contains(said, part) {
					t.Errorf("it does not say %q: %s", part, said)
				}
			}
			if out, err := command(nil, binary, "doctor", "--only", "kube", "--kube", program); err == nil {
				t.Errorf("the doctor says %s", out)
			}
			if left := children(t, s.cmd.Process.Pid); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
		})
	}
}
