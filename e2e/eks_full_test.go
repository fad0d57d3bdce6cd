package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/fixtures"
)

// This file is about clusters that have no room: on the disk, and in a subnet.

// TestEKSDiskFull: with no room left nothing is answered as done that is not,
// reads go on, and with room again all is well; so it is after a crash, too.
func TestEKSDiskFull(t *testing.T) {
	t.Parallel()
	fixtures.RequireCommand(t, "kubectl")
	s := serveSmall(t, "40m", "--runtime=fake", "--kube", requireKube(t))
	c := s.cluster(t, "full", "t-*")
	n := c.in(t, "t-full")
	n.k("run before --image=image")
	n.ready("pod/before")
	blob := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(blob, []byte(strings.Repeat("0123456789abcdef", 12<<10)), 0o600); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(s.dataDir, "filler")
	fill(t, filler)
	kept, refusal := 0, ""
	for ; refusal == ""; kept++ { // the room that SQLite has taken before is used up first
		if kept == 200 {
			t.Fatal("200 ConfigMaps were kept on a disk without room")
		}
		if _, err := n.try("-n {} create configmap filling-{} --from-file={}", n.ns, fmt.Sprint(kept), blob); err != nil {
			refusal = err.Error()
			break
		}
	}
	if !strings.Contains(refusal, "Neargate cannot keep the cluster's state in "+s.dataDir) || !strings.Contains(refusal, "database or disk is full. Nothing was changed") {
		t.Errorf("a full disk is told as: %s", refusal)
	}
	_, err := n.feed(fmt.Sprintf(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "filling-0", "namespace": %q}, "data": {"other": %q}}`,
		n.ns, strings.Repeat("x", 200<<10)), "replace -f -")
	if err == nil || !strings.Contains(err.Error(), "database or disk is full. Nothing was changed") {
		t.Errorf("a change on a full disk: %v", err)
	}
	count := func(want int) {
		t.Helper()
		if got := len(strings.Fields(n.k("get configmaps -o name"))) - 1; got != want { // one is every namespace's
			t.Errorf("%d ConfigMaps are there, %d were answered as made", got, want)
		}
	}
	count(kept)
	n.says("Running", "get pod before -o jsonpath={.status.phase}")
	c.ails(t, "Neargate cannot keep the cluster's state in "+s.dataDir)

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	n.comes(time.Minute, "run after --image=image", nil, func(string) bool { return true }, "made")
	n.ready("pod/after", "pod/before")
	c.ails(t, "")
	s.kill()
	s.start()
	n.comes(time.Minute, "get pods -o name", nil, func(s string) bool { return s == "pod/after\npod/before" }, "both pods")
	count(kept)
	n.k("create configmap more --from-file={}", blob)
	count(kept + 1)
}

// ails waits until what is the matter with the cluster begins with why, in all
// places where it is told; "" when nothing is.
func (c *eksCluster) ails(t *testing.T, why string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the cluster's health says %q", why), time.Minute, func() error {
		k := c.active(t)
		issues, all := k.Health.Issues, strings.Join(c.health().Clusters[aws.ToString(k.Arn)], "")
		switch {
		case why == "" && len(issues) == 0 && all == "":
			return nil
		case why != "" && len(issues) == 1 && strings.HasPrefix(aws.ToString(issues[0].Message), why) && strings.HasPrefix(all, why):
			return nil
		}
		return fmt.Errorf("%v, %q", issues, all)
	})
}

// TestEKSFullSubnet: pods that find no address in their subnet wait in Fargate's
// words and start as addresses come free; tasks say it in theirs.
func TestEKSFullSubnet(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	c := s.prepare(t, "crowded")
	c.create(t)
	c.active(t)
	small := s.makeSubnet(t, c.vpc, "10.0.3.0/28", "us-east-1a")
	c.subnets = []string{small}
	c.profile(t, "small", "t-*")
	c.point(t)
	n := c.in(t, "t-crowded")
	d := definition("crowd", types.ContainerDefinition{Name: aws.String("app"), Image: aws.String(probeImage), Command: []string{"serve"}})
	first := s.run(t, d, in(small))
	first.running()
	n.apply(strings.ReplaceAll(rollingManifest, "replicas: 4", "replicas: 11"))
	n.comes(3*time.Minute, "get deployment web -o jsonpath={.status.readyReplicas}", nil, func(s string) bool { return s == "10" }, "10") // with the task 11, AWS keeps five
	const waiting = "get pods --field-selector status.phase=Pending -o jsonpath={.items[*].metadata.name}"
	late := n.k(waiting)
	n.holds("Fargate capacity is unavailable at this time. Please try again later or in a different availability zone", "get events --field-selector reason=FailedScheduling,involvedObject.name={} -o jsonpath={.items[*].message}", late)
	n.explained(late, "Fargate capacity is unavailable at this time.", "InsufficientFreeAddressesInSubnet")
	stop := s.run(t, d, in(small)).stopped()
	checkStop(t, stop, types.TaskStopCodeTaskFailedToStart,
		"Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet '"+small+"': InsufficientFreeAddressesInSubnet")
	first.stop("make room")
	first.stopped()
	n.comes(2*time.Minute, "get deployment web -o jsonpath={.status.readyReplicas}", nil, func(s string) bool { return s == "11" }, "11")
	n.says("", waiting)
	if got := len(strings.Fields(n.k("get nodes -o name"))); got != 11 {
		t.Errorf("%d nodes for 11 pods", got)
	}
}
