package ecs_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// twoContainers is a definition with an essential web, which has a health
// check, and a log router beside it.
func twoContainers() *sdk.RegisterTaskDefinitionInput {
	d := fargateDefinition("web")
	d.TaskRoleArn = aws.String("arn:aws:iam::" + testAccount + ":role/app")
	d.ContainerDefinitions[0].HealthCheck = &types.HealthCheck{Command: []string{"CMD-SHELL", "curl -f http://localhost/ || exit 1"}}
	d.ContainerDefinitions[0].Memory = aws.Int32(256)
	d.ContainerDefinitions = append(d.ContainerDefinitions, types.ContainerDefinition{
		Name: aws.String("router"), Image: aws.String("fluent-bit"), Essential: aws.Bool(false), Cpu: 64, MemoryReservation: aws.Int32(50),
	})
	return d
}

// stage is a moment in the life of a task and what the engine has written
// then, on top of what it wrote before.
type stage struct {
	name   string
	change func(s *sandbox.Sandbox, now time.Time)
}

var life = []stage{
	{"pending", func(s *sandbox.Sandbox, now time.Time) {
		s.Status.Height, s.Status.ConnectivityAt, s.Status.PullStartedAt = 1, now, now
		s.Status.Address = &sandbox.Address{IP: "172.31.0.5", Prefix: 20, MAC: "02:42:ac:1f:00:05", Gateway: "172.31.0.1", DNS: []string{"172.31.0.2"}}
		for i := range s.Status.Containers {
			s.Status.Containers[i].State = sandbox.ContainerPulling
		}
	}},
	{"activating", func(s *sandbox.Sandbox, now time.Time) {
		s.Status.Height, s.Status.PullStoppedAt = 2, now
		for i := range s.Status.Containers {
			k := &s.Status.Containers[i]
			k.State, k.RuntimeID, k.CreatedAt, k.StartedAt = sandbox.ContainerRunning, "docker", now, now
			k.ImageDigest = "sha256:" + strings.Repeat("0", 8)
		}
	}},
	{"running", func(s *sandbox.Sandbox, now time.Time) {
		s.Status.Height, s.Status.StartedAt = 3, now
		s.Status.Containers[0].Health, s.Status.Containers[0].HealthSince = sandbox.HealthHealthy, now
	}},
	{"deactivating", func(s *sandbox.Sandbox, now time.Time) {
		s.Status.Falling, s.Status.StoppingAt = true, now
		s.Desired = sandbox.Desired{Stopped: true, Code: sandbox.CodeEssential, Reason: "Essential container in task exited", At: now}
		k := &s.Status.Containers[0]
		k.State, k.ExitCode, k.FinishedAt, k.OOMKilled, k.Reason = sandbox.ContainerStopped, aws.Int(137), now, true, "OutOfMemoryError: Container killed due to memory usage"
	}},
	{"stopping", func(s *sandbox.Sandbox, _ time.Time) { s.Status.Height = 2 }},
	{"deprovisioning", func(s *sandbox.Sandbox, now time.Time) {
		s.Status.Height, s.Status.ExecutionStoppedAt = 1, now
		k := &s.Status.Containers[1]
		k.State, k.ExitCode, k.FinishedAt = sandbox.ContainerStopped, aws.Int(143), now
	}},
	{"stopped", func(s *sandbox.Sandbox, now time.Time) { s.Status.Height, s.Status.StoppedAt = 0, now }},
}

// TestLifeOfATask holds what RunTask answers and what DescribeTasks shows at
// every status, as it is on the wire.
func TestLifeOfATask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.register(twoContainers())
		var run struct {
			Tasks []struct {
				TaskArn string `json:"taskArn"`
			} `json:"tasks"`
		}
		body := w.wire("RunTask", map[string]any{
			"taskDefinition": "web", "launchType": "FARGATE", "startedBy": "test", "enableExecuteCommand": true, "enableECSManagedTags": true,
			"networkConfiguration": map[string]any{"awsvpcConfiguration": map[string]any{"subnets": []string{"subnet-a"}}},
			"overrides":            map[string]any{"containerOverrides": []any{map[string]any{"name": "router", "command": []string{"-v"}}}},
			"tags":                 []any{map[string]string{"key": "team", "value": "a"}},
		})
		golden(t, "task-0-provisioning", body)
		if err := json.Unmarshal(body, &run); err != nil {
			t.Fatal(err)
		}
		arn := run.Tasks[0].TaskArn
		for i, s := range life {
			time.Sleep(time.Second) // of virtual time
			w.becomes(idOf(&arn), func(box *sandbox.Sandbox) { s.change(box, time.Now().UTC()) })
			golden(t, "task-"+string(rune('1'+i))+"-"+s.name, w.wire("DescribeTasks", map[string]any{"tasks": []string{arn}, "include": []string{"TAGS"}}))
		}
	})
}

// TestTurnedBackEarly is a task that is stopped before it has an address: its
// interface was never created, and nothing is said of its health.
func TestTurnedBackEarly(t *testing.T) {
	w := newWorld(t)
	task := w.runOne(fargateDefinition("web"), nil)
	id := idOf(task.TaskArn)
	for _, c := range []struct {
		height     int
		status, at string
		container  string
	}{{1, "DEPROVISIONING", "PRECREATED", "PENDING"}, {0, "STOPPED", "DELETED", "STOPPED"}} {
		w.becomes(id, func(s *sandbox.Sandbox) {
			s.Desired = sandbox.Desired{Stopped: true, Code: "UserInitiated", Reason: "enough", At: time.Now()}
			s.Status.Falling, s.Status.Height = true, c.height
		})
		got := w.describe(task.TaskArn)
		k := got.Containers[0]
		if *got.LastStatus != c.status || *got.Attachments[0].Status != c.at || *k.LastStatus != c.container {
			t.Errorf("height %d: %s, attachment %s, container %s", c.height, *got.LastStatus, *got.Attachments[0].Status, *k.LastStatus)
		}
		if got.StoppingAt == nil || got.StopCode != "UserInitiated" || k.ExitCode != nil || k.RuntimeId != nil || got.HealthStatus != "" || got.Connectivity != "" {
			t.Errorf("height %d: %+v", c.height, got)
		}
	}
}

// TestContainerStatuses folds the states of a container into ECS's.
func TestContainerStatuses(t *testing.T) {
	type status = sandbox.ContainerStatus
	w := newWorld(t)
	task := w.runOne(fargateDefinition("web"), nil)
	five, later := 5, time.Now().Add(time.Minute)
	for _, c := range []struct {
		name     string
		falling  bool
		is       status
		want     string
		runtime  bool
		exitCode int // -1: none
	}{
		{"pulling", false, status{State: sandbox.ContainerPulling}, "PENDING", false, -1},
		{"pulled", false, status{State: sandbox.ContainerPulled}, "PENDING", false, -1},
		{"created", false, status{State: sandbox.ContainerCreated, RuntimeID: "x"}, "PENDING", true, -1},
		{"running", false, status{State: sandbox.ContainerRunning, RuntimeID: "x"}, "RUNNING", true, -1},
		{"ended", false, status{State: sandbox.ContainerStopped, RuntimeID: "x", ExitCode: &five}, "STOPPED", true, 5},
		{"could not be started", false, status{State: sandbox.ContainerStopped, RuntimeID: "x"}, "STOPPED", true, -1},
		{"about to be started again", false, status{State: sandbox.ContainerStopped, RuntimeID: "x", ExitCode: &five, RestartAt: later}, "RUNNING", true, -1},
		{"being started again", false, status{State: sandbox.ContainerPulled, Attempt: 1, LastExit: &sandbox.Exit{Code: 5}}, "RUNNING", true, -1},
		{"stopped between two runs", true, status{State: sandbox.ContainerPulled, Attempt: 1, LastExit: &sandbox.Exit{Code: 5}}, "STOPPED", true, 5},
		{"waiting on the way down", true, status{State: sandbox.ContainerPulled}, "PENDING", false, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.becomes(idOf(task.TaskArn), func(s *sandbox.Sandbox) {
				s.Status.Height, s.Status.Falling = 2, c.falling
				c.is.Name = "web"
				s.Status.Containers[0] = c.is
			})
			got := w.describe(task.TaskArn).Containers[0]
			code := -1
			if got.ExitCode != nil {
				code = int(*got.ExitCode)
			}
			if *got.LastStatus != c.want || (got.RuntimeId != nil) != c.runtime || code != c.exitCode {
				t.Errorf("got %s, runtime id %v, exit code %d", *got.LastStatus, aws.ToString(got.RuntimeId), code)
			}
			if got.RuntimeId != nil && !strings.HasPrefix(*got.RuntimeId, idOf(task.TaskArn)+"-") {
				t.Errorf("runtime id %s", *got.RuntimeId)
			}
		})
	}
}

// TestReasonsAreCut keeps reasons within 1024 characters, whatever their bytes.
func TestReasonsAreCut(t *testing.T) {
	w := newWorld(t)
	task := w.runOne(fargateDefinition("web"), nil)
	w.becomes(idOf(task.TaskArn), func(s *sandbox.Sandbox) {
		s.Desired.Stopped, s.Desired.Reason = true, strings.Repeat("é", 1025)
		s.Status.Containers[0].Reason = strings.Repeat("x", 1024)
	})
	got := w.describe(task.TaskArn)
	if *got.StoppedReason != strings.Repeat("é", 1024) || len(*got.Containers[0].Reason) != 1024 {
		t.Errorf("%d bytes, %d bytes", len(*got.StoppedReason), len(*got.Containers[0].Reason))
	}
}
