package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the rules of security groups as records. How requests add them
// is in authorize.go, how they remove them in revoke.go, how they change them
// in rule_update.go.

// namesGroup is the index of rules by the group that is their source.
const namesGroup = "names-group"

var securityGroupRules = &resource[types.SecurityGroupRule]{
	table: store.NewTable("ec2/security-group-rule",
		store.By(inGroup, func(_ string, r *types.SecurityGroupRule) []string { return one(r.GroupId) }),
		store.By(namesGroup, func(_ string, r *types.SecurityGroupRule) []string {
			if r.ReferencedGroupInfo == nil {
				return nil
			}
			return one(r.ReferencedGroupInfo.GroupId)
		})),
	kind:   "security-group-rule",
	prefix: "sgr-",
	id:     func(r *types.SecurityGroupRule) *string { return r.SecurityGroupRuleId },
	tags:   func(r *types.SecurityGroupRule) *[]types.Tag { return &r.Tags },
	noun:   "security group rule", notFound: "InvalidSecurityGroupRuleId.NotFound", malformed: "InvalidSecurityGroupRuleId.Malformed",
	fields: fields[types.SecurityGroupRule]{
		"group-id":               func(r *types.SecurityGroupRule) []string { return one(r.GroupId) },
		"security-group-rule-id": func(r *types.SecurityGroupRule) []string { return one(r.SecurityGroupRuleId) },
	},
}

// adopt makes a rule one of a group.
func adopt(p place, group string, egress bool, r types.SecurityGroupRule) types.SecurityGroupRule {
	id := newID("sgr-")
	r.SecurityGroupRuleId, r.SecurityGroupRuleArn = &id, aws.String(p.arn("security-group-rule", id))
	r.GroupId, r.GroupOwnerId, r.IsEgress = &group, &p.account, &egress
	return r
}

// allTraffic is a rule of a group for all protocols, still without a source.
func allTraffic(p place, group string, egress bool) types.SecurityGroupRule {
	return adopt(p, group, egress, types.SecurityGroupRule{
		IpProtocol: aws.String(allProtocols), FromPort: aws.Int32(anyPort), ToPort: aws.Int32(anyPort),
	})
}

type DescribeSecurityGroupRulesInput struct {
	DryRun               *bool
	Filters              []types.Filter
	MaxResults           *int32
	NextToken            *string
	SecurityGroupRuleIds []string
}

type DescribeSecurityGroupRulesOutput struct {
	NextToken          *string
	SecurityGroupRules []types.SecurityGroupRule
}

// DescribeSecurityGroupRules lists rules of security groups.
func (a *API) DescribeSecurityGroupRules(ctx context.Context, in *DescribeSecurityGroupRulesInput) (*DescribeSecurityGroupRulesOutput, error) {
	out := &DescribeSecurityGroupRulesOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.SecurityGroupRules, out.NextToken, err = securityGroupRules.describe(tx, p,
			query{ids: in.SecurityGroupRuleIds, idsName: "securityGroupRuleIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}

// findGroup resolves the groups that rules of a group name: by id, or by name
// within the same VPC. Groups of other accounts would need VPC peering.
func findGroup(tx *store.Tx, p place, of *types.SecurityGroup) finder {
	return func(pair types.UserIdGroupPair) (*types.ReferencedSecurityGroup, error) {
		if owner := aws.ToString(pair.UserId); owner != "" && owner != p.account {
			return nil, securityGroups.unknown(slices.Concat(one(pair.GroupId), one(pair.GroupName), []string{""})[0])
		}
		if aws.ToString(pair.GroupId) != "" {
			g, err := securityGroups.get(tx, p, *pair.GroupId)
			if err != nil {
				return nil, err
			}
			return &types.ReferencedSecurityGroup{GroupId: g.GroupId, UserId: g.OwnerId}, nil
		}
		g, err := groupNamed(tx, p, *of.VpcId, aws.ToString(pair.GroupName))
		if err != nil {
			return nil, err
		}
		if g == nil {
			return nil, securityGroups.unknown(aws.ToString(pair.GroupName))
		}
		return &types.ReferencedSecurityGroup{GroupId: g.GroupId, UserId: g.OwnerId}, nil
	}
}

// flatPermission is a permission written as parameters of the request itself,
// the older way.
type flatPermission struct {
	cidr, protocol, group, owner *string
	from, to                     *int32
}

// with returns the permissions of a request, whichever way it says them.
func (f flatPermission) with(permissions []types.IpPermission) ([]types.IpPermission, error) {
	flat := f.cidr != nil || f.protocol != nil || f.group != nil
	switch {
	case flat && len(permissions) > 0:
		return nil, badCombination("The parameter ipPermissions cannot be used with the parameters cidrIp, ipProtocol and sourceSecurityGroupName")
	case !flat && len(permissions) == 0:
		return nil, missing("ipPermissions")
	case !flat:
		return permissions, nil
	}
	p := types.IpPermission{IpProtocol: f.protocol, FromPort: f.from, ToPort: f.to}
	if f.protocol == nil && f.group != nil {
		p.IpProtocol = aws.String(allProtocols)
	}
	if f.cidr != nil {
		p.IpRanges = []types.IpRange{{CidrIp: f.cidr}}
	}
	if f.group != nil {
		p.UserIdGroupPairs = []types.UserIdGroupPair{{GroupName: f.group, UserId: f.owner}}
	}
	return []types.IpPermission{p}, nil
}
