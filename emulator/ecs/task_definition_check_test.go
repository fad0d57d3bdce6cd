package ecs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// refusal is a definition with one thing wrong, and what ECS says of it.
type refusal struct {
	name string
	on   func(family string) *sdk.RegisterTaskDefinitionInput
	make func(in *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition)
	want string // without "ClientException: ", unless it has another code
}

func checkRefusals(t *testing.T, rows []refusal) {
	t.Helper()
	a := newAccount(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			in := row.on("f")
			row.make(in, &in.ContainerDefinitions[0])
			want := row.want
			if !strings.HasPrefix(want, "InvalidParameterException: ") {
				want = "ClientException: " + want
			}
			_, err := a.RegisterTaskDefinition(a.ctx, in)
			refused(t, err, want)
		})
	}
	out := must[*sdk.ListTaskDefinitionFamiliesOutput](t)(a.ListTaskDefinitionFamilies(a.ctx, &sdk.ListTaskDefinitionFamiliesInput{}))
	if len(out.Families) != 0 {
		t.Errorf("refused definitions were stored: %v", out.Families)
	}
}

type (
	rdi = sdk.RegisterTaskDefinitionInput
	cd  = types.ContainerDefinition
)

func second(in *rdi, name string) *cd {
	in.ContainerDefinitions = append(in.ContainerDefinitions, cd{Name: aws.String(name), Image: aws.String("busybox"), Memory: aws.Int32(64)})
	return &in.ContainerDefinitions[len(in.ContainerDefinitions)-1]
}

func TestRefusedDefinitions(t *testing.T) {
	checkRefusals(t, []refusal{
		{"no family", ec2Definition, func(in *rdi, _ *cd) { in.Family = nil }, "Family should not be null or empty."},
		{"bad family", ec2Definition, func(in *rdi, _ *cd) { in.Family = aws.String("a b") }, "Family contains invalid characters."},
		{"long family", ec2Definition, func(in *rdi, _ *cd) { in.Family = aws.String(strings.Repeat("f", 256)) }, "Family contains invalid characters."},
		{"no containers", ec2Definition, func(in *rdi, _ *cd) { in.ContainerDefinitions = nil }, "Container list cannot be empty."},
		{"eleven containers", ec2Definition, func(in *rdi, _ *cd) {
			for i := range 10 {
				second(in, fmt.Sprintf("c%d", i))
			}
		}, "The maximum number of containers was exceeded. Specify ten or less and try again."},
		{"no image", ec2Definition, func(_ *rdi, c *cd) { c.Image = nil }, "Container.image should not be null or empty."},
		{"empty image", ec2Definition, func(_ *rdi, c *cd) { c.Image = aws.String("") }, "Container.image should not be null or empty."},
		{"no name", ec2Definition, func(_ *rdi, c *cd) { c.Name = nil }, "Container.name should not be null or empty."},
		{"bad name", ec2Definition, func(_ *rdi, c *cd) { c.Name = aws.String("w.b") }, "Container.name contains invalid characters."},
		{"bad image", ec2Definition, func(_ *rdi, c *cd) { c.Image = aws.String("nginx:${TAG}") }, "Container.image contains invalid characters."},
		{"image with space", ec2Definition, func(_ *rdi, c *cd) { c.Image = aws.String("ngin x") }, "Container.image contains invalid characters."},
		{"two of a name", ec2Definition, func(in *rdi, _ *cd) { second(in, "web") }, "Container names must be unique within a task definition."},
		{"nothing essential", ec2Definition, func(_ *rdi, c *cd) { c.Essential = aws.Bool(false) }, "Task definition doesn't have any essential container"},
		{"network mode", ec2Definition, func(in *rdi, _ *cd) { in.NetworkMode = "nat" }, "Invalid network mode."},
		{"compatibility", ec2Definition, func(in *rdi, _ *cd) { in.RequiresCompatibilities = []types.Compatibility{"MOON"} },
			"requiresCompatibilities should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]"},
		{"pid mode", ec2Definition, func(in *rdi, _ *cd) { in.PidMode = "x" }, "pidMode should be one of [host,task]"},
		{"ipc mode", ec2Definition, func(in *rdi, _ *cd) { in.IpcMode = "x" }, "ipcMode should be one of [host,task,none]"},
		{"architecture", ec2Definition, func(in *rdi, _ *cd) {
			in.RuntimePlatform = &types.RuntimePlatform{CpuArchitecture: "VAX"}
		}, "cpuArchitecture should be one of [X86_64,ARM64]"},
		{"task cpu low", ec2Definition, func(in *rdi, _ *cd) { in.Cpu = aws.String("64") },
			"InvalidParameterException: Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."},
		{"task cpu high", ec2Definition, func(in *rdi, _ *cd) { in.Cpu = aws.String("193 vCPU") },
			"InvalidParameterException: Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."},
		{"task cpu words", ec2Definition, func(in *rdi, _ *cd) { in.Cpu = aws.String("lots") },
			"InvalidParameterException: Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."},
		{"task memory words", ec2Definition, func(in *rdi, _ *cd) { in.Memory = aws.String("1 TB") },
			"InvalidParameterException: Invalid 'memory' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."},
		{"storage small", fargateDefinition, func(in *rdi, _ *cd) { in.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: 20} }, "EphemeralStorage size should be at least 21"},
		{"storage big", fargateDefinition, func(in *rdi, _ *cd) { in.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: 201} }, "EphemeralStorage size should be at most 200"},
		{"storage on EC2", ec2Definition, func(in *rdi, _ *cd) {
			in.RequiresCompatibilities = []types.Compatibility{types.CompatibilityEc2}
			in.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: 30}
		}, "Tasks using the EC2 launch type do not support EphemeralStorage."},
		{"eleven constraints", ec2Definition, func(in *rdi, _ *cd) {
			in.PlacementConstraints = make([]types.TaskDefinitionPlacementConstraint, 11)
		}, "The maximum number of placement constraints was exceeded. Specify ten or less and try again."},
		{"constraint type", ec2Definition, func(in *rdi, _ *cd) {
			in.PlacementConstraints = []types.TaskDefinitionPlacementConstraint{{Type: "distinctInstance"}}
		}, "placement constraint type should be one of [memberOf]"},
		{"inference accelerators", ec2Definition, func(in *rdi, _ *cd) {
			in.InferenceAccelerators = []types.InferenceAccelerator{{DeviceName: aws.String("d"), DeviceType: aws.String("t")}}
		}, "Unsupported field 'inferenceAccelerators'"},
		{"faults in bridge", ec2Definition, func(in *rdi, _ *cd) { in.EnableFaultInjection = aws.Bool(true) },
			"Fault injection is only supported in networkMode=awsvpc and networkMode=host."},
		{"cpu sum", fargateDefinition, func(in *rdi, c *cd) { c.Cpu = 200; second(in, "b").Cpu = 57 },
			"The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."},
		{"proxy in bridge", ec2Definition, func(in *rdi, _ *cd) {
			in.ProxyConfiguration = &types.ProxyConfiguration{ContainerName: aws.String("web")}
		}, "APPMESH proxy configuration is only supported in networkMode=awsvpc."},
		{"proxy unknown", fargateDefinition, func(in *rdi, _ *cd) {
			in.ProxyConfiguration = &types.ProxyConfiguration{ContainerName: aws.String("envoy")}
		}, "Proxy container [envoy] does not exist."},
		{"proxy without ingress", fargateDefinition, func(in *rdi, _ *cd) {
			in.ProxyConfiguration = &types.ProxyConfiguration{ContainerName: aws.String("web")}
		}, "Ingress port not found"},
		{"proxy without egress", fargateDefinition, func(in *rdi, _ *cd) {
			in.ProxyConfiguration = &types.ProxyConfiguration{ContainerName: aws.String("web"), Properties: []types.KeyValuePair{
				{Name: aws.String("ProxyIngressPort"), Value: aws.String("15000")},
			}}
		}, "Egress port not found"},
		{"EXTERNAL in awsvpc", fargateDefinition, func(in *rdi, _ *cd) {
			in.RequiresCompatibilities = []types.Compatibility{types.CompatibilityExternal}
		}, "Tasks using the EXTERNAL launch type do not support networkMode=awsvpc."},
	})
}

func TestRefusesLargeDocument(t *testing.T) {
	a := newAccount(t)
	in := ec2Definition("f")
	in.ContainerDefinitions[0].Command = []string{strings.Repeat("x", 66000)}
	_, err := a.RegisterTaskDefinition(a.ctx, in)
	got := wire(err)
	if !strings.HasPrefix(got, "ClientException: Actual length: '66") || !strings.HasSuffix(got, "'. Max allowed length is '65536' bytes.") {
		t.Errorf("got %s", got)
	}
	in.ContainerDefinitions[0].Command = []string{strings.Repeat("x", 65000)}
	a.register(t, in)
}

func TestRefusedOnFargate(t *testing.T) {
	linux := func(l types.LinuxParameters) func(*rdi, *cd) { return func(_ *rdi, c *cd) { c.LinuxParameters = &l } }
	logs := func(driver types.LogDriver, role bool, options map[string]string) func(*rdi, *cd) {
		return func(in *rdi, c *cd) {
			if role {
				in.ExecutionRoleArn = aws.String("exec")
			}
			c.LogConfiguration = &types.LogConfiguration{LogDriver: driver, Options: options}
		}
	}
	group := map[string]string{"awslogs-group": "g", "awslogs-region": "r"}
	checkRefusals(t, []refusal{
		{"no cpu", fargateDefinition, func(in *rdi, _ *cd) { in.Cpu = nil }, "Fargate requires that 'cpu' be defined at the task level."},
		{"no memory", fargateDefinition, func(in *rdi, _ *cd) { in.Memory = nil }, "Fargate requires that 'memory' be defined at the task level."},
		{"no such size", fargateDefinition, func(in *rdi, _ *cd) { in.Cpu, in.Memory = aws.String("4096"), aws.String("4096") },
			"No Fargate configuration exists for given values: 4096 CPU, 4096 memory. See the Amazon ECS documentation for the valid values."},
		{"no network mode", fargateDefinition, func(in *rdi, _ *cd) { in.NetworkMode = "" }, "Fargate only supports network mode ‘awsvpc’."},
		{"bridge", fargateDefinition, func(in *rdi, _ *cd) { in.NetworkMode = types.NetworkModeBridge }, "Fargate only supports network mode ‘awsvpc’."},
		{"awslogs without role", fargateDefinition, logs(types.LogDriverAwslogs, false, group), "Fargate requires task definition to have execution role ARN to support log driver awslogs."},
		{"ECR without role", fargateDefinition, func(_ *rdi, c *cd) { c.Image = aws.String("111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1") },
			"Fargate requires task definition to have execution role ARN to support ECR images."},
		{"awslogs without prefix", fargateDefinition, logs(types.LogDriverAwslogs, true, group),
			"Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."},
		{"syslog", fargateDefinition, logs(types.LogDriverSyslog, true, nil), "syslog is not a valid log driver. Must be one of [awslogs, splunk, awsfirelens]"},
		{"privileged", fargateDefinition, func(_ *rdi, c *cd) { c.Privileged = aws.Bool(true) }, "Fargate requires that the 'privileged' setting be 'false' for container 'web'."},
		{"capability", fargateDefinition, linux(types.LinuxParameters{Capabilities: &types.KernelCapabilities{Add: []string{"SYS_PTRACE", "NET_ADMIN"}}}), "NET_ADMIN is not allowed on Fargate."},
		{"devices", fargateDefinition, linux(types.LinuxParameters{Devices: []types.Device{{HostPath: aws.String("/dev/fuse")}}}), "Fargate compatible task definitions do not support devices"},
		{"shared memory", fargateDefinition, linux(types.LinuxParameters{SharedMemorySize: aws.Int32(64)}), "Fargate compatible task definitions do not support sharedMemorySize"},
		{"max swap", fargateDefinition, linux(types.LinuxParameters{MaxSwap: aws.Int32(64)}), "Fargate compatible task definitions do not support maxSwap"},
		{"swappiness", fargateDefinition, linux(types.LinuxParameters{Swappiness: aws.Int32(6)}), "Fargate compatible task definitions do not support swappiness"},
		{"security options", fargateDefinition, func(_ *rdi, c *cd) { c.DockerSecurityOptions = []string{"no-new-privileges"} }, "Fargate compatible task definitions do not support dockerSecurityOptions"},
		{"ipc mode", fargateDefinition, func(in *rdi, _ *cd) { in.IpcMode = types.IpcModeTask }, "Fargate compatible task definitions do not support ipcMode"},
		{"docker volume", fargateDefinition, func(in *rdi, _ *cd) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), DockerVolumeConfiguration: &types.DockerVolumeConfiguration{}}}
		}, "Fargate compatible task definitions do not support dockerVolumeConfiguration"},
		{"host path", fargateDefinition, func(in *rdi, _ *cd) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), Host: &types.HostVolumeProperties{SourcePath: aws.String("/etc")}}}
		}, "Fargate compatible task definitions do not support sourcePath"},
		{"constraints", fargateDefinition, func(in *rdi, _ *cd) {
			in.PlacementConstraints = []types.TaskDefinitionPlacementConstraint{{Type: types.TaskDefinitionPlacementConstraintTypeMemberOf, Expression: aws.String("x")}}
		}, "Fargate compatible task definitions do not support constraints"},
		{"host pids", fargateDefinition, func(in *rdi, _ *cd) { in.PidMode = types.PidModeHost },
			"Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'."},
		{"GPU", fargateDefinition, func(_ *rdi, c *cd) {
			c.ResourceRequirements = []types.ResourceRequirement{{Type: types.ResourceTypeGpu, Value: aws.String("1")}}
		}, "Tasks using the Fargate launch type do not support GPU resource requirements."},
		{"stop timeout", fargateDefinition, func(_ *rdi, c *cd) { c.StopTimeout = aws.Int32(121) }, "stopTimeout for container 'web' must be at most 120"},
		{"start timeout", fargateDefinition, func(_ *rdi, c *cd) { c.StartTimeout = aws.Int32(1) }, "startTimeout for container 'web' must be between 2 and 120"},
		{"small Windows", fargateDefinition, func(in *rdi, _ *cd) {
			in.Cpu, in.Memory = aws.String("512"), aws.String("1024")
			in.RuntimePlatform = &types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyWindowsServer2022Core}
		}, "No Fargate configuration exists for given values: 512 CPU, 1024 memory. See the Amazon ECS documentation for the valid values."},
	})
}
