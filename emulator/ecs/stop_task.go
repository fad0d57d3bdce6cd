package ecs

import (
	"context"
	"errors"
	"unicode/utf8"

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
	if aws.ToString(in.Task) == "" {
		return nil, invalid("Task Identifier can not be blank.")
	}
	if utf8.RuneCountInString(aws.ToString(in.Reason)) > maxReason {
		return nil, invalid("reason must be at most %d characters", maxReason)
	}
	call := apiwire.CallFrom(ctx)
	view := make([]types.Task, 1)
	err := a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		c, err := a.lookCluster(tx, call, aws.ToString(in.Cluster))
		if err != nil {
			return err
		}
		arn, err := taskIn(call, c, *in.Task)
		if err != nil {
			return err
		}
		view[0], err = stopTask(tx, arn, aws.ToString(in.Reason))
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.settle {
		if err := a.settled(ctx, view, stopped); err != nil {
			return nil, err
		}
	}
	return &ecs.StopTaskOutput{Task: &view[0]}, nil
}

// stopTask wants the task stopped. AWS deletes a task's tags then; so it is
// here.
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
