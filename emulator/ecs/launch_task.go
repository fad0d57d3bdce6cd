package ecs

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file makes the records of a launch's tasks. It knows nothing of the
// runtime: see task_spec.go for that.

// tasks makes n records. Which subnet the first one is in is left to chance.
func (l *launch) tasks(n int) []*Task {
	list := make([]*Task, 0, n)
	first := rand.IntN(len(l.subnets))
	for i, provider := range l.providers(n) {
		list = append(list, l.task(provider, l.network(first+i)))
	}
	return list
}

// providers names the capacity provider of each of n tasks; "" where a launch
// type was asked for.
func (l *launch) providers(n int) []string {
	if len(l.strategy) == 0 {
		return make([]string, n)
	}
	list := make([]string, 0, n)
	for i, share := range distribute(l.strategy, n) {
		name := aws.ToString(l.strategy[i].CapacityProvider)
		list = append(list, slices.Repeat([]string{name}, share)...)
	}
	return list
}

// task makes one task's record.
func (l *launch) task(provider string, at Interface) *Task {
	d, cluster := l.definition, aws.ToString(l.cluster.ClusterName)
	id := hexID(taskIDLength)
	t := &Task{
		ARN: taskARN(l.call, cluster, id), ID: id, Account: l.call.Account, Region: l.call.Region,
		Cluster: aws.ToString(l.cluster.ClusterArn), ClusterName: cluster,
		Definition: aws.ToString(d.TaskDefinitionArn), Family: aws.ToString(d.Family), Revision: d.Revision,
		Group: l.group(), StartedBy: aws.ToString(l.in.StartedBy), ReferenceID: aws.ToString(l.in.ReferenceId),
		LaunchType: l.launchType, Provider: provider, Platform: l.platform(), Architecture: architecture(d),
		CPU: aws.ToString(d.Cpu), Memory: aws.ToString(d.Memory), StorageGiB: storageGiB(d),
		Overrides: l.in.Overrides, Containers: make([]TaskContainer, 0, len(d.ContainerDefinitions)), Interface: at,
		TaskRole: aws.ToString(d.TaskRoleArn), ExecEnabled: l.in.EnableExecuteCommand, FaultsEnabled: aws.ToBool(d.EnableFaultInjection),
		Tags: l.tags, CreatedAt: l.now,
	}
	if t.TaskRole != "" {
		t.Credentials = uuid()
	}
	head := l.call.ARN("ecs", "container/"+cluster+"/"+id+"/")
	for i := range d.ContainerDefinitions {
		t.Containers = append(t.Containers, taskContainer(head, id, &d.ContainerDefinitions[i]))
	}
	return t
}

// taskContainer makes the record of a container; head is what its ARN begins
// with.
func taskContainer(head, task string, d *types.ContainerDefinition) TaskContainer {
	return TaskContainer{
		Name: aws.ToString(d.Name), Image: aws.ToString(d.Image), ARN: head + uuid(),
		CPU: strconv.Itoa(int(d.Cpu)), Memory: number(d.Memory), Reservation: number(d.MemoryReservation),
		RuntimeID: task + "-" + digits(10),
	}
}

func (l *launch) group() string {
	if g := aws.ToString(l.in.Group); g != "" {
		return g
	}
	return "family:" + aws.ToString(l.definition.Family)
}

// defaultStorage is a Fargate task's ephemeral storage in GiB.
const defaultStorage = 20

func storageGiB(d *types.TaskDefinition) int32 {
	if d.EphemeralStorage == nil {
		return defaultStorage
	}
	return d.EphemeralStorage.SizeInGiB
}

// Architectures in the words of the attribute ecs.cpu-architecture.
const (
	archX86 = "x86_64"
	archARM = "arm64"
)

func architecture(d *types.TaskDefinition) string {
	if d.RuntimePlatform != nil && d.RuntimePlatform.CpuArchitecture == types.CPUArchitectureArm64 {
		return archARM
	}
	return archX86
}

func number(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}
