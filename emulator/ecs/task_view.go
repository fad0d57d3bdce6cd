package ecs

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file is the view of a task: pure functions of its two records. Its
// containers are in task_view_container.go, its network interface, also as EC2 shows
// it, in attachment.go.

// attributeOfProcessor is the one attribute that a task on Fargate has.
const attributeOfProcessor = "ecs.cpu-architecture"

// describe makes the Task that DescribeTasks shows. Tags are left empty unless
// withTags. What it returns shares memory with the two records: it is to be
// read only.
func describe(t *Task, s *sandbox.Sandbox, withTags bool) types.Task {
	v := types.Task{
		Attachments:             []types.Attachment{attachment(t, s)},
		Attributes:              []types.Attribute{{Name: aws.String(attributeOfProcessor), Value: &t.Architecture}},
		AvailabilityZone:        &t.Interface.Zone,
		CapacityProviderName:    optional(&t.Provider),
		ClusterArn:              &t.Cluster,
		Containers:              containers(t, s),
		Cpu:                     &t.CPU,
		CreatedAt:               &t.CreatedAt,
		DesiredStatus:           aws.String(desiredStatus(s)),
		EnableExecuteCommand:    t.ExecEnabled,
		EphemeralStorage:        &types.EphemeralStorage{SizeInGiB: t.StorageGiB},
		FargateEphemeralStorage: &types.TaskEphemeralStorage{SizeInGiB: t.StorageGiB},
		Group:                   &t.Group,
		LastStatus:              aws.String(sandbox.LastStatus(s)),
		LaunchType:              t.LaunchType,
		Memory:                  &t.Memory,
		Overrides:               overrides(t),
		PlatformFamily:          aws.String("Linux"),
		PlatformVersion:         &t.Platform,
		StartedBy:               optional(&t.StartedBy),
		Tags:                    []types.Tag{},
		TaskArn:                 &t.ARN,
		TaskDefinitionArn:       &t.Definition,
		Version:                 s.Status.Version,
	}
	if connected(s) {
		v.Connectivity = types.ConnectivityConnected
		v.HealthStatus = types.HealthStatus(sandbox.TaskHealth(s))
	}
	if withTags && len(t.Tags) > 0 {
		v.Tags = t.Tags
	}
	setTimes(&v, s)
	setStop(&v, s)
	return v
}

// connected tells whether the task's host has ever been there. Before that
// nothing is said of health.
func connected(s *sandbox.Sandbox) bool { return !s.Status.ConnectivityAt.IsZero() }

func setTimes(v *types.Task, s *sandbox.Sandbox) {
	st := &s.Status
	v.ConnectivityAt = stamp(&st.ConnectivityAt)
	v.PullStartedAt = stamp(&st.PullStartedAt)
	v.PullStoppedAt = stamp(&st.PullStoppedAt)
	v.StartedAt = stamp(&st.StartedAt)
	v.StoppingAt = stamp(&st.StoppingAt)
	v.ExecutionStoppedAt = stamp(&st.ExecutionStoppedAt)
	v.StoppedAt = stamp(&st.StoppedAt)
}

// setStop tells why the task stops. It is stopping from the moment it is
// wanted to, before anything has come down.
func setStop(v *types.Task, s *sandbox.Sandbox) {
	if !s.Desired.Stopped {
		return
	}
	v.StopCode = types.TaskStopCode(s.Desired.Code)
	v.StoppedReason = reason(s.Desired.Reason)
	if v.StoppingAt == nil {
		v.StoppingAt = stamp(&s.Desired.At)
	}
}

func desiredStatus(s *sandbox.Sandbox) string {
	if s.Desired.Stopped {
		return sandbox.Stopped
	}
	return sandbox.Running
}

// overrides lists every container by name, overridden or not, as ECS does.
func overrides(t *Task) *types.TaskOverride {
	o := types.TaskOverride{}
	if t.Overrides != nil {
		o = *t.Overrides
	}
	given := o.ContainerOverrides
	o.InferenceAcceleratorOverrides = []types.InferenceAcceleratorOverride{}
	o.ContainerOverrides = make([]types.ContainerOverride, len(t.Containers))
	for i := range t.Containers {
		name := &t.Containers[i].Name
		o.ContainerOverrides[i] = types.ContainerOverride{Name: name}
		for _, g := range given {
			if aws.ToString(g.Name) == *name {
				o.ContainerOverrides[i] = g
				break
			}
		}
	}
	return &o
}

// maxReason is the longest reason that ECS keeps, in characters.
const maxReason = 1024

func reason(text string) *string {
	if r := []rune(text); len(text) > maxReason && len(r) > maxReason {
		text = string(r[:maxReason])
	}
	return optional(&text)
}

func optional(s *string) *string {
	if *s == "" {
		return nil
	}
	return s
}

func stamp(t *time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return t
}
