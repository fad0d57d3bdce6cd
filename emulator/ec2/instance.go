package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// This file answers for what is not here: there are no instances, instance
// types, images and VPC endpoints, so that lists of them are empty, whatever
// they are filtered by, and asking for one by id finds none.

type DescribeInstancesInput struct {
	DryRun                  *bool
	Filters                 []types.Filter
	IncludeManagedResources *bool
	InstanceIds             []string
	MaxResults              *int32
	NextToken               *string
}

type DescribeInstancesOutput struct {
	NextToken    *string
	Reservations []types.Reservation
}

// DescribeInstances lists no instances.
func (a *API) DescribeInstances(_ context.Context, in *DescribeInstancesInput) (*DescribeInstancesOutput, error) {
	if err := nothing(in.InstanceIds, "i-", "InvalidInstanceID", "The instance ID '%s' does not exist"); err != nil {
		return nil, err
	}
	return &DescribeInstancesOutput{Reservations: []types.Reservation{}}, dry(in.DryRun)
}

type DescribeInstanceTypesInput struct {
	DryRun                     *bool
	Filters                    []types.Filter
	IncludeUnsupportedInRegion *bool
	InstanceTypes              []types.InstanceType
	MaxResults                 *int32
	NextToken                  *string
}

type DescribeInstanceTypesOutput struct {
	InstanceTypes []types.InstanceTypeInfo
	NextToken     *string
}

// DescribeInstanceTypes lists no instance types.
func (a *API) DescribeInstanceTypes(_ context.Context, in *DescribeInstanceTypesInput) (*DescribeInstanceTypesOutput, error) {
	if len(in.InstanceTypes) > 0 {
		return nil, fail("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", in.InstanceTypes[0])
	}
	return &DescribeInstanceTypesOutput{InstanceTypes: []types.InstanceTypeInfo{}}, dry(in.DryRun)
}

type DescribeImagesInput struct {
	DryRun            *bool
	ExecutableUsers   []string
	Filters           []types.Filter
	ImageIds          []string
	IncludeDeprecated *bool
	IncludeDisabled   *bool
	MaxResults        *int32
	NextToken         *string
	Owners            []string
}

type DescribeImagesOutput struct {
	Images    []types.Image
	NextToken *string
}

// DescribeImages lists no images.
func (a *API) DescribeImages(_ context.Context, in *DescribeImagesInput) (*DescribeImagesOutput, error) {
	if err := nothing(in.ImageIds, "ami-", "InvalidAMIID", "The image id '[%s]' does not exist"); err != nil {
		return nil, err
	}
	return &DescribeImagesOutput{Images: []types.Image{}}, dry(in.DryRun)
}

type DescribeVpcEndpointsInput struct {
	DryRun         *bool
	Filters        []types.Filter
	MaxResults     *int32
	NextToken      *string
	VpcEndpointIds []string
}

type DescribeVpcEndpointsOutput struct {
	NextToken    *string
	VpcEndpoints []types.VpcEndpoint
}

// DescribeVpcEndpoints lists no VPC endpoints.
func (a *API) DescribeVpcEndpoints(_ context.Context, in *DescribeVpcEndpointsInput) (*DescribeVpcEndpointsOutput, error) {
	if err := nothing(in.VpcEndpointIds, "vpce-", "InvalidVpcEndpointId", "The Vpc Endpoint Id '%s' does not exist"); err != nil {
		return nil, err
	}
	return &DescribeVpcEndpointsOutput{VpcEndpoints: []types.VpcEndpoint{}}, dry(in.DryRun)
}

// nothing refuses ids of a kind of which there are none: the first one that
// is given cannot be found, if it is an id at all.
func nothing(ids []string, prefix, code, text string) error {
	if len(ids) == 0 {
		return nil
	}
	if !wellFormed(prefix, ids[0]) {
		return fail(code+".Malformed", "Invalid id: %q (expecting %q)", ids[0], prefix+"...")
	}
	return fail(code+".NotFound", text, ids[0])
}
