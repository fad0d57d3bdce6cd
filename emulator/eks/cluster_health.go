package eks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks/link"
)

// This file says what is the matter with a cluster.

// textRecords is the health of every cluster of an emulator without control
// planes.
const textRecords = "Neargate keeps records only of this cluster (--eks=records): no Kubernetes stands behind its endpoint, and its pods never run. " +
	"Start neargate without --eks=records for a real one."

func (a *API) issues(c *Cluster) []types.ClusterIssue {
	if a.planes == nil {
		return []types.ClusterIssue{issue(types.ClusterIssueCodeOther, textRecords)}
	}
	status, known := a.planes.Status(c.arn())
	return clusterIssues(status, known, c.Target != "")
}

// clusterIssues is what is the matter with a control plane that was ready once: it
// is not, or not yet again. One that an update restarts is well.
func clusterIssues(s link.Status, known, updating bool) []types.ClusterIssue {
	switch {
	case !known:
		return []types.ClusterIssue{issue(types.ClusterIssueCodeClusterUnreachable, "The control plane has not been started yet since neargate was.")}
	case s.Phase == link.Ready && s.Error != "":
		return []types.ClusterIssue{issue(types.ClusterIssueCodeClusterUnreachable, "The control plane does not answer. "+s.Error)}
	case s.Phase == link.Ready && s.Unkept != "":
		return []types.ClusterIssue{issue(types.ClusterIssueCodeInternalFailure, s.Unkept)}
	case s.Phase == link.Ready:
		return []types.ClusterIssue{}
	case s.Phase == link.Failed:
		return []types.ClusterIssue{failure(s)}
	case s.Error != "":
		return []types.ClusterIssue{issue(types.ClusterIssueCodeClusterUnreachable, "The control plane is being started anew. It ended: "+s.Error)}
	case updating:
		return []types.ClusterIssue{}
	}
	return []types.ClusterIssue{issue(types.ClusterIssueCodeClusterUnreachable, "The control plane is being started: "+s.Progress)}
}

// failure is why a control plane cannot be.
func failure(s link.Status) types.ClusterIssue {
	why := s.Error
	if why == "" {
		why = "The control plane failed and did not say why; see its log."
	}
	return issue(types.ClusterIssueCodeInternalFailure, why)
}

func issue(code types.ClusterIssueCode, message string) types.ClusterIssue {
	return types.ClusterIssue{Code: code, Message: aws.String(message), ResourceIds: []string{}}
}
