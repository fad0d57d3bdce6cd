package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file changes rules in place: their descriptions, or all that they say.

type UpdateSecurityGroupRuleDescriptionsIngressInput struct {
	DryRun                        *bool
	GroupId                       *string
	GroupName                     *string
	IpPermissions                 []types.IpPermission
	SecurityGroupRuleDescriptions []types.SecurityGroupRuleDescription
}

type UpdateSecurityGroupRuleDescriptionsIngressOutput struct {
	Return *bool
}

// UpdateSecurityGroupRuleDescriptionsIngress sets the descriptions of rules
// for what may come in.
func (a *API) UpdateSecurityGroupRuleDescriptionsIngress(ctx context.Context, in *UpdateSecurityGroupRuleDescriptionsIngressInput) (*UpdateSecurityGroupRuleDescriptionsIngressOutput, error) {
	err := a.redescribe(ctx, ruleChange{dryRun: in.DryRun, id: in.GroupId, name: in.GroupName, permissions: in.IpPermissions}, in.SecurityGroupRuleDescriptions)
	return &UpdateSecurityGroupRuleDescriptionsIngressOutput{Return: aws.Bool(true)}, err
}

type UpdateSecurityGroupRuleDescriptionsEgressInput struct {
	DryRun                        *bool
	GroupId                       *string
	GroupName                     *string
	IpPermissions                 []types.IpPermission
	SecurityGroupRuleDescriptions []types.SecurityGroupRuleDescription
}

type UpdateSecurityGroupRuleDescriptionsEgressOutput struct {
	Return *bool
}

// UpdateSecurityGroupRuleDescriptionsEgress sets the descriptions of rules for
// what may go out.
func (a *API) UpdateSecurityGroupRuleDescriptionsEgress(ctx context.Context, in *UpdateSecurityGroupRuleDescriptionsEgressInput) (*UpdateSecurityGroupRuleDescriptionsEgressOutput, error) {
	err := a.redescribe(ctx, ruleChange{dryRun: in.DryRun, egress: true, id: in.GroupId, name: in.GroupName, permissions: in.IpPermissions}, in.SecurityGroupRuleDescriptions)
	return &UpdateSecurityGroupRuleDescriptionsEgressOutput{Return: aws.Bool(true)}, err
}

// redescribe sets descriptions; one that is not given is taken away.
func (a *API) redescribe(ctx context.Context, c ruleChange, described []types.SecurityGroupRuleDescription) error {
	if (len(c.permissions) == 0) == (len(described) == 0) {
		return badCombination("Exactly one of ipPermissions and securityGroupRuleDescriptions must be specified")
	}
	words := map[string]*string{}
	for _, d := range described {
		if !areGroupWords(aws.ToString(d.Description)) {
			return fail("InvalidParameterValue", "Invalid rule description. "+wordRule, "description")
		}
		c.ruleIDs = append(c.ruleIDs, aws.ToString(d.SecurityGroupRuleId))
		words[aws.ToString(d.SecurityGroupRuleId)] = d.Description
	}
	return a.update(ctx, c.dryRun, func(tx *store.Tx, p place) error {
		g, err := group(tx, p, c.id, c.name)
		if err != nil {
			return err
		}
		found, unknown, err := c.targets(tx, p, g)
		if err != nil {
			return err
		}
		if len(unknown) > 0 {
			return fail("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
		}
		for i := range found {
			if len(described) > 0 {
				found[i].Description = words[*found[i].SecurityGroupRuleId]
			}
		}
		return putRules(tx, p, found)
	})
}

type ModifySecurityGroupRulesInput struct {
	DryRun             *bool
	GroupId            *string
	SecurityGroupRules []types.SecurityGroupRuleUpdate
}

type ModifySecurityGroupRulesOutput struct {
	Return *bool
}

// ModifySecurityGroupRules replaces what rules say; they keep id, direction
// and tags.
func (a *API) ModifySecurityGroupRules(ctx context.Context, in *ModifySecurityGroupRulesInput) (*ModifySecurityGroupRulesOutput, error) {
	if err := require("groupId", in.GroupId); err != nil {
		return nil, err
	}
	if len(in.SecurityGroupRules) == 0 {
		return nil, missing("securityGroupRules")
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		g, err := securityGroups.get(tx, p, *in.GroupId)
		if err != nil {
			return err
		}
		for _, u := range in.SecurityGroupRules {
			if err := modifyRule(tx, p, g, u); err != nil {
				return err
			}
		}
		return nil
	})
	return &ModifySecurityGroupRulesOutput{Return: aws.Bool(true)}, err
}

func modifyRule(tx *store.Tx, p place, g *types.SecurityGroup, u types.SecurityGroupRuleUpdate) error {
	id := aws.ToString(u.SecurityGroupRuleId)
	old, err := securityGroupRules.get(tx, p, id)
	if err != nil {
		return err
	}
	if *old.GroupId != *g.GroupId {
		return securityGroupRules.unknown(id)
	}
	if u.SecurityGroupRule == nil {
		return missing("securityGroupRule")
	}
	made, err := rulesOf([]types.IpPermission{requested(u.SecurityGroupRule)}, findGroup(tx, p, g))
	if err != nil {
		return err
	}
	if len(made) != 1 {
		return badCombination("Exactly one source or destination must be specified for a security group rule")
	}
	r := made[0]
	r.SecurityGroupRuleId, r.SecurityGroupRuleArn = old.SecurityGroupRuleId, old.SecurityGroupRuleArn
	r.GroupId, r.GroupOwnerId, r.IsEgress, r.Tags = old.GroupId, old.GroupOwnerId, old.IsEgress, old.Tags
	there, err := securityGroupRules.list(tx, p, inGroup, *g.GroupId)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(there, func(r types.SecurityGroupRule) bool { return *r.SecurityGroupRuleId == id })
	if err := checkNew([]types.SecurityGroupRule{r}, others); err != nil {
		return err
	}
	return securityGroupRules.put(tx, p, &r)
}

// requested is a requested rule as a permission.
func requested(r *types.SecurityGroupRuleRequest) types.IpPermission {
	p := types.IpPermission{IpProtocol: r.IpProtocol, FromPort: r.FromPort, ToPort: r.ToPort}
	if r.CidrIpv4 != nil {
		p.IpRanges = []types.IpRange{{CidrIp: r.CidrIpv4, Description: r.Description}}
	}
	if r.CidrIpv6 != nil {
		p.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: r.CidrIpv6, Description: r.Description}}
	}
	if r.PrefixListId != nil {
		p.PrefixListIds = []types.PrefixListId{{PrefixListId: r.PrefixListId, Description: r.Description}}
	}
	if r.ReferencedGroupId != nil {
		p.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: r.ReferencedGroupId, Description: r.Description}}
	}
	return p
}
