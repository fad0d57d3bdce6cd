package fargate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// evict.go empties nodes of node groups as EKS does it: the node is cordoned
// and its pods are evicted, which PodDisruptionBudgets may refuse, over and over
// until a limit.

// drainKey is the annotation that tells since when a node is being emptied.
const drainKey = "neargate.dev/drain-since"

const (
	// goneLimit is how long a node that goes, with its group or because fewer
	// are wanted, is emptied: then its instance is terminated whatever runs on
	// it. Source: "Delete a managed node group" of the Amazon EKS user guide.
	goneLimit = 5 * time.Minute
	// updateLimit is how long one that is to be of another version is: then the
	// update fails. Source: "Understand each phase of node updates" there.
	updateLimit = 15 * time.Minute
	// evictAgain is how long after a refusal eviction is tried again; kubectl
	// drain does so too.
	evictAgain = 5 * time.Second
)

// evacuation is why and how a node is emptied.
type evacuation struct {
	limit time.Duration
	// deletes has pods deleted that cannot be evicted within the limit, and
	// force those that cannot be evicted at once.
	deletes, force bool
}

var (
	leaving  = evacuation{limit: goneLimit, deletes: true}
	updating = evacuation{limit: updateLimit}
)

// empty takes the next step of emptying a node, and tells whether no pod is
// left. DaemonSets' pods are not among them: they would come again as long as
// the node is there.
func (c *Compute) empty(ctx context.Context, n *corev1.Node, e evacuation) (bool, error) {
	since, drained := drainedSince(n)
	if !drained || !n.Spec.Unschedulable {
		since = time.Now()
		err := c.patchNode(ctx, n, map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{drainKey: since.UTC().Format(time.RFC3339)}},
			"spec":     map[string]any{"unschedulable": true},
		})
		if err != nil {
			return false, err
		}
	}
	pods := slices.DeleteFunc(c.podsBy(byNode, n.Name), isDaemon)
	refused, err := c.evict(ctx, pods)
	if err != nil || len(refused) == 0 {
		return len(pods) == 0, err
	}
	if e.force || e.deletes && time.Since(since) >= e.limit {
		return false, c.deletePods(ctx, refused)
	}
	c.choreQueue.AddAfter(choreGroups, evictAgain)
	return false, nil
}

// evict evicts pods, and returns those that a PodDisruptionBudget keeps.
func (c *Compute) evict(ctx context.Context, pods []*corev1.Pod) (refused []*corev1.Pod, err error) {
	var errs []error
	for _, p := range pods {
		if p.DeletionTimestamp != nil {
			continue
		}
		err := c.Client.PolicyV1().Evictions(p.Namespace).Evict(ctx, &policyv1.Eviction{
			ObjectMeta:    metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace},
			DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}},
		})
		switch {
		case apierrors.IsTooManyRequests(err):
			refused = append(refused, p)
		case err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err):
			errs = append(errs, fmt.Errorf("evicting pod %s: %w", key(p), err))
		}
	}
	return refused, errors.Join(errs...)
}

// drainedSince tells since when a node is being emptied, if it is.
func drainedSince(n *corev1.Node) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, n.Annotations[drainKey])
	return at, err == nil
}

// reopen lets pods onto a node again that was to be emptied and stays after
// all.
func (c *Compute) reopen(ctx context.Context, n *corev1.Node) error {
	return c.patchNode(ctx, n, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{drainKey: nil}},
		"spec":     map[string]any{"unschedulable": nil},
	})
}
