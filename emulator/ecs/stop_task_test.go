package ecs_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const unknownID = "0123456789abcdef0123456789abcdef"

// otherCluster makes a second cluster with one task.
func (w *world) otherCluster() types.Task {
	w.t.Helper()
	if _, err := w.CreateCluster(w.ctx, &sdk.CreateClusterInput{ClusterName: aws.String("other")}); err != nil {
		w.t.Fatal(err)
	}
	in := launch("web")
	in.Cluster = aws.String("other")
	return w.run(in)[0]
}

// TestTaskArguments finds tasks by id and ARN, in the cluster that was named
// and in no other.
func TestTaskArguments(t *testing.T) {
	w := newWorld(t)
	mine := w.runOne(fargateDefinition("web"), nil)
	others := w.otherCluster()
	missing := arnPrefix + "task/default/" + unknownID
	for _, c := range []struct {
		name, cluster, task string
		describe, stop      string // "" : found; a failure's ARN; an error
	}{
		{"by id", "", idOf(mine.TaskArn), "", ""},
		{"by ARN", "", *mine.TaskArn, "", ""},
		{"cluster by ARN", arnPrefix + "cluster/default", *mine.TaskArn, "", ""},
		{"unknown id", "", unknownID, missing, "InvalidParameterException: The referenced task was not found."},
		{"unknown ARN", "", missing, missing, "InvalidParameterException: The referenced task was not found."},
		{"id of another cluster", "", idOf(others.TaskArn), strings.Replace(missing, unknownID, idOf(others.TaskArn), 1),
			"InvalidParameterException: The referenced task was not found."},
		{"ARN of another cluster", "", *others.TaskArn, *others.TaskArn,
			"InvalidParameterException: Invalid identifier: Identifier is for cluster other. Your cluster is default"},
		{"ARN of another region", "", strings.Replace(*mine.TaskArn, testRegion, "us-east-1", 1), strings.Replace(*mine.TaskArn, testRegion, "us-east-1", 1),
			"InvalidParameterException: The referenced task was not found."},
		{"unknown cluster", "nowhere", idOf(mine.TaskArn), "ClusterNotFoundException: Cluster not found.", "ClusterNotFoundException: Cluster not found."},
		{"nonsense", "", "None", "InvalidParameterException: taskId length should be one of [32,36]", "InvalidParameterException: taskId length should be one of [32,36]"},
		{"ARN of a service", "", arnPrefix + "service/default/web", "InvalidParameterException: Invalid identifier: " + arnPrefix + "service/default/web",
			"InvalidParameterException: Invalid identifier: " + arnPrefix + "service/default/web"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := w.DescribeTasks(w.ctx, &sdk.DescribeTasksInput{Cluster: aws.String(c.cluster), Tasks: []string{c.task}})
			switch {
			case strings.Contains(c.describe, "Exception"):
				refused(t, err, c.describe)
			case err != nil:
				t.Error(err)
			case c.describe == "":
				if len(out.Tasks) != 1 || len(out.Failures) != 0 || *out.Tasks[0].TaskArn != *mine.TaskArn {
					t.Errorf("described: %+v", out)
				}
			case len(out.Tasks) != 0 || len(out.Failures) != 1 || *out.Failures[0].Arn != c.describe || *out.Failures[0].Reason != "MISSING":
				t.Errorf("failures: %+v", out.Failures)
			}
			stopped, err := w.StopTask(w.ctx, &sdk.StopTaskInput{Cluster: aws.String(c.cluster), Task: aws.String(c.task)})
			if c.stop != "" {
				refused(t, err, c.stop)
			} else if err != nil || *stopped.Task.TaskArn != *mine.TaskArn {
				t.Errorf("stopped: %+v, %v", stopped, err)
			}
		})
	}
	if got := w.sandbox(idOf(others.TaskArn)); got.Desired.Stopped {
		t.Error("a task of another cluster was stopped")
	}
}

// TestStopTask wants a task stopped once: the first reason stays, and a task
// that has stopped is answered as it is.
func TestStopTask(t *testing.T) {
	w := newWorld(t)
	task := w.runOne(fargateDefinition("web"), nil)
	first, err := w.StopTask(w.ctx, &sdk.StopTaskInput{Task: task.TaskArn})
	if err != nil {
		t.Fatal(err)
	}
	got := first.Task
	if *got.DesiredStatus != "STOPPED" || *got.LastStatus != "PROVISIONING" || got.StopCode != types.TaskStopCodeUserInitiated ||
		*got.StoppedReason != "Task stopped by user" || got.StoppingAt == nil || got.StoppedAt != nil || got.Version != 2 {
		t.Errorf("right after StopTask: %+v", got)
	}
	again, err := w.StopTask(w.ctx, &sdk.StopTaskInput{Task: task.TaskArn, Reason: aws.String("again")})
	if err != nil || *again.Task.StoppedReason != "Task stopped by user" || again.Task.Version != 2 {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	w.stopped(idOf(task.TaskArn))
	late, err := w.StopTask(w.ctx, &sdk.StopTaskInput{Task: task.TaskArn})
	if err != nil || *late.Task.LastStatus != "STOPPED" {
		t.Errorf("after its end: %+v, %v", late, err)
	}
	_, err = w.StopTask(w.ctx, &sdk.StopTaskInput{Task: task.TaskArn, Reason: aws.String(strings.Repeat("é", 1025))})
	refused(t, err, "InvalidParameterException: reason must be at most 1024 characters")
	if _, err = w.StopTask(w.ctx, &sdk.StopTaskInput{Task: task.TaskArn, Reason: aws.String(strings.Repeat("é", 1024))}); err != nil {
		t.Error(err)
	}
	_, err = w.StopTask(w.ctx, &sdk.StopTaskInput{})
	refused(t, err, "InvalidParameterException: Task Identifier can not be blank.")
}

func TestDescribeTasksBounds(t *testing.T) {
	w := newWorld(t)
	for n, want := range map[int]string{0: "InvalidParameterException: Tasks cannot be empty.", 100: "no error", 101: "InvalidParameterException: Tasks cannot have more than 100 items."} {
		tasks := make([]string, n)
		for i := range tasks {
			tasks[i] = unknownID
		}
		_, err := w.DescribeTasks(w.ctx, &sdk.DescribeTasksInput{Tasks: tasks})
		refused(t, err, want)
	}
}
