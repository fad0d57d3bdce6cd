package e2e_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// TestEKSSurvives: whatever is killed, the pods run on, and are the same
// containers afterwards; and then new ones start.
func TestEKSSurvives(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	c := s.cluster(t, "tough", "t-*")
	n := c.in(t, "t-tough")
	n.apply(webManifest)
	n.apply(`
apiVersion: v1
kind: Pod
metadata: {name: again}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: v, emptyDir: {}}]
  containers: [{name: a, image: IMAGE, imagePullPolicy: Never, args: [crash, /v/runs, "1", 100ms, serve], volumeMounts: [{name: v, mountPath: /v}]}]
`)
	n.k("rollout status deployment/web --timeout=240s")
	n.becomes("1", "get pod again -o jsonpath={.status.containerStatuses[0].restartCount}")
	n.ready("pod/again")
	const facts = `{range .items[*]}{.metadata.name} {.status.podIP} {.spec.nodeName} {.status.phase} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\n"}{end}`
	before := n.k("get pods -o jsonpath={}", facts)
	for i, blow := range []struct {
		to     string
		strike func()
	}{
		{"neargate-kube", func() { n.killPlane() }},
		{"the server", func() { s.kill(); s.start() }},
		{"both", func() { n.killPlane(); s.kill(); s.start() }},
		{"the server, softly", func() { s.stop(); s.start() }},
	} {
		blow.strike()
		fresh := "fresh-" + strconv.Itoa(i)
		n.comes(time.Minute, "run {} --image={} --image-pull-policy=Never -o name -- serve", []string{fresh, podImage}, func(string) bool { return true }, "the API's answer")
		n.comes(time.Minute, "get pod {} -o jsonpath={}", []string{fresh, "{.status.conditions[?(@.type=='Ready')].status}"}, func(s string) bool { return s == "True" }, "Ready")
		n.k("delete pod {} --grace-period=1", fresh)
		if after := n.k("get pods -o jsonpath={}", facts); after != before {
			t.Errorf("after kill -9 of %s:\n%s\nbefore:\n%s", blow.to, after, before)
		}
		n.holds("web-", "exec again -- probe get http://web/")
	}
	c.active(t)
}

// killPlane ends the control plane of the only cluster as a crash would.
func (n *namespace) killPlane() {
	n.t.Helper()
	id, err := strconv.Atoi(n.process(n.t))
	if err != nil {
		n.t.Fatal(err)
	}
	if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
		n.t.Fatal(err)
	}
	eventually(n.t, "the control plane is dead", 10*time.Second, func() error {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id)); err == nil && !strings.Contains(string(text), "\nState:\tZ") {
			return fmt.Errorf("process %d lives", id)
		}
		return nil
	})
}

// TestEKSSideBySide: two clusters, of the oldest and the newest version, know
// nothing of each other.
func TestEKSSideBySide(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	out, err := eks.NewFromConfig(s.config()).DescribeClusterVersions(t.Context(), &eks.DescribeClusterVersionsInput{})
	if err != nil || len(out.ClusterVersions) < 2 {
		t.Fatalf("versions: %v %v", out, err)
	}
	versions := []string{aws.ToString(out.ClusterVersions[0].ClusterVersion), aws.ToString(out.ClusterVersions[len(out.ClusterVersions)-1].ClusterVersion)}
	var both []*namespace
	for _, version := range versions {
		c := s.prepare(t, "v"+strings.ReplaceAll(version, ".", "-"))
		c.create(t, func(in *eks.CreateClusterInput) { in.Version = aws.String(version) })
		both = append(both, &namespace{c, t, "default"})
	}
	for i, n := range both {
		n.active(t)
		n.profile(t, "all", "default")
		n.point(t)
		if out := n.k("version -o json"); !strings.Contains(out, fmt.Sprintf(`"gitVersion": "v%s.`, versions[i])) {
			t.Errorf("kubectl version of a cluster of version %s: %s", versions[i], out)
		}
		n.runs("web", "--port=8080 --expose", "listen", "8080", "say", n.name, "serve")
	}
	for _, n := range both {
		n.ready("pod/web")
		n.holds(n.name, "logs web")
		n.becomes("web", "exec web -- probe get http://web:8080/")
		if out := n.k("get nodes -o name"); strings.Count(out, "node/") != 1 {
			t.Errorf("the nodes of %s: %s", n.name, out)
		}
	}
	if _, err := both[0].client().DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: aws.String(both[0].name)}); err == nil || !strings.Contains(err.Error(), "ResourceInUseException") {
		t.Errorf("a cluster with a profile is deleted: %v", err)
	}
	if _, err := both[0].client().DeleteFargateProfile(t.Context(), &eks.DeleteFargateProfileInput{ClusterName: aws.String(both[0].name), FargateProfileName: aws.String("all")}); err != nil {
		t.Error(err)
	}
	eventually(t, "the first cluster may be deleted", 30*time.Second, func() error {
		_, err := both[0].client().DeleteCluster(context.Background(), &eks.DeleteClusterInput{Name: aws.String(both[0].name)})
		return err
	})
	both[0].gone(t)
	both[1].becomes("web", "exec web -- probe get http://web:8080/")
}

// TestEKSWithoutKubernetes: a cluster that cannot be says what to do, and
// --eks=records needs nothing.
func TestEKSWithoutKubernetes(t *testing.T) {
	t.Parallel()
	s := serveFake(t, "--kube", "/not/there/neargate-kube")
	c := s.prepare(t, "lost")
	c.create(t)
	k := c.settled(t)
	if k.Status != types.ClusterStatusFailed || len(k.Health.Issues) != 1 {
		t.Fatalf("the cluster is %s: %+v", k.Status, k.Health)
	}
	for _, part := range []string{"/not/there/neargate-kube", "make build-kube"} {
		if text := aws.ToString(k.Health.Issues[0].Message); !strings.Contains(text, part) {
			t.Errorf("the issue does not say %q: %s", part, text)
		}
	}
	if _, err := c.client().DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: aws.String("lost")}); err != nil {
		t.Error(err)
	}
	c.gone(t)

	records := serveFake(t, "--eks", "records")
	c = records.prepare(t, "paper")
	c.create(t)
	if k := c.active(t); aws.ToString(k.Endpoint) == "" || len(children(t, records.cmd.Process.Pid)) != 0 {
		t.Errorf("the cluster's endpoint is %q, the server's children %v", aws.ToString(k.Endpoint), children(t, records.cmd.Process.Pid))
	}
	c.profile(t, "all", "default")
}
