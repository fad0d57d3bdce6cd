package emulator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/fixtures"
)

// TestInstant: with --timing=instant a call answers when its effect has
// settled.
func TestInstant(t *testing.T) {
	s := open(t, fixtures.WithInstantTiming())
	task := s.run(t, fixtures.TaskDefinition("web", "nginx", "FAKE_PULL_FOR=5ms", "FAKE_START_AFTER=5ms"))[0]
	if aws.ToString(task.LastStatus) != "RUNNING" || task.StartedAt == nil || len(task.Attachments[0].Details) < 4 {
		t.Errorf("RunTask answers %s, %+v", *task.LastStatus, task.Attachments)
	}
	out, err := s.ecs().StopTask(context.Background(), &ecs.StopTaskInput{Task: task.TaskArn, Reason: aws.String("enough")})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Task; aws.ToString(got.LastStatus) != "STOPPED" || aws.ToString(got.StoppedReason) != "enough" || aws.ToInt32(got.Containers[0].ExitCode) != 143 {
		t.Errorf("StopTask answers %+v", got)
	}
}

// TestInstantFailure: a task that cannot start answers STOPPED, and why.
func TestInstantFailure(t *testing.T) {
	s := open(t, fixtures.WithInstantTiming())
	for name, c := range map[string]struct{ env, code, reason string }{
		"image":   {"FAKE_PULL_ERROR=no such image", "TaskFailedToStart", "CannotPullContainerError: no such image"},
		"command": {"FAKE_START_ERROR=no such program", "TaskFailedToStart", "CannotStartContainerError: no such program"},
		"network": {"FAKE_NETWORK_ERROR=Timeout waiting for network interface provisioning to complete.", "TaskFailedToStart",
			"Timeout waiting for network interface provisioning to complete."},
	} {
		t.Run(name, func(t *testing.T) {
			task := s.run(t, fixtures.TaskDefinition(name, "nginx", c.env))[0]
			if aws.ToString(task.LastStatus) != "STOPPED" || string(task.StopCode) != c.code || aws.ToString(task.StoppedReason) != c.reason {
				t.Errorf("%s %s: %s", *task.LastStatus, task.StopCode, aws.ToString(task.StoppedReason))
			}
		})
	}
}

// TestInstantGivenUp: a client that does not wait any longer ends the waiting,
// not the task.
func TestInstantGivenUp(t *testing.T) {
	bubble(t, func(c *emulator.Config) { c.Timing = emulator.TimingInstant }, func(t *testing.T, s *site) {
		in := s.fargate(t, s.prepare(t, fixtures.TaskDefinition("web", "nginx", "FAKE_PULL_FOR=1h")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		_, err := s.ecs().RunTask(ctx, in)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		list, err := s.ecs().ListTasks(t.Context(), &ecs.ListTasksInput{})
		if err != nil || len(list.TaskArns) != 1 {
			t.Fatalf("the task: %+v, %v", list, err)
		}
		tasks := &ecs.DescribeTasksInput{Tasks: list.TaskArns}
		if err := ecs.NewTasksRunningWaiter(s.ecs()).Wait(t.Context(), tasks, 2*time.Hour); err != nil {
			t.Error(err)
		}
		if got := s.describe(t, types.Task{TaskArn: &list.TaskArns[0]}); got.StartedAt == nil || got.StartedAt.Sub(began) != time.Hour {
			t.Errorf("it was asked for at %v and runs since %v", began, got.StartedAt)
		}
	})
}

func TestInstantManyAtOnce(t *testing.T) {
	s := open(t, fixtures.WithInstantTiming())
	in := s.fargate(t, s.prepare(t, fixtures.TaskDefinition("web", "nginx", "FAKE_PULL_FOR=1ms")))
	in.Count = aws.Int32(5)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			once := *in
			out, err := s.ecs().RunTask(context.Background(), &once)
			if err != nil || len(out.Tasks) != 5 {
				t.Errorf("RunTask: %+v, %v", out, err)
				return
			}
			for _, task := range out.Tasks {
				if *task.LastStatus != "RUNNING" {
					t.Errorf("answers %s", *task.LastStatus)
				}
			}
			stopped, err := s.ecs().StopTask(context.Background(), &ecs.StopTaskInput{Task: out.Tasks[0].TaskArn})
			if err != nil || *stopped.Task.LastStatus != "STOPPED" {
				t.Errorf("StopTask: %+v, %v", stopped, err)
			}
		})
	}
	all.Wait()
	out, err := s.ecs().DescribeClusters(context.Background(), &ecs.DescribeClustersInput{})
	if err != nil || out.Clusters[0].RunningTasksCount != 80 || out.Clusters[0].PendingTasksCount != 0 {
		t.Errorf("the cluster: %+v, %v", out, err)
	}
}

// TestAWSTiming: with --timing=aws each step takes as long as on AWS, and what
// really takes time comes on top.
func TestAWSTiming(t *testing.T) {
	slowly := func(c *emulator.Config) { c.Timing = emulator.TimingAWS }
	bubble(t, slowly, func(t *testing.T, s *site) {
		began := time.Now()
		task := s.run(t, fixtures.TaskDefinition("web", "nginx", "FAKE_PULL_FOR=30s"))[0]
		if time.Since(began) != 0 || *task.LastStatus != "PROVISIONING" {
			t.Errorf("RunTask answers %s after %v", *task.LastStatus, time.Since(began))
		}
		tasks := &ecs.DescribeTasksInput{Tasks: []string{*task.TaskArn}}
		if err := ecs.NewTasksRunningWaiter(s.ecs()).Wait(t.Context(), tasks, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		s.stop(t, task)
		if err := ecs.NewTasksStoppedWaiter(s.ecs()).Wait(t.Context(), tasks, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		at := map[string]time.Time{}
		for _, e := range s.why(t, id(task)).History {
			at[e.What[0]] = e.At
		}
		for _, c := range []struct {
			from, to string
			want     time.Duration
		}{
			{"PROVISIONING", "PENDING", 12 * time.Second},
			{"PENDING", "ACTIVATING", 45 * time.Second}, // 15 s and the pull
			{"ACTIVATING", "RUNNING", 2 * time.Second},
			{"DEACTIVATING", "STOPPING", 3 * time.Second},
			{"STOPPING", "DEPROVISIONING", 2 * time.Second},
			{"DEPROVISIONING", "STOPPED", 15 * time.Second},
		} {
			if at[c.from].IsZero() || at[c.to].Sub(at[c.from]) != c.want {
				t.Errorf("%s at %v, %s at %v, want %v between them", c.from, at[c.from], c.to, at[c.to], c.want)
			}
		}
	})
}

// TestRealTiming: without delays of its own nothing takes time but what does,
// and the SDK's waiter has it at its first look.
func TestRealTiming(t *testing.T) {
	bubble(t, func(*emulator.Config) {}, func(t *testing.T, s *site) {
		began := time.Now()
		task := s.run(t, fixtures.TaskDefinition("web", "nginx"))[0]
		tasks := &ecs.DescribeTasksInput{Tasks: []string{*task.TaskArn}}
		if err := ecs.NewTasksRunningWaiter(s.ecs()).Wait(t.Context(), tasks, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := s.describe(t, task); !got.StartedAt.Equal(began) {
			t.Errorf("started at %v, %v after it was asked for", got.StartedAt, got.StartedAt.Sub(began))
		}
	})
}

// TestTimeless: what is finished waits for nothing and nobody, even when it
// was never looked at: a stopped task is forgotten after an hour.
func TestTimeless(t *testing.T) {
	bubble(t, func(*emulator.Config) {}, func(t *testing.T, s *site) {
		task := s.run(t, fixtures.TaskDefinition("job", "busybox", "FAKE_RUN_FOR=10m", "FAKE_EXIT=3"))[0]
		time.Sleep(11 * time.Minute) // virtual
		if got := s.describe(t, task); *got.LastStatus != "STOPPED" || *got.Containers[0].ExitCode != 3 || got.StopCode != types.TaskStopCodeEssentialContainerExited {
			t.Errorf("the job: %+v", got)
		}
		time.Sleep(2 * time.Hour)
		out, err := s.ecs().DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Tasks: []string{*task.TaskArn}})
		if err != nil || len(out.Failures) != 1 || *out.Failures[0].Reason != "MISSING" {
			t.Errorf("two hours later: %+v, %v", out, err)
		}
		if w := s.why(t, id(task)); !says(w.Summary, "ended with exit code 3") || !says(w.Summary, "Its record was removed") {
			t.Errorf("why: %v", w.Summary)
		}
		refused(t, s, http.MethodGet, fmt.Sprintf("/_neargate/logs?of=%s", id(task)), http.StatusNotFound)
	})
}
