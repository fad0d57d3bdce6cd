package ec2

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is security groups. Their rules are records of their own
// (security_group_rule.go); the permissions that a group shows are gathered
// from them (permission.go).

var securityGroups = &resource[types.SecurityGroup]{
	table: store.NewTable("ec2/security-group",
		store.By(inVPC, func(_ string, g *types.SecurityGroup) []string { return one(g.VpcId) })),
	kind:      "security-group",
	prefix:    "sg-",
	id:        func(g *types.SecurityGroup) *string { return g.GroupId },
	tags:      func(g *types.SecurityGroup) *[]types.Tag { return &g.Tags },
	notFound:  "InvalidGroup.NotFound",
	malformed: "InvalidGroupId.Malformed",
	absent: func(ids []string) string {
		if len(ids) > 1 {
			return "The security groups '" + strings.Join(ids, ", ") + "' do not exist"
		}
		return "The security group '" + ids[0] + "' does not exist"
	},
	fields: securityGroupFields(),
}

func securityGroupFields() fields[types.SecurityGroup] {
	f := fields[types.SecurityGroup]{
		"description": func(g *types.SecurityGroup) []string { return one(g.Description) },
		"group-id":    func(g *types.SecurityGroup) []string { return one(g.GroupId) },
		"group-name":  func(g *types.SecurityGroup) []string { return one(g.GroupName) },
		"owner-id":    func(g *types.SecurityGroup) []string { return one(g.OwnerId) },
		"vpc-id":      func(g *types.SecurityGroup) []string { return one(g.VpcId) },
	}
	for name, values := range permissionFields() {
		f["ip-permission."+name] = func(g *types.SecurityGroup) []string { return every(g.IpPermissions, values) }
		f["egress.ip-permission."+name] = func(g *types.SecurityGroup) []string { return every(g.IpPermissionsEgress, values) }
	}
	return f
}

// defaultGroup is the name of the group that a VPC is made with.
const defaultGroup = "default"

func isDefaultGroup(g *types.SecurityGroup) bool { return aws.ToString(g.GroupName) == defaultGroup }

// makeDefaultGroup makes a VPC's default group, whose members may reach each
// other and everything else.
func makeDefaultGroup(tx *store.Tx, p place, vpc string) error {
	g := newGroup(p, vpc, defaultGroup, "default VPC security group", nil)
	if err := makeGroup(tx, p, g); err != nil {
		return err
	}
	among := allTraffic(p, *g.GroupId, false)
	among.ReferencedGroupInfo = &types.ReferencedSecurityGroup{GroupId: g.GroupId, UserId: &p.account}
	return securityGroupRules.put(tx, p, &among)
}

func newGroup(p place, vpc, name, description string, tags []types.Tag) *types.SecurityGroup {
	id := newID("sg-")
	return &types.SecurityGroup{
		GroupId: &id, GroupName: &name, Description: &description, VpcId: &vpc, OwnerId: &p.account,
		SecurityGroupArn: aws.String(p.arn("security-group", id)), Tags: tags,
	}
}

// makeGroup stores a group with the rule that every new one has: all traffic
// out.
func makeGroup(tx *store.Tx, p place, g *types.SecurityGroup) error {
	if err := securityGroups.put(tx, p, g); err != nil {
		return err
	}
	out := allTraffic(p, *g.GroupId, true)
	out.CidrIpv4 = aws.String("0.0.0.0/0")
	return securityGroupRules.put(tx, p, &out)
}

type DescribeSecurityGroupsInput struct {
	DryRun     *bool
	Filters    []types.Filter
	GroupIds   []string
	GroupNames []string
	MaxResults *int32
	NextToken  *string
}

type DescribeSecurityGroupsOutput struct {
	NextToken      *string
	SecurityGroups []types.SecurityGroup
}

// DescribeSecurityGroups lists security groups with their permissions. Names
// are those of groups in the default VPC.
func (a *API) DescribeSecurityGroups(ctx context.Context, in *DescribeSecurityGroupsInput) (*DescribeSecurityGroupsOutput, error) {
	out := &DescribeSecurityGroupsOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		ids := in.GroupIds
		for _, name := range in.GroupNames {
			g, err := groupByName(tx, p, name)
			if err != nil {
				return err
			}
			ids = append(ids, *g.GroupId)
		}
		var err error
		out.SecurityGroups, out.NextToken, err = securityGroups.pick(withPermissions(tx, p, securityGroups.all(tx, p)),
			query{ids: ids, idsName: "groupIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}

// withPermissions fills in what groups permit.
func withPermissions(tx *store.Tx, p place, seq iter.Seq2[*types.SecurityGroup, error]) iter.Seq2[*types.SecurityGroup, error] {
	return func(yield func(*types.SecurityGroup, error) bool) {
		for g, err := range seq {
			if err == nil {
				err = fillPermissions(tx, p, g)
			}
			if !yield(g, err) {
				return
			}
		}
	}
}

func fillPermissions(tx *store.Tx, p place, g *types.SecurityGroup) error {
	rules, err := securityGroupRules.list(tx, p, inGroup, *g.GroupId)
	if err != nil {
		return err
	}
	g.IpPermissions, g.IpPermissionsEgress = permissionsOf(rules, false), permissionsOf(rules, true)
	return nil
}

// groupByName finds a group of the default VPC.
func groupByName(tx *store.Tx, p place, name string) (*types.SecurityGroup, error) {
	v, err := defaultVPC(tx, p)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, noDefaultVPC()
	}
	g, err := groupNamed(tx, p, *v.Vpc.VpcId, name)
	switch {
	case err != nil:
		return nil, err
	case g == nil:
		return nil, fail("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, *v.Vpc.VpcId)
	}
	return securityGroups.get(tx, p, *g.GroupId)
}

// groupNamed finds a group of a VPC by its name, to be read only; nil when there
// is none.
func groupNamed(tx *store.Tx, p place, vpc, name string) (*types.SecurityGroup, error) {
	for g, err := range securityGroups.lookBy(tx, p, inVPC, vpc) {
		if err != nil || aws.ToString(g.GroupName) == name {
			return g, err
		}
	}
	return nil, nil
}

func noDefaultVPC() error { return fail("VPCIdNotSpecified", "No default VPC for this user") }

// group finds the group that a request names, by id or by name.
func group(tx *store.Tx, p place, id, name *string) (*types.SecurityGroup, error) {
	switch {
	case aws.ToString(id) != "":
		return securityGroups.get(tx, p, *id)
	case aws.ToString(name) != "":
		return groupByName(tx, p, *name)
	}
	return nil, fail("MissingParameter", "The request must contain the parameter groupName or groupId")
}

type CreateSecurityGroupInput struct {
	Description       *string
	DryRun            *bool
	GroupName         *string
	TagSpecifications []types.TagSpecification
	VpcId             *string
}

type CreateSecurityGroupOutput struct {
	GroupId          *string
	SecurityGroupArn *string
	Tags             []types.Tag
}

// CreateSecurityGroup makes a group that lets everything out and nothing in,
// in the default VPC unless one is named.
func (a *API) CreateSecurityGroup(ctx context.Context, in *CreateSecurityGroupInput) (*CreateSecurityGroupOutput, error) {
	if err := checkGroupWords(in.GroupName, in.Description); err != nil {
		return nil, err
	}
	tags, err := newTags(in.TagSpecifications, securityGroups.kind)
	if err != nil {
		return nil, err
	}
	out := &CreateSecurityGroupOutput{Tags: tags}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		vpcID, err := vpcOrDefault(tx, p, in.VpcId)
		if err != nil {
			return err
		}
		old, err := groupNamed(tx, p, vpcID, *in.GroupName)
		if err != nil {
			return err
		}
		if old != nil {
			return fail("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", *in.GroupName, vpcID)
		}
		g := newGroup(p, vpcID, *in.GroupName, *in.Description, tags)
		out.GroupId, out.SecurityGroupArn = g.GroupId, g.SecurityGroupArn
		return makeGroup(tx, p, g)
	})
	return out, err
}

func vpcOrDefault(tx *store.Tx, p place, id *string) (string, error) {
	if aws.ToString(id) != "" {
		_, err := vpcs.get(tx, p, *id)
		return *id, err
	}
	v, err := defaultVPC(tx, p)
	if err != nil {
		return "", err
	}
	if v == nil {
		return "", noDefaultVPC()
	}
	return *v.Vpc.VpcId, nil
}

// areGroupWords tells whether a text is what names and descriptions of groups
// and rules are made of. A pattern with a length would cost every start a
// millisecond.
func areGroupWords(s string) bool {
	return len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(". _-:/()#,@[]+=&;{}!$*", r))
	})
}

const wordRule = "Valid %ss are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"

func checkGroupWords(name, description *string) error {
	if err := require("groupName", name, "groupDescription", description); err != nil {
		return err
	}
	switch {
	case !areGroupWords(*name):
		return fail("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid. Character sets beyond ASCII are not supported.", *name)
	case strings.HasPrefix(strings.ToLower(*name), "sg-"):
		return fail("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*.", *name)
	case *name == defaultGroup:
		return fail("InvalidParameterValue", "Cannot use reserved security group name: %s", *name)
	case !areGroupWords(*description):
		return fail("InvalidParameterValue", "Invalid security group description. "+wordRule, "description")
	}
	return nil
}

type DeleteSecurityGroupInput struct {
	DryRun    *bool
	GroupId   *string
	GroupName *string
}

type DeleteSecurityGroupOutput struct {
	GroupId *string
	Return  *bool
}

// DeleteSecurityGroup removes a group that no network interface has, those of
// tasks included, and no other group's rule names.
func (a *API) DeleteSecurityGroup(ctx context.Context, in *DeleteSecurityGroupInput) (*DeleteSecurityGroupOutput, error) {
	out := &DeleteSecurityGroupOutput{Return: aws.Bool(true)}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		g, err := group(tx, p, in.GroupId, in.GroupName)
		if err != nil {
			return err
		}
		out.GroupId = g.GroupId
		if isDefaultGroup(g) {
			return fail("CannotDelete", "the specified group: %q name: %q cannot be deleted by a user", *g.GroupId, *g.GroupName)
		}
		inUse, err := a.groupInUse(tx, p, *g.GroupId)
		if err != nil {
			return err
		}
		if inUse {
			return dependency("resource %s has a dependent object", *g.GroupId)
		}
		return removeGroup(tx, p, *g.GroupId)
	})
	return out, err
}

// groupInUse tells whether an interface or a rule of another group needs a
// group.
func (a *API) groupInUse(tx *store.Tx, p place, id string) (bool, error) {
	named, err := hasMore(securityGroupRules.by(tx, p, namesGroup, id), func(r *types.SecurityGroupRule) bool { return *r.GroupId == id })
	if named || err != nil {
		return named, err
	}
	return hasMore(a.allInterfaces(tx, p), func(eni *types.NetworkInterface) bool {
		return !slices.Contains(interfaceGroups(eni), id)
	})
}

// removeGroup deletes a group and its rules.
func removeGroup(tx *store.Tx, p place, id string) error {
	rules, err := securityGroupRules.list(tx, p, inGroup, id)
	if err != nil {
		return err
	}
	for i := range rules {
		if err := securityGroupRules.delete(tx, p, *rules[i].SecurityGroupRuleId); err != nil {
			return err
		}
	}
	return securityGroups.delete(tx, p, id)
}
