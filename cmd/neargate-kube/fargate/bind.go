package fargate

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/sandbox"
)

type recorder = record.EventRecorder

// bind gives a Fargate pod whose sandbox has its address the node, and puts it
// there.
func (c *Compute) bind(ctx context.Context, p *corev1.Pod, box *sandbox.Sandbox) error {
	if c.bound.has(box.Spec.ID) {
		return nil // the informer will show it
	}
	node := nodeName(box.Status.Address.IP, c.Cluster.Region)
	if err := c.ensureFargateNode(ctx, p, node); err != nil {
		return err
	}
	if err := c.assign(ctx, p, node, c.fargate); err != nil {
		return err
	}
	c.bound.add(box.Spec.ID)
	return nil
}

// bound remembers which sandboxes have their pods bound to a node, until the
// pods are gone.
type bound struct {
	mu  sync.Mutex
	all map[string]bool
}

func (b *bound) has(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all[id]
}

func (b *bound) add(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[id] = true
}

func (b *bound) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, id)
}

// assign binds a pod to a node. A pod that is gone, or bound already, is none
// of its business any more.
func (c *Compute) assign(ctx context.Context, p *corev1.Pod, node string, by recorder) error {
	err := c.Client.CoreV1().Pods(p.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: node},
	}, metav1.CreateOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return nil
	case err != nil:
		return fmt.Errorf("binding pod %s to %s: %w", key(p), node, err)
	}
	by.Event(p, corev1.EventTypeNormal, "Scheduled", fmt.Sprintf("Successfully assigned %s to %s", key(p), node))
	return nil
}

// ensureFargateNode makes the node of a pod's sandbox. One of the same name that
// belonged to a pod that is gone gives way: its address has a new owner.
func (c *Compute) ensureFargateNode(ctx context.Context, p *corev1.Pod, name string) error {
	id := boxes.ID(p.UID)
	if n, err := c.nodes.Get(name); err == nil && sandboxOf(n.Spec.ProviderID) == id {
		return nil
	}
	want := c.fargateNodeOf(p, name)
	ctx = identity.As(ctx, identity.Node(name)) // its kubelet registers it
	_, err := c.Client.CoreV1().Nodes().Create(ctx, want, metav1.CreateOptions{})
	if err == nil || !apierrors.IsAlreadyExists(err) {
		return err
	}
	old, err := c.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil || sandboxOf(old.Spec.ProviderID) == id {
		return err
	}
	if owner := sandboxOf(old.Spec.ProviderID); len(c.podsBy(bySandbox, owner)) > 0 {
		return fmt.Errorf("node %s still belongs to sandbox %s", name, owner)
	}
	if err := c.deleteNode(ctx, old); err != nil {
		return err
	}
	_, err = c.Client.CoreV1().Nodes().Create(ctx, want, metav1.CreateOptions{})
	return err
}

// fargateNodeOf composes a pod's node from what is known: the sandbox, or, when
// that is gone, the node's name.
func (c *Compute) fargateNodeOf(p *corev1.Pod, name string) *corev1.Node {
	id := boxes.ID(p.UID)
	address, zone := addressOf(name), ""
	if box, ok := c.Boxes.Get(id); ok {
		zone = box.Spec.Labels[labelZone]
	}
	size, ok := rules.SizeOf(p)
	if !ok { // it was not too large when it was bound
		size = sandbox.Size{Storage: 20 << 30}
	}
	return fargateNode(c.Cluster, name, address, zone, id, size, c.Version)
}
