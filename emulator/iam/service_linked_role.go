package iam

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the roles that AWS's services have in an account.

// linkedRole is the role of a service: what follows AWSServiceRoleFor in its
// name, the policy it has, and whether there may be several, told apart by a
// suffix.
type linkedRole struct {
	name, policy string
	suffix       bool
}

// linkedRoles are the services that have such a role, those that containers
// meet.
var linkedRoles = map[string]linkedRole{
	"ecs.amazonaws.com":                         {name: "ECS", policy: "AmazonECSServiceRolePolicy"},
	"eks.amazonaws.com":                         {name: "AmazonEKS", policy: "AmazonEKSServiceRolePolicy"},
	"eks-fargate.amazonaws.com":                 {name: "AmazonEKSForFargate", policy: "AmazonEKSForFargateServiceRolePolicy"},
	"eks-nodegroup.amazonaws.com":               {name: "AmazonEKSNodegroup", policy: "AWSServiceRoleForAmazonEKSNodegroup"},
	"elasticloadbalancing.amazonaws.com":        {name: "ElasticLoadBalancing", policy: "AWSElasticLoadBalancingServiceRolePolicy"},
	"ecs.application-autoscaling.amazonaws.com": {name: "ApplicationAutoScaling_ECSService", policy: "AWSApplicationAutoscalingECSServicePolicy"},
	"autoscaling.amazonaws.com":                 {name: "AutoScaling", policy: "AutoScalingServiceRolePolicy", suffix: true},
}

// CreateServiceLinkedRole makes the role of a service.
func (a *API) CreateServiceLinkedRole(ctx context.Context, in *iam.CreateServiceLinkedRoleInput) (*iam.CreateServiceLinkedRoleOutput, error) {
	out := &iam.CreateServiceLinkedRoleOutput{}
	err := a.update(ctx, func(tx *store.Tx, h home) error {
		r, err := linked(tx, h, *in.AWSServiceName, aws.ToString(in.CustomSuffix))
		if err != nil {
			return err
		}
		if _, err := roles.table.Get(tx, h.key(roleName(r))); err == nil {
			return badInput("Service role name %s has been taken in this account, please try a different suffix.", roleName(r))
		}
		r.Role.Description = in.Description
		out.Role = shownRole(r)
		return roles.add(tx, h.key(roleName(r)), roleName(r), r)
	})
	return out, err
}

// EnsureServiceLinkedRole makes the role of a service unless it is there, as
// AWS's services do on their first use, and returns its ARN.
func (a *API) EnsureServiceLinkedRole(tx *store.Tx, partition, account, service string) (string, error) {
	h := home{partition: partition, account: account}
	r, err := linked(tx, h, service, "")
	if err != nil {
		return "", err
	}
	if old, err := roles.table.Get(tx, h.key(roleName(r))); err == nil {
		return *old.Value.Role.Arn, nil
	}
	return *r.Role.Arn, roles.add(tx, h.key(roleName(r)), roleName(r), r)
}

// linked builds the role of a service.
func linked(tx *store.Tx, h home, service, suffix string) (*role, error) {
	known, ok := linkedRoles[service]
	if !ok {
		return nil, badInput("Service-linked roles for %s are not available in Neargate's IAM.", service)
	}
	if suffix != "" && !known.suffix {
		return nil, badInput("Custom suffix is not allowed for %s", service)
	}
	name := "AWSServiceRoleFor" + known.name
	if suffix != "" {
		name += "_" + suffix
	}
	r := newRole(tx, h, servicePath+service+"/", name, trustOf(service))
	r.Attached = []string{home{partition: h.partition, account: awsAccount}.arn("policy", servicePath, known.policy)}
	return r, nil
}

// trustOf is the trust policy for a service.
func trustOf(service string) string {
	type statement struct {
		Effect    string
		Principal map[string]string
		Action    string
	}
	raw, _ := json.Marshal(struct { // strings alone cannot fail
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"Allow", map[string]string{"Service": service}, "sts:AssumeRole"}}})
	return string(raw)
}

// DeleteServiceLinkedRole removes the role of a service at once; the task is
// over when it answers. What the service still needs the role for is not
// asked: it makes it again.
func (a *API) DeleteServiceLinkedRole(ctx context.Context, in *iam.DeleteServiceLinkedRoleInput) (*iam.DeleteServiceLinkedRoleOutput, error) {
	out := &iam.DeleteServiceLinkedRoleOutput{}
	err := a.update(ctx, func(tx *store.Tx, h home) error {
		r, err := roles.get(tx, h.key(*in.RoleName), *in.RoleName)
		if err != nil {
			return err
		}
		if !isServiceLinked(r) {
			return noSuch(roles.absent, *in.RoleName)
		}
		out.DeletionTaskId = aws.String("task" + *r.Role.Path + roleName(r) + "/" + strings.ToLower(newID("")))
		if err := deletions.Put(tx, h.prefix()+*out.DeletionTaskId, &deletion{Role: roleName(r)}); err != nil {
			return err
		}
		return roles.table.Delete(tx, h.key(*in.RoleName))
	})
	return out, err
}

// deletion is a finished deletion of a service's role.
type deletion struct{ Role string }

var deletions = store.NewTable[deletion]("iam/service-linked-role-deletion")

// GetServiceLinkedRoleDeletionStatus tells how a deletion went.
func (a *API) GetServiceLinkedRoleDeletionStatus(ctx context.Context, in *iam.GetServiceLinkedRoleDeletionStatusInput) (*iam.GetServiceLinkedRoleDeletionStatusOutput, error) {
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		if _, err := deletions.Get(tx, h.prefix()+*in.DeletionTaskId); err != nil {
			return noSuch("Deletion task %s cannot be found.", *in.DeletionTaskId)
		}
		return nil
	})
	return &iam.GetServiceLinkedRoleDeletionStatusOutput{Status: types.DeletionTaskStatusTypeSucceeded}, err
}
