package ecs

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file is the view of a task's containers. There are never managed
// agents: Neargate has no ECS Exec, whatever a task was started with.

func containers(t *Task, s *sandbox.Sandbox) []types.Container {
	list := make([]types.Container, len(t.Containers))
	at := interfaces(t, s)
	for i := range t.Containers {
		list[i] = container(t, &t.Containers[i], s)
		list[i].NetworkInterfaces = at
	}
	return list
}

func container(t *Task, c *TaskContainer, s *sandbox.Sandbox) types.Container {
	v := types.Container{
		ContainerArn:      &c.ARN,
		Cpu:               &c.CPU,
		Image:             &c.Image,
		Memory:            optional(&c.Memory),
		MemoryReservation: optional(&c.Reservation),
		Name:              &c.Name,
		TaskArn:           &t.ARN,
	}
	k := containerStatus(s, c.Name)
	if k == nil {
		k = &sandbox.ContainerStatus{}
	}
	if connected(s) {
		v.HealthStatus = types.HealthStatusUnknown
		if k.Health != "" {
			v.HealthStatus = types.HealthStatus(k.Health)
		}
		v.NetworkBindings = []types.NetworkBinding{}
	}
	v.ImageDigest = optional(&k.ImageDigest)
	v.Reason = reason(k.Reason)
	if made(k) {
		v.RuntimeId = &c.RuntimeID
	}
	status := containerLastStatus(s, k)
	v.LastStatus = aws.String(status)
	if status == sandbox.Stopped {
		v.ExitCode = exitCode(k)
	}
	return v
}

// made tells whether the runtime has ever made the container.
func made(k *sandbox.ContainerStatus) bool { return k.RuntimeID != "" || k.Attempt > 0 }

// containerLastStatus folds the sandbox's finer states into ECS's three. A
// container that is started again in its place never leaves RUNNING.
func containerLastStatus(s *sandbox.Sandbox, k *sandbox.ContainerStatus) string {
	again := k.Attempt > 0 || !k.RestartAt.IsZero()
	switch {
	case s.IsStopped():
		return sandbox.Stopped
	case k.State == sandbox.ContainerRunning, again && !s.Status.Falling && (k.State != sandbox.ContainerStopped || !k.RestartAt.IsZero()):
		return sandbox.Running
	case k.State == sandbox.ContainerStopped, again:
		return sandbox.Stopped
	}
	return sandbox.Pending
}

// exitCode is that of the last run, nil when there was none.
func exitCode(k *sandbox.ContainerStatus) *int32 {
	switch {
	case k.ExitCode != nil:
		return aws.Int32(int32(*k.ExitCode))
	case k.LastExit != nil:
		return aws.Int32(int32(k.LastExit.Code))
	}
	return nil
}

// containerStatus finds what is known of a container; nil when there is none of
// that name.
func containerStatus(s *sandbox.Sandbox, name string) *sandbox.ContainerStatus {
	for i := range s.Status.Containers {
		if s.Status.Containers[i].Name == name {
			return &s.Status.Containers[i]
		}
	}
	return nil
}
