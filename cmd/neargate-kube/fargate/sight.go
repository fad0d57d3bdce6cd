package fargate

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/sandbox"
)

// sight.go finds nodes whose pods cannot be looked after at the moment, because
// the container runtime does not answer: they say that they are not Ready, as a
// kubelet does. Their pods stay what they were when they were last seen, and may
// well go on serving. Kubernetes evicts none of them as long as it is so with all
// nodes, which it is: the runtime of all is the one Docker Engine, and that is
// why a node whose pod has ended goes by the others.

// sightGrace is how long a kubelet bears a runtime that does not answer.
const sightGrace = 30 * time.Second

// sight remembers which sandboxes the runtime tells nothing of, so that only a
// change has the nodes looked at.
type sight struct {
	mu     sync.Mutex
	unseen map[string]bool
}

func newSight() sight { return sight{unseen: map[string]bool{}} }

// changes notes how a sandbox is, and tells whether that is new.
func (s *sight) changes(id string, unseen bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unseen[id] == unseen {
		return false
	}
	if unseen {
		s.unseen[id] = true
	} else {
		delete(s.unseen, id)
	}
	return true
}

// sighted queues all nodes when a sandbox went out of sight or came back: the
// node of one that has ended goes by the others.
func (c *Compute) sighted(id string, box *sandbox.Sandbox) {
	if !c.sight.changes(id, isUnseen(box)) {
		return
	}
	all, err := c.nodes.List(labels.Everything())
	if err != nil { // a lister of a cache has no errors
		c.Log.Error().Err(err).Msg("nodes cannot be listed")
	}
	for _, n := range all {
		c.nodeQueue.Add(n.Name)
	}
}

func isUnseen(box *sandbox.Sandbox) bool { return box != nil && !box.Status.UnseenSince.IsZero() }

// outage tells since when a node's runtime has not answered, and what was said
// instead; zero when it answers.
func (c *Compute) outage(n *corev1.Node) (since time.Time, why string) {
	box, ok := c.Boxes.Get(sandboxOf(n.Spec.ProviderID))
	if n.Labels[groupLabel] != "" {
		box, ok = c.Boxes.Node(n.Status.NodeInfo.SystemUUID)
	}
	if !ok || box.IsStopped() {
		box = c.anyUnseen()
	}
	if !isUnseen(box) {
		return time.Time{}, ""
	}
	return box.Status.UnseenSince, box.Status.Trouble
}

// anyUnseen returns the sandbox that has been out of sight for the longest time,
// when none that lives is in sight.
func (c *Compute) anyUnseen() *sandbox.Sandbox {
	var worst *sandbox.Sandbox
	for _, box := range c.living() {
		switch {
		case !isUnseen(box):
			if box.Status.Height > 0 { // nobody has looked at the others yet
				return nil
			}
		case worst == nil || box.Status.UnseenSince.Before(worst.Status.UnseenSince):
			worst = box
		}
	}
	return worst
}

func (c *Compute) living() []*sandbox.Sandbox {
	var all []*sandbox.Sandbox
	for _, id := range c.Boxes.IDs() {
		if box, ok := c.Boxes.Get(id); ok && !box.IsStopped() {
			all = append(all, box)
		}
	}
	for _, id := range c.Boxes.NodeIDs() {
		if box, ok := c.Boxes.Node(id); ok && !box.IsStopped() {
			all = append(all, box)
		}
	}
	return all
}

// ail has a node say that it is not Ready, in a kubelet's words.
func (c *Compute) ail(ctx context.Context, n *corev1.Node, why string) error {
	if !isReady(n) {
		return nil
	}
	now := metav1.Now()
	body, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady", Message: "container runtime is down: " + why,
		LastHeartbeatTime: now, LastTransitionTime: now,
	}}}})
	if err != nil {
		return err
	}
	_, err = c.Client.CoreV1().Nodes().Patch(identity.As(ctx, identity.Node(n.Name)), n.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	return ignoreGone(err)
}
