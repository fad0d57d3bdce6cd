package ecs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func in(mode types.NetworkMode) func(string) *sdk.RegisterTaskDefinitionInput {
	return func(family string) *sdk.RegisterTaskDefinitionInput {
		in := ec2Definition(family)
		in.NetworkMode = mode
		return in
	}
}

func port(n int32) types.PortMapping { return types.PortMapping{ContainerPort: aws.Int32(n)} }

func TestRefusedContainerSizes(t *testing.T) {
	checkRefusals(t, []refusal{
		{"no memory", ec2Definition, func(_ *rdi, c *cd) { c.Memory = nil },
			"Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be specified."},
		{"less than reserved", ec2Definition, func(_ *rdi, c *cd) { c.MemoryReservation = aws.Int32(256) },
			"Invalid setting for container 'web'. 'memory' must be greater than or equal to 'memoryReservation'."},
		{"more than the task", fargateDefinition, func(_ *rdi, c *cd) { c.Memory = aws.Int32(513) },
			"The 'memory' setting for container 'web' is greater than for the task."},
		{"tiny", ec2Definition, func(_ *rdi, c *cd) { c.Memory = aws.Int32(3) },
			"Invalid 'memory' setting for container 'web'. The memory must be greater than or equal to 4 MiB."},
		{"negative cpu", ec2Definition, func(_ *rdi, c *cd) { c.Cpu = -1 },
			"Invalid 'cpu' setting for container 'web'. The value must not be negative."},
		{"ulimit order", ec2Definition, func(_ *rdi, c *cd) {
			c.Ulimits = []types.Ulimit{{Name: types.UlimitNameNofile, SoftLimit: 10, HardLimit: 9}}
		}, "Soft limit exceeds hard limit for ulimit nofile"},
		{"ulimit name", ec2Definition, func(_ *rdi, c *cd) { c.Ulimits = []types.Ulimit{{Name: "files"}} },
			"ulimit name should be one of [core,cpu,data,fsize,locks,memlock,msgqueue,nice,nofile,nproc,rss,rtprio,rttime,sigpending,stack]"},
		{"capability", ec2Definition, func(_ *rdi, c *cd) {
			c.LinuxParameters = &types.LinuxParameters{Capabilities: &types.KernelCapabilities{Drop: []string{"FLY"}}}
		}, "Invalid 'capabilities' setting for container 'web'. FLY is not a Linux capability."},
		{"tmpfs option", ec2Definition, func(_ *rdi, c *cd) {
			c.LinuxParameters = &types.LinuxParameters{Tmpfs: []types.Tmpfs{{ContainerPath: aws.String("/t"), Size: 1, MountOptions: []string{"mode=1777", "fast"}}}}
		}, "Invalid 'tmpfs' setting for container 'web'. fast is not a mount option."},
		{"swappiness", ec2Definition, func(_ *rdi, c *cd) { c.LinuxParameters = &types.LinuxParameters{Swappiness: aws.Int32(101)} },
			"Invalid 'swappiness' setting for container 'web'. The value must be between 0 and 100."},
	})
}

func TestRefusedNetworks(t *testing.T) {
	ports := func(list ...types.PortMapping) func(*rdi, *cd) { return func(_ *rdi, c *cd) { c.PortMappings = list } }
	host := types.PortMapping{ContainerPort: aws.Int32(80), HostPort: aws.Int32(8080)}
	checkRefusals(t, []refusal{
		{"awsvpc host port", in(types.NetworkModeAwsvpc), ports(host), "When networkMode=awsvpc, the host ports and container ports in port mappings must match."},
		{"host host port", in(types.NetworkModeHost), ports(host), "When networkMode=host, the host ports and container ports in port mappings must match."},
		{"no network", in(types.NetworkModeNone), ports(port(80)), "Port mappings are not supported when networkMode=none."},
		{"links in awsvpc", in(types.NetworkModeAwsvpc), func(_ *rdi, c *cd) { c.Links = []string{"db"} }, "Links are not supported when networkMode=awsvpc."},
		{"links in host", in(types.NetworkModeHost), func(_ *rdi, c *cd) { c.Links = []string{"db"} }, "Links are not supported when networkMode=host."},
		{"hostname", in(types.NetworkModeAwsvpc), func(_ *rdi, c *cd) { c.Hostname = aws.String("h") }, "hostname is not supported on container when networkMode=awsvpc."},
		{"extra hosts", in(types.NetworkModeAwsvpc), func(_ *rdi, c *cd) { c.ExtraHosts = []types.HostEntry{{}} }, "Extra hosts are not supported on container when networkMode=awsvpc."},
		{"DNS servers", in(types.NetworkModeAwsvpc), func(_ *rdi, c *cd) { c.DnsServers = []string{"8.8.8.8"} }, "DNS servers are not supported on container when networkMode=awsvpc."},
		{"search domains", in(types.NetworkModeAwsvpc), func(_ *rdi, c *cd) { c.DnsSearchDomains = []string{"x"} }, "DNS search domains are not supported on container when networkMode=awsvpc."},
		{"no networking", in(types.NetworkModeAwsvpc), func(_ *rdi, c *cd) { c.DisableNetworking = aws.Bool(true) }, "Disable Networking is not supported on container when networkMode=awsvpc."},
		{"port twice", in(types.NetworkModeAwsvpc), func(in *rdi, c *cd) {
			c.PortMappings = []types.PortMapping{port(80)}
			second(in, "b").PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80), Protocol: types.TransportProtocolTcp}}
		}, "Invalid port mappings: container port is used multiple times in task: 80/tcp"},
		{"port name twice", in(""), func(in *rdi, c *cd) {
			c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80), Name: aws.String("http")}}
			second(in, "b").PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(81), Name: aws.String("http")}}
		}, "Invalid port mappings: port mapping name is already used: http"},
		{"port name", in(""), ports(types.PortMapping{ContainerPort: aws.Int32(80), Name: aws.String("-web")}),
			"Invalid port mapping name '-web' for container 'web'. Up to 64 lowercase letters, digits, underscores and hyphens are allowed, and it must not begin with a hyphen."},
		{"range and port", in(""), ports(types.PortMapping{ContainerPort: aws.Int32(80), ContainerPortRange: aws.String("80-90")}),
			"Invalid port mapping for container 'web': cannot specify both single port and port range"},
		{"range reversed", in(""), ports(types.PortMapping{ContainerPortRange: aws.String("90-80")}),
			"Invalid 'containerPortRange' setting for container 'web': '90-80'. The range must be written as first-last, within 1 to 65535, and begin with the lower port."},
		{"no port", in(""), ports(types.PortMapping{}), "Invalid 'containerPort' setting for container 'web'. The port must be between 1 and 65535."},
		{"protocol", in(""), ports(types.PortMapping{ContainerPort: aws.Int32(80), Protocol: "sctp"}), "protocol should be one of [tcp,udp]"},
		{"unknown link", in(""), func(_ *rdi, c *cd) { c.Links = []string{"db:database"} }, "Invalid 'links' setting. Unknown container: 'db'."},
	})
}

func TestRefusedOrder(t *testing.T) {
	needs := func(name string, condition types.ContainerCondition) []types.ContainerDependency {
		return []types.ContainerDependency{{ContainerName: aws.String(name), Condition: condition}}
	}
	checkRefusals(t, []refusal{
		{"unknown", ec2Definition, func(_ *rdi, c *cd) { c.DependsOn = needs("db", types.ContainerConditionStart) },
			"Cannot depend on container db because it does not exist."},
		{"no health check", ec2Definition, func(in *rdi, _ *cd) {
			second(in, "db")
			in.ContainerDefinitions[0].DependsOn = needs("db", types.ContainerConditionHealthy)
		}, "A dependency container with HEALTHY condition must have health check configured."},
		{"essential must end", ec2Definition, func(in *rdi, _ *cd) {
			second(in, "db")
			in.ContainerDefinitions[0].DependsOn = needs("db", types.ContainerConditionSuccess)
		}, "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container."},
		{"condition", ec2Definition, func(in *rdi, _ *cd) {
			second(in, "db")
			in.ContainerDefinitions[0].DependsOn = needs("db", "SOON")
		}, "dependency condition should be one of [START,COMPLETE,SUCCESS,HEALTHY]"},
		{"cycle", ec2Definition, func(in *rdi, _ *cd) {
			second(in, "a").DependsOn = needs("b", types.ContainerConditionStart)
			second(in, "b").DependsOn = needs("a", types.ContainerConditionStart)
			in.ContainerDefinitions[0].DependsOn = needs("a", types.ContainerConditionStart)
		}, "Container dependency cycle detected: a -> b -> a."},
		{"on itself", ec2Definition, func(_ *rdi, c *cd) { c.DependsOn = needs("web", types.ContainerConditionStart) },
			"Container dependency cycle detected: web -> web."},
		{"unknown volume", ec2Definition, func(_ *rdi, c *cd) {
			c.MountPoints = []types.MountPoint{{SourceVolume: aws.String("v"), ContainerPath: aws.String("/v")}}
		}, "Unknown volume 'v'."},
		{"volumes from nobody", ec2Definition, func(_ *rdi, c *cd) { c.VolumesFrom = []types.VolumeFrom{{SourceContainer: aws.String("X")}} },
			"Invalid 'volumesFrom' setting. Unknown container: 'X'."},
	})
}

func TestRefusedLives(t *testing.T) {
	check := func(h types.HealthCheck) func(*rdi, *cd) { return func(_ *rdi, c *cd) { c.HealthCheck = &h } }
	cmd := []string{"CMD", "true"}
	checkRefusals(t, []refusal{
		{"health command", ec2Definition, check(types.HealthCheck{Command: []string{"true"}}),
			"Invalid 'healthCheck' setting for container 'web'. The command must begin with CMD or CMD-SHELL and name what to run."},
		{"interval", ec2Definition, check(types.HealthCheck{Command: cmd, Interval: aws.Int32(4)}), "Invalid 'healthCheck' setting for container 'web'. 'interval' must be between 5 and 300."},
		{"timeout", ec2Definition, check(types.HealthCheck{Command: cmd, Timeout: aws.Int32(61)}), "Invalid 'healthCheck' setting for container 'web'. 'timeout' must be between 2 and 60."},
		{"retries", ec2Definition, check(types.HealthCheck{Command: cmd, Retries: aws.Int32(0)}), "Invalid 'healthCheck' setting for container 'web'. 'retries' must be between 1 and 10."},
		{"start period", ec2Definition, check(types.HealthCheck{Command: cmd, StartPeriod: aws.Int32(301)}), "Invalid 'healthCheck' setting for container 'web'. 'startPeriod' must be between 0 and 300."},
		{"restart period", ec2Definition, func(_ *rdi, c *cd) {
			c.RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true), RestartAttemptPeriod: aws.Int32(59)}
		}, "the 'restartAttemptPeriod' setting for container 'web' must be between 60 and 1800"},
		{"exit codes", ec2Definition, func(_ *rdi, c *cd) {
			c.RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true), IgnoredExitCodes: make([]int32, 51)}
		}, "The maximum number of ignored exit codes was exceeded for container 'web'. Specify fifty or less and try again."},
	})
}

func TestRefusedEnvironments(t *testing.T) {
	file := types.EnvironmentFile{Type: types.EnvironmentFileTypeS3, Value: aws.String("arn:aws:s3:::b/x.env")}
	secret := []types.Secret{{Name: aws.String("PASSWORD"), ValueFrom: aws.String("/db/password")}}
	logs := func(driver types.LogDriver, options map[string]string) func(*rdi, *cd) {
		return func(_ *rdi, c *cd) { c.LogConfiguration = &types.LogConfiguration{LogDriver: driver, Options: options} }
	}
	checkRefusals(t, []refusal{
		{"eleven files", ec2Definition, func(_ *rdi, c *cd) {
			for range 11 {
				c.EnvironmentFiles = append(c.EnvironmentFiles, file)
			}
		}, "The maximum number of environment files was exceeded. Specify ten or less and try again."},
		{"file not an ARN", ec2Definition, func(_ *rdi, c *cd) {
			c.EnvironmentFiles = []types.EnvironmentFile{{Type: types.EnvironmentFileTypeS3, Value: aws.String("s3://b/x.env")}}
		}, "Invalid arn syntax."},
		{"secrets without role", ec2Definition, func(_ *rdi, c *cd) { c.Secrets = secret },
			"When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."},
		{"secret and variable", ec2Definition, func(in *rdi, c *cd) {
			in.ExecutionRoleArn, c.Secrets = aws.String("exec"), secret
			c.Environment = []types.KeyValuePair{{Name: aws.String("PASSWORD"), Value: aws.String("x")}}
		}, "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'PASSWORD'."},
		{"awslogs without anything", ec2Definition, logs(types.LogDriverAwslogs, nil), "Log driver awslogs requires options: awslogs-group, awslogs-region"},
		{"awslogs without region", ec2Definition, logs(types.LogDriverAwslogs, map[string]string{"awslogs-group": "g"}), "Log driver awslogs requires options: awslogs-region"},
		{"driver", ec2Definition, logs("tape", nil), "log driver should be one of [json-file,syslog,journald,gelf,fluentd,awslogs,splunk,awsfirelens]"},
		{"log mode", ec2Definition, logs(types.LogDriverJsonFile, map[string]string{"mode": "fast"}), "mode should be one of [blocking,non-blocking]"},
		{"no router", ec2Definition, logs(types.LogDriverAwsfirelens, nil),
			"When awsfirelens log driver is specified in log configuration, a firelens configuration object must be specified."},
		{"two routers", ec2Definition, func(in *rdi, c *cd) {
			c.FirelensConfiguration = &types.FirelensConfiguration{Type: types.FirelensConfigurationTypeFluentd}
			second(in, "b").FirelensConfiguration = &types.FirelensConfiguration{Type: types.FirelensConfigurationTypeFluentbit}
		}, "Only one container in a task definition can have a firelens configuration."},
	})
}

func TestRefusedVolumes(t *testing.T) {
	efs := func(e types.EFSVolumeConfiguration) func(*rdi, *cd) {
		return func(in *rdi, _ *cd) {
			e.FileSystemId = aws.String("fs-1")
			in.Volumes = []types.Volume{{Name: aws.String("v"), EfsVolumeConfiguration: &e}}
		}
	}
	point := &types.EFSAuthorizationConfig{AccessPointId: aws.String("fsap-1")}
	checkRefusals(t, []refusal{
		{"access point below", ec2Definition, efs(types.EFSVolumeConfiguration{AuthorizationConfig: point, RootDirectory: aws.String("/x"), TransitEncryption: types.EFSTransitEncryptionEnabled}),
			"When using an EFS access point, the root directory must either be set to \"/\" or be omitted."},
		{"IAM in clear", ec2Definition, efs(types.EFSVolumeConfiguration{AuthorizationConfig: &types.EFSAuthorizationConfig{Iam: types.EFSAuthorizationConfigIAMEnabled}}),
			"EFS IAM authorization requires TransitEncryption to be enabled."},
		{"port in clear", ec2Definition, efs(types.EFSVolumeConfiguration{TransitEncryptionPort: aws.Int32(2049)}),
			"TransitEncryptionPort requires that TransitEncryption is enabled."},
		{"no name", ec2Definition, func(in *rdi, _ *cd) { in.Volumes = []types.Volume{{}} }, "Volume.name should not be null or empty."},
		{"twice", ec2Definition, func(in *rdi, _ *cd) { in.Volumes = []types.Volume{{Name: aws.String("v")}, {Name: aws.String("v")}} },
			"Volume names must be unique within a task definition: 'v'."},
		{"two kinds", ec2Definition, func(in *rdi, _ *cd) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), Host: &types.HostVolumeProperties{}, DockerVolumeConfiguration: &types.DockerVolumeConfiguration{}}}
		}, "Only one volume type may be specified for the volume 'v'."},
		{"unmounted EBS", fargateDefinition, func(in *rdi, _ *cd) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), ConfiguredAtLaunch: aws.Bool(true)}}
		}, "Volumes [v] are not referenced by any of the containers. Reference them in a container's mountPoints and try again."},
	})
}
