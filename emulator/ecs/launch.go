package ecs

import (
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file resolves what a launch of tasks refers to, in the order in which
// a request is refused: the cluster, the definition, who runs the tasks, the
// overrides (launch_override.go), the network (launch_network.go). The task
// records are made of it in launch_task.go.

// launch is a request with everything that it names looked up and checked.
type launch struct {
	call       apiwire.Call
	in         *ecs.RunTaskInput
	cluster    *Cluster
	definition *types.TaskDefinition // with the overrides put in
	launchType types.LaunchType      // of the tasks
	strategy   []types.CapacityProviderStrategyItem
	subnets    []Subnet
	groups     []SecurityGroup
	tags       []types.Tag
	now        time.Time
}

func (a *API) newLaunch(tx *store.Tx, call apiwire.Call, in *ecs.RunTaskInput) (*launch, error) {
	l := &launch{call: call, in: in, now: tx.Now()}
	for _, resolve := range []func(*store.Tx, *launch) error{
		a.resolveCluster, a.resolveDefinition, a.resolveLaunchType, a.resolveOverrides,
		a.resolveNetwork, a.resolveCapacity, a.resolveTags,
	} {
		if err := resolve(tx, l); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (a *API) resolveCluster(tx *store.Tx, l *launch) (err error) {
	if l.cluster, err = a.lookCluster(tx, l.call, aws.ToString(l.in.Cluster)); err != nil {
		return err
	}
	return l.cluster.mustBeActive()
}

func (a *API) resolveDefinition(tx *store.Tx, l *launch) error {
	d, err := a.lookDefinition(tx, l.call, aws.ToString(l.in.TaskDefinition))
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
	return nil
}

// resolveLaunchType finds out who runs the tasks: the launch type or strategy
// of the request, else the cluster's default strategy, else EC2.
func (a *API) resolveLaunchType(_ *store.Tx, l *launch) (err error) {
	l.launchType, l.strategy = l.in.LaunchType, l.in.CapacityProviderStrategy
	if l.launchType == "" && len(l.strategy) == 0 {
		l.strategy = l.cluster.DefaultCapacityProviderStrategy
	}
	switch {
	case len(l.strategy) > 0: // there are no providers but Fargate's
		l.launchType = types.LaunchTypeFargate
		if l.strategy, err = checkStrategy(l.strategy, l.cluster.CapacityProviders); err != nil {
			return err
		}
	case l.launchType == "":
		l.launchType = types.LaunchTypeEc2
	}
	if !slices.Contains(l.definition.Compatibilities, types.Compatibility(l.launchType)) {
		return invalid("Task definition does not support launch_type %s.", l.launchType)
	}
	return l.checkPlatform()
}

// onFargate tells whether Fargate runs the tasks.
func (l *launch) onFargate() bool { return l.launchType == types.LaunchTypeFargate }

// Platform versions: what LATEST means, and the one before it that is still
// there.
const (
	platformLatest  = "1.4.0"
	platformBefore  = "1.3.0"
	platformWindows = "1.0.0"
)

func (l *launch) checkPlatform() error {
	version := aws.ToString(l.in.PlatformVersion)
	switch {
	case version == "":
		return nil
	case !l.onFargate():
		return invalid("The platform version must be null when specifying an EC2 launch type.")
	case version == "LATEST", version == l.latest():
		return nil
	case version != platformBefore || isWindows(l.definition):
		return &types.PlatformUnknownException{Message: aws.String("The specified platform does not exist.")}
	}
	return nil
}

func (l *launch) latest() string {
	if isWindows(l.definition) {
		return platformWindows
	}
	return platformLatest
}

// platform is the version that the tasks run on.
func (l *launch) platform() string {
	if v := aws.ToString(l.in.PlatformVersion); v == platformBefore {
		return v
	}
	return l.latest()
}

// resolveCapacity is about where the tasks could run. Neargate has no
// container instances, so whatever is not for Fargate meets an empty cluster.
func (a *API) resolveCapacity(_ *store.Tx, l *launch) error {
	if !l.onFargate() {
		return invalid("No Container Instances were found in your cluster.")
	}
	switch {
	case l.platform() == platformBefore && needsPlatformLatest(l.definition):
		return &types.PlatformTaskDefinitionIncompatibilityException{Message: aws.String("One or more of the requested capabilities are not supported.")}
	case len(l.in.PlacementConstraints) > 0:
		return invalid("Placement constraints are not supported with FARGATE launch type.")
	case len(l.in.PlacementStrategy) > 0:
		return invalid("Placement strategies are not supported with FARGATE launch type.")
	case l.in.EnableExecuteCommand && l.definition.TaskRoleArn == nil:
		return invalid("Execute command cannot be enabled for task without a valid taskRoleArn. Specify a valid task role in your task definition and try again.")
	}
	return l.checkVolumes()
}

// needsPlatformLatest tells whether a definition asks for what only platform
// version 1.4.0 has.
func needsPlatformLatest(d *types.TaskDefinition) bool {
	cpu, _ := sizeNumber(aws.ToString(d.Cpu))
	return cpu >= 8192 || d.EphemeralStorage != nil || d.PidMode != "" || aws.ToBool(d.EnableFaultInjection) ||
		architecture(d) != archX86 ||
		anyVolume(func(v types.Volume) bool { return v.EfsVolumeConfiguration != nil })(d) ||
		anyContainer(func(c types.ContainerDefinition) bool { return len(c.EnvironmentFiles) > 0 || c.RestartPolicy != nil })(d) ||
		anyLinux(func(p types.LinuxParameters) bool { return p.Capabilities != nil && len(p.Capabilities.Add) > 0 })(d)
}

// checkVolumes is about volumes that are configured at launch: EBS.
func (l *launch) checkVolumes() error {
	for _, c := range l.in.VolumeConfigurations {
		name := aws.ToString(c.Name)
		if !slices.ContainsFunc(l.definition.Volumes, func(v types.Volume) bool {
			return aws.ToString(v.Name) == name && aws.ToBool(v.ConfiguredAtLaunch)
		}) {
			return invalid("The volume name '%s' in your request does not have a matching volume in your Task Definition", name)
		}
	}
	if len(l.in.VolumeConfigurations) > 0 {
		return unsupported("Amazon EBS volumes are not available in Neargate.")
	}
	return nil
}

// resolveTags puts the caller's tags over the propagated ones, and ECS's own
// over both.
func (a *API) resolveTags(_ *store.Tx, l *launch) error {
	l.tags = mergeTags(l.tags, l.in.Tags)
	if l.in.EnableECSManagedTags {
		l.tags = mergeTags(l.tags, []types.Tag{{Key: aws.String("aws:ecs:clusterName"), Value: l.cluster.ClusterName}})
	}
	return checkTagCount(l.tags)
}
