package eks

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/store"
)

// This file builds EKS's errors. They name what they are about in members of
// their own; those that do not apply stay empty.

// about is what an error is about.
type about struct{ cluster, nodegroup, profile, addon string }

func text(format string, args []any) *string { return aws.String(fmt.Sprintf(format, args...)) }

func named(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// invalid is InvalidParameterException: an argument cannot be.
func (a about) invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: text(format, args),
		ClusterName: named(a.cluster), NodegroupName: named(a.nodegroup), FargateProfileName: named(a.profile), AddonName: named(a.addon)}
}

// invalidRequest is InvalidRequestException: the state of things forbids it.
func (a about) invalidRequest(format string, args ...any) error {
	return &types.InvalidRequestException{Message: text(format, args),
		ClusterName: named(a.cluster), NodegroupName: named(a.nodegroup), AddonName: named(a.addon)}
}

// inUse is ResourceInUseException.
func (a about) inUse(format string, args ...any) error {
	return &types.ResourceInUseException{Message: text(format, args),
		ClusterName: named(a.cluster), NodegroupName: named(a.nodegroup), AddonName: named(a.addon)}
}

// notFound is ResourceNotFoundException.
func (a about) notFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: text(format, args),
		ClusterName: named(a.cluster), NodegroupName: named(a.nodegroup), FargateProfileName: named(a.profile), AddonName: named(a.addon)}
}

// tooMany is ResourceLimitExceededException: a quota is used up.
func (a about) tooMany(format string, args ...any) error {
	return &types.ResourceLimitExceededException{Message: text(format, args), ClusterName: named(a.cluster), NodegroupName: named(a.nodegroup)}
}

func denied(format string, args ...any) error {
	return &types.AccessDeniedException{Message: text(format, args)}
}

// noCluster is what every operation says of a cluster that is not there.
func noCluster(name string) error {
	return about{cluster: name}.notFound("No cluster found for name: %s.", name)
}

// hasNot tells whether a record's absence is what a lookup failed with.
func hasNot(err error) bool { return isErr(err, store.ErrNotFound) }
