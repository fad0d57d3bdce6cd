package ecs

import (
	"errors"

	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/emulator/store"
)

// This file resolves the network configuration of a launch.

// resolveNetwork looks the subnets and groups up. The texts of EC2's errors
// are carried inside ECS's.
func (a *API) resolveNetwork(tx *store.Tx, l *launch) error {
	n := awsvpc(l.in.NetworkConfiguration)
	if n == nil {
		return invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	}
	scope := l.call.Scope()
	for _, id := range n.Subnets {
		s, err := a.network.Subnets(tx, scope, []string{id})
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

// lookupFailure puts EC2's refusal into ECS's words. What is no refusal goes
// on as it is.
func lookupFailure(what, id string, err error) error {
	var refusal smithy.APIError
	if !errors.As(err, &refusal) {
		return err
	}
	return invalid("Error retrieving %s information for [%s]: %s (ErrorCode: %s)", what, id, refusal.ErrorMessage(), refusal.ErrorCode())
}
