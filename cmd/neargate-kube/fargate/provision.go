package fargate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

const (
	// patience is how long a sandbox may take before its pod is told.
	patience = 30 * time.Second
	// bearable is how many tries in vain are kept from the pod.
	bearable = 2
)

// provision takes the next step of a Fargate pod: its sandbox, then its node.
func (c *Compute) provision(ctx context.Context, p *corev1.Pod) error {
	box, ok := c.Boxes.Get(boxes.ID(p.UID))
	if ok && c.isDraining(p.Labels[rules.ProfileLabel]) { // drain deletes the pod
		c.choreQueue.Add(choreDrain)
		return nil
	}
	if ok && !box.Desired.Stopped && box.Status.Address != nil {
		return c.bind(ctx, p, box)
	}
	profile, refusal := c.verdict(ctx, p)
	if refusal != nil {
		return c.waits(ctx, p, c.fargate, refusal.Reason, refusal.Message)
	}
	if ok {
		return c.await(ctx, p, box, c.fargate)
	}
	if wait := c.subnets.wait(boxes.ID(p.UID), time.Now()); wait > 0 {
		c.podQueue.AddAfter(key(p), wait)
		return nil
	}
	size, _ := rules.SizeOf(p) // verdict has refused what has none
	choice := rules.Subnets(p, c.Cluster.Region, profile)
	if len(choice) == 0 {
		return c.waits(ctx, p, c.fargate, corev1.PodReasonUnschedulable, fmt.Sprintf(
			"Pod not supported on Fargate: no subnet of fargate profile %s meets the pod's node selector and affinity", profile.Name))
	}
	id := boxes.ID(p.UID)
	if err := c.create(ctx, p, podSpec(p, c.Cluster, c.subnet(id, choice), size, ""), c.fargate); err != nil {
		return err
	}
	if p.Status.NominatedNodeName != "" {
		return nil // another try
	}
	c.tellLogging(ctx, p)
	return c.patchStatus(ctx, p, map[string]any{"nominatedNodeName": nominated(c.Cluster.ARN, id)})
}

// isDraining tells whether a profile is being deleted.
func (c *Compute) isDraining(profile string) bool {
	return slices.ContainsFunc(c.Settings().FargateProfiles, func(f link.FargateProfile) bool { return f.Name == profile && f.Deleting })
}

// create makes a pod's sandbox. Why it cannot, the pod is told.
func (c *Compute) create(ctx context.Context, p *corev1.Pod, s sandbox.Spec, by recorder) error {
	err := c.Parent.CreateSandbox(ctx, s)
	if err == nil {
		if cut := resolverOf(p, s.Network.Cluster.DNS, c.Cluster.Region).Cut; len(cut) > 0 {
			by.Event(p, corev1.EventTypeWarning, "DNSConfigForming", strings.Join(cut, "; "))
		}
		return nil
	}
	c.subnets.release(s.ID)
	c.assumed.release(s.ID)
	if ctx.Err() != nil {
		return err
	}
	return errors.Join(err, c.waits(ctx, p, by, corev1.PodReasonUnschedulable, timedOut(p, err.Error())))
}

// await looks at a sandbox without an address: it may need time, be in trouble,
// or have ended before it had one.
func (c *Compute) await(ctx context.Context, p *corev1.Pod, box *sandbox.Sandbox, by recorder) error {
	id := box.Spec.ID
	switch {
	case box.IsStopped():
		c.subnets.blame(id, box.Spec.Network.Subnet, box.CreatedAt, time.Now())
		told := c.waits(ctx, p, by, corev1.PodReasonUnschedulable, ended(p, box))
		if err := c.Parent.RemoveSandbox(ctx, id); err != nil {
			return errors.Join(told, fmt.Errorf("sandbox of pod %s: %w", key(p), err))
		}
		c.assumed.release(id)
		return told // its going brings the pod here again
	case box.Desired.Stopped: // its end brings the pod here again
		return nil
	case box.Status.Trouble != "" && box.Status.Tries >= bearable:
		return c.waits(ctx, p, by, corev1.PodReasonUnschedulable, timedOut(p, box.Status.Trouble))
	}
	if waited := time.Since(box.CreatedAt); waited < patience {
		c.podQueue.AddAfter(key(p), patience-waited+time.Second)
		return nil
	}
	return c.waits(ctx, p, by, corev1.PodReasonUnschedulable, timedOut(p, box.Status.Trouble))
}

// timedOut is Fargate's text, and what is known of the reason. A node group's pod
// has no such text on AWS, where it would be bound already.
func timedOut(p *corev1.Pod, reason string) string {
	text := "Pod provisioning timed out (will retry) for pod: " + key(p)
	if !isFargate(p) {
		text = "the pod's sandbox cannot be made (will retry)"
	}
	if reason != "" {
		text += ": " + reason
	}
	return text
}

// ended is the text for a sandbox that came to its end before it had an
// address.
func ended(p *corev1.Pod, box *sandbox.Sandbox) string {
	if r := box.Desired.Reason; isFargate(p) && strings.Contains(r, "InsufficientFreeAddressesInSubnet") {
		return "Fargate capacity is unavailable at this time. Please try again later or in a different availability zone: " + r
	}
	return timedOut(p, box.Desired.Reason)
}

// driver asks for the CSI driver of a PersistentVolume, "" when it has none or
// cannot be read.
func (c *Compute) driver(ctx context.Context, volume string) string {
	pv, err := c.Client.CoreV1().PersistentVolumes().Get(ctx, volume, metav1.GetOptions{})
	if err != nil {
		if !apierrors.IsNotFound(err) {
			c.Log.Warn().Err(err).Str("volume", volume).Msg("a persistent volume cannot be read")
		}
		return ""
	}
	if pv.Spec.CSI == nil {
		return ""
	}
	return pv.Spec.CSI.Driver
}

// tellLogging tells a pod, once, what its annotation Logging means.
func (c *Compute) tellLogging(ctx context.Context, p *corev1.Pod) {
	switch p.Annotations[rules.LoggingKey] {
	case rules.LoggingEnabled:
		c.fargate.Event(p, corev1.EventTypeNormal, "LoggingEnabled", "Successfully enabled logging for pod")
	case rules.LoggingNotFound:
		c.fargate.Event(p, corev1.EventTypeWarning, "LoggingDisabled",
			`Disabled logging because aws-logging configmap was not found. configmap "aws-logging" not found`)
	case rules.LoggingInvalid:
		why := "the aws-logging configmap was not valid"
		cm, err := c.Client.CoreV1().ConfigMaps("aws-observability").Get(ctx, "aws-logging", metav1.GetOptions{})
		if err == nil && c.CheckLogging != nil {
			if bad := c.CheckLogging(cm); bad != nil {
				why = bad.Error()
			}
		}
		c.fargate.Event(p, corev1.EventTypeWarning, "LoggingDisabled", "Disabled logging because: "+why)
	}
}

// subnet chooses among subnets for a sandbox that is about to be made, and
// counts it there.
func (c *Compute) subnet(id string, choice []link.Subnet) link.Subnet {
	used := map[string]int{}
	for _, other := range c.Boxes.IDs() {
		if b, ok := c.Boxes.Get(other); ok && !b.IsStopped() {
			used[b.Spec.Network.Subnet]++
			c.subnets.release(other)
		}
	}
	return c.subnets.choose(id, choice, used)
}
