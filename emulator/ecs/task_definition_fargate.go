package ecs

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file holds what Fargate demands of a task definition beyond what ECS
// demands of any. The rules refuse a definition that requires FARGATE; for all
// others they decide whether FARGATE is among its compatibilities.

var fargateRules = []definitionRule{
	fargateNetwork, fargateSizeGiven, fargateSizePair, fargateProhibitions, fargatePID, fargateRoles,
}

// ruleFargate applies Fargate's rules to a definition that asks for it.
func ruleFargate(d *types.TaskDefinition) error {
	if !requires(d, types.CompatibilityFargate) {
		return nil
	}
	return fitsFargate(d)
}

func fitsFargate(d *types.TaskDefinition) error {
	for _, rule := range fargateRules {
		if err := rule(d); err != nil {
			return err
		}
	}
	for i := range d.ContainerDefinitions {
		for _, rule := range fargateContainerRules {
			if err := rule(d, &d.ContainerDefinitions[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func fargateNetwork(d *types.TaskDefinition) error {
	if d.NetworkMode != types.NetworkModeAwsvpc {
		return client("Fargate only supports network mode ‘awsvpc’.")
	}
	return nil
}

func fargateSizeGiven(d *types.TaskDefinition) error {
	switch {
	case d.Cpu == nil:
		return client("Fargate requires that 'cpu' be defined at the task level.")
	case d.Memory == nil:
		return client("Fargate requires that 'memory' be defined at the task level.")
	}
	return nil
}

// minWindowsCPU is the least that a Windows task on Fargate may ask for.
const minWindowsCPU = 1024

func fargateSizePair(d *types.TaskDefinition) error {
	if n, _ := sizeNumber(*d.Cpu); isWindows(d) && n < minWindowsCPU {
		return noFargateSize(*d.Cpu, *d.Memory)
	}
	return checkFargateSize(*d.Cpu, *d.Memory)
}

func isWindows(d *types.TaskDefinition) bool {
	return d.RuntimePlatform != nil && strings.HasPrefix(string(d.RuntimePlatform.OperatingSystemFamily), "WINDOWS")
}

// prohibition is something that Fargate does not have at all: given is true of
// a definition that asks for it.
type prohibition struct {
	what  string
	given func(d *types.TaskDefinition) bool
}

var fargateProhibited = []prohibition{
	{"ipcMode", func(d *types.TaskDefinition) bool { return d.IpcMode != "" }},
	{"constraints", func(d *types.TaskDefinition) bool { return len(d.PlacementConstraints) > 0 }},
	{"dockerVolumeConfiguration", anyVolume(func(v types.Volume) bool { return v.DockerVolumeConfiguration != nil })},
	{"fsxWindowsFileServerVolumeConfiguration", anyVolume(func(v types.Volume) bool { return v.FsxWindowsFileServerVolumeConfiguration != nil })},
	{"sourcePath", anyVolume(func(v types.Volume) bool { return v.Host != nil && aws.ToString(v.Host.SourcePath) != "" })},
	{"dockerSecurityOptions", anyContainer(func(c types.ContainerDefinition) bool { return len(c.DockerSecurityOptions) > 0 })},
	{"devices", anyLinux(func(l types.LinuxParameters) bool { return len(l.Devices) > 0 })},
	{"sharedMemorySize", anyLinux(func(l types.LinuxParameters) bool { return l.SharedMemorySize != nil })},
	{"maxSwap", anyLinux(func(l types.LinuxParameters) bool { return l.MaxSwap != nil })},
	{"swappiness", anyLinux(func(l types.LinuxParameters) bool { return l.Swappiness != nil })},
}

func anyVolume(given func(types.Volume) bool) func(*types.TaskDefinition) bool {
	return func(d *types.TaskDefinition) bool { return slices.ContainsFunc(d.Volumes, given) }
}

func anyContainer(given func(types.ContainerDefinition) bool) func(*types.TaskDefinition) bool {
	return func(d *types.TaskDefinition) bool { return slices.ContainsFunc(d.ContainerDefinitions, given) }
}

func anyLinux(given func(types.LinuxParameters) bool) func(*types.TaskDefinition) bool {
	return anyContainer(func(c types.ContainerDefinition) bool { return c.LinuxParameters != nil && given(*c.LinuxParameters) })
}

func fargateProhibitions(d *types.TaskDefinition) error {
	for _, p := range fargateProhibited {
		if p.given(d) {
			return client("Fargate compatible task definitions do not support %s", p.what)
		}
	}
	return nil
}

func fargatePID(d *types.TaskDefinition) error {
	if d.PidMode == types.PidModeHost {
		return client("Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.")
	}
	return nil
}

var ecrPattern = regexp.MustCompile(`^\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)/`)

// fargateRoles: Fargate pulls and logs in the name of the execution role.
func fargateRoles(d *types.TaskDefinition) error {
	if d.ExecutionRoleArn != nil {
		return nil
	}
	for _, c := range d.ContainerDefinitions {
		switch {
		case c.LogConfiguration != nil && c.LogConfiguration.LogDriver == types.LogDriverAwslogs:
			return client("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
		case ecrPattern.MatchString(*c.Image):
			return client("Fargate requires task definition to have execution role ARN to support ECR images.")
		}
	}
	return nil
}

var fargateContainerRules = []containerRule{
	fargatePrivileges, fargateCapabilities, fargateLogs, fargateGPU, fargateTimeouts,
}

func fargatePrivileges(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	if aws.ToBool(c.Privileged) {
		return client("Fargate requires that the 'privileged' setting be 'false' for container '%s'.", *c.Name)
	}
	return nil
}

func fargateCapabilities(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	if c.LinuxParameters == nil || c.LinuxParameters.Capabilities == nil {
		return nil
	}
	for _, name := range c.LinuxParameters.Capabilities.Add {
		if name != "SYS_PTRACE" {
			return client("%s is not allowed on Fargate.", name)
		}
	}
	return nil
}

var fargateLogDrivers = []types.LogDriver{types.LogDriverAwslogs, types.LogDriverSplunk, types.LogDriverAwsfirelens}

func fargateLogs(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	l := c.LogConfiguration
	switch {
	case l == nil:
		return nil
	case !slices.Contains(fargateLogDrivers, l.LogDriver):
		return client("%s is not a valid log driver. Must be one of [awslogs, splunk, awsfirelens]", l.LogDriver)
	case l.LogDriver == types.LogDriverAwslogs && l.Options["awslogs-stream-prefix"] == "":
		return client("Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.")
	}
	return nil
}

func fargateGPU(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	if len(c.ResourceRequirements) > 0 {
		return client("Tasks using the Fargate launch type do not support GPU resource requirements.")
	}
	return nil
}

// Fargate's bounds of a container's timeouts, in seconds.
const (
	minStartTimeout    = 2
	maxFargateTimeouts = 120
)

func fargateTimeouts(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	switch {
	case aws.ToInt32(c.StopTimeout) > maxFargateTimeouts:
		return client("stopTimeout for container '%s' must be at most %d", *c.Name, maxFargateTimeouts)
	case c.StartTimeout != nil && (*c.StartTimeout < minStartTimeout || *c.StartTimeout > maxFargateTimeouts):
		return client("startTimeout for container '%s' must be between %d and %d", *c.Name, minStartTimeout, maxFargateTimeouts)
	}
	return nil
}
