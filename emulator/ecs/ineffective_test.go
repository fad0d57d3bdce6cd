package ecs_test

import (
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/ecs"
)

func TestIneffective(t *testing.T) {
	a := newAccount(t)
	other := types.CPUArchitectureArm64
	if runtime.GOARCH == "arm64" {
		other = types.CPUArchitectureX8664
	}
	for _, row := range []struct {
		name string
		make func(in *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition)
		want []string
	}{
		{"all works", func(*rdi, *cd) {}, nil},
		{"not Fargate", func(in *rdi, _ *cd) { in.NetworkMode, in.RequiresCompatibilities = types.NetworkModeBridge, nil },
			[]string{"compatibilities: Neargate runs tasks on Fargate only, which this definition does not fit"}},
		{"role and storage", func(in *rdi, _ *cd) {
			in.ExecutionRoleArn, in.EphemeralStorage = aws.String("r"), &types.EphemeralStorage{SizeInGiB: 30}
		}, []string{
			"executionRoleArn: nobody assumes the role: images are pulled and logs written as the emulator",
			"ephemeralStorage: the size is told in DescribeTasks and the task metadata, but not enforced: tasks share the machine's disk",
		}},
		{"processor", func(in *rdi, _ *cd) { in.RuntimePlatform = &types.RuntimePlatform{CpuArchitecture: other} },
			[]string{"runtimePlatform.cpuArchitecture: containers run on this machine's own processor, whatever the definition says"}},
		{"volume", func(in *rdi, _ *cd) {
			in.Volumes = []types.Volume{{Name: aws.String("data"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("fs-1")}}}
		}, []string{"volumes[data].efsVolumeConfiguration: there is no Amazon EFS: tasks stop with ResourceInitializationError"}},
		{"router", func(_ *rdi, c *cd) {
			c.FirelensConfiguration = &types.FirelensConfiguration{Type: types.FirelensConfigurationTypeFluentbit}
			c.LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwsfirelens}
		}, []string{
			"containerDefinitions[web].firelensConfiguration: the container runs, but no logs are routed to it",
			"containerDefinitions[web].logConfiguration.logDriver: awslogs is the only log driver there is: tasks stop with ResourceInitializationError",
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			in := fargateDefinition("f")
			row.make(in, &in.ContainerDefinitions[0])
			if d := cmp.Diff(row.want, ecs.Ineffective(a.register(t, in))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRequiredAttributes(t *testing.T) {
	a := newAccount(t)
	in := fargateDefinition("f")
	in.ExecutionRoleArn, in.PidMode = aws.String("r"), types.PidModeTask
	c := &in.ContainerDefinitions[0]
	c.Image = aws.String("111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1")
	c.LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
		"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p"}}
	c.Secrets = []types.Secret{{Name: aws.String("A"), ValueFrom: aws.String("arn:aws:secretsmanager:r:1:secret:x")}, {Name: aws.String("B"), ValueFrom: aws.String("/b")}}
	c.StopTimeout, c.MemoryReservation = aws.Int32(5), aws.Int32(64)
	want := attributes("com.amazonaws.ecs.capability.logging-driver.awslogs", "ecs.capability.execution-role-awslogs",
		"com.amazonaws.ecs.capability.ecr-auth", "ecs.capability.execution-role-ecr-pull", "com.amazonaws.ecs.capability.docker-remote-api.1.18",
		"com.amazonaws.ecs.capability.docker-remote-api.1.19", "com.amazonaws.ecs.capability.docker-remote-api.1.21", "ecs.capability.task-eni",
		"ecs.capability.secrets.asm.environment-variables", "ecs.capability.secrets.ssm.environment-variables",
		"ecs.capability.container-ordering", "ecs.capability.pid-ipc-namespace-sharing")
	if d := cmp.Diff(want, a.register(t, in).RequiresAttributes, smithyEqual); d != "" {
		t.Error(d)
	}
}
