package ecs

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/emulator/store"
)

// This file resolves the network configuration of a launch.

// resolveNetwork looks the subnets and groups up. The texts of EC2's errors
// are carried inside ECS's.
func (a *API) resolveNetwork(tx *store.Tx, l *launch) error {
	n := awsvpc(l.in.NetworkConfiguration)
	switch {
	case l.definition.NetworkMode != types.NetworkModeAwsvpc && n != nil:
		return invalid("Network Configuration is not valid for the given networkMode of this task definition.")
	case l.definition.NetworkMode != types.NetworkModeAwsvpc:
		return nil
	case n == nil:
		return invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	case n.AssignPublicIp == types.AssignPublicIpEnabled && !l.onFargate():
		return invalid("Assign public IP is not supported for this launch type.")
	}
	for _, id := range n.Subnets {
		s, err := a.network.Subnets(tx, l.call.Scope(), []string{id})
		if err != nil {
			return lookupFailure("subnet", id, err)
		}
		l.subnets = append(l.subnets, s...)
	}
	for _, s := range l.subnets {
		if s.VPC != l.subnets[0].VPC {
			return invalid("The subnets provided must all be in the same VPC.")
		}
	}
	return a.resolveGroups(tx, l, n.SecurityGroups)
}

func (a *API) resolveGroups(tx *store.Tx, l *launch, ids []string) error {
	if len(ids) == 0 {
		g, err := a.network.DefaultSecurityGroup(tx, l.call.Scope(), l.subnets[0].VPC)
		l.groups = []SecurityGroup{g}
		return err
	}
	for _, id := range ids {
		g, err := a.network.SecurityGroups(tx, l.call.Scope(), []string{id})
		if err != nil {
			return lookupFailure("security group", id, err)
		}
		l.groups = append(l.groups, g...)
	}
	for _, g := range l.groups {
		if g.VPC != l.subnets[0].VPC {
			return invalid("Security group %s and subnet %s belong to different networks.", g.ID, l.subnets[0].ID)
		}
	}
	return nil
}

// awsvpc is the part of a network configuration that says something, nil when
// there is none.
func awsvpc(c *types.NetworkConfiguration) *types.AwsVpcConfiguration {
	if c == nil {
		return nil
	}
	return c.AwsvpcConfiguration
}

// public tells whether the tasks are to have a public address.
func (l *launch) public() bool {
	n := awsvpc(l.in.NetworkConfiguration)
	return n != nil && n.AssignPublicIp == types.AssignPublicIpEnabled
}

// lookupFailure puts EC2's refusal into ECS's words. What is no refusal goes
// on as it is.
func lookupFailure(what, id string, err error) error {
	var refusal smithy.APIError
	if !errors.As(err, &refusal) {
		return err
	}
	return invalid("Error retrieving %s information for [%s]: %s (ErrorCode: %s)", what, id, refusal.ErrorMessage(), refusal.ErrorCode())
}

// network is the interface of the i-th task of the launch: subnets take turns.
func (l *launch) network(i int) Interface {
	s := &l.subnets[i%len(l.subnets)]
	return Interface{
		Attachment: uuid(), ID: interfaceID(), Subnet: s.ID, SubnetCIDR: s.CIDR.String(), VPC: s.VPC,
		Zone: s.Zone, ZoneID: s.ZoneID, Groups: l.groups, Public: l.public(),
	}
}
