package ecs

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

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
		checkRunNames, checkRunCount, checkLaunch, checkGroup, checkPlacement, checkNetworkShape, checkOverrideSize,
	} {
		if err := check(in); err != nil {
			return err
		}
	}
	return checkTags(in.Tags)
}

func checkRunNames(in *ecs.RunTaskInput) error {
	if aws.ToString(in.TaskDefinition) == "" {
		return invalid("Task Definition can not be blank.")
	}
	for _, text := range []struct {
		name  string
		value *string
		most  int
	}{{"startedBy", in.StartedBy, maxStartedBy}, {"clientToken", in.ClientToken, maxClientToken}, {"referenceId", in.ReferenceId, maxReferenceID}} {
		if utf8.RuneCountInString(aws.ToString(text.value)) > text.most {
			return invalid("%s longer than %d.", text.name, text.most)
		}
	}
	if !startedByPattern.MatchString(aws.ToString(in.StartedBy)) {
		return invalid("startedBy contains invalid characters.")
	}
	return nil
}

func checkRunCount(in *ecs.RunTaskInput) error {
	switch n := count(in); {
	case n < 1:
		return invalid("count cannot be less than 1")
	case n > maxRunCount:
		return invalid("count cannot be greater than %d", maxRunCount)
	}
	return nil
}

func checkLaunch(in *ecs.RunTaskInput) error {
	if err := oneOf(invalid, "launch type", in.LaunchType, in.LaunchType.Values()); err != nil {
		return err
	}
	switch {
	case in.LaunchType != "" && len(in.CapacityProviderStrategy) > 0:
		return invalid("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	case in.PropagateTags == types.PropagateTagsService:
		return invalid("Propagate tags from SERVICE is not supported for RunTask. Specify TASK_DEFINITION or NONE and try again.")
	}
	return oneOf(invalid, "propagate tags", in.PropagateTags, in.PropagateTags.Values())
}

// checkGroup keeps the groups of services to services. What stands before a
// colon is a namespace; RunTask has that of families only.
func checkGroup(in *ecs.RunTaskInput) error {
	if namespace, _, ok := strings.Cut(aws.ToString(in.Group), ":"); ok && namespace != "family" {
		return invalid("Invalid namespace for group")
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

func checkOverrideSize(in *ecs.RunTaskInput) error {
	if in.Overrides == nil {
		return nil
	}
	n, err := wireLength(in.Overrides.ContainerOverrides)
	if err != nil {
		return invalid("Container Overrides are malformed.")
	}
	if n > maxOverrides {
		return invalid("Container Overrides length must be at most %d", maxOverrides)
	}
	return nil
}

// absent finds what Go's JSON says of a member that was not given. Within a
// string the quotation marks would be escaped.
var absent = regexp.MustCompile(`,?"[A-Za-z]+":null`)

// wireLength is how many characters a value has as JSON on AWS's wire: Go's
// names of members are as long as the wire's, but what is absent is not there.
func wireLength(v any) (int, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return 0, err
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return utf8.RuneCount(absent.ReplaceAll(body, nil)), nil
}
