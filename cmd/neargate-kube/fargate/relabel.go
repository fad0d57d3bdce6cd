package fargate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// relabel.go brings a node group's later labels and taints to its nodes, as
// UpdateNodegroupConfig does it, without touching what users have put there.

// appliedKey is the annotation that remembers what a node has of its group.
const appliedKey = "neargate.dev/applied"

// applied are the keys of labels, and the taints, that a node has of its group.
type applied struct {
	Labels []string       `json:"labels,omitempty"`
	Taints []corev1.Taint `json:"taints,omitempty"`
}

// appliedOf is the annotation of a node that has nothing but its group's.
func appliedOf(n *corev1.Node) string {
	b, err := json.Marshal(applied{slices.Sorted(maps.Keys(n.Labels)), n.Spec.Taints})
	if err != nil { // strings always can
		return ""
	}
	return string(b)
}

// relabel gives a node the labels and taints of its group as they are now, and
// takes those away that are the group's no more.
func (c *Compute) relabel(ctx context.Context, have, want *corev1.Node) error {
	if have.Annotations[appliedKey] == want.Annotations[appliedKey] && has(have.Labels, want.Labels) {
		return nil
	}
	var was applied
	if a := have.Annotations[appliedKey]; a != "" {
		if err := json.Unmarshal([]byte(a), &was); err != nil {
			return fmt.Errorf("annotation %s of node %s: %w", appliedKey, have.Name, err)
		}
	}
	labels := map[string]any{}
	for _, k := range was.Labels {
		labels[k] = nil // in a merge patch: gone
	}
	for k, v := range want.Labels {
		labels[k] = v
	}
	taints := slices.DeleteFunc(slices.Clone(have.Spec.Taints), func(t corev1.Taint) bool {
		return among(was.Taints, t) || among(want.Spec.Taints, t)
	})
	return c.patchNode(ctx, have, map[string]any{
		"metadata": map[string]any{"labels": labels, "annotations": map[string]any{appliedKey: want.Annotations[appliedKey]}},
		"spec":     map[string]any{"taints": append(taints, want.Spec.Taints...)},
	})
}

func has(labels, wanted map[string]string) bool {
	for k, v := range wanted {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// among tells whether there is a taint of the same key and effect.
func among(taints []corev1.Taint, t corev1.Taint) bool {
	return slices.ContainsFunc(taints, func(o corev1.Taint) bool { return o.MatchTaint(&t) })
}
