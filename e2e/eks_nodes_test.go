package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
)

// TestEKSNodes: a node group gets a later version, node by node, and a
// PodDisruptionBudget has a say in when.
func TestEKSNodes(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	c := s.prepare(t, "nodes")
	c.create(t, func(in *eks.CreateClusterInput) { in.Version = aws.String("1.35") })
	c.active(t)
	c.point(t)
	ctx := context.Background()
	_, err := c.client().CreateNodegroup(ctx, &eks.CreateNodegroupInput{
		ClusterName: &c.name, NodegroupName: aws.String("workers"), Subnets: c.subnets, Version: aws.String("1.34"),
		NodeRole: aws.String(s.role(t, "nodes-role", "ec2.amazonaws.com")),
	})
	if err != nil {
		t.Fatal(err)
	}
	versions := func() (string, error) {
		return c.try("get nodes -o jsonpath={.items[*].status.nodeInfo.kubeletVersion}")
	}
	const earlier, later = "v1.34.0-eks-neargate", "v1.35.0-eks-neargate"
	await := func(what, want string) {
		t.Helper()
		eventually(t, what, time.Minute, func() error {
			out, err := versions()
			if err == nil && out != want {
				err = fmt.Errorf("they are of %s", out)
			}
			return err
		})
	}
	await("two nodes of the group's version", earlier+" "+earlier)
	_, err = c.feed(strings.ReplaceAll(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: "IMAGE", imagePullPolicy: Never, args: [serve]}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 0, selector: {matchLabels: {app: web}}}
`, "IMAGE", podImage), "apply -f -")
	if err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, "rollout status deployment/web --timeout 60s")
	before := c.kubectl(t, "get pods -l app=web -o jsonpath={.items[*].metadata.name}")
	u, err := c.client().UpdateNodegroupVersion(ctx, &eks.UpdateNodegroupVersionInput{ClusterName: &c.name, NodegroupName: aws.String("workers")})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a node is cordoned", time.Minute, func() error {
		out, err := c.try("get nodes -o jsonpath={.items[*].spec.unschedulable}")
		if err == nil && out != "true" {
			err = fmt.Errorf("cordoned: %q", out)
		}
		return err
	})
	status := func() string {
		t.Helper()
		out, err := c.client().DescribeUpdate(ctx, &eks.DescribeUpdateInput{Name: &c.name, NodegroupName: aws.String("workers"), UpdateId: u.Update.Id})
		if err != nil {
			t.Fatal(err)
		}
		return string(out.Update.Status)
	}
	if now := c.kubectl(t, "get pods -l app=web -o jsonpath={.items[*].metadata.name}"); now != before || status() != "InProgress" {
		t.Errorf("against the budget: %s became %s, the update is %s", before, now, status())
	}
	c.kubectl(t, "delete pdb web")
	await("two nodes of the later version", later+" "+later)
	eventually(t, "the update is over", time.Minute, func() error {
		if got := status(); got != "Successful" {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	c.kubectl(t, "rollout status deployment/web --timeout 60s")
	if out := c.kubectl(t, "get nodes -o jsonpath={.items[*].spec.unschedulable}"); out != "" {
		t.Errorf("cordoned: %q", out)
	}
}
