package fargate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// groups.go has as many nodes in each node group as are wanted. A node begins
// with the sandbox that holds its address; the node follows the sandbox. One
// that is not wanted any more is cordoned and emptied first.

func (c *Compute) reconcileChore(ctx context.Context, key string) error {
	defer c.tellStatus()
	if key == choreDrain {
		return c.drain(identity.As(ctx, identity.FargateManager))
	}
	return c.reconcileGroups(identity.As(ctx, identity.NodeManager))
}

// A seat is a node that is wanted.
type seat struct {
	group link.Nodegroup
	index int
}

// seats are all nodes that are wanted, by the sandboxes that stand for them.
func (c *Compute) seats() map[string]seat {
	all := map[string]seat{}
	for _, g := range c.Settings().Nodegroups {
		for i := 0; i < g.Desired && !g.Deleting && len(g.Subnets) > 0; i++ {
			all[holderID(c.Cluster.ARN, g.Name, i)] = seat{g, i}
		}
	}
	return all
}

func (c *Compute) reconcileGroups(ctx context.Context) error {
	wanted := c.seats()
	var errs []error
	at := rolling{}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		errs = append(errs, c.raise(ctx, id, wanted[id], at))
	}
	for _, id := range c.Boxes.NodeIDs() {
		if _, ok := wanted[id]; !ok {
			errs = append(errs, c.retire(ctx, id))
		}
	}
	return errors.Join(append(errs, c.sweep(ctx, wanted))...)
}

// raise takes the next step of a node that is wanted.
func (c *Compute) raise(ctx context.Context, id string, s seat, at rolling) error {
	box, ok := c.Boxes.Node(id)
	switch {
	case !ok:
		return c.Parent.CreateSandbox(ctx, holderSpec(c.Cluster, s.group.Name, s.index, s.group.Subnets[s.index%len(s.group.Subnets)]))
	case box.IsStopped():
		return c.Parent.RemoveSandbox(ctx, id)
	case box.Desired.Stopped, !isUp(box):
		return nil
	}
	want := c.groupNode(s.group, s.index, box.Status.Address.IP, box.Spec.Labels[labelZone])
	have, err := c.nodes.Get(want.Name)
	if apierrors.IsNotFound(err) {
		_, err = c.Client.CoreV1().Nodes().Create(identity.As(ctx, identity.Node(want.Name)), want, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) { // its event comes here
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	if isBehind(have, want) {
		return c.roll(ctx, have, s.group, at)
	}
	if _, drained := drainedSince(have); drained {
		return c.reopen(ctx, have)
	}
	return c.relabel(ctx, have, want)
}

// retire takes the next step of a node that is not wanted any more.
func (c *Compute) retire(ctx context.Context, id string) error {
	box, ok := c.Boxes.Node(id)
	if !ok {
		return nil
	}
	if box.IsStopped() {
		return c.Parent.RemoveSandbox(ctx, id)
	}
	if n := c.groupNodeOf(id); n != nil {
		if empty, err := c.empty(ctx, n, leaving); !empty || err != nil {
			return err
		}
		return c.deleteNode(ctx, n) // its going comes here again
	}
	if left := c.podsOfHolder(box); len(left) > 0 { // a DaemonSet's
		return c.deletePods(ctx, left)
	}
	if box.Desired.Stopped {
		return nil
	}
	return c.Parent.StopSandbox(ctx, id, "UserInitiated", "The node is not needed any more.", nil)
}

// sweep deletes nodes whose sandbox is gone and that are not wanted.
func (c *Compute) sweep(ctx context.Context, wanted map[string]seat) error {
	var errs []error
	for _, n := range c.groupNodes() {
		id := n.Status.NodeInfo.SystemUUID
		box, held := c.Boxes.Node(id)
		_, ok := wanted[id]
		switch {
		case ok && held && isUp(box) && n.Name != hostName(box.Status.Address.IP, c.Cluster.Region):
			// The sandbox was made anew, at another address.
		case ok || held:
			continue
		}
		if empty, err := c.empty(ctx, n, leaving); empty && err == nil {
			errs = append(errs, c.deleteNode(ctx, n))
		} else {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func isDaemon(p *corev1.Pod) bool {
	o := metav1.GetControllerOf(p)
	return o != nil && o.Kind == "DaemonSet"
}

// podsOfHolder are the pods on the node that a sandbox stands for, whether the
// node is still there or not.
func (c *Compute) podsOfHolder(box *sandbox.Sandbox) []*corev1.Pod {
	if box.Status.Address == nil {
		return nil
	}
	return c.podsBy(byNode, hostName(box.Status.Address.IP, c.Cluster.Region))
}

// deletePods deletes pods as kubectl does it; those that go already are left in
// peace.
func (c *Compute) deletePods(ctx context.Context, pods []*corev1.Pod) error {
	var errs []error
	for _, p := range pods {
		if p.DeletionTimestamp != nil {
			continue
		}
		err := c.Client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, fmt.Errorf("pod %s: %w", key(p), err))
		}
	}
	return errors.Join(errs...)
}

// groupNodes are the nodes of all node groups.
func (c *Compute) groupNodes() []*corev1.Node {
	all, err := c.nodes.List(labels.Everything())
	if err != nil { // a lister of a cache has no errors
		c.Log.Error().Err(err).Msg("nodes cannot be listed")
	}
	return slices.DeleteFunc(slices.Clone(all), func(n *corev1.Node) bool { return n.Labels[groupLabel] == "" })
}

// groupNodeOf is the node that a sandbox stands for, nil when there is none.
func (c *Compute) groupNodeOf(holder string) *corev1.Node {
	for _, n := range c.groupNodes() {
		if n.Status.NodeInfo.SystemUUID == holder {
			return n
		}
	}
	return nil
}
