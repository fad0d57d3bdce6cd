package fargate

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
)

// tell.go says to a pod why it has no node: by its condition PodScheduled and by
// an event.

// again is how often a pod that waits is looked at, and told, without reason:
// as often as the default scheduler does it.
const again = 5 * time.Minute

// told remembers when which pod was told what, so that neither every look nor a
// new process repeats it.
type told struct {
	mu   sync.Mutex
	last map[types.UID]telling
}

type telling struct {
	message string
	at      time.Time
}

func newTold() told { return told{last: map[types.UID]telling{}} }

// due tells whether a pod has to be told, and takes it as done. What its
// condition says already counts as told when this process began.
func (t *told) due(p *corev1.Pod, message string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.last[p.UID]
	if !ok && unscheduled(p).Message == message {
		t.last[p.UID] = telling{message, now}
		return false
	}
	if ok && l.message == message && now.Sub(l.at) < again {
		return false
	}
	t.last[p.UID] = telling{message, now}
	return true
}

func (t *told) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.last, uid)
}

// unscheduled returns the condition PodScheduled, when it is False.
func unscheduled(p *corev1.Pod) corev1.PodCondition {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c
		}
	}
	return corev1.PodCondition{}
}

// waits tells a pod why it has to wait, and has it looked at again.
func (c *Compute) waits(ctx context.Context, p *corev1.Pod, by record.EventRecorder, reason, message string) error {
	c.podQueue.AddAfter(key(p), again+time.Second)
	if was := unscheduled(p); was.Message != message || was.Reason != reason {
		status := map[string]any{"conditions": []map[string]any{{
			"type": corev1.PodScheduled, "status": corev1.ConditionFalse,
			"reason": reason, "message": message,
			"lastProbeTime": nil, "lastTransitionTime": transition(was),
		}}}
		if err := c.patchStatus(ctx, p, status); err != nil {
			return err
		}
	}
	if c.told.due(p, message, time.Now()) {
		by.Event(p, corev1.EventTypeWarning, "FailedScheduling", message)
	}
	return nil
}

// transition keeps the time of a condition that was False already.
func transition(was corev1.PodCondition) metav1.Time {
	if was.LastTransitionTime.IsZero() {
		return metav1.Now()
	}
	return was.LastTransitionTime
}

// patchStatus changes a part of a pod's status. A pod that is gone, or another
// one of that name, needs none.
func (c *Compute) patchStatus(ctx context.Context, p *corev1.Pod, status map[string]any) error {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": status})
	if err != nil {
		return fmt.Errorf("status of pod %s: %w", key(p), err)
	}
	_, err = c.Client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("status of pod %s: %w", key(p), err)
	}
	return nil
}
