package fargate

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/fit"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// assumed are the pods that have a node group's node chosen and are not bound to
// it yet: sandbox → node. Choosing is done one at a time, so that no two pods
// are given the same room.
type assumed struct {
	mu   sync.Mutex
	node map[string]string
}

func newAssumed() assumed { return assumed{node: map[string]string{}} }

func (a *assumed) release(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.node, id)
}

// place takes the next step of a pod that no profile matches: a node group's
// node, if there is one that suits, its sandbox, and the binding.
func (c *Compute) place(ctx context.Context, p *corev1.Pod) error {
	id := boxes.ID(p.UID)
	box, ok := c.Boxes.Get(id)
	if ok && !box.Desired.Stopped && box.Status.Address != nil {
		return c.arrive(ctx, p, box)
	}
	if ok {
		return c.await(ctx, p, box, c.standard)
	}
	node, why, err := c.choose(p, id)
	if err != nil {
		return err
	}
	if node == nil {
		return c.waits(ctx, p, c.standard, corev1.PodReasonUnschedulable, why)
	}
	return c.open(ctx, p, node)
}

// arrive binds a pod whose sandbox is up to the node that it was made for. When
// that is gone, the sandbox goes too, and the pod is placed anew.
func (c *Compute) arrive(ctx context.Context, p *corev1.Pod, box *sandbox.Sandbox) error {
	name := box.Spec.Labels[nodeHint]
	n, err := c.nodes.Get(name)
	if err == nil {
		if _, ok := c.holderOf(n); ok {
			return c.assign(ctx, p, name, c.standard)
		}
	}
	var now time.Duration
	return c.Parent.StopSandbox(ctx, box.Spec.ID, "UserInitiated", fmt.Sprintf("Node %s is gone.", name), &now)
}

// open makes the sandbox of a pod in the subnet of a node group's node.
func (c *Compute) open(ctx context.Context, p *corev1.Pod, node *corev1.Node) error {
	holder, ok := c.holderOf(node)
	if !ok { // its coming back brings the waiting pods here again
		c.assumed.release(boxes.ID(p.UID))
		return fmt.Errorf("node %s has lost its address", node.Name)
	}
	return c.create(ctx, p, podSpec(p, c.Cluster, subnetOf(holder), limits(p), node.Name), c.standard)
}

// subnetOf reads the subnet of a sandbox back.
func subnetOf(s *sandbox.Sandbox) link.Subnet {
	n := s.Spec.Network
	return link.Subnet{ID: n.Subnet, VPC: n.VPC, CIDR: n.SubnetCIDR, VPCCIDR: n.VPCCIDR, Zone: s.Spec.Labels[labelZone]}
}

// choose finds the node for a pod and keeps its room there, or tells why there
// is none.
func (c *Compute) choose(p *corev1.Pod, id string) (*corev1.Node, string, error) {
	c.assumed.mu.Lock()
	defer c.assumed.mu.Unlock()
	all, err := c.nodes.List(labels.Everything())
	if err != nil {
		return nil, "", err
	}
	onTheWay := c.onTheWay(id)
	if name := c.assumed.node[id]; name != "" { // chosen, and not in Boxes yet
		if n, err := c.nodes.Get(name); err == nil && !n.Spec.Unschedulable {
			return n, "", nil
		}
	}
	nodes := make([]fit.Node, 0, len(all))
	byName := map[string]*corev1.Node{}
	for _, n := range all {
		byName[n.Name] = n
		nodes = append(nodes, fit.Node{Node: n, Pods: c.residents(n, onTheWay[n.Name])})
	}
	name, why := fit.Choose(p, nodes, c.minor)
	if name == "" {
		return nil, why, nil
	}
	c.assumed.node[id] = name
	return byName[name], "", nil
}

// onTheWay lists by node the pods that are meant for it and not bound: those
// assumed, and those that only their sandboxes tell of, from before this
// process. The caller holds the lock; except is the pod that is asked for.
func (c *Compute) onTheWay(except string) map[string][]*corev1.Pod {
	found := map[string][]*corev1.Pod{}
	for _, p := range c.podsBy(byNode, "") {
		id := boxes.ID(p.UID)
		node, ok := c.assumed.node[id]
		if box, there := c.Boxes.Get(id); !ok && there {
			node = box.Spec.Labels[nodeHint]
		}
		if id != except && node != "" && !isOver(p) {
			found[node] = append(found[node], p)
		}
	}
	return found
}

// residents are the pods that take room of a node. A Fargate node is always
// full: its one pod may not be bound yet. So is a node that nobody runs pods
// for.
func (c *Compute) residents(n *corev1.Node, more []*corev1.Pod) []*corev1.Pod {
	pods := more
	for _, p := range c.podsBy(byNode, n.Name) {
		if !isOver(p) {
			pods = append(pods, p)
		}
	}
	if _, ours := c.holderOf(n); ours {
		return pods
	}
	for room := n.Status.Allocatable.Pods().Value(); int64(len(pods)) < room; {
		pods = append(pods, &corev1.Pod{})
	}
	return pods
}

// holderOf returns the sandbox that stands for a node group's node.
func (c *Compute) holderOf(n *corev1.Node) (*sandbox.Sandbox, bool) {
	if n.Labels[groupLabel] == "" {
		return nil, false
	}
	s, ok := c.Boxes.Node(n.Status.NodeInfo.SystemUUID)
	return s, ok && s.Spec.Labels[boxes.NodeLabel] == n.Labels[groupLabel] && isUp(s) && !s.Desired.Stopped
}

// isUp tells whether a sandbox is at its address. A pod that has one to itself
// does not wait for that, but a node group's node takes the pods of others.
func isUp(s *sandbox.Sandbox) bool { return s.Status.Address != nil && s.Status.Height > 0 }

// settle looks after a pod that is bound without a sandbox: one that its author
// has put on a node by name. A node group's node takes it; a Fargate node has
// its one pod already.
func (c *Compute) settle(ctx context.Context, p *corev1.Pod) error {
	id := boxes.ID(p.UID)
	c.assumed.release(id)
	if _, ok := c.Boxes.Get(id); ok || len(p.Status.ContainerStatuses) > 0 || p.Status.StartTime != nil {
		return nil
	}
	n, err := c.nodes.Get(p.Spec.NodeName)
	switch {
	case apierrors.IsNotFound(err): // Kubernetes' collector takes the pod away
		return nil
	case err != nil:
		return err
	case n.Labels[groupLabel] != "":
		return c.open(ctx, p, n)
	case isFargateNode(n) && sandboxOf(n.Spec.ProviderID) != id:
		return c.patchStatus(ctx, p, map[string]any{"phase": corev1.PodFailed, "reason": "OutOfpods",
			"message": "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1"})
	}
	return nil // a Fargate pod whose sandbox was lost: package pods tells what becomes of it
}
