package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

type AuthorizeSecurityGroupIngressInput struct {
	CidrIp                     *string
	DryRun                     *bool
	FromPort                   *int32
	GroupId                    *string
	GroupName                  *string
	IpPermissions              []types.IpPermission
	IpProtocol                 *string
	SourceSecurityGroupName    *string
	SourceSecurityGroupOwnerId *string
	TagSpecifications          []types.TagSpecification
	ToPort                     *int32
}

type AuthorizeSecurityGroupIngressOutput struct {
	Return             *bool
	SecurityGroupRules []types.SecurityGroupRule
}

// AuthorizeSecurityGroupIngress adds rules for what may come in.
func (a *API) AuthorizeSecurityGroupIngress(ctx context.Context, in *AuthorizeSecurityGroupIngressInput) (*AuthorizeSecurityGroupIngressOutput, error) {
	flat := flatPermission{cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId}
	rules, err := a.authorize(ctx, ruleChange{
		dryRun: in.DryRun, id: in.GroupId, name: in.GroupName, flat: flat, permissions: in.IpPermissions, tags: in.TagSpecifications,
	})
	return &AuthorizeSecurityGroupIngressOutput{Return: aws.Bool(true), SecurityGroupRules: rules}, err
}

type AuthorizeSecurityGroupEgressInput struct {
	CidrIp                     *string
	DryRun                     *bool
	FromPort                   *int32
	GroupId                    *string
	IpPermissions              []types.IpPermission
	IpProtocol                 *string
	SourceSecurityGroupName    *string
	SourceSecurityGroupOwnerId *string
	TagSpecifications          []types.TagSpecification
	ToPort                     *int32
}

type AuthorizeSecurityGroupEgressOutput struct {
	Return             *bool
	SecurityGroupRules []types.SecurityGroupRule
}

// AuthorizeSecurityGroupEgress adds rules for what may go out.
func (a *API) AuthorizeSecurityGroupEgress(ctx context.Context, in *AuthorizeSecurityGroupEgressInput) (*AuthorizeSecurityGroupEgressOutput, error) {
	flat := flatPermission{cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId}
	rules, err := a.authorize(ctx, ruleChange{
		dryRun: in.DryRun, egress: true, id: in.GroupId, flat: flat, permissions: in.IpPermissions, tags: in.TagSpecifications,
	})
	return &AuthorizeSecurityGroupEgressOutput{Return: aws.Bool(true), SecurityGroupRules: rules}, err
}

// ruleChange is what the requests for rules of both directions have in common.
type ruleChange struct {
	dryRun      *bool
	egress      bool
	id, name    *string // of the group
	flat        flatPermission
	permissions []types.IpPermission
	ruleIDs     []string
	tags        []types.TagSpecification
}

func (a *API) authorize(ctx context.Context, c ruleChange) ([]types.SecurityGroupRule, error) {
	permissions, err := c.flat.with(c.permissions)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(c.tags, securityGroupRules.kind)
	if err != nil {
		return nil, err
	}
	var added []types.SecurityGroupRule
	err = a.update(ctx, c.dryRun, func(tx *store.Tx, p place) error {
		g, err := group(tx, p, c.id, c.name)
		if err != nil {
			return err
		}
		rules, err := rulesOf(permissions, findGroup(tx, p, g))
		if err != nil {
			return err
		}
		there, err := securityGroupRules.list(tx, p, inGroup, *g.GroupId)
		if err != nil {
			return err
		}
		for _, r := range rules {
			r = adopt(p, *g.GroupId, c.egress, r)
			r.Tags = tags
			added = append(added, r)
		}
		if err := checkNew(added, there); err != nil {
			return err
		}
		return putRules(tx, p, added)
	})
	return added, err
}

func putRules(tx *store.Tx, p place, rules []types.SecurityGroupRule) error {
	for i := range rules {
		if err := securityGroupRules.put(tx, p, &rules[i]); err != nil {
			return err
		}
	}
	return nil
}

// maxRules is AWS's default quota for one direction of a group.
const maxRules = 60

// checkNew refuses rules that are there already, that are given twice, or that
// are too many.
func checkNew(added, there []types.SecurityGroupRule) error {
	for i := range added {
		same := func(r types.SecurityGroupRule) bool { return sameRule(&r, &added[i]) }
		if slices.ContainsFunc(added[:i], same) {
			return fail("InvalidParameterValue", "The same permission must not appear multiple times")
		}
		if slices.ContainsFunc(there, same) {
			return fail("InvalidPermission.Duplicate", "the specified rule %q already exists", inWords(&added[i]))
		}
	}
	n := len(added)
	for i := range there {
		if len(added) > 0 && aws.ToBool(there[i].IsEgress) == aws.ToBool(added[0].IsEgress) {
			n++
		}
	}
	if n > maxRules {
		return fail("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
	}
	return nil
}
