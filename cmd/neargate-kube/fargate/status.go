package fargate

import (
	"context"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
)

// Status is this package's part of link.Status.
type Status struct {
	// Draining counts what still is on Fargate profiles and node groups that
	// are being deleted: pods, and for node groups also nodes.
	Draining map[string]int
	// Nodegroups tells by name how many nodes are Ready, and as their group is
	// to be.
	Nodegroups map[string]int
	// Stuck are nodes, by group, that could not be emptied for an update within
	// EKS's limit.
	Stuck map[string][]string
}

// Status counts anew.
func (c *Compute) Status() Status {
	s := Status{Draining: map[string]int{}, Nodegroups: map[string]int{}, Stuck: map[string][]string{}}
	settings := c.Settings()
	for _, p := range settings.FargateProfiles {
		if n := len(c.podsOfProfile(p.Name)); p.Deleting && n > 0 {
			s.Draining["fargateprofile/"+p.Name] = n
		}
	}
	for _, g := range settings.Nodegroups {
		s.Nodegroups[g.Name] = c.ready(g)
		if names := c.stuck(g); len(names) > 0 {
			s.Stuck[g.Name] = names
		}
		if n := c.remains(g.Name); g.Deleting && n > 0 {
			s.Draining["nodegroup/"+g.Name] = n
		}
	}
	return s
}

// ready counts the nodes of a group that are Ready, and as it is to be.
func (c *Compute) ready(g link.Nodegroup) int {
	count := 0
	for _, n := range c.groupNodes() {
		if n.Labels[groupLabel] == g.Name && isReady(n) && c.isCurrent(n, g) {
			count++
		}
	}
	return count
}

// remains counts a group's sandboxes, which outlive their nodes, and the pods on
// its nodes.
func (c *Compute) remains(group string) int {
	count := 0
	for _, id := range c.Boxes.NodeIDs() {
		if box, ok := c.Boxes.Node(id); ok && box.Spec.Labels[boxes.NodeLabel] == group {
			count += 1 + len(c.podsOfHolder(box))
		}
	}
	return count
}

// tellStatus calls Changed when the status is not what was told last.
func (c *Compute) tellStatus() {
	if c.Changed == nil {
		return
	}
	now := c.Status()
	c.statusMu.Lock()
	same := maps.Equal(now.Draining, c.last.Draining) && maps.Equal(now.Nodegroups, c.last.Nodegroups) &&
		maps.EqualFunc(now.Stuck, c.last.Stuck, slices.Equal)
	c.last = now
	c.statusMu.Unlock()
	if !same {
		c.Changed()
	}
}

// drain deletes the pods of Fargate profiles that are being deleted.
func (c *Compute) drain(ctx context.Context) error {
	for _, p := range c.Settings().FargateProfiles {
		if !p.Deleting {
			continue
		}
		if err := c.deletePods(ctx, c.podsOfProfile(p.Name)); err != nil {
			return err
		}
	}
	return nil
}

// podsOfProfile are the pods that a profile has brought to Fargate, or is
// bringing there. Those that wait in vain are not among them: they stay as they
// are, as on AWS.
func (c *Compute) podsOfProfile(name string) []*corev1.Pod {
	return slices.DeleteFunc(c.podsBy(byProfile, name), func(p *corev1.Pod) bool {
		_, started := c.Boxes.Get(boxes.ID(p.UID))
		return p.Spec.NodeName == "" && !started
	})
}
