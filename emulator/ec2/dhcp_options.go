package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

var dhcpOptions = &resource[types.DhcpOptions]{
	table:  store.NewTable[types.DhcpOptions]("ec2/dhcp-options"),
	kind:   "dhcp-options",
	prefix: "dopt-",
	id:     func(d *types.DhcpOptions) *string { return d.DhcpOptionsId },
	tags:   func(d *types.DhcpOptions) *[]types.Tag { return &d.Tags },
	noun:   "dhcpOption", notFound: "InvalidDhcpOptionID.NotFound", malformed: "InvalidDhcpOptionsId.Malformed",
	fields: fields[types.DhcpOptions]{
		"dhcp-options-id": func(d *types.DhcpOptions) []string { return one(d.DhcpOptionsId) },
		"owner-id":        func(d *types.DhcpOptions) []string { return one(d.OwnerId) },
		"key": func(d *types.DhcpOptions) []string {
			return each(d.DhcpConfigurations, func(c types.DhcpConfiguration) *string { return c.Key })
		},
		"value": func(d *types.DhcpOptions) []string {
			return every(d.DhcpConfigurations, func(c types.DhcpConfiguration) []string {
				return each(c.Values, func(v types.AttributeValue) *string { return v.Value })
			})
		},
	},
}

// defaultDHCPOptions is the set that every VPC of a place uses.
func defaultDHCPOptions(p place) *types.DhcpOptions {
	value := func(s string) []types.AttributeValue { return []types.AttributeValue{{Value: aws.String(s)}} }
	return &types.DhcpOptions{
		DhcpOptionsId: aws.String(newID("dopt-")), OwnerId: aws.String(p.account),
		DhcpConfigurations: []types.DhcpConfiguration{
			{Key: aws.String("domain-name"), Values: value(internalDomain(p.region))},
			{Key: aws.String("domain-name-servers"), Values: value("AmazonProvidedDNS")},
		},
	}
}

// internalDomain is where the private DNS names of a region's addresses are.
func internalDomain(region string) string {
	if region == "us-east-1" {
		return "ec2.internal"
	}
	return region + ".compute.internal"
}

type DescribeDhcpOptionsInput struct {
	DhcpOptionsIds []string
	DryRun         *bool
	Filters        []types.Filter
	MaxResults     *int32
	NextToken      *string
}

type DescribeDhcpOptionsOutput struct {
	DhcpOptions []types.DhcpOptions
	NextToken   *string
}

// DescribeDhcpOptions lists sets of DHCP options: there is the default one.
func (a *API) DescribeDhcpOptions(ctx context.Context, in *DescribeDhcpOptionsInput) (*DescribeDhcpOptionsOutput, error) {
	out := &DescribeDhcpOptionsOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.DhcpOptions, out.NextToken, err = dhcpOptions.describe(tx, p, query{ids: in.DhcpOptionsIds, idsName: "dhcpOptionsIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}
