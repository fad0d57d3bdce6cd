package fargate

import (
	"context"
	"maps"
)

// Status is this package's part of link.Status.
type Status struct {
	// Draining counts what still is on Fargate profiles and node groups that
	// are being deleted: pods, and for node groups also nodes.
	Draining map[string]int
	// Nodegroups tells by name how many nodes are Ready.
	Nodegroups map[string]int
}

// Status counts anew.
func (c *Compute) Status() Status {
	s := Status{Draining: map[string]int{}, Nodegroups: map[string]int{}}
	settings := c.Settings()
	for _, p := range settings.FargateProfiles {
		if n := len(c.podsBy(byProfile, p.Name)); p.Deleting && n > 0 {
			s.Draining["fargateprofile/"+p.Name] = n
		}
	}
	deleting := map[string]bool{}
	for _, g := range settings.Nodegroups {
		s.Nodegroups[g.Name] = 0
		deleting[g.Name] = g.Deleting
	}
	for _, n := range c.groupNodes() {
		g := n.Labels[groupLabel]
		if _, ok := s.Nodegroups[g]; ok && isReady(n) {
			s.Nodegroups[g]++
		}
		if deleting[g] {
			s.Draining["nodegroup/"+g] += 1 + len(c.podsBy(byNode, n.Name))
		}
	}
	return s
}

// tellStatus calls Changed when the status is not what was told last.
func (c *Compute) tellStatus() {
	if c.Changed == nil {
		return
	}
	now := c.Status()
	c.statusMu.Lock()
	same := maps.Equal(now.Draining, c.last.Draining) && maps.Equal(now.Nodegroups, c.last.Nodegroups)
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
		if err := c.deletePods(ctx, c.podsBy(byProfile, p.Name)); err != nil {
			return err
		}
	}
	return nil
}
