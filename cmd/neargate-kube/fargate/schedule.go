package fargate

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/eks/link"
)

// reconcilePod takes the next step towards a place for a pod.
func (c *Compute) reconcilePod(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return nil //nolint:nilerr // made by key
	}
	p, err := c.pods.Pods(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case p.DeletionTimestamp != nil, isOver(p):
		return nil
	case p.Spec.NodeName != "":
		return c.settle(identity.As(ctx, identity.Node(p.Spec.NodeName)), p)
	case len(p.Spec.SchedulingGates) > 0: // the API server has set the condition
		return nil
	case isFargate(p):
		return c.provision(identity.As(ctx, identity.FargateScheduler), p)
	case p.Spec.SchedulerName == corev1.DefaultSchedulerName:
		return c.place(identity.As(ctx, identity.DefaultScheduler), p)
	}
	return nil // a scheduler of somebody else's
}

// isFargate tells whether admission gave a pod to Fargate. One with a scheduler
// of its own is among them, to be refused.
func isFargate(p *corev1.Pod) bool {
	s := p.Spec.SchedulerName
	return s == rules.SchedulerName || p.Labels[rules.ProfileLabel] != "" && s != corev1.DefaultSchedulerName
}

// verdict decides whether a Fargate pod can have a node, and on which profile.
func (c *Compute) verdict(ctx context.Context, p *corev1.Pod) (link.FargateProfile, *rules.Refusal) {
	if r := rules.Refuse(p, func(name string) rules.Claim { return c.claim(ctx, p.Namespace, name) }); r != nil {
		return link.FargateProfile{}, r
	}
	name := p.Labels[rules.ProfileLabel]
	for _, f := range c.Settings().FargateProfiles {
		if f.Name == name && !f.Deleting {
			return f, nil
		}
	}
	return link.FargateProfile{}, &rules.Refusal{Reason: corev1.PodReasonUnschedulable, Message: fmt.Sprintf(
		"Misconfigured Fargate Profile: fargate profile %s blocked for new launches due to: There is no Fargate profile of this name, or it is being deleted.", name)}
}

// claim looks a PersistentVolumeClaim up, and its volume's driver if it is
// bound, which is rare enough for asking the API server.
func (c *Compute) claim(ctx context.Context, namespace, name string) rules.Claim {
	pvc, err := c.claims.PersistentVolumeClaims(namespace).Get(name)
	if err != nil { // the lister knows no other error than that it is not there
		return rules.Claim{}
	}
	claim := rules.Claim{Exists: true}
	if pvc.Status.Phase == corev1.ClaimBound {
		claim.Volume = pvc.Spec.VolumeName
		claim.Driver = c.driver(ctx, claim.Volume)
	}
	return claim
}
