package fargate

import (
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/neargate/neargate/emulator/eks/link"
)

// roll.go replaces the nodes of a group that is to be of a later version, as
// UpdateNodegroupVersion does it: a few at a time, each emptied before.

// releaseKey is the annotation that tells the AMI release that a node is of.
const releaseKey = "neargate.dev/release"

// kubelet is the version that the kubelets of a group tell.
func (c *Compute) kubelet(g link.Nodegroup) string {
	if g.Version == "" {
		return c.Version
	}
	return strings.Replace(c.Version, "v"+c.Cluster.Version+".", "v"+g.Version+".", 1)
}

// isBehind tells whether a node is of an earlier version than its group is to
// be of. One of a later version stays: that is what a failed update leaves.
func isBehind(have, want *corev1.Node) bool {
	has, err := version.ParseGeneric(have.Status.NodeInfo.KubeletVersion)
	wants, err2 := version.ParseGeneric(want.Status.NodeInfo.KubeletVersion)
	if err != nil || err2 != nil || wants.LessThan(has) {
		return false
	}
	was := have.Annotations[releaseKey]
	return has.LessThan(wants) || was != "" && was < want.Annotations[releaseKey]
}

// rolling counts the nodes of each group that are being replaced.
type rolling map[string]int

// roll takes the next step of replacing a node, if it is its turn: the node
// goes when it is empty, and is made anew where it was.
func (c *Compute) roll(ctx context.Context, n *corev1.Node, g link.Nodegroup, at rolling) error {
	if at[g.Name]++; at[g.Name] > max(g.MaxUnavailable, 1) {
		return nil
	}
	how := updating
	how.force = g.Force
	empty, err := c.empty(ctx, n, how)
	if !empty || err != nil {
		return err
	}
	return c.deleteNode(ctx, n) // its going comes here again
}

// isCurrent tells whether a node is as its group is to be now.
func (c *Compute) isCurrent(n *corev1.Node, g link.Nodegroup) bool {
	want := c.groupNode(g, 0, "0.0.0.0", n.Labels[corev1.LabelTopologyZone])
	delete(want.Labels, corev1.LabelHostname) // which is its own
	return !isBehind(n, want) && n.Annotations[appliedKey] == want.Annotations[appliedKey] && has(n.Labels, want.Labels)
}

// stuck are the names of a group's nodes that could not be emptied for an
// update within the limit.
func (c *Compute) stuck(g link.Nodegroup) (names []string) {
	if g.Force || g.Deleting {
		return nil
	}
	for _, n := range c.groupNodes() {
		since, drained := drainedSince(n)
		if n.Labels[groupLabel] == g.Name && drained && time.Since(since) >= updateLimit && !c.isCurrent(n, g) {
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return names
}
