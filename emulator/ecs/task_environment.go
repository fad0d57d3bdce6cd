package ecs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file decides what a container of a task finds in its environment, and
// which tasks can never start because of what they ask for.

// environment is what Fargate injects, under the definition's, under the
// override's variables.
func (l *launch) environment(t *Task, i int) []sandbox.EnvVar {
	d := &l.definition.ContainerDefinitions[i]
	c := &t.Containers[i]
	env := injected(t, c)
	env = set(env, d.Environment)
	return set(env, l.override(c.Name).Environment)
}

// injected are the variables of Fargate's containers. The endpoint is
// Neargate's own: it makes the SDKs in a task talk to the emulator that runs
// it.
func injected(t *Task, c *TaskContainer) []sandbox.EnvVar {
	const base = "http://" + linkLocal
	env := []sandbox.EnvVar{
		{Name: "ECS_CONTAINER_METADATA_URI_V4", Value: base + "/v4/" + c.RuntimeID},
		{Name: "ECS_CONTAINER_METADATA_URI", Value: base + "/v3/" + c.RuntimeID},
		{Name: "ECS_AGENT_URI", Value: base + "/api/" + c.RuntimeID},
		{Name: "AWS_EXECUTION_ENV", Value: "AWS_ECS_FARGATE"},
		{Name: "AWS_REGION", Value: t.Region},
		{Name: "AWS_DEFAULT_REGION", Value: t.Region},
		{Name: "AWS_ENDPOINT_URL", Value: base},
	}
	if t.TaskRole != "" {
		env = append(env, sandbox.EnvVar{Name: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", Value: "/v2/credentials/" + credentialsID(t)})
	}
	return env
}

// linkLocal is the address of the task metadata and credentials endpoints.
const linkLocal = "169.254.170.2"

// credentialsID names a task's credentials in its environment. It is not the
// task's id, which others can read.
func credentialsID(t *Task) string { return t.Interface.Attachment }

func set(env []sandbox.EnvVar, list []types.KeyValuePair) []sandbox.EnvVar {
	for _, p := range list {
		v := sandbox.EnvVar{Name: aws.ToString(p.Name), Value: aws.ToString(p.Value)}
		if i := slices.IndexFunc(env, func(e sandbox.EnvVar) bool { return e.Name == v.Name }); i >= 0 {
			env[i] = v
		} else {
			env = append(env, v)
		}
	}
	return env
}

// hopeless tells why a task can never start, in the words of Fargate when it
// could not have what the task asks for; "" when nothing is against it.
func (l *launch) hopeless(t *Task) string {
	for _, c := range t.Containers {
		switch {
		case c.EnvFiles:
			return "ResourceInitializationError: failed to download env files: file download command: non empty error stream: " +
				"Amazon S3 is not available in Neargate (container " + c.Name + ")"
		case c.LogDriver != "" && c.LogDriver != string(types.LogDriverAwslogs):
			return fmt.Sprintf("ResourceInitializationError: failed to validate logger args: log driver %s is not available in Neargate (container %s)", c.LogDriver, c.Name)
		}
	}
	return l.hopelessVolume()
}

func (l *launch) hopelessVolume() string {
	for _, v := range l.definition.Volumes {
		kind := ""
		switch {
		case v.EfsVolumeConfiguration != nil:
			kind = "Amazon EFS"
		case v.FsxWindowsFileServerVolumeConfiguration != nil:
			kind = "FSx for Windows File Server"
		case v.S3filesVolumeConfiguration != nil:
			kind = "Amazon S3 Files"
		case aws.ToBool(v.ConfiguredAtLaunch):
			kind = "Amazon EBS"
		default:
			continue
		}
		return fmt.Sprintf("ResourceInitializationError: failed to set up volume %s: %s is not available in Neargate", aws.ToString(v.Name), kind)
	}
	if l.wantsWindows() {
		return "ResourceInitializationError: Windows containers are not available in Neargate"
	}
	return ""
}

func (l *launch) wantsWindows() bool {
	p := l.definition.RuntimePlatform
	return p != nil && strings.HasPrefix(string(p.OperatingSystemFamily), "WINDOWS")
}
