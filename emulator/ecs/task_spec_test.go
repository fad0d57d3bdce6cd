package ecs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// everything is a definition that uses all that Neargate runs.
func everything() *sdk.RegisterTaskDefinitionInput {
	d := fargateDefinition("all")
	d.Cpu, d.Memory = aws.String("1024"), aws.String("2048")
	d.TaskRoleArn, d.ExecutionRoleArn, d.PidMode = aws.String("app"), aws.String("exec"), types.PidModeTask
	d.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: 40}
	d.Volumes = []types.Volume{{Name: aws.String("data")}, {Name: aws.String("run")}}
	web := &d.ContainerDefinitions[0]
	*web = types.ContainerDefinition{
		Name: aws.String("web"), Image: aws.String("nginx:1.27"), Cpu: 512, Memory: aws.Int32(1024), MemoryReservation: aws.Int32(512),
		EntryPoint: []string{"/entry"}, Command: []string{"serve", "--fast"}, WorkingDirectory: aws.String("/srv"), User: aws.String("1000:1000"),
		PseudoTerminal: aws.Bool(true), Interactive: aws.Bool(true), ReadonlyRootFilesystem: aws.Bool(true),
		Environment:  append(env("MODE", "test"), env("AWS_REGION", "eu-central-1")...),
		Secrets:      []types.Secret{{Name: aws.String("PASSWORD"), ValueFrom: aws.String("arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf")}},
		DockerLabels: map[string]string{"tier": "front", "com.amazonaws.ecs.task-arn": "mine"},
		PortMappings: []types.PortMapping{
			{Name: aws.String("http"), ContainerPort: aws.Int32(80)},
			{ContainerPort: aws.Int32(53), Protocol: types.TransportProtocolUdp},
			{ContainerPortRange: aws.String("8000-8002")},
		},
		MountPoints:    []types.MountPoint{{SourceVolume: aws.String("data"), ContainerPath: aws.String("/data")}},
		Ulimits:        []types.Ulimit{{Name: types.UlimitNameCore, SoftLimit: 0, HardLimit: 0}},
		SystemControls: []types.SystemControl{{Namespace: aws.String("net.core.somaxconn"), Value: aws.String("512")}},
		LinuxParameters: &types.LinuxParameters{
			InitProcessEnabled: aws.Bool(true),
			Capabilities:       &types.KernelCapabilities{Add: []string{"SYS_PTRACE"}, Drop: []string{"CHOWN"}},
			Tmpfs:              []types.Tmpfs{{ContainerPath: aws.String("/tmp"), Size: 64, MountOptions: []string{"noexec"}}},
		},
		StopTimeout: aws.Int32(20),
		HealthCheck: &types.HealthCheck{Command: []string{"CMD-SHELL", "curl -f localhost"}, Interval: aws.Int32(10), StartPeriod: aws.Int32(5)},
		LogConfiguration: &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
			"awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p",
		}},
		DependsOn: []types.ContainerDependency{{ContainerName: aws.String("init"), Condition: types.ContainerConditionSuccess}},
	}
	d.ContainerDefinitions = append(d.ContainerDefinitions, types.ContainerDefinition{
		Name: aws.String("init"), Image: aws.String("busybox"), Essential: aws.Bool(false), StartTimeout: aws.Int32(60),
		VolumesFrom:   []types.VolumeFrom{{SourceContainer: aws.String("web"), ReadOnly: aws.Bool(true)}},
		RestartPolicy: &types.ContainerRestartPolicy{Enabled: aws.Bool(true), IgnoredExitCodes: []int32{0}},
		Ulimits:       []types.Ulimit{{Name: types.UlimitNameNofile, SoftLimit: 10, HardLimit: 20}},
	})
	return d
}

// TestSpecOfATask holds the whole record that RunTask writes for the engine:
// nothing of a definition or its overrides is lost, and nothing is in it that
// says nothing.
func TestSpecOfATask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		task := w.runOne(everything(), func(in *sdk.RunTaskInput) {
			in.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp = types.AssignPublicIpEnabled
			in.Overrides = &types.TaskOverride{
				Cpu: aws.String("2048"), Memory: aws.String("4096"),
				ContainerOverrides: []types.ContainerOverride{{
					Name: aws.String("web"), Command: []string{"serve", "--slow"}, Environment: append(env("MODE", "slow"), env("EXTRA", "1")...),
					Cpu: aws.Int32(1024), Memory: aws.Int32(2048), MemoryReservation: aws.Int32(256),
				}},
			}
		})
		var body bytes.Buffer
		e := json.NewEncoder(&body)
		e.SetEscapeHTML(false)
		if err := e.Encode(w.sandbox(idOf(task.TaskArn))); err != nil {
			t.Fatal(err)
		}
		golden(t, "sandbox", body.Bytes())
	})
}

// specOf runs one task of a definition whose one container was changed, and
// returns the container's spec.
func (w *world) specOf(family string, change func(d *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition)) sandbox.Container {
	w.t.Helper()
	d := fargateDefinition(family)
	change(d, &d.ContainerDefinitions[0])
	return w.sandbox(idOf(w.runOne(d, nil).TaskArn)).Spec.Containers[0]
}

// TestEnvironment: who wins when several set a variable.
func TestEnvironment(t *testing.T) {
	w := newWorld(t)
	agents := []string{"ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI", "ECS_AGENT_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"}
	for i, c := range []struct {
		name                 string
		definition, override []types.KeyValuePair
		role                 bool
		want                 map[string]string // "-": not set; "*": the agent's
	}{
		{"nothing set", nil, nil, false, map[string]string{
			"AWS_REGION": testRegion, "AWS_DEFAULT_REGION": testRegion, "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE", "AWS_ENDPOINT_URL": "http://169.254.170.2",
			"ECS_CONTAINER_METADATA_URI_V4": "*", "ECS_CONTAINER_METADATA_URI": "*", "ECS_AGENT_URI": "*", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "-",
		}},
		{"a task role", nil, nil, true, map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "*"}},
		{"override over definition", append(env("A", "1"), env("B", "2")...), append(env("B", "3"), env("C", "4")...), false,
			map[string]string{"A": "1", "B": "3", "C": "4"}},
		{"the last of a name", append(env("A", "1"), env("A", "2")...), nil, false, map[string]string{"A": "2"}},
		{"one region", env("AWS_DEFAULT_REGION", "us-west-2"), nil, false, map[string]string{"AWS_DEFAULT_REGION": "us-west-2", "AWS_REGION": "-"}},
		{"other region", nil, env("AWS_REGION", "us-west-2"), false, map[string]string{"AWS_DEFAULT_REGION": "-", "AWS_REGION": "us-west-2"}},
		{"another endpoint", env("AWS_ENDPOINT_URL", "http://elsewhere"), nil, false, map[string]string{"AWS_ENDPOINT_URL": "http://elsewhere"}},
		{"the agent's own", env("ECS_CONTAINER_METADATA_URI_V4", "mine"), env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "mine"), true,
			map[string]string{"ECS_CONTAINER_METADATA_URI_V4": "*", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "*"}},
		{"an empty value", env("A", ""), nil, false, map[string]string{"A": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := fargateDefinition(fmt.Sprintf("env%d", i))
			d.ContainerDefinitions[0].Environment = c.definition
			if c.role {
				d.TaskRoleArn = aws.String("app")
			}
			task := w.runOne(d, overriding(types.ContainerOverride{Environment: c.override}))
			got := map[string]string{}
			for _, v := range w.sandbox(idOf(task.TaskArn)).Spec.Containers[0].Env {
				if _, twice := got[v.Name]; twice {
					t.Errorf("%s is set twice", v.Name)
				}
				got[v.Name] = v.Value
			}
			for name, want := range c.want {
				value, ok := got[name]
				switch {
				case want == "-" && ok, want != "-" && !ok, want != "-" && want != "*" && value != want:
					t.Errorf("%s is %q (%v), want %q", name, value, ok, want)
				case want == "*" && (!slices.Contains(agents, name) || value == "mine" || !strings.Contains(value, "/v") && !strings.Contains(value, "/api/")):
					t.Errorf("%s is %q", name, value)
				}
			}
		})
	}
}

// TestVolumesFrom follows containers that take volumes from others, which take
// some from others again, or from each other.
func TestVolumesFrom(t *testing.T) {
	mount := func(volume, path string) []types.MountPoint {
		return []types.MountPoint{{SourceVolume: aws.String(volume), ContainerPath: aws.String(path)}}
	}
	from := func(readOnly bool, names ...string) (list []types.VolumeFrom) {
		for _, n := range names {
			list = append(list, types.VolumeFrom{SourceContainer: aws.String(n), ReadOnly: aws.Bool(readOnly)})
		}
		return list
	}
	w := newWorld(t)
	d := fargateDefinition("volumes")
	d.Volumes = []types.Volume{{Name: aws.String("one")}, {Name: aws.String("two")}}
	d.ContainerDefinitions[0].MountPoints = mount("one", "/same")
	d.ContainerDefinitions[0].VolumesFrom = from(false, "b", "c")
	d.ContainerDefinitions = append(d.ContainerDefinitions,
		types.ContainerDefinition{Name: aws.String("b"), Image: aws.String("x"), MountPoints: mount("two", "/same"), VolumesFrom: from(true, "c")},
		types.ContainerDefinition{Name: aws.String("c"), Image: aws.String("x"), MountPoints: mount("two", "/deep"), VolumesFrom: from(false, "b")})
	got := w.sandbox(idOf(w.runOne(d, nil).TaskArn)).Spec.Containers
	type mounts = []sandbox.Mount
	for i, want := range []mounts{
		{{Volume: "one", Path: "/same"}, {Volume: "two", Path: "/deep", ReadOnly: true}},
		{{Volume: "two", Path: "/same"}, {Volume: "two", Path: "/deep", ReadOnly: true}},
		{{Volume: "two", Path: "/deep"}, {Volume: "two", Path: "/same"}},
	} {
		if !reflect.DeepEqual(got[i].Mounts, want) {
			t.Errorf("container %s: got %+v, want %+v", got[i].Name, got[i].Mounts, want)
		}
	}
}

// TestPorts: ranges are spelled out for public addresses only.
func TestPorts(t *testing.T) {
	w := newWorld(t)
	d := fargateDefinition("ports")
	d.ContainerDefinitions[0].PortMappings = []types.PortMapping{
		{ContainerPort: aws.Int32(80)}, {ContainerPort: aws.Int32(53), Protocol: types.TransportProtocolUdp},
		{ContainerPortRange: aws.String("65534-65535")}, {ContainerPortRange: aws.String("9000-9000"), Protocol: types.TransportProtocolUdp},
	}
	w.register(d)
	for public, want := range map[types.AssignPublicIp]string{
		types.AssignPublicIpDisabled: "80/tcp 53/udp", types.AssignPublicIpEnabled: "80/tcp 53/udp 65534/tcp 65535/tcp 9000/udp",
	} {
		in := launch("ports")
		in.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp = public
		s := w.sandbox(idOf(w.run(in)[0].TaskArn))
		var got []string
		for _, p := range s.Spec.Containers[0].Ports {
			got = append(got, fmt.Sprintf("%d/%s", p.Number, p.Protocol))
		}
		if strings.Join(got, " ") != want || s.Spec.Network.Public != (public == types.AssignPublicIpEnabled) {
			t.Errorf("public %s: got %v (%v), want %s", public, got, s.Spec.Network.Public, want)
		}
	}
}

func TestHealthChecks(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		check *types.HealthCheck
		want  *sandbox.Probe
	}{
		"none":     {nil, nil},
		"disabled": {&types.HealthCheck{Command: []string{"NONE"}}, nil},
		"CMD": {&types.HealthCheck{Command: []string{"CMD", "/check", "-a"}, Timeout: aws.Int32(7), Retries: aws.Int32(9)}, &sandbox.Probe{
			Action: sandbox.Action{Exec: []string{"/check", "-a"}}, Delay: 30 * time.Second, Interval: 30 * time.Second, Timeout: 7 * time.Second, Failures: 9, Passes: 1,
		}},
		"shell": {&types.HealthCheck{Command: []string{"CMD-SHELL", "a | b", "c"}, StartPeriod: aws.Int32(300)}, &sandbox.Probe{
			Action: sandbox.Action{Exec: []string{"/bin/sh", "-c", "a | b", "c"}}, Delay: 30 * time.Second, Interval: 30 * time.Second, Timeout: 5 * time.Second,
			Grace: 300 * time.Second, Failures: 3, Passes: 1,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.specOf("health-"+name, func(_ *sdk.RegisterTaskDefinitionInput, d *types.ContainerDefinition) { d.HealthCheck = c.check }).Health
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestRestartPolicies(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		policy *types.ContainerRestartPolicy
		want   sandbox.Restart
	}{
		"none":     {nil, sandbox.Restart{}},
		"disabled": {&types.ContainerRestartPolicy{Enabled: aws.Bool(false), RestartAttemptPeriod: aws.Int32(60)}, sandbox.Restart{}},
		"default":  {&types.ContainerRestartPolicy{Enabled: aws.Bool(true)}, sandbox.Restart{Policy: sandbox.RestartAlways, MinRun: 5 * time.Minute}},
		"given": {&types.ContainerRestartPolicy{Enabled: aws.Bool(true), RestartAttemptPeriod: aws.Int32(60), IgnoredExitCodes: []int32{0, 143}},
			sandbox.Restart{Policy: sandbox.RestartAlways, MinRun: time.Minute, IgnoredExitCodes: []int{0, 143}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.specOf("restart-"+name, func(_ *sdk.RegisterTaskDefinitionInput, d *types.ContainerDefinition) { d.RestartPolicy = c.policy }).Restart
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestHopelessTasks are recorded and stopped in one commit, with the words of
// Fargate, because nobody could run them.
func TestHopelessTasks(t *testing.T) {
	w := newWorld(t)
	volume := func(v types.Volume) func(*sdk.RegisterTaskDefinitionInput, *types.ContainerDefinition) {
		return func(d *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition) {
			v.Name = aws.String("v")
			d.Volumes = []types.Volume{v}
			c.MountPoints = []types.MountPoint{{SourceVolume: aws.String("v"), ContainerPath: aws.String("/v")}}
		}
	}
	for name, c := range map[string]struct {
		change func(*sdk.RegisterTaskDefinitionInput, *types.ContainerDefinition)
		run    func(*sdk.RunTaskInput)
		want   string
	}{
		"nothing": {func(*sdk.RegisterTaskDefinitionInput, *types.ContainerDefinition) {}, nil, ""},
		"splunk": {func(_ *sdk.RegisterTaskDefinitionInput, c *types.ContainerDefinition) {
			c.LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverSplunk, Options: map[string]string{"splunk-url": "https://x", "splunk-token": "t"}}
		}, nil, "ResourceInitializationError: failed to validate logger args: log driver splunk is not available in Neargate (container web)"},
		"env-files": {func(*sdk.RegisterTaskDefinitionInput, *types.ContainerDefinition) {},
			overriding(types.ContainerOverride{EnvironmentFiles: []types.EnvironmentFile{{Type: types.EnvironmentFileTypeS3, Value: aws.String("arn:aws:s3:::b/x.env")}}}),
			"ResourceInitializationError: failed to download env files: file download command: non empty error stream: Amazon S3 is not available in Neargate (container web)"},
		"efs": {volume(types.Volume{EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("fs-12345678")}}), nil,
			"ResourceInitializationError: failed to set up volume v: Amazon EFS is not available in Neargate"},
		"ebs": {volume(types.Volume{ConfiguredAtLaunch: aws.Bool(true)}), nil,
			"ResourceInitializationError: failed to set up volume v: Amazon EBS is not available in Neargate"},
		"windows": {func(d *sdk.RegisterTaskDefinitionInput, _ *types.ContainerDefinition) {
			d.Cpu, d.Memory = aws.String("1024"), aws.String("2048")
			d.RuntimePlatform = &types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyWindowsServer2022Core}
		}, nil, "ResourceInitializationError: Windows containers are not available in Neargate"},
	} {
		t.Run(name, func(t *testing.T) {
			d := fargateDefinition("hopeless-" + name)
			c.change(d, &d.ContainerDefinitions[0])
			task := w.runOne(d, c.run)
			if c.want == "" {
				if task.StoppedReason != nil || *task.DesiredStatus != "RUNNING" {
					t.Errorf("stopped: %s", aws.ToString(task.StoppedReason))
				}
				return
			}
			if aws.ToString(task.StoppedReason) != c.want || task.StopCode != types.TaskStopCodeTaskFailedToStart || *task.DesiredStatus != "STOPPED" {
				t.Errorf("%s, %s: %s", *task.DesiredStatus, task.StopCode, aws.ToString(task.StoppedReason))
			}
		})
	}
}
