package eks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file moves node groups on.

// nextNodegroup is what becomes of a node group by what is seen: its next
// status, perhaps the one it has, or that it is gone. It is ACTIVE when as
// many nodes are Ready as are wanted.
func nextNodegroup(n *Nodegroup, s seen) (next types.NodegroupStatus, gone bool) {
	if s.status.Phase == link.Failed {
		return failedNodegroup(n.Status), false
	}
	switch n.Status {
	case types.NodegroupStatusCreating, types.NodegroupStatusUpdating:
		if s.settled && (s.records || s.status.Nodegroups[n.name()] == int(aws.ToInt32(n.ScalingConfig.DesiredSize))) {
			return types.NodegroupStatusActive, false
		}
	case types.NodegroupStatusDeleting:
		return n.Status, s.drained("nodegroup/" + n.name())
	}
	return n.Status, false
}

// failedNodegroup is what becomes of a status when the control plane is gone
// for good.
func failedNodegroup(status types.NodegroupStatus) types.NodegroupStatus {
	switch status {
	case types.NodegroupStatusCreating:
		return types.NodegroupStatusCreateFailed
	case types.NodegroupStatusUpdating:
		return types.NodegroupStatusDegraded
	case types.NodegroupStatusDeleting:
		return types.NodegroupStatusDeleteFailed
	}
	return status
}

// advanceNodegroups moves a cluster's node groups on.
func advanceNodegroups(tx *store.Tx, c *Cluster, s seen) error {
	for r, err := range nodegroups.All(tx, store.Range{Prefix: c.arn() + "/"}) {
		if err != nil {
			return err
		}
		next, gone := nextNodegroup(&r.Value, s)
		switch {
		case gone:
			err = removeNodegroup(tx, c, r)
		case r.Value.isStuck(s):
			err = giveUpUpdate(tx, c, r, s.status.Stuck[r.Value.name()])
		case next != r.Value.Status:
			err = moveNodegroup(tx, c, r, next, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isStuck tells whether a version update cannot go on, as pods do not leave a
// node.
func (n *Nodegroup) isStuck(s seen) bool {
	return n.Status == types.NodegroupStatusUpdating && n.Before != nil && s.settled && len(s.status.Stuck[n.name()]) > 0
}

// giveUpUpdate ends a version update as EKS does when pods are not evicted in
// time: the node group is of the version that it had, and nodes that are of the
// later one already stay so.
func giveUpUpdate(tx *store.Tx, c *Cluster, r store.Record[Nodegroup], nodes []string) error {
	n := &r.Value
	err := endNodegroupUpdate(tx, c, n.name(), types.ErrorDetail{
		ErrorCode:    types.ErrorCodePodEvictionFailure,
		ErrorMessage: aws.String("Reached max retries while trying to evict pods from nodes in node group " + n.name()), ResourceIds: nodes,
	})
	if err != nil {
		return err
	}
	n.Version, n.ReleaseVersion = n.Before.Version, n.Before.Release
	n.Status, n.Before, n.Force = types.NodegroupStatusActive, nil, false
	return nodegroups.Put(tx, r.Key, n)
}

// moveNodegroup gives a node group its next status; an update that it was in
// ends with that.
func moveNodegroup(tx *store.Tx, c *Cluster, r store.Record[Nodegroup], next types.NodegroupStatus, s seen) error {
	n := &r.Value
	n.Health = &types.NodegroupHealth{Issues: []types.Issue{}}
	switch {
	case s.status.Phase == link.Failed:
		n.Health.Issues = nodegroupIssue(c, *failure(s.status).Message)
	case s.records:
		n.Health.Issues = nodegroupIssue(c, textRecords)
	}
	if n.Status == types.NodegroupStatusUpdating {
		var failed []types.ErrorDetail
		if next != types.NodegroupStatusActive {
			failed = []types.ErrorDetail{{ErrorCode: types.ErrorCodeClusterUnreachable, ErrorMessage: n.Health.Issues[0].Message, ResourceIds: []string{c.name()}}}
		}
		if err := endNodegroupUpdate(tx, c, n.name(), failed...); err != nil {
			return err
		}
	}
	n.Status, n.Before, n.Force = next, nil, false
	return nodegroups.Put(tx, r.Key, n)
}

func nodegroupIssue(c *Cluster, why string) []types.Issue {
	return []types.Issue{{Code: types.NodegroupIssueCodeClusterUnreachable, Message: aws.String(why), ResourceIds: []string{c.name()}}}
}

// endNodegroupUpdate ends the update that a node group is in, if it is in one.
func endNodegroupUpdate(tx *store.Tx, c *Cluster, name string, failed ...types.ErrorDetail) error {
	u, err := openUpdate(tx, c.arn(), name, "")
	if err != nil || u == nil {
		return err
	}
	return endUpdate(tx, c.arn(), u.Id, failed...)
}

// removeNodegroup deletes a node group, and with the last one of its role what
// lets the role's nodes in.
func removeNodegroup(tx *store.Tx, c *Cluster, r store.Record[Nodegroup]) error {
	if err := nodegroups.Delete(tx, r.Key); err != nil {
		return err
	}
	role := aws.ToString(r.Value.NodeRole)
	for n, err := range parts(tx, nodegroups, c.arn()) {
		if err != nil {
			return err
		}
		if aws.ToString(n.NodeRole) == role {
			return nil
		}
	}
	return dropNodeEntry(tx, c.arn(), role, ec2Type)
}
