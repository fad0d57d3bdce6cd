package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

type DescribeVpcAttributeInput struct {
	Attribute types.VpcAttributeName
	DryRun    *bool
	VpcId     *string
}

type DescribeVpcAttributeOutput struct {
	EnableDnsHostnames               *types.AttributeBooleanValue
	EnableDnsSupport                 *types.AttributeBooleanValue
	EnableNetworkAddressUsageMetrics *types.AttributeBooleanValue
	VpcId                            *string
}

// DescribeVpcAttribute answers one attribute of a VPC.
func (a *API) DescribeVpcAttribute(ctx context.Context, in *DescribeVpcAttributeInput) (*DescribeVpcAttributeOutput, error) {
	if err := require("vpcId", in.VpcId, "attribute", aws.String(string(in.Attribute))); err != nil {
		return nil, err
	}
	out := &DescribeVpcAttributeOutput{VpcId: in.VpcId}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		v, err := vpcs.get(tx, p, *in.VpcId)
		if err != nil {
			return err
		}
		switch in.Attribute {
		case types.VpcAttributeNameEnableDnsSupport:
			out.EnableDnsSupport = &types.AttributeBooleanValue{Value: aws.Bool(v.DNSSupport)}
		case types.VpcAttributeNameEnableDnsHostnames:
			out.EnableDnsHostnames = &types.AttributeBooleanValue{Value: aws.Bool(v.DNSHostnames)}
		case types.VpcAttributeNameEnableNetworkAddressUsageMetrics:
			out.EnableNetworkAddressUsageMetrics = &types.AttributeBooleanValue{Value: aws.Bool(v.UsageMetrics)}
		default:
			return invalid("attribute", string(in.Attribute), "Unknown attribute.")
		}
		return nil
	})
	return out, err
}

type ModifyVpcAttributeInput struct {
	EnableDnsHostnames               *types.AttributeBooleanValue
	EnableDnsSupport                 *types.AttributeBooleanValue
	EnableNetworkAddressUsageMetrics *types.AttributeBooleanValue
	VpcId                            *string
}

type ModifyVpcAttributeOutput struct{}

// ModifyVpcAttribute sets one attribute of a VPC.
func (a *API) ModifyVpcAttribute(ctx context.Context, in *ModifyVpcAttributeInput) (*ModifyVpcAttributeOutput, error) {
	if err := require("vpcId", in.VpcId); err != nil {
		return nil, err
	}
	given := givenFlags(in.EnableDnsHostnames, in.EnableDnsSupport, in.EnableNetworkAddressUsageMetrics)
	if given != 1 {
		return nil, badCombination("Exactly one attribute of the VPC must be specified")
	}
	err := a.update(ctx, nil, func(tx *store.Tx, p place) error {
		v, err := vpcs.get(tx, p, *in.VpcId)
		if err != nil {
			return err
		}
		set(&v.DNSHostnames, in.EnableDnsHostnames)
		set(&v.DNSSupport, in.EnableDnsSupport)
		set(&v.UsageMetrics, in.EnableNetworkAddressUsageMetrics)
		return vpcs.put(tx, p, v)
	})
	return &ModifyVpcAttributeOutput{}, err
}

func givenFlags(flags ...*types.AttributeBooleanValue) int {
	n := 0
	for _, f := range flags {
		if f != nil && f.Value != nil {
			n++
		}
	}
	return n
}

func set(b *bool, to *types.AttributeBooleanValue) {
	if to != nil && to.Value != nil {
		*b = *to.Value
	}
}
