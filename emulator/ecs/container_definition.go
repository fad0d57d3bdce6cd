package ecs

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file lists the rules about a single container and holds those about its
// size, its process and its health. Its ports and names are in
// container_definition_network.go, its order among the others in
// container_definition_order.go, its environment, secrets and logs in
// container_definition_environment.go and container_definition_log.go.

var containerRules = []containerRule{
	ruleContainerEnums, ruleContainerMemory, ruleContainerCPU,
	ruleNetworkProhibitions, rulePortMappings, ruleLinks,
	ruleMountPoints, ruleVolumesFrom, ruleDependsOn,
	ruleUlimits, ruleHealthCheck, ruleRestartPolicy, ruleTimeouts, ruleLinuxParameters, ruleSystemControls,
	ruleEnvironment, ruleEnvironmentFiles, ruleSecrets, ruleRegistryCredentials,
	ruleLogDriver, ruleLogOptions, ruleFirelens, ruleResources,
}

// imagePattern is what may stand in an image reference: registry, repository,
// tag and digest.
var imagePattern = regexp.MustCompile(`^[A-Za-z0-9._/:@#+-]+$`)

const maxImage = 255 // characters before the digest

func isImage(image string) bool {
	name, _, _ := strings.Cut(image, "@")
	return imagePattern.MatchString(image) && len(name) <= maxImage
}

func ruleContainerEnums(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	return oneOf(client, "versionConsistency", c.VersionConsistency, c.VersionConsistency.Values())
}

const minContainerMemory = 4 // MiB; Docker starts nothing below

func ruleContainerMemory(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	limit, limited := sizeNumber(aws.ToString(d.Memory))
	memory, soft := int(aws.ToInt32(c.Memory)), int(aws.ToInt32(c.MemoryReservation))
	switch {
	case c.Memory == nil && c.MemoryReservation == nil && !limited:
		return client("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", *c.Name)
	case c.Memory != nil && memory < minContainerMemory:
		return client("Invalid 'memory' setting for container '%s'. The memory must be greater than or equal to %d MiB.", *c.Name, minContainerMemory)
	case c.MemoryReservation != nil && soft < minContainerMemory:
		return client("Invalid 'memoryReservation' setting for container '%s'. The memory must be greater than or equal to %d MiB.", *c.Name, minContainerMemory)
	case c.Memory != nil && memory < soft:
		return client("Invalid setting for container '%s'. 'memory' must be greater than or equal to 'memoryReservation'.", *c.Name)
	case limited && memory > limit:
		return client("The 'memory' setting for container '%s' is greater than for the task.", *c.Name)
	case limited && soft > limit:
		return client("The 'memoryReservation' setting for container '%s' is greater than for the task.", *c.Name)
	}
	return nil
}

func ruleContainerCPU(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	if c.Cpu < 0 {
		return client("Invalid 'cpu' setting for container '%s'. The value must not be negative.", *c.Name)
	}
	return nil
}

func ruleUlimits(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, u := range c.Ulimits {
		if u.Name == "" {
			return client("Ulimit.name should not be null or empty.")
		}
		if err := oneOf(client, "ulimit name", u.Name, u.Name.Values()); err != nil {
			return err
		}
		// -1 is "unlimited" to Docker.
		if u.HardLimit != -1 && (u.SoftLimit > u.HardLimit || u.SoftLimit == -1) {
			return client("Soft limit exceeds hard limit for ulimit %s", u.Name)
		}
	}
	if name, twice := firstTwice(c.Ulimits, func(u types.Ulimit) string { return string(u.Name) }); twice {
		return client("Duplicate ulimit '%s' for container '%s'.", name, *c.Name)
	}
	return nil
}

// between is a setting with its bounds.
type between struct {
	what     string
	value    *int32
	min, max int32
}

func (b between) ok() bool { return b.value == nil || *b.value >= b.min && *b.value <= b.max }

var healthCommands = []string{"CMD", "CMD-SHELL", "NONE"}

func ruleHealthCheck(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	h := c.HealthCheck
	if h == nil {
		return nil
	}
	if len(h.Command) == 0 || !slices.Contains(healthCommands, h.Command[0]) || h.Command[0] != "NONE" && len(h.Command) < 2 {
		return client("Invalid 'healthCheck' setting for container '%s'. The command must begin with CMD or CMD-SHELL and name what to run.", *c.Name)
	}
	for _, b := range []between{
		{"interval", h.Interval, 5, 300}, {"timeout", h.Timeout, 2, 60}, {"retries", h.Retries, 1, 10}, {"startPeriod", h.StartPeriod, 0, 300},
	} {
		if !b.ok() {
			return client("Invalid 'healthCheck' setting for container '%s'. '%s' must be between %d and %d.", *c.Name, b.what, b.min, b.max)
		}
	}
	return nil
}

const maxIgnoredCodes = 50

func ruleRestartPolicy(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	p := c.RestartPolicy
	if p == nil {
		return nil
	}
	switch {
	case p.Enabled == nil:
		return client("ContainerRestartPolicy.enabled should not be null.")
	case !between{"", p.RestartAttemptPeriod, 60, 1800}.ok():
		return client("the 'restartAttemptPeriod' setting for container '%s' must be between 60 and 1800", *c.Name)
	case len(p.IgnoredExitCodes) > maxIgnoredCodes:
		return client("The maximum number of ignored exit codes was exceeded for container '%s'. Specify fifty or less and try again.", *c.Name)
	}
	return nil
}

func ruleTimeouts(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, b := range []between{{"startTimeout", c.StartTimeout, 0, maxSeconds}, {"stopTimeout", c.StopTimeout, 0, maxSeconds}} {
		if !b.ok() {
			return client("Invalid '%s' setting for container '%s'. The value must not be negative.", b.what, *c.Name)
		}
	}
	return nil
}

// maxSeconds is as long as a timeout can be off Fargate.
const maxSeconds = 1<<31 - 1

func ruleSystemControls(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, s := range c.SystemControls {
		if aws.ToString(s.Namespace) == "" || aws.ToString(s.Value) == "" {
			return client("Invalid 'systemControls' setting for container '%s'. A namespace and a value must be specified.", *c.Name)
		}
	}
	return nil
}

func ruleResources(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, r := range c.ResourceRequirements {
		if r.Type == "" {
			return client("ResourceRequirement.type should not be null or empty.")
		}
		if err := oneOf(client, "resource requirement type", r.Type, r.Type.Values()); err != nil {
			return err
		}
		if r.Type == types.ResourceTypeInferenceAccelerator {
			return client("Unsupported field 'inferenceAccelerators'")
		}
		if aws.ToString(r.Value) == "" && r.SharingStrategy == nil {
			return client("ResourceRequirement.value should not be null or empty.")
		}
	}
	return nil
}
