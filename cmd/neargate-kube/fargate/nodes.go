package fargate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/identity"
)

// reconcileNode keeps one node: gone when its pod is, there again when somebody
// has deleted it, and Ready in between. Node groups' nodes come and go in
// groups.go and are only kept Ready here.
func (c *Compute) reconcileNode(ctx context.Context, name string) error {
	n, err := c.nodes.Get(name)
	switch {
	case apierrors.IsNotFound(err):
		return c.restore(ctx, name)
	case err != nil:
		return err
	case n.Labels[groupLabel] != "":
		c.choreQueue.Add(choreGroups)
		return c.heal(ctx, n)
	case !isFargateNode(n):
		return nil
	case !c.isWanted(n):
		return c.deleteNode(ctx, n)
	}
	return c.heal(ctx, n)
}

// isWanted tells whether a Fargate node has its pod, or will have it. A pod that
// is not bound may have got another sandbox, at another address, since its node
// was made: the first one's address was lost before the sandbox was up.
func (c *Compute) isWanted(n *corev1.Node) bool {
	id := sandboxOf(n.Spec.ProviderID)
	box, ok := c.Boxes.Get(id)
	for _, p := range c.podsBy(bySandbox, id) {
		switch {
		case p.Spec.NodeName != "":
			if p.Spec.NodeName == n.Name {
				return true
			}
		case !ok || box.Status.Address == nil || nodeName(box.Status.Address.IP, c.Cluster.Region) == n.Name:
			return true // what will be is not known, or is this
		}
	}
	return false
}

// restore makes a Fargate node again that a bound pod still needs: one that
// lives, or one that is over and whose logs are read by way of its node. A pod
// whose sandbox has ended without its doing is left to Kubernetes' collector of
// pods without a node.
func (c *Compute) restore(ctx context.Context, name string) error {
	if !strings.HasPrefix(name, nodePrefix) {
		return nil
	}
	for _, p := range c.podsBy(byNode, name) {
		box, ok := c.Boxes.Get(boxes.ID(p.UID))
		if isFargate(p) && (isOver(p) || ok && !box.IsStopped()) {
			return c.ensureFargateNode(ctx, p, name)
		}
	}
	return nil
}

// deleteNode deletes this very node, and its lease.
func (c *Compute) deleteNode(ctx context.Context, n *corev1.Node) error {
	manager := identity.NodeManager
	if isFargateNode(n) {
		manager = identity.FargateManager
	}
	ctx = identity.As(ctx, manager)
	err := c.Client.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &n.UID}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	c.leases.drop(n.Name)
	err = c.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Delete(ctx, n.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("lease of node %s: %w", n.Name, err)
	}
	return nil
}

// heal has a node say that it is Ready, when somebody else has said that it is
// not (after a standstill of the whole machine, say), and takes the taints off
// that come with that and with a new node. One whose runtime has been silent for
// too long is not Ready.
func (c *Compute) heal(ctx context.Context, n *corev1.Node) error {
	if since, why := c.outage(n); !since.IsZero() {
		if bearable := sightGrace - time.Since(since); bearable > 0 {
			c.nodeQueue.AddAfter(n.Name, bearable)
			return nil
		}
		return c.ail(ctx, n, why)
	}
	if !isReady(n) {
		body, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": conditions(metav1.Now())}})
		if err != nil {
			return err
		}
		if _, err := c.Client.CoreV1().Nodes().Patch(identity.As(ctx, identity.Node(n.Name)), n.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status"); err != nil {
			return ignoreGone(err)
		}
	}
	kept := slices.DeleteFunc(slices.Clone(n.Spec.Taints), func(t corev1.Taint) bool {
		return t.Key == corev1.TaintNodeNotReady || t.Key == corev1.TaintNodeUnreachable
	})
	if len(kept) == len(n.Spec.Taints) {
		return nil
	}
	return c.patchNode(identity.As(ctx, identity.NodeController), n, map[string]any{"spec": map[string]any{"taints": kept}})
}

// patchNode replaces members of a node, if nobody has changed it since.
func (c *Compute) patchNode(ctx context.Context, n *corev1.Node, change map[string]any) error {
	meta, _ := change["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["resourceVersion"] = n.ResourceVersion
	change["metadata"] = meta
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = c.Client.CoreV1().Nodes().Patch(ctx, n.Name, types.MergePatchType, body, metav1.PatchOptions{})
	if apierrors.IsConflict(err) { // the change that was in between brings the node here again
		return nil
	}
	return ignoreGone(err)
}

func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// nodesOf lists the Fargate nodes of a sandbox.
func (c *Compute) nodesOf(id string) []*corev1.Node {
	all, err := c.nodes.List(labels.Everything())
	if err != nil { // a lister of a cache has no errors
		c.Log.Error().Err(err).Msg("nodes cannot be listed")
	}
	return slices.DeleteFunc(slices.Clone(all), func(n *corev1.Node) bool { return sandboxOf(n.Spec.ProviderID) != id })
}

// reconcileStray takes a sandbox away whose pod went before it was given its
// containers; package pods takes care of all others.
func (c *Compute) reconcileStray(ctx context.Context, id string) error {
	box, ok := c.Boxes.Get(id)
	if !ok || len(box.Spec.Containers) > 0 || len(c.podsBy(bySandbox, id)) > 0 {
		return nil
	}
	if box.IsStopped() {
		return c.Parent.RemoveSandbox(ctx, id)
	}
	if box.Desired.Stopped {
		return nil
	}
	return c.Parent.StopSandbox(ctx, id, "UserInitiated", "The pod was deleted.", nil)
}
