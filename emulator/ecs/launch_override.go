package ecs

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file puts a request's overrides into the task definition. What comes of
// it is checked by the rules that a definition has to pass, so that an override
// is refused with the same words.

// resolveOverrides replaces the launch's definition by one with the overrides
// in it. The stored one is not touched.
func (a *API) resolveOverrides(_ *store.Tx, l *launch) error {
	o := l.in.Overrides
	if o == nil {
		return nil
	}
	for _, c := range o.ContainerOverrides {
		if name := aws.ToString(c.Name); containerNamed(l.definition, name) == nil {
			return invalid("Override for container named %s is not a container in the TaskDefinition.", name)
		}
	}
	for _, role := range []*string{o.TaskRoleArn, o.ExecutionRoleArn} {
		if err := checkRole(aws.ToString(role)); err != nil {
			return err
		}
	}
	l.definition = overridden(l.call, l.definition, o)
	return l.checkOverridden()
}

// checkRole refuses what is neither the ARN of an IAM role nor the name of one.
func checkRole(role string) error {
	if !apiwire.IsARN(role) {
		return nil
	}
	arn, err := apiwire.ParseARN(role)
	if err != nil || arn.Service != "iam" || len(arn.Account) != 12 || idOf(arn.Resource) == arn.Resource {
		return client("Role is not valid")
	}
	return nil
}

func (l *launch) checkOverridden() error {
	d, o := l.definition, l.in.Overrides
	rules := []definitionRule{ruleTaskStorage, ruleSumOfCPU}
	if (o.Cpu != nil || o.Memory != nil) && l.onFargate() {
		rules = append([]definitionRule{fargateSizePair}, rules...)
	}
	for _, rule := range rules {
		if err := rule(d); err != nil {
			return err
		}
	}
	for _, c := range o.ContainerOverrides {
		if err := l.checkOverriddenContainer(containerNamed(d, aws.ToString(c.Name))); err != nil {
			return err
		}
	}
	return nil
}

func (l *launch) checkOverriddenContainer(c *types.ContainerDefinition) error {
	rules := []containerRule{ruleContainerMemory, ruleContainerCPU, ruleEnvironment, ruleEnvironmentFiles, ruleSecrets, ruleResources}
	if l.onFargate() {
		rules = append(rules, fargateGPU)
	}
	for _, rule := range rules {
		if err := rule(l.definition, c); err != nil {
			return err
		}
	}
	return nil
}

// overridden returns a copy of a definition with overrides put in. Where a
// container is overridden twice the first time counts.
func overridden(call apiwire.Call, d *types.TaskDefinition, o *types.TaskOverride) *types.TaskDefinition {
	n := *d
	role := func(name string) string { return roleARN(call, name) }
	replace(&n.Cpu, mapped(o.Cpu, cpuUnits))
	replace(&n.Memory, mapped(o.Memory, memoryMiB))
	replace(&n.TaskRoleArn, mapped(o.TaskRoleArn, role))
	replace(&n.ExecutionRoleArn, mapped(o.ExecutionRoleArn, role))
	replace(&n.EphemeralStorage, o.EphemeralStorage)
	n.ContainerDefinitions = slices.Clone(d.ContainerDefinitions)
	for _, c := range slices.Backward(o.ContainerOverrides) {
		i := slices.IndexFunc(d.ContainerDefinitions, func(k types.ContainerDefinition) bool { return *k.Name == aws.ToString(c.Name) })
		n.ContainerDefinitions[i] = overriddenContainer(d.ContainerDefinitions[i], &c)
	}
	return &n
}

func overriddenContainer(c types.ContainerDefinition, o *types.ContainerOverride) types.ContainerDefinition {
	if o.Cpu != nil {
		c.Cpu = *o.Cpu
	}
	replace(&c.Memory, o.Memory)
	replace(&c.MemoryReservation, o.MemoryReservation)
	if len(o.Command) > 0 {
		c.Command = o.Command
	}
	if len(o.EnvironmentFiles) > 0 {
		c.EnvironmentFiles = o.EnvironmentFiles
	}
	if len(o.ResourceRequirements) > 0 {
		c.ResourceRequirements = o.ResourceRequirements
	}
	c.Environment = slices.Concat(c.Environment, o.Environment) // the last of a name counts
	return c
}

// replace sets what is given.
func replace[T any](value **T, by *T) {
	if by != nil {
		*value = by
	}
}
