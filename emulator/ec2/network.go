package ec2

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is what ECS and EKS ask of EC2 inside their own transactions. The
// errors are EC2's own; their text is all that those services pass on.

// Subnet is a subnet as far as tasks and pods care.
type Subnet struct {
	ID, VPC            string
	CIDR, VPCCIDR      netip.Prefix
	Zone, ZoneID       string // us-east-1a, use1-az1
	InternetGateway    bool   // its route table has a route to an internet gateway
	MapPublicIPOnStart bool
}

// SecurityGroup is a security group as far as tasks and pods care.
type SecurityGroup struct{ ID, Name, VPC string }

// Subnets returns subnets in the order of ids. Scope is "account/region".
func (a *API) Subnets(tx *store.Tx, scope string, ids []string) ([]Subnet, error) {
	p := parsePlace(scope)
	found := make([]Subnet, 0, len(ids))
	for _, id := range ids {
		s, err := subnets.look(tx, p, id)
		if err != nil {
			return nil, err
		}
		v, err := vpcs.look(tx, p, *s.VpcId)
		if err != nil {
			return nil, err
		}
		t, err := routeTableOf(tx, p, s)
		if err != nil {
			return nil, err
		}
		found = append(found, Subnet{
			ID: id, VPC: *s.VpcId, CIDR: subnetBlock(s), VPCCIDR: v.block(), Zone: aws.ToString(s.AvailabilityZone), ZoneID: aws.ToString(s.AvailabilityZoneId),
			InternetGateway: leadsOut(t), MapPublicIPOnStart: aws.ToBool(s.MapPublicIpOnLaunch),
		})
	}
	return found, nil
}

// SecurityGroups returns security groups in the order of ids.
func (a *API) SecurityGroups(tx *store.Tx, scope string, ids []string) ([]SecurityGroup, error) {
	p := parsePlace(scope)
	found := make([]SecurityGroup, 0, len(ids))
	for _, id := range ids {
		g, err := securityGroups.look(tx, p, id)
		if err != nil {
			return nil, err
		}
		found = append(found, SecurityGroup{ID: id, Name: aws.ToString(g.GroupName), VPC: aws.ToString(g.VpcId)})
	}
	return found, nil
}

// DefaultSecurityGroup returns the group that a VPC's interfaces have when
// none is named.
func (a *API) DefaultSecurityGroup(tx *store.Tx, scope, vpc string) (SecurityGroup, error) {
	p := parsePlace(scope)
	if _, err := vpcs.look(tx, p, vpc); err != nil {
		return SecurityGroup{}, err
	}
	g, err := groupNamed(tx, p, vpc, defaultGroup)
	if err != nil {
		return SecurityGroup{}, err
	}
	if g == nil {
		return SecurityGroup{}, fail("InvalidGroup.NotFound", "The security group '%s' does not exist in VPC '%s'", defaultGroup, vpc)
	}
	return SecurityGroup{ID: *g.GroupId, Name: defaultGroup, VPC: vpc}, nil
}

// NewSecurityGroup is a security group that another service has made.
type NewSecurityGroup struct {
	Name, Description, VPC string
	Tags                   map[string]string // aws: ones included
}

// MakeSecurityGroup makes a group for another service: its members reach each
// other and everything outside.
func (a *API) MakeSecurityGroup(tx *store.Tx, scope string, n NewSecurityGroup) (string, error) {
	p := parsePlace(scope)
	if _, err := vpcs.look(tx, p, n.VPC); err != nil {
		return "", err
	}
	var tags []types.Tag
	for _, key := range slices.Sorted(maps.Keys(n.Tags)) {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String(n.Tags[key])})
	}
	g := newGroup(p, n.VPC, n.Name, n.Description, tags)
	if err := makeGroup(tx, p, g); err != nil {
		return "", err
	}
	among := allTraffic(p, *g.GroupId, false)
	among.ReferencedGroupInfo = &types.ReferencedSecurityGroup{GroupId: g.GroupId, UserId: &p.account}
	return *g.GroupId, securityGroupRules.put(tx, p, &among)
}

// RemoveSecurityGroup deletes a group that another service has made, with its
// rules. One that is gone already is no error.
func (a *API) RemoveSecurityGroup(tx *store.Tx, scope, id string) error {
	p := parsePlace(scope)
	if _, err := securityGroups.look(tx, p, id); err != nil {
		if failure, ok := errors.AsType[*Error](err); ok && strings.HasSuffix(failure.Code, ".NotFound") {
			return nil
		}
		return err
	}
	return removeGroup(tx, p, id)
}
