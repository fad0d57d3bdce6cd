package ecs

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// defaultStopReason is what StopTask leaves behind when no reason is given.
const defaultStopReason = "Task stopped by user"

// StopTask wants a task stopped and answers at once. A task that has stopped
// already is answered as it is, while it is still known.
func (a *API) StopTask(ctx context.Context, in *ecs.StopTaskInput) (*ecs.StopTaskOutput, error) {
	call := apiwire.CallFrom(ctx)
	if aws.ToString(in.Task) == "" {
		return nil, invalid("Task Identifier can not be blank.")
	}
	if len(aws.ToString(in.Reason)) > maxReason {
		return nil, invalid("reason must be at most %d characters", maxReason)
	}
	var view types.Task
	err := a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		arn, err := a.taskARN(tx, call, aws.ToString(in.Cluster), aws.ToString(in.Task))
		if err != nil {
			return err
		}
		view, err = stopTask(tx, arn, aws.ToString(in.Reason))
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.settle {
		list, err := a.settled(ctx, []types.Task{view}, stopped)
		if err != nil {
			return nil, err
		}
		view = list[0]
	}
	return &ecs.StopTaskOutput{Task: &view}, nil
}

// stopTask wants the task stopped. AWS forgets a stopped task's tags; so it
// does here.
func stopTask(tx *store.Tx, arn, reason string) (types.Task, error) {
	t, err := tasks.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return types.Task{}, invalid("The referenced task was not found.")
	}
	if err != nil {
		return types.Task{}, err
	}
	if reason == "" {
		reason = defaultStopReason
	}
	d := sandbox.Desired{Stopped: true, Code: string(types.TaskStopCodeUserInitiated), Reason: reason}
	if err := sandbox.Stop(tx, t.Value.ID, d); err != nil {
		return types.Task{}, err
	}
	if len(t.Value.Tags) > 0 {
		t.Value.Tags = nil
		if err := tasks.Replace(tx, t); err != nil {
			return types.Task{}, err
		}
	}
	s, err := sandbox.Get(tx, t.Value.ID)
	if err != nil {
		return types.Task{}, err
	}
	return describe(&t.Value, s, true), nil
}

// taskARN finds the ARN that a task argument (id or ARN) means within a
// cluster. An ARN of another cluster is an error; whether the task exists is
// not looked at.
func (a *API) taskARN(tx *store.Tx, call apiwire.Call, cluster, ref string) (string, error) {
	c, err := a.anyCluster(tx, call, cluster)
	if err != nil {
		return "", err
	}
	name := aws.ToString(c.ClusterName)
	if !apiwire.IsARN(ref) {
		return call.ARN("ecs", "task/"+name+"/"+ref), nil
	}
	arn, err := apiwire.ParseARN(ref)
	if err != nil || arn.Service != "ecs" || !strings.HasPrefix(arn.Resource, "task/") {
		return "", invalid("Invalid identifier: %s", ref)
	}
	if of := strings.Split(arn.Resource, "/"); len(of) == 3 && of[1] != name {
		return "", invalid("Invalid identifier: Identifier is for cluster %s. Your cluster is %s", of[1], name)
	}
	return ref, nil
}
