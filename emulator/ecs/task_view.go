package ecs

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file is the view of a task: pure functions of its two records. The
// network interface as EC2 shows it is in attachment.go.

const (
	statusProvisioning = "PROVISIONING"
	statusRunning      = "RUNNING"
	statusStopped      = "STOPPED"
)

// describe makes the Task that DescribeTasks shows. Tags are left empty unless
// withTags.
func describe(t *Task, s *sandbox.Sandbox, withTags bool) types.Task {
	v := types.Task{
		Attachments:             []types.Attachment{attachment(t, s)},
		Attributes:              []types.Attribute{{Name: aws.String("ecs.cpu-architecture"), Value: aws.String(t.Architecture)}},
		AvailabilityZone:        aws.String(t.Interface.Zone),
		CapacityProviderName:    optional(t.Provider),
		ClusterArn:              aws.String(t.Cluster),
		Containers:              containers(t, s),
		Cpu:                     aws.String(t.CPU),
		CreatedAt:               aws.Time(t.CreatedAt),
		DesiredStatus:           aws.String(desiredStatus(s)),
		EnableExecuteCommand:    t.ExecEnabled,
		EphemeralStorage:        &types.EphemeralStorage{SizeInGiB: t.StorageGiB},
		FargateEphemeralStorage: &types.TaskEphemeralStorage{SizeInGiB: t.StorageGiB},
		Group:                   aws.String(t.Group),
		HealthStatus:            types.HealthStatus(sandbox.TaskHealth(s)),
		InferenceAccelerators:   []types.InferenceAccelerator{},
		LastStatus:              aws.String(sandbox.LastStatus(s)),
		LaunchType:              t.LaunchType,
		Memory:                  aws.String(t.Memory),
		Overrides:               overrides(t),
		PlatformFamily:          aws.String("Linux"),
		PlatformVersion:         aws.String(t.Platform),
		StartedBy:               optional(t.StartedBy),
		Tags:                    []types.Tag{},
		TaskArn:                 aws.String(t.ARN),
		TaskDefinitionArn:       aws.String(t.Definition),
		Version:                 s.Status.Version + 1,
	}
	if withTags {
		v.Tags = append(v.Tags, t.Tags...)
	}
	setTimes(&v, s)
	setStop(&v, s)
	return v
}

func setTimes(v *types.Task, s *sandbox.Sandbox) {
	st := &s.Status
	if !st.ConnectivityAt.IsZero() {
		v.Connectivity = types.ConnectivityConnected
		v.ConnectivityAt = stamp(st.ConnectivityAt)
	}
	v.PullStartedAt = stamp(st.PullStartedAt)
	v.PullStoppedAt = stamp(st.PullStoppedAt)
	v.StartedAt = stamp(st.StartedAt)
	v.StoppingAt = stamp(st.StoppingAt)
	v.ExecutionStoppedAt = stamp(st.ExecutionStoppedAt)
	v.StoppedAt = stamp(st.StoppedAt)
}

func setStop(v *types.Task, s *sandbox.Sandbox) {
	if !s.Desired.Stopped {
		return
	}
	v.StopCode = types.TaskStopCode(s.Desired.Code)
	v.StoppedReason = optional(s.Desired.Reason)
	if v.StoppingAt == nil {
		v.StoppingAt = stamp(s.Desired.At)
	}
}

func desiredStatus(s *sandbox.Sandbox) string {
	if s.Desired.Stopped {
		return statusStopped
	}
	return statusRunning
}

// overrides lists every container by name, overridden or not, as ECS does.
func overrides(t *Task) *types.TaskOverride {
	o := t.Overrides
	o.InferenceAcceleratorOverrides = []types.InferenceAcceleratorOverride{}
	given := o.ContainerOverrides
	o.ContainerOverrides = make([]types.ContainerOverride, 0, len(t.Containers))
	for _, c := range t.Containers {
		one := types.ContainerOverride{Name: aws.String(c.Name)}
		for _, g := range given {
			if aws.ToString(g.Name) == c.Name {
				one = g
			}
		}
		o.ContainerOverrides = append(o.ContainerOverrides, one)
	}
	return &o
}

func containers(t *Task, s *sandbox.Sandbox) []types.Container {
	list := make([]types.Container, 0, len(t.Containers))
	for i := range t.Containers {
		list = append(list, container(t, &t.Containers[i], s))
	}
	return list
}

func container(t *Task, c *TaskContainer, s *sandbox.Sandbox) types.Container {
	v := types.Container{
		ContainerArn:      aws.String(c.ARN),
		Cpu:               aws.String(c.CPU),
		HealthStatus:      types.HealthStatusUnknown,
		Image:             aws.String(c.Image),
		LastStatus:        aws.String(string(sandbox.ContainerPending)),
		Memory:            optional(c.Memory),
		MemoryReservation: optional(c.Reservation),
		Name:              aws.String(c.Name),
		NetworkBindings:   []types.NetworkBinding{},
		NetworkInterfaces: interfaces(t, s),
		TaskArn:           aws.String(t.ARN),
	}
	if k := containerStatus(s, c.Name); k != nil {
		addStatus(&v, c, k)
	}
	if s.Status.Falling && sandbox.LastStatus(s) == statusStopped {
		v.LastStatus = aws.String(statusStopped)
	}
	return v
}

func addStatus(v *types.Container, c *TaskContainer, k *sandbox.ContainerStatus) {
	v.LastStatus = aws.String(containerLastStatus(k.State))
	v.ImageDigest = optional(k.ImageDigest)
	v.Reason = optional(truncate(k.Reason, maxReason))
	if k.Health != "" {
		v.HealthStatus = types.HealthStatus(k.Health)
	}
	if !k.StartedAt.IsZero() {
		v.RuntimeId = aws.String(c.RuntimeID)
	}
	if k.ExitCode != nil && k.State == sandbox.ContainerStopped {
		v.ExitCode = aws.Int32(int32(*k.ExitCode))
	}
}

// maxReason is the longest reason that ECS keeps, in characters.
const maxReason = 1024

// containerLastStatus folds the sandbox's finer states into ECS's three.
func containerLastStatus(s sandbox.ContainerState) string {
	switch s {
	case sandbox.ContainerRunning, sandbox.ContainerStopped:
		return string(s)
	}
	return string(sandbox.ContainerPending)
}

func containerStatus(s *sandbox.Sandbox, name string) *sandbox.ContainerStatus {
	for i := range s.Status.Containers {
		if s.Status.Containers[i].Name == name {
			return &s.Status.Containers[i]
		}
	}
	return nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func stamp(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func truncate(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
