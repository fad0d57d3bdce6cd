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

// TestEKSNodeGroup: what pods have on nodes of a node group and not on Fargate.
func TestEKSNodeGroup(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	c := s.prepare(t, "grouped")
	c.create(t)
	c.active(t)
	c.point(t)
	_, err := c.client().CreateNodegroup(context.Background(), &eks.CreateNodegroupInput{
		ClusterName: &c.name, NodegroupName: aws.String("workers"), Subnets: c.subnets[:1],
		NodeRole: aws.String(s.role(t, "nodes-role", "ec2.amazonaws.com")),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("identity", func(t *testing.T) { podIdentity(c.in(t, "t-identity"), c) })
	t.Run("hostPath", func(t *testing.T) { hostPaths(c.in(t, "t-disk")) })
	t.Run("refused", func(t *testing.T) { refusedOnNodes(c.in(t, "t-refused")) })
}

// podIdentity: a pod of an associated service account is the associated role to
// every SDK, until the association goes.
func podIdentity(n *namespace, c *eksCluster) {
	ctx := context.Background()
	if _, err := c.client().CreateAddon(ctx, &eks.CreateAddonInput{ClusterName: &c.name, AddonName: aws.String("eks-pod-identity-agent")}); err != nil {
		n.t.Fatal(err)
	}
	role := c.server.role(n.t, "reader", "pods.eks.amazonaws.com", "sts:TagSession")
	a, err := c.client().CreatePodIdentityAssociation(ctx, &eks.CreatePodIdentityAssociationInput{
		ClusterName: &c.name, Namespace: aws.String("t-identity"), ServiceAccount: aws.String("default"), RoleArn: &role,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	// A pod that is made at the same moment may be too early for it, as on AWS.
	eventually(n.t, "a pod has the identity", time.Minute, func() error {
		n.k("delete pod who --ignore-not-found --wait=true")
		n.runs("who", "--restart=Never", "env", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "serve")
		n.ready("pod/who")
		out := n.k("logs who")
		if !strings.Contains(out, "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials") {
			return fmt.Errorf("it says %q", out)
		}
		return nil
	})
	n.holds(":assumed-role/reader/eks-grouped-who-", "exec who -- probe caller")
	if _, err := c.client().DeletePodIdentityAssociation(ctx, &eks.DeletePodIdentityAssociationInput{ClusterName: &c.name, AssociationId: a.Association.AssociationId}); err != nil {
		n.t.Fatal(err)
	}
	if out := n.fails("exec who -- probe caller"); !strings.Contains(out, "ResourceNotFoundException") {
		n.t.Errorf("without its association: %s", out)
	}
}

const diskPods = `
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  nodeName: NODE
  terminationGracePeriodSeconds: 1
  volumes: [{name: d, hostPath: {path: PATH, type: TYPE}}]
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve], volumeMounts: [{name: d, mountPath: /d}]}]
`

// hostPaths: pods of a node share what is on its disk, which is not this
// machine's.
func hostPaths(n *namespace) {
	node := strings.Fields(n.k("get nodes -o jsonpath={.items[*].metadata.name}"))[0]
	pod := func(name, path, kind string) {
		n.apply(strings.NewReplacer("NAME", name, "NODE", node, "PATH", path, "TYPE", kind).Replace(diskPods))
	}
	pod("writer", "/var/lib/app", "DirectoryOrCreate")
	n.ready("pod/writer")
	n.k("exec writer -- probe write /d/f shared")
	pod("reader", "/var/lib/app", "Directory")
	n.ready("pod/reader")
	n.says("shared", "exec reader -- probe read /d/f")
	pod("socket", "/var/run/docker.sock", "Socket")
	n.holds("hostPath type check failed: /var/run/docker.sock is not a socket file", "get events --field-selector involvedObject.name=socket -o jsonpath={.items[*].message}")
}

// refusedOnNodes: what would reach beyond the sandbox is refused, and the pod
// tells why.
func refusedOnNodes(n *namespace) {
	for name, pod := range map[string]struct{ spec, refusal string }{
		"privileged": {`"containers":[{"name":"c","image":"IMAGE","imagePullPolicy":"Never","securityContext":{"privileged":true}}]`, "privileged"},
		"net":        {`"hostNetwork":true,"containers":[{"name":"c","image":"IMAGE","imagePullPolicy":"Never"}]`, "hostNetwork: Neargate's nodes share nothing with their pods"},
	} {
		n.apply(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"` + name + `"},"spec":{` + pod.spec + `}}`)
		n.holds(pod.refusal, "get events --field-selector type=Warning,involvedObject.name={} -o jsonpath={.items[*].message}", name)
	}
}
