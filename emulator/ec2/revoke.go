package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

type RevokeSecurityGroupIngressInput struct {
	CidrIp                     *string
	DryRun                     *bool
	FromPort                   *int32
	GroupId                    *string
	GroupName                  *string
	IpPermissions              []types.IpPermission
	IpProtocol                 *string
	SecurityGroupRuleIds       []string
	SourceSecurityGroupName    *string
	SourceSecurityGroupOwnerId *string
	ToPort                     *int32
}

type RevokeSecurityGroupIngressOutput struct {
	Return                    *bool
	RevokedSecurityGroupRules []types.RevokedSecurityGroupRule
	UnknownIpPermissions      []types.IpPermission
}

// RevokeSecurityGroupIngress removes rules for what may come in.
func (a *API) RevokeSecurityGroupIngress(ctx context.Context, in *RevokeSecurityGroupIngressInput) (*RevokeSecurityGroupIngressOutput, error) {
	flat := flatPermission{cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId}
	r, err := a.revoke(ctx, ruleChange{
		dryRun: in.DryRun, id: in.GroupId, name: in.GroupName, flat: flat, permissions: in.IpPermissions, ruleIDs: in.SecurityGroupRuleIds,
	})
	return &RevokeSecurityGroupIngressOutput{Return: aws.Bool(true), RevokedSecurityGroupRules: r.revoked, UnknownIpPermissions: r.unknown}, err
}

type RevokeSecurityGroupEgressInput struct {
	CidrIp                     *string
	DryRun                     *bool
	FromPort                   *int32
	GroupId                    *string
	IpPermissions              []types.IpPermission
	IpProtocol                 *string
	SecurityGroupRuleIds       []string
	SourceSecurityGroupName    *string
	SourceSecurityGroupOwnerId *string
	ToPort                     *int32
}

type RevokeSecurityGroupEgressOutput struct {
	Return                    *bool
	RevokedSecurityGroupRules []types.RevokedSecurityGroupRule
	UnknownIpPermissions      []types.IpPermission
}

// RevokeSecurityGroupEgress removes rules for what may go out.
func (a *API) RevokeSecurityGroupEgress(ctx context.Context, in *RevokeSecurityGroupEgressInput) (*RevokeSecurityGroupEgressOutput, error) {
	flat := flatPermission{cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId}
	r, err := a.revoke(ctx, ruleChange{
		dryRun: in.DryRun, egress: true, id: in.GroupId, flat: flat, permissions: in.IpPermissions, ruleIDs: in.SecurityGroupRuleIds,
	})
	return &RevokeSecurityGroupEgressOutput{Return: aws.Bool(true), RevokedSecurityGroupRules: r.revoked, UnknownIpPermissions: r.unknown}, err
}

type revocation struct {
	revoked []types.RevokedSecurityGroupRule
	unknown []types.IpPermission // that matched no rule, in the default VPC
}

func (a *API) revoke(ctx context.Context, c ruleChange) (revocation, error) {
	var done revocation
	err := a.update(ctx, c.dryRun, func(tx *store.Tx, p place) error {
		g, err := group(tx, p, c.id, c.name)
		if err != nil {
			return err
		}
		doomed, unknown, err := c.targets(tx, p, g)
		if err != nil {
			return err
		}
		if err := allowUnknown(tx, p, g, unknown); err != nil {
			return err
		}
		for i := range doomed {
			if err := securityGroupRules.delete(tx, p, *doomed[i].SecurityGroupRuleId); err != nil {
				return err
			}
			done.revoked = append(done.revoked, revoked(&doomed[i]))
		}
		if len(unknown) > 0 {
			done.unknown = permissionsOf(unknown, c.egress)
		}
		return nil
	})
	return done, err
}

// allowUnknown refuses permissions that no rule has, except in the default
// VPC, where AWS reports them in the answer.
func allowUnknown(tx *store.Tx, p place, g *types.SecurityGroup, unknown []types.SecurityGroupRule) error {
	if len(unknown) == 0 {
		return nil
	}
	v, err := vpcs.get(tx, p, *g.VpcId)
	if err == nil && !aws.ToBool(v.Vpc.IsDefault) {
		err = fail("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
	}
	return err
}

// targets finds the rules that a request is about, and what it names that is
// no rule of the group.
func (c ruleChange) targets(tx *store.Tx, p place, g *types.SecurityGroup) (found, unknown []types.SecurityGroupRule, err error) {
	if len(c.ruleIDs) > 0 {
		found, err = c.byID(tx, p, g)
		return found, nil, err
	}
	permissions, err := c.flat.with(c.permissions)
	if err != nil {
		return nil, nil, err
	}
	wanted, err := rulesOf(permissions, findGroup(tx, p, g))
	if err != nil {
		return nil, nil, err
	}
	there, err := securityGroupRules.list(tx, p, inGroup, *g.GroupId)
	if err != nil {
		return nil, nil, err
	}
	for i := range wanted {
		wanted[i].IsEgress = &c.egress
		at := slices.IndexFunc(there, func(r types.SecurityGroupRule) bool { return sameRule(&r, &wanted[i]) })
		if at < 0 {
			unknown = append(unknown, wanted[i])
			continue
		}
		r := there[at]
		r.Description = wanted[i].Description
		found = append(found, r)
	}
	return found, unknown, nil
}

func (c ruleChange) byID(tx *store.Tx, p place, g *types.SecurityGroup) ([]types.SecurityGroupRule, error) {
	if len(c.permissions) > 0 {
		return nil, badCombination("The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions")
	}
	var found []types.SecurityGroupRule
	for _, id := range c.ruleIDs {
		r, err := securityGroupRules.get(tx, p, id)
		if err != nil {
			return nil, err
		}
		if *r.GroupId != *g.GroupId || aws.ToBool(r.IsEgress) != c.egress {
			return nil, securityGroupRules.unknown(id)
		}
		found = append(found, *r)
	}
	return found, nil
}

func revoked(r *types.SecurityGroupRule) types.RevokedSecurityGroupRule {
	out := types.RevokedSecurityGroupRule{
		CidrIpv4: r.CidrIpv4, CidrIpv6: r.CidrIpv6, Description: r.Description, FromPort: r.FromPort, ToPort: r.ToPort,
		GroupId: r.GroupId, IpProtocol: r.IpProtocol, IsEgress: r.IsEgress, PrefixListId: r.PrefixListId, SecurityGroupRuleId: r.SecurityGroupRuleId,
	}
	if r.ReferencedGroupInfo != nil {
		out.ReferencedGroupId = r.ReferencedGroupInfo.GroupId
	}
	return out
}
