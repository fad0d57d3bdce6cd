package ecs

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file holds the rules about what containers need of each other and of
// the task's volumes.

func ruleDependsOn(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, need := range c.DependsOn {
		name := aws.ToString(need.ContainerName)
		on := containerNamed(d, name)
		if on == nil {
			return client("Cannot depend on container %s because it does not exist.", name)
		}
		if need.Condition == "" {
			return client("ContainerDependency.condition should not be null or empty.")
		}
		if err := oneOf(client, "dependency condition", need.Condition, need.Condition.Values()); err != nil {
			return err
		}
		if err := ruleCondition(need.Condition, on); err != nil {
			return err
		}
	}
	return nil
}

func ruleCondition(condition types.ContainerCondition, on *types.ContainerDefinition) error {
	switch condition {
	case types.ContainerConditionHealthy:
		if h := on.HealthCheck; h == nil || len(h.Command) > 0 && h.Command[0] == "NONE" {
			return client("A dependency container with HEALTHY condition must have health check configured.")
		}
	case types.ContainerConditionSuccess, types.ContainerConditionComplete:
		if isEssential(on) {
			return client("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container.")
		}
	}
	return nil
}

// ruleDependencyCycle relies on ruleDependsOn: all names are known.
func ruleDependencyCycle(d *types.TaskDefinition) error {
	needs := map[string][]string{}
	for _, c := range d.ContainerDefinitions {
		for _, need := range c.DependsOn {
			needs[*c.Name] = append(needs[*c.Name], *need.ContainerName)
		}
	}
	for _, c := range d.ContainerDefinitions {
		if cycle := cycleFrom(needs, []string{*c.Name}); cycle != nil {
			return client("Container dependency cycle detected: %s.", strings.Join(cycle, " -> "))
		}
	}
	return nil
}

// cycleFrom follows the graph from the end of path and returns the first cycle
// it runs into, nil when there is none. With ten containers at most it may
// look at an edge more than once.
func cycleFrom(needs map[string][]string, path []string) []string {
	for _, next := range needs[path[len(path)-1]] {
		if i := slices.Index(path, next); i >= 0 {
			return append(slices.Clone(path[i:]), next)
		}
		if cycle := cycleFrom(needs, append(slices.Clone(path), next)); cycle != nil {
			return cycle
		}
	}
	return nil
}

func ruleMountPoints(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, m := range c.MountPoints {
		volume := aws.ToString(m.SourceVolume)
		if !slices.ContainsFunc(d.Volumes, func(v types.Volume) bool { return aws.ToString(v.Name) == volume }) {
			return client("Unknown volume '%s'.", volume)
		}
		if aws.ToString(m.ContainerPath) == "" {
			return client("MountPoint.containerPath should not be null or empty.")
		}
	}
	return nil
}

func ruleVolumesFrom(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, v := range c.VolumesFrom {
		if name := aws.ToString(v.SourceContainer); containerNamed(d, name) == nil || name == *c.Name {
			return client("Invalid 'volumesFrom' setting. Unknown container: '%s'.", name)
		}
	}
	return nil
}
