package ecs

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file decides what a container of a task finds in its environment, and
// which tasks can never start because of what they ask for.

// linkLocal is the address of the task metadata and credentials endpoints.
const linkLocal = "169.254.170.2"

// endpoint is where containers reach them.
const endpoint = "http://" + linkLocal

// environment puts together what a container finds: defaults of Fargate and
// Neargate, over them the definition's and the request's variables, and over
// all the endpoints that the ECS agent sets whatever was asked for.
func environment(t *Task, c *TaskContainer, d *types.ContainerDefinition) []sandbox.EnvVar {
	env := make([]sandbox.EnvVar, 0, len(d.Environment)+8)
	for _, v := range d.Environment {
		env = set(env, aws.ToString(v.Name), aws.ToString(v.Value))
	}
	env = setDefaults(env, t)
	env = set(env, "ECS_CONTAINER_METADATA_URI", endpoint+"/v3/"+c.RuntimeID)
	env = set(env, "ECS_CONTAINER_METADATA_URI_V4", endpoint+"/v4/"+c.RuntimeID)
	env = set(env, "ECS_AGENT_URI", endpoint+"/api/"+c.RuntimeID)
	if t.TaskRole != "" {
		env = set(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", credentialsPath+t.Credentials)
	}
	return env
}

// setDefaults sets what is not set. The region has two names, of which SDKs
// read one or the other: who sets one of them gets neither. AWS_ENDPOINT_URL is
// Neargate's own: it makes the SDKs in a task talk to the emulator that runs
// it.
func setDefaults(env []sandbox.EnvVar, t *Task) []sandbox.EnvVar {
	if !has(env, "AWS_REGION") && !has(env, "AWS_DEFAULT_REGION") {
		env = append(env, sandbox.EnvVar{Name: "AWS_REGION", Value: t.Region}, sandbox.EnvVar{Name: "AWS_DEFAULT_REGION", Value: t.Region})
	}
	for _, v := range []sandbox.EnvVar{{Name: "AWS_EXECUTION_ENV", Value: "AWS_ECS_FARGATE"}, {Name: "AWS_ENDPOINT_URL", Value: endpoint}} {
		if !has(env, v.Name) {
			env = append(env, v)
		}
	}
	return env
}

func has(env []sandbox.EnvVar, name string) bool { return indexOf(env, name) >= 0 }

func indexOf(env []sandbox.EnvVar, name string) int {
	return slices.IndexFunc(env, func(v sandbox.EnvVar) bool { return v.Name == name })
}

func set(env []sandbox.EnvVar, name, value string) []sandbox.EnvVar {
	if i := indexOf(env, name); i >= 0 {
		env[i].Value = value
		return env
	}
	return append(env, sandbox.EnvVar{Name: name, Value: value})
}

// hopeless tells why the tasks of the launch can never start, in the words of
// Fargate when it could not have what a task asks for; "" when nothing is
// against it.
func (l *launch) hopeless() string {
	d := l.definition
	if isWindows(d) {
		return "ResourceInitializationError: Windows containers are not available in Neargate"
	}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		switch log := c.LogConfiguration; {
		case len(c.EnvironmentFiles) > 0:
			return fmt.Sprintf("ResourceInitializationError: failed to download env files: file download command: non empty error stream: "+
				"Amazon S3 is not available in Neargate (container %s)", *c.Name)
		case log != nil && log.LogDriver != types.LogDriverAwslogs:
			return fmt.Sprintf("ResourceInitializationError: failed to validate logger args: log driver %s is not available in Neargate (container %s)", log.LogDriver, *c.Name)
		}
	}
	for i := range d.Volumes {
		if kind := unavailable(&d.Volumes[i]); kind != "" {
			return fmt.Sprintf("ResourceInitializationError: failed to set up volume %s: %s is not available in Neargate", aws.ToString(d.Volumes[i].Name), kind)
		}
	}
	return ""
}

// unavailable names what a volume is kept in, when Neargate does not have it.
func unavailable(v *types.Volume) string {
	switch {
	case v.EfsVolumeConfiguration != nil:
		return "Amazon EFS"
	case v.FsxWindowsFileServerVolumeConfiguration != nil:
		return "FSx for Windows File Server"
	case v.S3filesVolumeConfiguration != nil:
		return "Amazon S3 Files"
	case aws.ToBool(v.ConfiguredAtLaunch):
		return "Amazon EBS"
	}
	return ""
}
