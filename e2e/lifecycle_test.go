package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/google/go-cmp/cmp"
)

// This file is about what tasks go through and what the API says of it.
// Inside_test.go is about what their containers find.

// checkStop holds what a stopped task says to what it should.
func checkStop(t *testing.T, k types.Task, code types.TaskStopCode, reason string) {
	t.Helper()
	if k.StopCode != code || aws.ToString(k.StoppedReason) != reason {
		t.Errorf("stopped with %s: %q\nwant         %s: %q", k.StopCode, aws.ToString(k.StoppedReason), code, reason)
	}
}

func checkExit(t *testing.T, k types.Task, name string, code int) {
	t.Helper()
	if got := exitCode(container(t, k, name)); got != code {
		t.Errorf("container %s: exit code %d, want %d (-1: none)", name, got, code)
	}
}

const essentialExited = "Essential container in task exited"

// TestExitCode: the code of an essential container ends the task and is told.
func TestExitCode(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	k := s.run(t, definition("exit", probe("app", "say", "bye", "exit", "3")))
	got := k.stopped()
	checkStop(t, got, types.TaskStopCodeEssentialContainerExited, essentialExited)
	checkExit(t, got, "app", 3)
	if d := cmp.Diff([]string{"bye"}, k.lines("app")); d != "" {
		t.Error(d)
	}
	times := []*time.Time{got.CreatedAt, got.ConnectivityAt, got.PullStartedAt, got.PullStoppedAt, got.StartedAt, got.ExecutionStoppedAt, got.StoppingAt, got.StoppedAt}
	for i, at := range times {
		if at == nil || i > 0 && i < 6 && at.Before(*times[i-1]) {
			t.Errorf("times are missing or out of order: %+v", times)
		}
	}
}

// TestShortLife: containers that end within milliseconds are not missed, and
// their one line is not lost.
func TestShortLife(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	var all []*task
	for range 3 {
		all = append(all, s.run(t, definition("short", probe("app", "say", "only line"))))
	}
	for _, k := range all {
		got := k.stopped()
		checkStop(t, got, types.TaskStopCodeEssentialContainerExited, essentialExited)
		checkExit(t, got, "app", 0)
		if d := cmp.Diff([]string{"only line"}, k.lines("app")); d != "" {
			t.Error(d)
		}
	}
}

// TestCommandNotFound uses the words of Fargate 1.4.0.
func TestCommandNotFound(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	c := probe("app")
	c.EntryPoint = []string{"nonsense"}
	got := s.run(t, definition("notfound", c)).stopped()
	checkExit(t, got, "app", -1)
	reason := aws.ToString(got.StoppedReason)
	if got.StopCode != types.TaskStopCodeTaskFailedToStart ||
		!strings.HasPrefix(reason, "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed to create shim: OCI runtime create failed: ") ||
		!strings.HasSuffix(reason, `exec: "nonsense": executable file not found in $PATH: unknown`) {
		t.Errorf("%s: %q", got.StopCode, reason)
	}
	if got.StartedAt != nil {
		t.Errorf("it never ran, but startedAt is %s", got.StartedAt)
	}
}

// TestMissingImage: an image that nobody has and a registry that does not
// answer end the task within a time that a test can wait.
func TestMissingImage(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	for _, image := range []string{"127.0.0.1:1/nobody/home:v1", "registry.invalid/nobody/home:v1"} {
		c := probe("app")
		c.Image = aws.String(image)
		got := s.run(t, definition("missing", c)).stopped()
		reason := aws.ToString(got.StoppedReason)
		if got.StopCode != types.TaskStopCodeTaskFailedToStart ||
			!strings.HasPrefix(reason, "CannotPullContainerError: pull image manifest has been retried ") ||
			!strings.Contains(reason, " time(s): failed to resolve ref "+image+": ") {
			t.Errorf("%s: %q", got.StopCode, reason)
		}
	}
}

// TestStopTimeout: what ignores SIGTERM is killed after stopTimeout.
func TestStopTimeout(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	c := probe("app", "stubborn", "forever")
	c.StopTimeout = aws.Int32(2)
	k := s.run(t, definition("stubborn", c))
	k.running()
	k.says("app", "stubborn")
	k.stop("enough")
	if got := k.describe(); aws.ToString(got.DesiredStatus) != "STOPPED" {
		t.Errorf("desiredStatus after StopTask: %s", aws.ToString(got.DesiredStatus))
	}
	got := k.stopped()
	checkStop(t, got, types.TaskStopCodeUserInitiated, "enough")
	checkExit(t, got, "app", 137)
	took := got.ExecutionStoppedAt.Sub(*got.StoppingAt)
	if took < 1900*time.Millisecond || took > time.Minute {
		t.Errorf("it was killed after %s, stopTimeout is 2 s", took)
	}
}

// TestOutOfMemory: the kernel's kill is told as such, whether the container's
// limit or the task's was hit.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	limited := probe("app", "eat", "256")
	limited.Memory = aws.Int32(64)
	for name, d := range map[string]*ecs.RegisterTaskDefinitionInput{
		"container": definition("oomcontainer", limited),
		"task":      definition("oomtask", probe("app", "eat", "700", "forever"), bystander("other", "serve")),
	} {
		got := s.run(t, d).stopped()
		checkStop(t, got, types.TaskStopCodeEssentialContainerExited, essentialExited)
		checkExit(t, got, "app", 137)
		if reason := aws.ToString(container(t, got, "app").Reason); reason != "OutOfMemoryError: Container killed due to memory usage" {
			t.Errorf("limit of the %s: reason %q", name, reason)
		}
	}
}

// TestDependencies: containers start in the order that dependsOn asks for.
func TestDependencies(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	d := definition("depends", probe("app", "exists", "/shared/migrated", "exists", "/shared/healthy", "say", "both were there", "serve"),
		bystander("migrate", "sleep", "1", "write", "/shared/migrated", "yes"),
		bystander("cache", "sleep", "1", "write", "/shared/healthy", "yes", "serve"))
	d.Volumes = []types.Volume{{Name: aws.String("shared")}}
	for i := range d.ContainerDefinitions {
		d.ContainerDefinitions[i].MountPoints = []types.MountPoint{{SourceVolume: aws.String("shared"), ContainerPath: aws.String("/shared")}}
	}
	d.ContainerDefinitions[0].DependsOn = []types.ContainerDependency{
		{ContainerName: aws.String("migrate"), Condition: types.ContainerConditionSuccess}, {ContainerName: aws.String("cache"), Condition: types.ContainerConditionHealthy},
	}
	d.ContainerDefinitions[2].HealthCheck = &types.HealthCheck{Command: []string{"CMD", "/program", "exists", "/shared/healthy"}, Interval: aws.Int32(5), Timeout: aws.Int32(2), StartPeriod: aws.Int32(30)}
	k := s.run(t, d)
	got := k.running()
	k.says("app", "both were there")
	if cache := container(t, got, "cache"); cache.HealthStatus != types.HealthStatusHealthy {
		t.Errorf("cache is %s", cache.HealthStatus)
	}
	checkExit(t, got, "migrate", 0)
	if migrate := container(t, got, "migrate"); aws.ToString(migrate.LastStatus) != "STOPPED" {
		t.Errorf("migrate is %s", aws.ToString(migrate.LastStatus))
	}
	k.stop("")
	got = k.stopped()
	checkExit(t, got, "app", 0)
	checkExit(t, got, "cache", 0)
	if n := len(k.lines("cache")); n != 2 {
		t.Errorf("cache wrote %d lines, not 2", n)
	}
}

// TestDependencyFails: what waits for a success that cannot come ends the
// task.
func TestDependencyFails(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	app := probe("app", "say", "never")
	app.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("migrate"), Condition: types.ContainerConditionSuccess}}
	got := s.run(t, definition("dependfails", app, bystander("migrate", "exit", "4"))).stopped()
	if got.StopCode != types.TaskStopCodeTaskFailedToStart {
		t.Errorf("stop code %s", got.StopCode)
	}
	checkExit(t, got, "migrate", 4)
	checkExit(t, got, "app", -1)
}

// TestBystander: a container that is not essential may end.
func TestBystander(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	k := s.run(t, definition("bystander", probe("app", "serve"), bystander("init", "exit", "5")))
	k.running()
	eventually(t, "init is told as STOPPED", patience, func() error {
		if c := container(t, k.describe(), "init"); aws.ToString(c.LastStatus) != "STOPPED" {
			return fmt.Errorf("it is %s", aws.ToString(c.LastStatus))
		}
		return nil
	})
	got := k.describe()
	checkExit(t, got, "init", 5)
	if aws.ToString(got.LastStatus) != "RUNNING" || aws.ToString(got.DesiredStatus) != "RUNNING" {
		t.Errorf("the task is %s and shall be %s", aws.ToString(got.LastStatus), aws.ToString(got.DesiredStatus))
	}
	k.stop("")
	checkStop(t, k.stopped(), types.TaskStopCodeUserInitiated, "Task stopped by user")
}

// TestRestartPolicy: a container that ran for the attempt period is started
// again in the same task; one that did not is not.
func TestRestartPolicy(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	policy := &types.ContainerRestartPolicy{Enabled: aws.Bool(true), RestartAttemptPeriod: aws.Int32(60)}
	early := bystander("early", "exit", "9")
	early.RestartPolicy = policy
	lasting := probe("lasting", "crash", "/data/runs", "1", "61s", "say", "survived", "serve")
	lasting.RestartPolicy = policy
	lasting.MountPoints = []types.MountPoint{{SourceVolume: aws.String("data"), ContainerPath: aws.String("/data")}}
	d := definition("restart", lasting, early)
	d.Volumes = []types.Volume{{Name: aws.String("data")}}
	k := s.run(t, d)
	k.running()
	eventually(t, "it is started again", 90*time.Second, func() error {
		if lines := k.lines("lasting"); !contains(lines, "survived") {
			return fmt.Errorf("it wrote %q", lines)
		}
		return nil
	})
	got := k.describe()
	if aws.ToString(got.LastStatus) != "RUNNING" || aws.ToString(container(t, got, "lasting").LastStatus) != "RUNNING" {
		t.Errorf("the task is %s, its container %s", aws.ToString(got.LastStatus), aws.ToString(container(t, got, "lasting").LastStatus))
	}
	checkExit(t, got, "early", 9)
	k.stop("")
	checkExit(t, k.stopped(), "lasting", 0)
}

// TestSecretsRefused: there are no secrets yet, and the task says so in
// Fargate's words instead of starting without them.
func TestSecretsRefused(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	c := probe("app", "serve")
	c.Secrets = []types.Secret{{Name: aws.String("PASSWORD"), ValueFrom: aws.String("arn:aws:ssm:us-east-1:000000000000:parameter/password")}}
	got := s.run(t, definition("secrets", c)).stopped()
	if want := "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "; got.StopCode != types.TaskStopCodeTaskFailedToStart ||
		!strings.HasPrefix(aws.ToString(got.StoppedReason), want) {
		t.Errorf("%s: %q", got.StopCode, aws.ToString(got.StoppedReason))
	}
}

// TestMissingLogGroup: without awslogs-create-group the group has to be there.
func TestMissingLogGroup(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	c := probe("app", "serve")
	delete(c.LogConfiguration.Options, "awslogs-create-group")
	got := s.run(t, definition("nogroup", c)).stopped()
	want := "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist."
	checkStop(t, got, types.TaskStopCodeTaskFailedToStart, want)
}

// TestStopWhileStarting: a task may be stopped before it runs.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	k := s.run(t, definition("early", probe("app", "serve")))
	k.stop("changed my mind")
	got := k.stopped()
	checkStop(t, got, types.TaskStopCodeUserInitiated, "changed my mind")
	if len(workload(t, k.id())) != 0 {
		t.Error("its container runs nevertheless")
	}
}

// taskRole makes a role and returns its ARN.
func taskRole(t *testing.T, s *server) string {
	t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	out, err := iam.NewFromConfig(s.config()).CreateRole(context.Background(), &iam.CreateRoleInput{RoleName: aws.String("app"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Role.Arn)
}

// decode reads a JSON line.
func decode(t *testing.T, line string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), v); err != nil {
		t.Errorf("%v: %s", err, line)
	}
}
