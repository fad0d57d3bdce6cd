package eks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file moves Fargate profiles on.

// nextProfile is what becomes of a profile: its next status, perhaps the one
// it has, or that it is gone.
func nextProfile(status types.FargateProfileStatus, name string, s seen) (next types.FargateProfileStatus, gone bool) {
	failed := s.status.Phase == link.Failed
	switch status {
	case types.FargateProfileStatusCreating:
		switch {
		case failed:
			return types.FargateProfileStatusCreateFailed, false
		case s.settled:
			return types.FargateProfileStatusActive, false
		}
	case types.FargateProfileStatusDeleting:
		switch {
		case failed:
			return types.FargateProfileStatusDeleteFailed, false
		case s.drained("fargateprofile/" + name):
			return "", true
		}
	}
	return status, false
}

func advanceProfiles(tx *store.Tx, c *Cluster, s seen) error {
	for r, err := range profiles.All(tx, store.Range{Prefix: c.arn() + "/"}) {
		if err != nil {
			return err
		}
		next, gone := nextProfile(r.Value.Status, r.Value.name(), s)
		switch {
		case gone:
			if err := removeProfile(tx, c, r); err != nil {
				return err
			}
		case next != r.Value.Status:
			r.Value.Status = next
			if s.status.Phase == link.Failed {
				r.Value.Health = unreachable(s.status)
			}
			if err := profiles.Replace(tx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func unreachable(s link.Status) *types.FargateProfileHealth {
	return &types.FargateProfileHealth{Issues: []types.FargateProfileIssue{{
		Code: types.FargateProfileIssueCodeClusterUnreachable, Message: failure(s).Message, ResourceIds: []string{}}}}
}

// removeProfile deletes a profile, and with the last one of its role what lets
// the role's nodes in.
func removeProfile(tx *store.Tx, c *Cluster, r store.Record[FargateProfile]) error {
	if err := profiles.Delete(tx, r.Key); err != nil {
		return err
	}
	role := aws.ToString(r.Value.PodExecutionRoleArn)
	for p, err := range parts(tx, profiles, c.arn()) {
		if err != nil {
			return err
		}
		if aws.ToString(p.PodExecutionRoleArn) == role {
			return nil
		}
	}
	return dropNodeEntry(tx, c.arn(), role, fargateEntry)
}
