package ec2

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

type DescribeAccountAttributesInput struct {
	AttributeNames []types.AccountAttributeName
	DryRun         *bool
}

type DescribeAccountAttributesOutput struct {
	AccountAttributes []types.AccountAttribute
}

// DescribeAccountAttributes tells what an account is: one with a default VPC,
// as all are since 2013.
func (a *API) DescribeAccountAttributes(ctx context.Context, in *DescribeAccountAttributesInput) (*DescribeAccountAttributesOutput, error) {
	out := &DescribeAccountAttributesOutput{AccountAttributes: []types.AccountAttribute{}}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		vpcID := "none"
		v, err := defaultVPC(tx, p)
		if err != nil {
			return err
		}
		if v != nil {
			vpcID = *v.Vpc.VpcId
		}
		all := accountAttributes(vpcID)
		for _, name := range in.AttributeNames {
			if !slices.ContainsFunc(all, func(a types.AccountAttribute) bool { return *a.AttributeName == string(name) }) {
				return invalid("attributeName", string(name), "Unknown attribute.")
			}
		}
		for _, attribute := range all {
			if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, types.AccountAttributeName(*attribute.AttributeName)) {
				out.AccountAttributes = append(out.AccountAttributes, attribute)
			}
		}
		return nil
	})
	return out, err
}

// accountAttributes are the limits that hold here; there are no instances.
func accountAttributes(defaultVPC string) []types.AccountAttribute {
	attribute := func(name types.AccountAttributeName, value string) types.AccountAttribute {
		return types.AccountAttribute{AttributeName: aws.String(string(name)), AttributeValues: []types.AccountAttributeValue{{AttributeValue: &value}}}
	}
	return []types.AccountAttribute{
		attribute(types.AccountAttributeNameSupportedPlatforms, "VPC"),
		attribute(types.AccountAttributeNameDefaultVpc, defaultVPC),
		attribute("vpc-max-security-groups-per-interface", "5"),
		attribute("max-instances", "0"),
		attribute("max-elastic-ips", strconv.Itoa(publicAddresses())),
		attribute("vpc-max-elastic-ips", strconv.Itoa(publicAddresses())),
	}
}
