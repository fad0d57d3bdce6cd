package fargate

import (
	"context"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
)

// Kubelet's own figures.
const (
	leaseInterval = 10 * time.Second
	leaseSeconds  = int32(40)
)

// leases remembers the leases as they were written last, so that renewing one
// costs a single call.
type leases struct {
	mu   sync.Mutex
	held map[string]*coordinationv1.Lease // by node
}

func newLeases() leases { return leases{held: map[string]*coordinationv1.Lease{}} }

func (l *leases) get(node string) *coordinationv1.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[node]
}

func (l *leases) keep(lease *coordinationv1.Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[lease.Name] = lease
}

func (l *leases) drop(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, node)
}

// renewLeases renews the leases of all our nodes until ctx ends.
func (c *Compute) renewLeases(ctx context.Context) {
	t := time.NewTicker(leaseInterval)
	defer t.Stop()
	for {
		c.renewAll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// renewAll renews each lease once. Whatever cannot be renewed has three more
// turns before the node counts as lost.
func (c *Compute) renewAll(ctx context.Context) {
	all, err := c.nodes.List(labels.Everything())
	if err != nil { // a lister of a cache has no errors
		c.Log.Error().Err(err).Msg("nodes cannot be listed")
	}
	for _, n := range all {
		if !isFargateNode(n) && n.Labels[groupLabel] == "" {
			continue
		}
		if err := c.renew(ctx, n); err != nil && ctx.Err() == nil {
			c.Log.Warn().Err(err).Str("node", n.Name).Msg("a lease was not renewed")
		}
	}
}

func (c *Compute) renew(ctx context.Context, n *corev1.Node) error {
	ctx = identity.As(ctx, identity.Node(n.Name))
	client := c.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	now := metav1.NowMicro()
	if held := c.leases.get(n.Name); held != nil {
		next := held.DeepCopy()
		next.Spec.RenewTime = &now
		lease, err := client.Update(ctx, next, metav1.UpdateOptions{})
		if err == nil {
			c.leases.keep(lease)
			return nil
		}
		if !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return err
		}
		c.leases.drop(n.Name)
	}
	lease, err := client.Create(ctx, newLease(n, now), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		lease, err = client.Get(ctx, n.Name, metav1.GetOptions{})
		if err == nil {
			wanted := newLease(n, now)
			lease.OwnerReferences, lease.Spec = wanted.OwnerReferences, wanted.Spec
			lease, err = client.Update(ctx, lease, metav1.UpdateOptions{})
		}
	}
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	c.leases.keep(lease)
	return nil
}

// newLease is the lease of a node, which goes with the node.
func newLease(n *corev1.Node, now metav1.MicroTime) *coordinationv1.Lease {
	seconds := leaseSeconds
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name: n.Name, Namespace: corev1.NamespaceNodeLease,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: n.UID}},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &n.Name, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}
}
