package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
)

// TestEKSResize: what may be changed of a pod that runs is changed in it: its
// resources on a node of a node group, its images everywhere.
func TestEKSResize(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	c := s.prepare(t, "resize")
	c.create(t)
	c.active(t)
	c.point(t)
	c.profile(t, "apps", "t-fargate")
	_, err := c.client().CreateNodegroup(context.Background(), &eks.CreateNodegroupInput{
		ClusterName: &c.name, NodegroupName: aws.String("workers"), Subnets: c.subnets,
		NodeRole: aws.String(s.role(t, "nodes-role", "ec2.amazonaws.com")),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("node group", func(t *testing.T) { resizedInPlace(c.in(t, "t-workers")) })
	t.Run("fargate", func(t *testing.T) { notResized(c.in(t, "t-fargate")) })
}

// resizable is a pod whose memory takes another run. The limit of processors is
// more than what Fargate gives for the request.
const resizable = `
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: IMAGE
    imagePullPolicy: Never
    args: [serve]
    resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}, {resourceName: memory, restartPolicy: RestartContainer}]
    resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 500m, memory: 64Mi}}
`

const ofContainer = "get pod web -o jsonpath={.status.containerStatuses[0].%s}"

func resizedInPlace(n *namespace) {
	n.apply(resizable)
	n.ready("pod/web")
	first, uid := n.container(), n.k("get pod web -o jsonpath={.metadata.uid}")
	n.limited(first, "500000000", "67108864")

	n.resize(`{"requests":{"cpu":"200m"},"limits":{"cpu":"800m"}}`)
	n.becomes("200m 800m 200m", "get pod web -o jsonpath={}",
		"{.status.containerStatuses[0].resources.requests.cpu} {.status.containerStatuses[0].resources.limits.cpu} {.status.containerStatuses[0].allocatedResources.cpu}")
	n.becomes("ResizeStarted ResizeCompleted", "get events --sort-by=.metadata.creationTimestamp -o jsonpath={}", `{.items[?(@.reason=="ResizeStarted")].reason} {.items[?(@.reason=="ResizeCompleted")].reason}`)
	n.limited(first, "800781250", "67108864") // 820 of 1024 units
	n.says("0", fmt.Sprintf(ofContainer, "restartCount"))
	n.says(first, fmt.Sprintf(ofContainer, "containerID"))

	n.resize(`{"requests":{"memory":"96Mi"},"limits":{"memory":"96Mi"}}`)
	n.becomes("1 96Mi true", "get pod web -o jsonpath={}", "{.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].resources.limits.memory} {.status.containerStatuses[0].ready}")
	second := n.container()
	n.limited(second, "800781250", "100663296")
	n.holds("Container c resize requires restart", "get events --field-selector reason=Killing -o jsonpath={.items[*].message}")

	if out := n.fails("patch pod web --subresource resize -p {}", patchOf(`{"requests":{"cpu":"64"},"limits":{"cpu":"65"}}`)); !strings.Contains(out, "node didn't have enough allocatable resources: cpu, requested: 64000") {
		n.t.Errorf("more than there is: %s", out)
	}
	n.anotherImage("2")
	n.says(uid, "get pod web -o jsonpath={.metadata.uid}")
	n.limited(n.container(), "800781250", "100663296")
}

func notResized(n *namespace) {
	n.apply(resizable)
	n.ready("pod/web")
	first := n.container()
	n.limited(first, "250000000", "67108864")
	n.says("0.25vCPU 0.5GB", "get pod web -o jsonpath={.metadata.annotations.CapacityProvisioned}")
	n.says("500m", fmt.Sprintf(ofContainer, "resources.limits.cpu"))

	n.resize(`{"requests":{"cpu":"200m"},"limits":{"cpu":"800m"}}`)
	n.becomes("Infeasible: In-place pod resize is not supported on this node", "get pod web -o jsonpath={}",
		`{.status.conditions[?(@.type=="PodResizePending")].reason}: {.status.conditions[?(@.type=="PodResizePending")].message}`)
	n.says("500m", fmt.Sprintf(ofContainer, "resources.limits.cpu"))
	n.says(first, fmt.Sprintf(ofContainer, "containerID"))
	n.limited(first, "250000000", "67108864")
	n.anotherImage("1")
}

// anotherImage gives the pod's container another image, which takes a run, the
// one of that number, and no other pod, nor another address.
func (n *namespace) anotherImage(restarts string) {
	n.t.Helper()
	address, image := n.k("get pod web -o jsonpath={.status.podIP}"), n.k(fmt.Sprintf(ofContainer, "imageID"))
	n.k("set image pod/web c={}", probeImage)
	n.becomes(restarts+" true "+probeImage, "get pod web -o jsonpath={}", "{.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready} {.status.containerStatuses[0].image}")
	n.says(address, "get pod web -o jsonpath={.status.podIP}")
	if now := n.k(fmt.Sprintf(ofContainer, "imageID")); now == image {
		n.t.Errorf("the image is %s still", now)
	}
	n.holds("Container c definition changed, will be restarted", "get events --field-selector reason=Killing -o jsonpath={.items[*].message}")
}

// resize asks for other resources of the pod's container.
func (n *namespace) resize(resources string) {
	n.t.Helper()
	n.k("patch pod web --subresource resize -p {}", patchOf(resources))
}

func patchOf(resources string) string {
	return `{"spec":{"containers":[{"name":"c","resources":` + resources + `}]}}`
}

// container is the id of the container that the pod's status tells.
func (n *namespace) container() string {
	n.t.Helper()
	return n.k(fmt.Sprintf(ofContainer, "containerID"))
}

// limited wants a container to have these limits on the Engine: billionths of a
// processor, and bytes.
func (n *namespace) limited(id, processors, memory string) {
	n.t.Helper()
	got := docker(n.t, "inspect", "--format", "{{.State.Running}} {{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}", strings.TrimPrefix(id, "containerd://"))
	if want := "true " + processors + " " + memory; got != want {
		n.t.Errorf("%s has %q on the Engine, want %q", id, got, want)
	}
}
