package ecs

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file holds what can be said against a RunTask request by looking at it
// alone. What needs the store (task definition, cluster, subnets) is in
// launch.go.

const (
	maxRunCount    = 10   // tasks a call
	maxOverrides   = 8192 // characters of containerOverrides as JSON
	maxSubnets     = 16
	maxGroups      = 5
	maxConstraints = 10
	maxStrategies  = 5
	maxStartedBy   = 128
	maxClientToken = 64
	maxReferenceID = 1024
)

var startedByPattern = regexp.MustCompile(`^[A-Za-z0-9_/-]*$`)

// checkRunTask refuses what is wrong whatever the store holds.
func checkRunTask(in *ecs.RunTaskInput) error {
	for _, check := range []func(*ecs.RunTaskInput) error{
		checkRunCount, checkRunNames, checkLaunch, checkPlacement, checkNetworkShape, checkOverrideSize,
	} {
		if err := check(in); err != nil {
			return err
		}
	}
	return checkTags(in.Tags)
}

func checkRunCount(in *ecs.RunTaskInput) error {
	switch n := count(in); {
	case n < 1:
		return invalid("count must be at least 1")
	case n > maxRunCount:
		return invalid("count cannot be greater than %d", maxRunCount)
	}
	return nil
}

func checkRunNames(in *ecs.RunTaskInput) error {
	switch by := aws.ToString(in.StartedBy); {
	case aws.ToString(in.TaskDefinition) == "":
		return invalid("Task Definition can not be blank.")
	case len(by) > maxStartedBy:
		return invalid("startedBy must be at most %d characters", maxStartedBy)
	case !startedByPattern.MatchString(by):
		return invalid("startedBy contains invalid characters.")
	case len(aws.ToString(in.ClientToken)) > maxClientToken:
		return invalid("clientToken must be at most %d characters", maxClientToken)
	case len(aws.ToString(in.ReferenceId)) > maxReferenceID:
		return invalid("referenceId must be at most %d characters", maxReferenceID)
	}
	return nil
}

func checkLaunch(in *ecs.RunTaskInput) error {
	switch {
	case in.LaunchType != "" && !slices.Contains(in.LaunchType.Values(), in.LaunchType):
		return invalid("launch type should be one of [EC2,FARGATE,EXTERNAL]")
	case in.LaunchType != "" && len(in.CapacityProviderStrategy) > 0:
		return invalid("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	case in.PropagateTags == types.PropagateTagsService:
		return invalid("Propagate tags from SERVICE is not supported for RunTask. Specify TASK_DEFINITION or NONE and try again.")
	case in.PropagateTags != "" && !slices.Contains(in.PropagateTags.Values(), in.PropagateTags):
		return invalid("propagateTags should be one of [TASK_DEFINITION,SERVICE,NONE]")
	}
	return nil
}

func checkPlacement(in *ecs.RunTaskInput) error {
	switch {
	case len(in.PlacementConstraints) > maxConstraints:
		return invalid("Maximum number of constraints is %d", maxConstraints)
	case len(in.PlacementStrategy) > maxStrategies:
		return invalid("Maximum number of strategies is %d", maxStrategies)
	}
	return nil
}

func checkNetworkShape(in *ecs.RunTaskInput) error {
	n := awsvpc(in.NetworkConfiguration)
	if n == nil {
		return nil
	}
	switch {
	case len(n.Subnets) == 0:
		return invalid("subnets can not be empty.")
	case len(n.Subnets) > maxSubnets:
		return invalid("subnets can have at most %d items.", maxSubnets)
	case len(n.SecurityGroups) > maxGroups:
		return invalid("securityGroups can have at most %d items.", maxGroups)
	case n.AssignPublicIp != "" && !slices.Contains(n.AssignPublicIp.Values(), n.AssignPublicIp):
		return invalid("assignPublicIp should be one of [ENABLED,DISABLED]")
	}
	return nil
}

func awsvpc(c *types.NetworkConfiguration) *types.AwsVpcConfiguration {
	if c == nil {
		return nil
	}
	return c.AwsvpcConfiguration
}

func checkOverrideSize(in *ecs.RunTaskInput) error {
	if in.Overrides == nil {
		return nil
	}
	body, err := json.Marshal(in.Overrides.ContainerOverrides)
	if err != nil {
		return invalid("Container Overrides are malformed.")
	}
	if len([]rune(string(body))) > maxOverrides {
		return invalid("Container Overrides length must be at most %d", maxOverrides)
	}
	return nil
}

// checkOverrides holds the overrides against the definition.
func checkOverrides(o *types.TaskOverride, d *types.TaskDefinition) error {
	if o == nil {
		return nil
	}
	for _, c := range o.ContainerOverrides {
		if err := checkContainerOverride(&c, d); err != nil {
			return err
		}
	}
	return checkStorageOverride(o)
}

func checkContainerOverride(c *types.ContainerOverride, d *types.TaskDefinition) error {
	name := aws.ToString(c.Name)
	known := slices.ContainsFunc(d.ContainerDefinitions, func(k types.ContainerDefinition) bool {
		return aws.ToString(k.Name) == name
	})
	if !known {
		return invalid("Override for container named %s is not a container in the TaskDefinition.", name)
	}
	for _, v := range c.Environment {
		if strings.Contains(aws.ToString(v.Name), "=") || aws.ToString(v.Name) == "" {
			return invalid("Environment variable name '%s' of the override for container '%s' is invalid.", aws.ToString(v.Name), name)
		}
	}
	if len(c.ResourceRequirements) > 0 {
		return invalid("Tasks using the Fargate launch type do not support GPU resource requirements.")
	}
	return nil
}

func checkStorageOverride(o *types.TaskOverride) error {
	if o.EphemeralStorage == nil {
		return nil
	}
	switch n := o.EphemeralStorage.SizeInGiB; {
	case n < 21:
		return invalid("EphemeralStorage size should be at least 21")
	case n > 200:
		return invalid("EphemeralStorage size should be at most 200")
	}
	return nil
}
