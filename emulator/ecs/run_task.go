package ecs

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file is RunTask from the request to the commit. What a request may not
// say is in run_task_check.go and launch.go, what a task looks like to the
// runtime in task_spec.go.

// RunTask records the tasks and their sandboxes in one commit and answers at
// once: pulling and starting are the engine's. A request with a clientToken
// that was used before answers the same tasks again; those that were forgotten
// since are failures with the reason MISSING.
func (a *API) RunTask(ctx context.Context, in *ecs.RunTaskInput) (*ecs.RunTaskOutput, error) {
	if err := checkRunTask(in); err != nil {
		return nil, err
	}
	out := &ecs.RunTaskOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	call := apiwire.CallFrom(ctx)
	err := a.store.Update(ctx, call.By(), func(tx *store.Tx) error { return a.runTask(tx, call, in, out) })
	if err != nil {
		return nil, err
	}
	if a.settle {
		if err := a.settled(ctx, out.Tasks, started); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *API) runTask(tx *store.Tx, call apiwire.Call, in *ecs.RunTaskInput, out *ecs.RunTaskOutput) error {
	token, err := requestToken(call, in)
	if err != nil {
		return err
	}
	if found, err := token.answer(tx, out); found || err != nil {
		return err
	}
	l, err := a.newLaunch(tx, call, in)
	if err != nil {
		return err
	}
	for _, t := range l.tasks(count(in)) {
		s, err := l.commit(tx, t)
		if err != nil {
			return err
		}
		out.Tasks = append(out.Tasks, describe(t, s, true))
	}
	return token.remember(tx, out.Tasks)
}

// commit writes the task and its sandbox. A task that can never start is
// stopped with the words of Fargate in the same commit.
func (l *launch) commit(tx *store.Tx, t *Task) (*sandbox.Sandbox, error) {
	if err := tasks.InsertShared(tx, t.ARN, t); err != nil {
		return nil, err
	}
	if err := sandbox.Create(tx, *l.spec(t)); err != nil {
		return nil, err
	}
	if reason := l.hopeless(); reason != "" {
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
	return sandbox.LastStatus(s) == sandbox.Running || stopped(s)
}

func stopped(s *sandbox.Sandbox) bool { return s.IsStopped() }

// settled waits for each task's sandbox and describes the tasks anew. A task
// that was forgotten meanwhile (a reset) stays as it was.
func (a *API) settled(ctx context.Context, list []types.Task, done func(*sandbox.Sandbox) bool) error {
	for i := range list {
		_, err := a.engine.Wait(ctx, idOf(aws.ToString(list[i].TaskArn)), done)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return a.store.View(ctx, func(tx *store.Tx) error {
		for i := range list {
			t, s, err := look(tx, aws.ToString(list[i].TaskArn))
			switch {
			case errors.Is(err, store.ErrNotFound):
			case err != nil:
				return err
			default:
				list[i] = describe(t, s, true)
			}
		}
		return nil
	})
}
