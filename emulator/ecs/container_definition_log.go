package ecs

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file holds the rules about where a container's output goes.

// logOptions are the options that a log driver cannot do without; they may
// come out of a secret.
var logOptions = []struct {
	driver types.LogDriver
	needed []string
}{
	{types.LogDriverAwslogs, []string{"awslogs-group", "awslogs-region"}},
	{types.LogDriverSplunk, []string{"splunk-token", "splunk-url"}},
	{types.LogDriverGelf, []string{"gelf-address"}},
}

// logModes are the values of the option mode.
var logModes = []string{"blocking", "non-blocking"}

func ruleLogDriver(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	l := c.LogConfiguration
	if l == nil {
		return nil
	}
	if l.LogDriver == "" {
		return client("LogConfiguration.logDriver should not be null or empty.")
	}
	if err := oneOf(client, "log driver", l.LogDriver, l.LogDriver.Values()); err != nil {
		return err
	}
	if l.LogDriver == types.LogDriverAwsfirelens && !hasRouter(d) {
		return client("When awsfirelens log driver is specified in log configuration, a firelens configuration object must be specified.")
	}
	return ruleSecretList(d, l.SecretOptions)
}

func hasRouter(d *types.TaskDefinition) bool {
	return slices.ContainsFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool { return c.FirelensConfiguration != nil })
}

func ruleLogOptions(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	l := c.LogConfiguration
	if l == nil {
		return nil
	}
	for _, rule := range logOptions {
		if missing := missingOptions(l, rule.needed); rule.driver == l.LogDriver && len(missing) > 0 {
			return client("Log driver %s requires options: %s", l.LogDriver, strings.Join(missing, ", "))
		}
	}
	return oneOf(client, "mode", l.Options["mode"], logModes)
}

func missingOptions(l *types.LogConfiguration, needed []string) []string {
	return slices.DeleteFunc(slices.Clone(needed), func(name string) bool {
		return l.Options[name] != "" || slices.ContainsFunc(l.SecretOptions, func(s types.Secret) bool { return aws.ToString(s.Name) == name })
	})
}

func ruleFirelens(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	f := c.FirelensConfiguration
	if f == nil {
		return nil
	}
	if f.Type == "" {
		return client("FirelensConfiguration.type should not be null or empty.")
	}
	if err := oneOf(client, "firelens type", f.Type, f.Type.Values()); err != nil {
		return err
	}
	kind := f.Options["config-file-type"]
	switch {
	case kind != "" && f.Options["config-file-value"] == "":
		return client("Invalid 'firelensConfiguration' setting for container '%s'. config-file-value must be specified with config-file-type.", *c.Name)
	default:
		return oneOf(client, "config-file-type", kind, []string{"s3", "file"})
	}
}

// ruleOneRouter: a task has one log router at most.
func ruleOneRouter(d *types.TaskDefinition) error {
	n := 0
	for _, c := range d.ContainerDefinitions {
		if c.FirelensConfiguration != nil {
			n++
		}
	}
	if n > 1 {
		return client("Only one container in a task definition can have a firelens configuration.")
	}
	return nil
}
