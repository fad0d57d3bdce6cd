package ecs_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/sandbox"
)

func overriding(o types.ContainerOverride) func(in *sdk.RunTaskInput) {
	return func(in *sdk.RunTaskInput) {
		o.Name = aws.String("web")
		in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{o}}
	}
}

func onEC2(in *sdk.RunTaskInput) { in.LaunchType = types.LaunchTypeEc2 }

// TestRefusedRuns holds why a request is refused, where the contract tests of
// the emulator do not.
func TestRefusedRuns(t *testing.T) {
	w := newWorld(t)
	rich := fargateDefinition("rich")
	rich.ExecutionRoleArn = aws.String("exec")
	rich.ContainerDefinitions[0].Secrets = []types.Secret{{Name: aws.String("PASSWORD"), ValueFrom: aws.String("p")}}
	rich.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: 30}
	rich.Volumes = []types.Volume{{Name: aws.String("data")}, {Name: aws.String("disk"), ConfiguredAtLaunch: aws.Bool(true)}}
	rich.ContainerDefinitions[0].MountPoints = []types.MountPoint{{SourceVolume: aws.String("disk"), ContainerPath: aws.String("/disk")}}
	for _, d := range []*sdk.RegisterTaskDefinitionInput{fargateDefinition("web"), ec2Definition("bridge"), rich} {
		w.register(d)
	}
	tags := func(n int) (list []types.Tag) {
		for i := range n {
			list = append(list, tag(strings.Repeat("k", i+1), "v"))
		}
		return list
	}
	for _, c := range []struct {
		name, family string
		change       func(in *sdk.RunTaskInput)
		want         string
	}{
		{"no definition", "", func(*sdk.RunTaskInput) {}, "InvalidParameterException: Task Definition can not be blank."},
		{"none", "web", func(in *sdk.RunTaskInput) { in.Count = aws.Int32(0) }, "InvalidParameterException: count cannot be less than 1"},
		{"too many", "web", func(in *sdk.RunTaskInput) { in.Count = aws.Int32(11) }, "InvalidParameterException: count cannot be greater than 10"},
		{"long startedBy", "web", func(in *sdk.RunTaskInput) { in.StartedBy = aws.String(strings.Repeat("x", 129)) },
			"InvalidParameterException: startedBy longer than 128."},
		{"odd startedBy", "web", func(in *sdk.RunTaskInput) { in.StartedBy = aws.String("me!") },
			"InvalidParameterException: startedBy contains invalid characters."},
		{"long token", "web", func(in *sdk.RunTaskInput) { in.ClientToken = aws.String(strings.Repeat("x", 65)) },
			"InvalidParameterException: clientToken longer than 64."},
		{"long reference", "web", func(in *sdk.RunTaskInput) { in.ReferenceId = aws.String(strings.Repeat("x", 1025)) },
			"InvalidParameterException: referenceId longer than 1024."},
		{"launch type", "web", func(in *sdk.RunTaskInput) { in.LaunchType = "MOON" },
			"InvalidParameterException: launch type should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]"},
		{"group of a service", "web", func(in *sdk.RunTaskInput) { in.Group = aws.String("service:web") },
			"InvalidParameterException: Invalid namespace for group"},
		{"tags of a service", "web", func(in *sdk.RunTaskInput) { in.PropagateTags = types.PropagateTagsService },
			"InvalidParameterException: Propagate tags from SERVICE is not supported for RunTask. Specify TASK_DEFINITION or NONE and try again."},
		{"constraints", "web", func(in *sdk.RunTaskInput) {
			in.PlacementConstraints = []types.PlacementConstraint{{Type: types.PlacementConstraintTypeDistinctInstance}}
		}, "InvalidParameterException: Placement constraints are not supported with FARGATE launch type."},
		{"too many constraints", "web", func(in *sdk.RunTaskInput) { in.PlacementConstraints = make([]types.PlacementConstraint, 11) },
			"InvalidParameterException: Maximum number of constraints is 10"},
		{"strategy", "web", func(in *sdk.RunTaskInput) {
			in.PlacementStrategy = []types.PlacementStrategy{{Type: types.PlacementStrategyTypeRandom}}
		}, "InvalidParameterException: Placement strategies are not supported with FARGATE launch type."},
		{"reserved tag", "web", func(in *sdk.RunTaskInput) { in.Tags = []types.Tag{tag("aws:x", "v")} },
			"InvalidParameterException: Tag keys and values that begin with aws: are reserved: aws:x"},
		{"too many tags", "web", func(in *sdk.RunTaskInput) { in.Tags = tags(51) }, "InvalidParameterException: Tags can have a maximum of 50 items."},

		{"does not fit Fargate", "bridge", func(*sdk.RunTaskInput) {},
			"InvalidParameterException: Task definition does not support launch_type FARGATE."},
		{"network of its own in bridge mode", "bridge", onEC2,
			"InvalidParameterException: Network Configuration is not valid for the given networkMode of this task definition."},
		{"nowhere to run", "bridge", func(in *sdk.RunTaskInput) { in.LaunchType, in.NetworkConfiguration = "", nil },
			"InvalidParameterException: No Container Instances were found in your cluster."},
		{"public on EC2", "web", func(in *sdk.RunTaskInput) {
			in.LaunchType = types.LaunchTypeEc2
			in.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp = types.AssignPublicIpEnabled
		}, "InvalidParameterException: Assign public IP is not supported for this launch type."},
		{"subnet before capacity", "web", func(in *sdk.RunTaskInput) {
			in.LaunchType = types.LaunchTypeEc2
			in.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{"subnet-x"}
		}, "InvalidParameterException: Error retrieving subnet information for [subnet-x]: The subnet ID 'subnet-x' does not exist (ErrorCode: InvalidSubnetID.NotFound)"},
		{"no subnets", "web", func(in *sdk.RunTaskInput) { in.NetworkConfiguration.AwsvpcConfiguration.Subnets = nil },
			"InvalidParameterException: subnets can not be empty."},
		{"two VPCs", "web", func(in *sdk.RunTaskInput) {
			in.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{"subnet-a", "subnet-other"}
		}, "InvalidParameterException: The subnets provided must all be in the same VPC."},
		{"group of another VPC", "web", func(in *sdk.RunTaskInput) {
			in.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = []string{"sg-2"}
		}, "InvalidParameterException: Security group sg-2 and subnet subnet-a belong to different networks."},
		{"six groups", "web", func(in *sdk.RunTaskInput) {
			in.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = slices.Repeat([]string{"sg-1"}, 6)
		}, "InvalidParameterException: securityGroups can have at most 5 items."},
		{"seventeen subnets", "web", func(in *sdk.RunTaskInput) {
			in.NetworkConfiguration.AwsvpcConfiguration.Subnets = slices.Repeat([]string{"subnet-a"}, 17)
		}, "InvalidParameterException: subnets can have at most 16 items."},
		{"exec without role", "web", func(in *sdk.RunTaskInput) { in.EnableExecuteCommand = true },
			"InvalidParameterException: Execute command cannot be enabled for task without a valid taskRoleArn. Specify a valid task role in your task definition and try again."},
		{"older platform", "rich", func(in *sdk.RunTaskInput) { in.PlatformVersion = aws.String("1.3.0") },
			"PlatformTaskDefinitionIncompatibilityException: One or more of the requested capabilities are not supported."},
		{"platform of Windows", "web", func(in *sdk.RunTaskInput) { in.PlatformVersion = aws.String("1.0.0") },
			"PlatformUnknownException: The specified platform does not exist."},
		{"volume of another name", "rich", func(in *sdk.RunTaskInput) {
			in.VolumeConfigurations = []types.TaskVolumeConfiguration{{Name: aws.String("data")}}
		}, "InvalidParameterException: The volume name 'data' in your request does not have a matching volume in your Task Definition"},
		{"EBS", "rich", func(in *sdk.RunTaskInput) {
			in.VolumeConfigurations = []types.TaskVolumeConfiguration{{Name: aws.String("disk")}}
		}, "UnsupportedFeatureException: Amazon EBS volumes are not available in Neargate."},

		{"role", "web", func(in *sdk.RunTaskInput) {
			in.Overrides = &types.TaskOverride{TaskRoleArn: aws.String("arn:aws:s3:::bucket")}
		},
			"ClientException: Role is not valid"},
		{"storage", "web", func(in *sdk.RunTaskInput) {
			in.Overrides = &types.TaskOverride{EphemeralStorage: &types.EphemeralStorage{SizeInGiB: 20}}
		}, "ClientException: EphemeralStorage size should be at least 21"},
		{"memory beyond the task's", "web", overriding(types.ContainerOverride{Memory: aws.Int32(1024)}),
			"ClientException: The 'memory' setting for container 'web' is greater than for the task."},
		{"cpu beyond the task's", "web", overriding(types.ContainerOverride{Cpu: aws.Int32(512)}),
			"ClientException: The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."},
		{"a secret's name", "rich", overriding(types.ContainerOverride{Environment: env("PASSWORD", "x")}),
			"ClientException: The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'PASSWORD'."},
		{"a variable without a name", "web", overriding(types.ContainerOverride{Environment: env("", "x")}),
			"ClientException: Invalid 'environment' setting for container 'web'. '' cannot be the name of a variable."},
		{"a file that is none", "web", overriding(types.ContainerOverride{EnvironmentFiles: []types.EnvironmentFile{{Type: types.EnvironmentFileTypeS3, Value: aws.String("x")}}}),
			"ClientException: Invalid arn syntax."},
		{"GPU", "web", overriding(types.ContainerOverride{ResourceRequirements: []types.ResourceRequirement{{Type: types.ResourceTypeGpu, Value: aws.String("1")}}}),
			"ClientException: Tasks using the Fargate launch type do not support GPU resource requirements."},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := launch(c.family)
			c.change(in)
			_, err := w.RunTask(w.ctx, in)
			refused(t, err, c.want)
		})
	}
	if list, err := w.ListTasks(w.ctx, &sdk.ListTasksInput{}); err != nil || len(list.TaskArns) > 0 {
		t.Errorf("refused requests left tasks behind: %+v, %v", list, err)
	}
}

func env(name, value string) []types.KeyValuePair {
	return []types.KeyValuePair{{Name: aws.String(name), Value: aws.String(value)}}
}

// TestLengthOfOverrides counts characters as they are on the wire: what is not
// given costs nothing, and neither do Go's escapes.
func TestLengthOfOverrides(t *testing.T) {
	w := newWorld(t)
	w.register(fargateDefinition("web"))
	const around = len(`[{"command":[""],"name":"web"}]`)
	for n, want := range map[int]string{8192 - around: "no error", 8193 - around: "InvalidParameterException: Container Overrides length must be at most 8192"} {
		in := launch("web")
		overriding(types.ContainerOverride{Command: []string{strings.Repeat("<", n-5) + "é" + "null"}})(in)
		_, err := w.RunTask(w.ctx, in)
		refused(t, err, want)
	}
}

// TestProviders chooses capacity providers: those of the request, by name or
// ARN, else the cluster's, by base and weight.
func TestProviders(t *testing.T) {
	w := newWorld(t)
	w.register(fargateDefinition("web"))
	arn := arnPrefix + "capacity-provider/FARGATE_SPOT"
	_, err := w.PutClusterCapacityProviders(w.ctx, &sdk.PutClusterCapacityProvidersInput{
		Cluster: aws.String("default"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"},
		DefaultCapacityProviderStrategy: strategy(item("FARGATE", 1, 1), item("FARGATE_SPOT", 0, 2)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(in *sdk.RunTaskInput)
		want   []string
	}{
		{"the cluster's", func(in *sdk.RunTaskInput) { in.LaunchType, in.Count = "", aws.Int32(4) },
			[]string{"FARGATE", "FARGATE", "FARGATE_SPOT", "FARGATE_SPOT"}},
		{"by ARN", func(in *sdk.RunTaskInput) {
			in.LaunchType, in.CapacityProviderStrategy = "", strategy(item(arn, 0, 1))
		}, []string{"FARGATE_SPOT"}},
		{"a launch type leaves them out", func(*sdk.RunTaskInput) {}, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := launch("web")
			c.change(in)
			var got []string
			for _, task := range w.run(in) {
				got = append(got, aws.ToString(task.CapacityProviderName))
				if task.LaunchType != types.LaunchTypeFargate {
					t.Errorf("launch type %q", task.LaunchType)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestTasksSpreadOverSubnets: subnets take turns.
func TestTasksSpreadOverSubnets(t *testing.T) {
	w := newWorld(t)
	w.register(fargateDefinition("web"))
	in := launch("web")
	in.Count = aws.Int32(4)
	in.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{"subnet-a", "subnet-b"}
	zones := map[string]int{}
	seen := map[string]bool{}
	for _, task := range w.run(in) {
		zones[*task.AvailabilityZone]++
		for _, id := range []string{*task.TaskArn, *task.Containers[0].ContainerArn, *task.Attachments[0].Id} {
			if seen[id] {
				t.Errorf("%s was given twice", id)
			}
			seen[id] = true
		}
	}
	if zones["eu-west-1a"] != 2 || zones["eu-west-1b"] != 2 {
		t.Errorf("zones: %v", zones)
	}
}

// TestTagsOfTasks: the definition's only when asked for, the caller's over
// them, ECS's own last; gone with StopTask.
func TestTagsOfTasks(t *testing.T) {
	w := newWorld(t)
	d := fargateDefinition("web")
	d.Tags = []types.Tag{tag("a", "definition"), tag("b", "definition")}
	task := w.runOne(d, func(in *sdk.RunTaskInput) {
		in.PropagateTags, in.EnableECSManagedTags = types.PropagateTagsTaskDefinition, true
		in.Tags = []types.Tag{tag("b", "caller")}
	})
	if got := tagText(task.Tags); got != "a=definition b=caller aws:ecs:clusterName=default" {
		t.Errorf("RunTask: %s", got)
	}
	plain := launch("web")
	plain.PropagateTags = types.PropagateTagsNone
	if got := tagText(w.run(plain)[0].Tags); got != "" {
		t.Errorf("tags were not to be propagated: %s", got)
	}
	hidden, err := w.DescribeTasks(w.ctx, &sdk.DescribeTasksInput{Tasks: []string{*task.TaskArn}})
	if err != nil || len(hidden.Tasks[0].Tags) > 0 {
		t.Errorf("tags nobody asked for: %+v, %v", hidden, err)
	}
	stopped, err := w.StopTask(w.ctx, &sdk.StopTaskInput{Task: task.TaskArn})
	if err != nil || len(stopped.Task.Tags) > 0 || len(w.describe(task.TaskArn).Tags) > 0 {
		t.Errorf("tags of a task that was stopped: %+v, %v", stopped, err)
	}
}

func tagText(tags []types.Tag) string {
	var list []string
	for _, t := range tags {
		list = append(list, *t.Key+"="+*t.Value)
	}
	return strings.Join(list, " ")
}

// TestOverriddenTask shows a task whose size, roles and storage the request
// changes; the definition stays as it was.
func TestOverriddenTask(t *testing.T) {
	w := newWorld(t)
	d := w.register(fargateDefinition("web"))
	in := launch("web")
	in.Group, in.PlatformVersion = aws.String("databases"), aws.String("LATEST")
	in.EnableExecuteCommand = true
	in.Overrides = &types.TaskOverride{
		Cpu: aws.String("1 vCPU"), Memory: aws.String("2GB"), TaskRoleArn: aws.String("app"),
		EphemeralStorage:   &types.EphemeralStorage{SizeInGiB: 50},
		ContainerOverrides: []types.ContainerOverride{{Name: aws.String("web"), Cpu: aws.Int32(512), Memory: aws.Int32(1024)}},
	}
	task := w.run(in)[0]
	switch c := task.Containers[0]; {
	case *task.Cpu != "1024" || *task.Memory != "2048" || task.EphemeralStorage.SizeInGiB != 50 || task.FargateEphemeralStorage.SizeInGiB != 50:
		t.Errorf("size: %s, %s, %+v", *task.Cpu, *task.Memory, task.EphemeralStorage)
	case *c.Cpu != "512" || *c.Memory != "1024":
		t.Errorf("container: %s, %s", *c.Cpu, *c.Memory)
	case *task.Group != "databases" || *task.PlatformVersion != "1.4.0" || !task.EnableExecuteCommand || len(c.ManagedAgents) > 0:
		t.Errorf("task: %+v", task)
	case *task.Overrides.Cpu != "1 vCPU" || *task.Overrides.TaskRoleArn != "app":
		t.Errorf("overrides are shown as given: %+v", task.Overrides)
	}
	again := w.run(launch("web"))[0]
	if *again.Cpu != "256" || *again.Containers[0].Cpu != "0" || *again.TaskDefinitionArn != *d.TaskDefinitionArn {
		t.Errorf("the definition has changed: %+v", again)
	}
}

// playing is an engine that brings a sandbox at once to where it is to go.
type playing struct{ *world }

func (p playing) Wait(_ context.Context, id string, done func(*sandbox.Sandbox) bool) (*sandbox.Sandbox, error) {
	p.becomes(id, func(s *sandbox.Sandbox) {
		s.Status.Height, s.Status.Falling = 3, false
		if s.Desired.Stopped {
			s.Status.Height, s.Status.Falling = 0, true
		}
	})
	s := p.sandbox(id)
	if !done(s) {
		return nil, errors.New("nobody waits for this")
	}
	return s, nil
}

// TestSettle makes calls answer when their effect is there.
func TestSettle(t *testing.T) {
	w := newWorld(t)
	w.register(fargateDefinition("web"))
	w.API = ecs.New(ecs.Config{Store: w.st, Network: network{}, Engine: playing{w}, Roles: &w.roles, Settle: true})
	in := launch("web")
	in.Count = aws.Int32(2)
	for _, task := range w.run(in) {
		if *task.LastStatus != "RUNNING" {
			t.Errorf("RunTask answers %s", *task.LastStatus)
		}
		out, err := w.StopTask(w.ctx, &sdk.StopTaskInput{Task: task.TaskArn})
		if err != nil || *out.Task.LastStatus != "STOPPED" {
			t.Errorf("StopTask answers %+v, %v", out, err)
		}
	}
}

// TestPlatformBefore: what only 1.4.0 has is refused on 1.3.0, and nothing
// else.
func TestPlatformBefore(t *testing.T) {
	w := newWorld(t)
	const no = "PlatformTaskDefinitionIncompatibilityException: One or more of the requested capabilities are not supported."
	for name, c := range map[string]struct {
		change func(d *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition)
		want   string
	}{
		"plain": {func(*sdk.RegisterTaskDefinitionInput, *types.ContainerDefinition) {}, "no error"},
		"large": {func(d *sdk.RegisterTaskDefinitionInput, _ *types.ContainerDefinition) {
			d.Cpu, d.Memory = aws.String("8192"), aws.String("16384")
		}, no},
		"pid": {func(d *sdk.RegisterTaskDefinitionInput, _ *types.ContainerDefinition) { d.PidMode = types.PidModeTask }, no},
		"faults": {func(d *sdk.RegisterTaskDefinitionInput, _ *types.ContainerDefinition) {
			d.EnableFaultInjection = aws.Bool(true)
		}, no},
		"arm": {func(d *sdk.RegisterTaskDefinitionInput, _ *types.ContainerDefinition) {
			d.RuntimePlatform = &types.RuntimePlatform{CpuArchitecture: types.CPUArchitectureArm64}
		}, no},
		"efs": {func(d *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition) {
			d.Volumes = []types.Volume{{Name: aws.String("v"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("fs-12345678")}}}
			c.MountPoints = []types.MountPoint{{SourceVolume: aws.String("v"), ContainerPath: aws.String("/v")}}
		}, no},
		"restart": {func(_ *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition) {
			c.RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true)}
		}, no},
		"ptrace": {func(_ *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition) {
			c.LinuxParameters = &types.LinuxParameters{Capabilities: &types.KernelCapabilities{Add: []string{"SYS_PTRACE"}}}
		}, no},
		"drop": {func(_ *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition) {
			c.LinuxParameters = &types.LinuxParameters{Capabilities: &types.KernelCapabilities{Drop: []string{"CHOWN"}}}
		}, "no error"},
	} {
		t.Run(name, func(t *testing.T) {
			d := fargateDefinition(name)
			c.change(d, &d.ContainerDefinitions[0])
			w.register(d)
			in := launch(name)
			in.PlatformVersion = aws.String("1.3.0")
			out, err := w.RunTask(w.ctx, in)
			refused(t, err, c.want)
			if err == nil && *out.Tasks[0].PlatformVersion != "1.3.0" {
				t.Errorf("it runs on %s", *out.Tasks[0].PlatformVersion)
			}
		})
	}
}
