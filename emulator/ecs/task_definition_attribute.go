package ecs

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file lists the abilities that a container instance would need for a
// task definition. On Fargate they are information only.

// ability is an attribute and the definitions that need it.
type ability struct {
	name   string
	needed func(d *types.TaskDefinition) bool
}

const (
	agentAbility = "com.amazonaws.ecs.capability."
	ecsAbility   = "ecs.capability."
)

var abilities = []ability{
	{agentAbility + "logging-driver.awslogs", logsTo(types.LogDriverAwslogs)},
	{agentAbility + "logging-driver.splunk", logsTo(types.LogDriverSplunk)},
	{agentAbility + "logging-driver.awsfirelens", logsTo(types.LogDriverAwsfirelens)},
	{agentAbility + "logging-driver.json-file", logsTo(types.LogDriverJsonFile)},
	{agentAbility + "logging-driver.syslog", logsTo(types.LogDriverSyslog)},
	{agentAbility + "logging-driver.journald", logsTo(types.LogDriverJournald)},
	{agentAbility + "logging-driver.gelf", logsTo(types.LogDriverGelf)},
	{agentAbility + "logging-driver.fluentd", logsTo(types.LogDriverFluentd)},
	{ecsAbility + "execution-role-awslogs", func(d *types.TaskDefinition) bool {
		return d.ExecutionRoleArn != nil && logsTo(types.LogDriverAwslogs)(d)
	}},
	{agentAbility + "ecr-auth", usesECR},
	{ecsAbility + "execution-role-ecr-pull", func(d *types.TaskDefinition) bool { return d.ExecutionRoleArn != nil && usesECR(d) }},
	{agentAbility + "docker-remote-api.1.18", func(d *types.TaskDefinition) bool {
		return d.NetworkMode == types.NetworkModeAwsvpc || anyContainer(func(c types.ContainerDefinition) bool {
			return c.LogConfiguration != nil || len(c.Ulimits) > 0 || len(c.DockerLabels) > 0
		})(d)
	}},
	{agentAbility + "docker-remote-api.1.19", logsTo(types.LogDriverAwslogs)},
	{agentAbility + "docker-remote-api.1.21", anyContainer(func(c types.ContainerDefinition) bool { return c.MemoryReservation != nil })},
	{agentAbility + "docker-remote-api.1.22", anyLinux(func(l types.LinuxParameters) bool { return len(l.Tmpfs) > 0 || l.SharedMemorySize != nil })},
	{agentAbility + "docker-remote-api.1.24", anyContainer(func(c types.ContainerDefinition) bool { return c.HealthCheck != nil })},
	{agentAbility + "docker-remote-api.1.25", anyLinux(func(l types.LinuxParameters) bool { return aws.ToBool(l.InitProcessEnabled) })},
	{agentAbility + "privileged-container", anyContainer(func(c types.ContainerDefinition) bool { return aws.ToBool(c.Privileged) })},
	{agentAbility + "task-iam-role", func(d *types.TaskDefinition) bool { return d.TaskRoleArn != nil }},
	{agentAbility + "task-iam-role-network-host", func(d *types.TaskDefinition) bool {
		return d.TaskRoleArn != nil && d.NetworkMode == types.NetworkModeHost
	}},
	{ecsAbility + "task-eni", func(d *types.TaskDefinition) bool { return d.NetworkMode == types.NetworkModeAwsvpc }},
	{ecsAbility + "secrets.asm.environment-variables", anySecret(isSecretsManager)},
	{ecsAbility + "secrets.ssm.environment-variables", anySecret(func(from string) bool { return !isSecretsManager(from) })},
	{ecsAbility + "secrets.asm.bootstrap.log-driver", anyLogSecret(isSecretsManager)},
	{ecsAbility + "secrets.ssm.bootstrap.log-driver", anyLogSecret(func(from string) bool { return !isSecretsManager(from) })},
	{ecsAbility + "private-registry-authentication.secretsmanager", anyContainer(func(c types.ContainerDefinition) bool { return c.RepositoryCredentials != nil })},
	{ecsAbility + "container-health-check", anyContainer(func(c types.ContainerDefinition) bool { return c.HealthCheck != nil })},
	{ecsAbility + "container-ordering", anyContainer(func(c types.ContainerDefinition) bool {
		return len(c.DependsOn) > 0 || c.StartTimeout != nil || c.StopTimeout != nil
	})},
	{ecsAbility + "container-restart-policy", anyContainer(func(c types.ContainerDefinition) bool {
		return c.RestartPolicy != nil && aws.ToBool(c.RestartPolicy.Enabled)
	})},
	{ecsAbility + "env-files.s3", anyContainer(func(c types.ContainerDefinition) bool { return len(c.EnvironmentFiles) > 0 })},
	{ecsAbility + "firelens.fluentd", routesWith(types.FirelensConfigurationTypeFluentd)},
	{ecsAbility + "firelens.fluentbit", routesWith(types.FirelensConfigurationTypeFluentbit)},
	{ecsAbility + "efs", anyVolume(func(v types.Volume) bool { return v.EfsVolumeConfiguration != nil })},
	{ecsAbility + "efsAuth", anyVolume(func(v types.Volume) bool {
		return v.EfsVolumeConfiguration != nil && v.EfsVolumeConfiguration.AuthorizationConfig != nil
	})},
	{ecsAbility + "docker-plugin.local", anyVolume(func(v types.Volume) bool { return v.DockerVolumeConfiguration != nil })},
	{ecsAbility + "aws-appmesh", func(d *types.TaskDefinition) bool { return d.ProxyConfiguration != nil }},
	{ecsAbility + "pid-ipc-namespace-sharing", func(d *types.TaskDefinition) bool { return d.PidMode != "" || d.IpcMode != "" }},
	{ecsAbility + "fault-injection", func(d *types.TaskDefinition) bool { return aws.ToBool(d.EnableFaultInjection) }},
}

// requiredAttributes lists the abilities needed, in the order of the table.
func requiredAttributes(d *types.TaskDefinition) []types.Attribute {
	var list []types.Attribute
	for _, a := range abilities {
		if a.needed(d) {
			list = append(list, types.Attribute{Name: aws.String(a.name)})
		}
	}
	return list
}

func logsTo(driver types.LogDriver) func(*types.TaskDefinition) bool {
	return anyContainer(func(c types.ContainerDefinition) bool {
		return c.LogConfiguration != nil && c.LogConfiguration.LogDriver == driver
	})
}

func routesWith(kind types.FirelensConfigurationType) func(*types.TaskDefinition) bool {
	return anyContainer(func(c types.ContainerDefinition) bool {
		return c.FirelensConfiguration != nil && c.FirelensConfiguration.Type == kind
	})
}

var usesECR = anyContainer(func(c types.ContainerDefinition) bool { return ecrPattern.MatchString(aws.ToString(c.Image)) })

func isSecretsManager(from string) bool { return strings.Contains(from, ":secretsmanager:") }

func anySecret(match func(from string) bool) func(*types.TaskDefinition) bool {
	return anyContainer(func(c types.ContainerDefinition) bool { return matchSecret(c.Secrets, match) })
}

func anyLogSecret(match func(from string) bool) func(*types.TaskDefinition) bool {
	return anyContainer(func(c types.ContainerDefinition) bool {
		return c.LogConfiguration != nil && matchSecret(c.LogConfiguration.SecretOptions, match)
	})
}

func matchSecret(secrets []types.Secret, match func(from string) bool) bool {
	for _, s := range secrets {
		if match(aws.ToString(s.ValueFrom)) {
			return true
		}
	}
	return false
}
