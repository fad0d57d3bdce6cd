package ecs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file is RunTask from the request to the commit. What a request may not
// say is in run_task_check.go, what a task looks like to the runtime in
// run_task_spec.go.

// RunTask records the tasks and their sandboxes in one commit and answers at
// once: pulling and starting are the engine's. A request with a clientToken
// that was used before answers the same tasks again.
func (a *API) RunTask(ctx context.Context, in *ecs.RunTaskInput) (*ecs.RunTaskOutput, error) {
	if err := checkRunTask(in); err != nil {
		return nil, err
	}
	var list []types.Task
	err := a.store.Update(ctx, apiwire.CallFrom(ctx).By(), func(tx *store.Tx) (err error) {
		list, err = a.runTask(tx, apiwire.CallFrom(ctx), in)
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.settle {
		if list, err = a.settled(ctx, list, started); err != nil {
			return nil, err
		}
	}
	return &ecs.RunTaskOutput{Tasks: list, Failures: []types.Failure{}}, nil
}

func (a *API) runTask(tx *store.Tx, call apiwire.Call, in *ecs.RunTaskInput) ([]types.Task, error) {
	if again, err := a.sameRequest(tx, call, in); again != nil || err != nil {
		return again, err
	}
	l, err := a.newLaunch(tx, call, in)
	if err != nil {
		return nil, err
	}
	providers := l.providers(count(in))
	list := make([]types.Task, 0, len(providers))
	for _, p := range providers {
		t := l.task(p)
		s, err := l.commit(tx, t)
		if err != nil {
			return nil, err
		}
		list = append(list, describe(t, s, true))
	}
	return list, a.rememberRequest(tx, call, in, list)
}

// commit writes the task and its sandbox. A task that can never start is
// stopped with the words of Fargate in the same commit.
func (l *launch) commit(tx *store.Tx, t *Task) (*sandbox.Sandbox, error) {
	if err := tasks.Insert(tx, t.ARN, t); err != nil {
		return nil, err
	}
	if err := sandbox.Create(tx, *l.spec(t)); err != nil {
		return nil, err
	}
	if reason := l.hopeless(t); reason != "" {
		d := sandbox.Desired{Stopped: true, Code: string(types.TaskStopCodeTaskFailedToStart), Reason: reason}
		if err := sandbox.Stop(tx, t.ID, d); err != nil {
			return nil, err
		}
	}
	return sandbox.Get(tx, t.ID)
}

func count(in *ecs.RunTaskInput) int {
	if in.Count == nil {
		return 1
	}
	return int(*in.Count)
}

// started tells whether RunTask has had its effect.
func started(s *sandbox.Sandbox) bool {
	status := sandbox.LastStatus(s)
	return status == statusRunning || status == statusStopped
}

func stopped(s *sandbox.Sandbox) bool { return sandbox.LastStatus(s) == statusStopped }

// settled waits for each task's sandbox and describes the tasks anew.
func (a *API) settled(ctx context.Context, list []types.Task, done func(*sandbox.Sandbox) bool) ([]types.Task, error) {
	for i := range list {
		if _, err := a.engine.Wait(ctx, idOf(aws.ToString(list[i].TaskArn)), done); err != nil {
			return nil, err
		}
	}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		for i := range list {
			t, s, err := pairOf(tx, aws.ToString(list[i].TaskArn))
			if err != nil {
				return err
			}
			list[i] = describe(&t.Value, s, true)
		}
		return nil
	})
	return list, err
}
