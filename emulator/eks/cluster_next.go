package eks

import (
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file moves a cluster on.

// advanceCluster makes the cluster's security group, and takes over what has
// become of its control plane.
func (k *Clusters) advanceCluster(tx *store.Tx, c *Cluster, s seen) error {
	if c.ResourcesVpcConfig.ClusterSecurityGroupId == nil {
		if why, err := k.api.makeGroup(tx, c); err != nil || why != "" {
			c.fail(types.ClusterIssueCodeInternalFailure, why)
			return err
		}
	}
	if s.records {
		if err := c.standIn(); err != nil {
			return err
		}
	} else if s.status.Phase == link.Ready {
		c.Endpoint = aws.String("https://" + s.status.Address)
		c.CertificateAuthority = &types.Certificate{Data: aws.String(base64.StdEncoding.EncodeToString(s.status.CA))}
	}
	switch nextCluster(c.Status, c.Target, s) {
	case becomesActive:
		c.activate()
	case becomesFailed:
		failed := failure(s.status)
		c.fail(failed.Code, *failed.Message)
	case updateDone:
		return c.endUpdates(tx)
	case updateFailed:
		return c.endUpdates(tx, types.ErrorDetail{ErrorCode: types.ErrorCodeClusterUnreachable, ErrorMessage: failure(s.status).Message, ResourceIds: []string{}})
	}
	return nil
}

// move is what becomes of a cluster.
type move int

const (
	stays move = iota
	becomesActive
	becomesFailed
	updateDone
	updateFailed
)

// nextCluster decides: CREATING ends when the control plane is ready and knows
// the settings, or cannot be; UPDATING when what changed is in force, which
// for a version means that the control plane tells that version.
func nextCluster(status types.ClusterStatus, target string, s seen) move {
	failed := s.status.Phase == link.Failed
	switch {
	case status == types.ClusterStatusCreating && failed:
		return becomesFailed
	case status == types.ClusterStatusCreating && s.settled:
		return becomesActive
	case status == types.ClusterStatusUpdating && failed:
		return updateFailed
	case status == types.ClusterStatusUpdating && s.settled && (s.records || runsVersion(s.status.Version, target)):
		return updateDone
	}
	return stays
}

// runsVersion tells whether "v1.35.0-eks-…" is a build of the minor version,
// which "" is anything's.
func runsVersion(version, minor string) bool {
	return minor == "" || strings.HasPrefix(version, "v"+minor+".")
}

func (c *Cluster) activate() {
	c.Status = types.ClusterStatusActive
	c.Identity = &types.Identity{Oidc: &types.OIDC{Issuer: aws.String(c.issuer())}}
	c.Health = &types.ClusterHealth{Issues: []types.ClusterIssue{}}
}

func (c *Cluster) fail(code types.ClusterIssueCode, why string) {
	c.Status = types.ClusterStatusFailed
	c.Health = &types.ClusterHealth{Issues: []types.ClusterIssue{issue(code, why)}}
}

// endUpdates ends the cluster's update in progress. A version that could not
// be had is given up: the control plane goes back to the one before.
func (c *Cluster) endUpdates(tx *store.Tx, failed ...types.ErrorDetail) error {
	if c.Target != "" && len(failed) == 0 {
		c.Version = aws.String(c.Target)
	}
	c.Status, c.Target = types.ClusterStatusActive, ""
	for {
		u, err := openUpdate(tx, c.arn(), "", "")
		if err != nil || u == nil {
			return err
		}
		if err := endUpdate(tx, c.arn(), u.Id, failed...); err != nil {
			return err
		}
	}
}
