package ecs

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file resolves what a launch of tasks refers to (cluster, definition,
// subnets, provider strategy) and makes the task records of it. It knows
// nothing of the runtime: see task_spec.go for that.

// launch is a request with everything that it names looked up and checked.
type launch struct {
	call       apiwire.Call
	in         *ecs.RunTaskInput
	cluster    *Cluster
	definition *types.TaskDefinition
	strategy   []types.CapacityProviderStrategyItem
	subnets    []Subnet
	groups     []SecurityGroup
	cpu        string
	memory     string
	tags       []types.Tag
	now        time.Time
}

func (a *API) newLaunch(tx *store.Tx, call apiwire.Call, in *ecs.RunTaskInput) (*launch, error) {
	l := &launch{call: call, in: in, now: tx.Now()}
	for _, resolve := range []func(*store.Tx, *launch) error{
		a.resolveCluster, a.resolveDefinition, a.resolveLaunchType, a.resolveNetwork, a.resolveSize, a.resolveTags,
	} {
		if err := resolve(tx, l); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (a *API) resolveCluster(tx *store.Tx, l *launch) (err error) {
	l.cluster, err = a.cluster(tx, l.call, aws.ToString(l.in.Cluster))
	return err
}

func (a *API) resolveDefinition(tx *store.Tx, l *launch) error {
	d, err := a.taskDefinition(tx, l.call, aws.ToString(l.in.TaskDefinition))
	switch {
	case errors.Is(err, errNoTaskDefinition):
		return client("TaskDefinition not found.")
	case err != nil:
		return err
	case d.Definition.Status != types.TaskDefinitionStatusActive:
		return invalid("TaskDefinition is inactive")
	}
	l.definition = &d.Definition
	if l.in.PropagateTags == types.PropagateTagsTaskDefinition {
		l.tags = d.Tags
	}
	return checkOverrides(l.in.Overrides, l.definition)
}

// resolveLaunchType finds out who would run the tasks. Neargate has no
// container instances, so whatever is not Fargate meets an empty cluster.
func (a *API) resolveLaunchType(tx *store.Tx, l *launch) error {
	l.strategy = l.in.CapacityProviderStrategy
	if len(l.strategy) == 0 && l.in.LaunchType == "" {
		l.strategy = l.cluster.DefaultCapacityProviderStrategy
	}
	if len(l.strategy) == 0 && l.in.LaunchType != types.LaunchTypeFargate {
		return l.noInstances()
	}
	if len(l.strategy) > 0 {
		var err error
		if l.strategy, err = checkStrategy(l.strategy, l.cluster.CapacityProviders); err != nil {
			return err
		}
	}
	if !slices.Contains(l.definition.Compatibilities, types.CompatibilityFargate) {
		return invalid("Task definition does not support launch_type FARGATE.")
	}
	return l.checkFargate()
}

func (l *launch) noInstances() error {
	if l.in.PlatformVersion != nil {
		return invalid("The platform version must be null when specifying an EC2 launch type.")
	}
	return invalid("No Container Instances were found in your cluster.")
}

func (l *launch) checkFargate() error {
	switch v := aws.ToString(l.in.PlatformVersion); v {
	case "", "LATEST", platformLatest, "1.3.0":
	default:
		return &types.PlatformUnknownException{Message: aws.String("The specified platform does not exist.")}
	}
	switch {
	case len(l.in.PlacementConstraints) > 0:
		return invalid("Placement constraints are not supported with FARGATE launch type.")
	case len(l.in.PlacementStrategy) > 0:
		return invalid("Placement strategies are not supported with FARGATE launch type.")
	case l.in.EnableExecuteCommand && l.taskRole() == "":
		return invalid("Execute command cannot be enabled for task without a valid taskRoleArn. Specify a valid task role in your task definition and try again.")
	case len(l.in.VolumeConfigurations) > 0:
		return l.checkVolumeConfigurations()
	}
	return nil
}

func (l *launch) checkVolumeConfigurations() error {
	for _, c := range l.in.VolumeConfigurations {
		name := aws.ToString(c.Name)
		if !slices.ContainsFunc(l.definition.Volumes, func(v types.Volume) bool { return aws.ToString(v.Name) == name }) {
			return invalid("The volume name '%s' in your request does not have a matching volume in your Task Definition", name)
		}
	}
	return &types.UnsupportedFeatureException{Message: aws.String("Amazon EBS volumes are not available in Neargate.")}
}

// platformLatest is what LATEST means on Linux.
const platformLatest = "1.4.0"

func (l *launch) platform() string {
	if v := aws.ToString(l.in.PlatformVersion); v != "" && v != "LATEST" {
		return v
	}
	return platformLatest
}

func (l *launch) taskRole() string {
	if o := l.in.Overrides; o != nil && o.TaskRoleArn != nil {
		return *o.TaskRoleArn
	}
	return aws.ToString(l.definition.TaskRoleArn)
}

func (l *launch) executionRole() string {
	if o := l.in.Overrides; o != nil && o.ExecutionRoleArn != nil {
		return *o.ExecutionRoleArn
	}
	return aws.ToString(l.definition.ExecutionRoleArn)
}

func (a *API) resolveSize(_ *store.Tx, l *launch) error {
	l.cpu, l.memory = aws.ToString(l.definition.Cpu), aws.ToString(l.definition.Memory)
	o := l.in.Overrides
	if o == nil || (o.Cpu == nil && o.Memory == nil) {
		return nil
	}
	cpu, memory := l.cpu, l.memory
	if o.Cpu != nil {
		cpu = *o.Cpu
	}
	if o.Memory != nil {
		memory = *o.Memory
	}
	l.cpu, l.memory = cpuUnits(cpu), memoryMiB(memory)
	return checkFargateSize(l.cpu, l.memory)
}

// resolveTags puts ECS's own tags and the propagated ones under the caller's.
func (a *API) resolveTags(_ *store.Tx, l *launch) error {
	l.tags = mergeTags(l.tags, l.in.Tags)
	if l.in.EnableECSManagedTags {
		l.tags = mergeTags(l.tags, []types.Tag{{Key: aws.String("aws:ecs:clusterName"), Value: l.cluster.ClusterName}})
	}
	return nil
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
func (l *launch) task(provider string) *Task {
	id := hexID(32)
	sub := l.subnets[rand.IntN(len(l.subnets))]
	d := l.definition
	t := &Task{
		ARN: l.call.ARN("ecs", "task/"+aws.ToString(l.cluster.ClusterName)+"/"+id), ID: id,
		Account: l.call.Account, Region: l.call.Region,
		Cluster: aws.ToString(l.cluster.ClusterArn), ClusterName: aws.ToString(l.cluster.ClusterName),
		Definition: aws.ToString(d.TaskDefinitionArn), Family: aws.ToString(d.Family), Revision: d.Revision,
		Group: l.group(), StartedBy: aws.ToString(l.in.StartedBy), ReferenceID: aws.ToString(l.in.ReferenceId),
		LaunchType: types.LaunchTypeFargate, Provider: provider, Platform: l.platform(), Architecture: architecture(d),
		CPU: l.cpu, Memory: l.memory, TaskRole: l.taskRole(), ExecutionRole: l.executionRole(),
		ExecEnabled: l.in.EnableExecuteCommand, FaultsEnabled: aws.ToBool(d.EnableFaultInjection),
		Tags: l.tags, CreatedAt: l.now,
		Interface: Interface{
			Attachment: uuid(), ID: "eni-" + hexID(17), Subnet: sub.ID, SubnetCIDR: sub.CIDR.String(), VPC: sub.VPC,
			Zone: sub.Zone, ZoneID: sub.ZoneID, Groups: l.groups, Public: l.public(),
		},
	}
	if l.in.Overrides != nil {
		t.Overrides = *l.in.Overrides
	}
	t.StorageGiB, t.StorageGiven = l.storage()
	l.addContainers(t)
	return t
}

func (l *launch) addContainers(t *Task) {
	for i := range l.definition.ContainerDefinitions {
		t.Containers = append(t.Containers, l.container(t, &l.definition.ContainerDefinitions[i]))
	}
}

func (l *launch) container(t *Task, d *types.ContainerDefinition) TaskContainer {
	o := l.override(aws.ToString(d.Name))
	c := TaskContainer{
		Name: aws.ToString(d.Name), Image: aws.ToString(d.Image),
		ARN:         l.call.ARN("ecs", "container/"+t.ClusterName+"/"+t.ID+"/"+uuid()),
		RuntimeID:   t.ID + "-" + digits(10),
		CPU:         strconv.Itoa(int(pick(o.Cpu, &d.Cpu))),
		Memory:      number(either(o.Memory, d.Memory)),
		Reservation: number(either(o.MemoryReservation, d.MemoryReservation)),
		Labels:      d.DockerLabels,
		EnvFiles:    len(d.EnvironmentFiles)+len(o.EnvironmentFiles) > 0,
	}
	if d.LogConfiguration != nil {
		c.LogDriver, c.LogOptions = string(d.LogConfiguration.LogDriver), d.LogConfiguration.Options
	}
	return c
}

// override returns what the request overrides in a container; a zero one when
// nothing.
func (l *launch) override(name string) types.ContainerOverride {
	if l.in.Overrides != nil {
		for _, o := range l.in.Overrides.ContainerOverrides {
			if aws.ToString(o.Name) == name {
				return o
			}
		}
	}
	return types.ContainerOverride{}
}

func (l *launch) group() string {
	if g := aws.ToString(l.in.Group); g != "" {
		return g
	}
	return "family:" + aws.ToString(l.definition.Family)
}

func (l *launch) public() bool {
	n := awsvpc(l.in.NetworkConfiguration)
	return n != nil && n.AssignPublicIp == types.AssignPublicIpEnabled
}

// defaultStorage is a Fargate task's ephemeral storage in GiB.
const defaultStorage = 20

func (l *launch) storage() (gib int32, given bool) {
	if o := l.in.Overrides; o != nil && o.EphemeralStorage != nil {
		return o.EphemeralStorage.SizeInGiB, true
	}
	if e := l.definition.EphemeralStorage; e != nil {
		return e.SizeInGiB, true
	}
	return defaultStorage, false
}

func architecture(d *types.TaskDefinition) string {
	if d.RuntimePlatform != nil && d.RuntimePlatform.CpuArchitecture == types.CPUArchitectureArm64 {
		return "arm64"
	}
	return "x86_64"
}

func either[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

func pick[T any](a, b *T) T { return *either(a, b) }

func number(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}
