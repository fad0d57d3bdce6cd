package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

// TestSharedVolume: two containers of a task share a volume and localhost.
func TestSharedVolume(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	reader := probe("reader", "await", "/in/greeting", "read", "/in/greeting", "get", "http://localhost:8080/")
	reader.MountPoints = []types.MountPoint{{SourceVolume: aws.String("shared"), ContainerPath: aws.String("/in"), ReadOnly: aws.Bool(true)}}
	writer := bystander("writer", "write", "/out/greeting", "hello reader", "serve")
	writer.MountPoints = []types.MountPoint{{SourceVolume: aws.String("shared"), ContainerPath: aws.String("/out")}}
	web := bystander("web")
	web.Image, web.Environment = aws.String(webImage), []types.KeyValuePair{{Name: aws.String("PORT"), Value: aws.String("8080")}}
	reader.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("web"), Condition: types.ContainerConditionStart}}
	d := definition("shared", reader, writer, web)
	d.Volumes = []types.Volume{{Name: aws.String("shared")}}
	k := s.run(t, d)
	got := k.stopped()
	checkExit(t, got, "reader", 0)
	lines := k.lines("reader")
	if len(lines) != 2 || lines[0] != "hello reader" || !strings.HasPrefix(lines[1], "hello from ip-") {
		t.Errorf("reader wrote %q", lines)
	}
}

// TestReadonlyRootFilesystem: the root cannot be written, a volume can.
func TestReadonlyRootFilesystem(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	c := probe("app", "write", "/volume/file", "x", "say", "volume is writable", "write", "/tmp/file", "x")
	c.ReadonlyRootFilesystem = aws.Bool(true)
	c.MountPoints = []types.MountPoint{{SourceVolume: aws.String("volume"), ContainerPath: aws.String("/volume")}}
	d := definition("readonly", c)
	d.Volumes = []types.Volume{{Name: aws.String("volume")}}
	k := s.run(t, d)
	checkExit(t, k.stopped(), "app", 1)
	// Docker keeps no order between stdout and stderr.
	if d := cmp.Diff([]string{"probe: write: open /tmp/file: read-only file system", "volume is writable"}, slices.Sorted(slices.Values(k.lines("app")))); d != "" {
		t.Error(d)
	}
}

// TestEnvironment: the override wins over the definition, and Fargate's own
// variables are there.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	pair := func(name, value string) types.KeyValuePair {
		return types.KeyValuePair{Name: aws.String(name), Value: aws.String(value)}
	}
	c := probe("app", "exit", "1")
	c.Environment = []types.KeyValuePair{pair("KEPT", "definition"), pair("CHANGED", "definition")}
	k := s.run(t, definition("environment", c), func(in *ecs.RunTaskInput) {
		in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{
			Name:        aws.String("app"),
			Command:     []string{"env", "KEPT", "env", "CHANGED", "env", "ADDED", "env", "AWS_EXECUTION_ENV", "env", "AWS_REGION", "env", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"},
			Environment: []types.KeyValuePair{pair("CHANGED", "override"), pair("ADDED", "override = with signs")},
		}}}
	})
	checkExit(t, k.stopped(), "app", 0)
	want := []string{"KEPT=definition", "CHANGED=override", "ADDED=override = with signs", "AWS_EXECUTION_ENV=AWS_ECS_FARGATE", "AWS_REGION=us-east-1",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="}
	if d := cmp.Diff(want, k.lines("app")); d != "" {
		t.Error(d)
	}
}

// TestMetadata reads the task metadata endpoint, version 4, from inside.
func TestMetadata(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	c := probe("app", "get", "$ECS_CONTAINER_METADATA_URI_V4", "get", "${ECS_CONTAINER_METADATA_URI_V4}/task", "poll", "${ECS_CONTAINER_METADATA_URI_V4}/stats", "serve")
	k := s.run(t, definition("metadata", c))
	described := k.running()
	k.says("app", "serving")
	lines := k.lines("app")
	if len(lines) != 4 {
		t.Fatalf("it wrote %q", lines)
	}
	var own struct {
		Name, Image, KnownStatus, DesiredStatus string
		ContainerARN                            string
		Networks                                []struct {
			NetworkMode   string
			IPv4Addresses []string
		}
	}
	decode(t, lines[0], &own)
	address := aws.ToString(container(t, described, "app").NetworkInterfaces[0].PrivateIpv4Address)
	if own.Name != "app" || own.Image != probeImage || own.DesiredStatus != "RUNNING" || own.ContainerARN != aws.ToString(described.Containers[0].ContainerArn) ||
		len(own.Networks) != 1 || own.Networks[0].NetworkMode != "awsvpc" || own.Networks[0].IPv4Addresses[0] != address {
		t.Errorf("its container, at %s: %s", address, lines[0])
	}
	var whole struct {
		Cluster, TaskARN, Family, Revision, LaunchType, AvailabilityZone string
		Limits                                                           struct {
			CPU    float64
			Memory int
		}
		Containers []struct{ Name string }
	}
	decode(t, lines[1], &whole)
	if whole.TaskARN != k.arn || whole.Family != "metadata" || whole.Revision != "1" || whole.LaunchType != "FARGATE" || whole.Limits.CPU != 0.25 || whole.Limits.Memory != 512 ||
		len(whole.Containers) != 1 || whole.AvailabilityZone != aws.ToString(described.AvailabilityZone) {
		t.Errorf("its task: %s", lines[1])
	}
	var stats struct {
		Name        string
		MemoryStats struct{ Usage, Limit int64 } `json:"memory_stats"`
	}
	if decode(t, lines[2], &stats); stats.MemoryStats.Usage == 0 {
		t.Errorf("its stats: %s", lines[2])
	}
}

// TestTaskRole: with nothing but its environment, an SDK in a container
// reaches Neargate as the task's role.
func TestTaskRole(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	d := definition("role", probe("app", "caller", "get", "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"))
	d.TaskRoleArn = aws.String(taskRole(t, s))
	k := s.run(t, d)
	checkExit(t, k.stopped(), "app", 0)
	lines := k.lines("app")
	if len(lines) != 2 || lines[0] != "arn:aws:sts::000000000000:assumed-role/app/"+k.id() {
		t.Fatalf("it wrote %q", lines)
	}
	var credentials struct{ RoleArn, AccessKeyId, SecretAccessKey, Token, Expiration string }
	decode(t, lines[1], &credentials)
	if credentials.RoleArn != *d.TaskRoleArn || !strings.HasPrefix(credentials.AccessKeyId, "ASIA") || credentials.Token == "" || credentials.Expiration == "" {
		t.Errorf("credentials: %s", lines[1])
	}
}
