package ecs

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// maxDescribeTasks is how many tasks one call may name.
const maxDescribeTasks = 100

// reasonMissing is the reason of a Failure about something unknown.
const reasonMissing = "MISSING"

// DescribeTasks describes up to 100 tasks of one cluster. Unknown ones, and
// those of other clusters, become failures with the reason MISSING.
func (a *API) DescribeTasks(ctx context.Context, in *ecs.DescribeTasksInput) (*ecs.DescribeTasksOutput, error) {
	switch n := len(in.Tasks); {
	case n == 0:
		return nil, invalid("Tasks cannot be empty.")
	case n > maxDescribeTasks:
		return nil, invalid("Tasks cannot have more than %d items.", maxDescribeTasks)
	}
	for _, f := range in.Include {
		if err := oneOf(invalid, "include", f, f.Values()); err != nil {
			return nil, err
		}
	}
	out := &ecs.DescribeTasksOutput{Tasks: make([]types.Task, 0, len(in.Tasks)), Failures: []types.Failure{}}
	err := a.store.View(ctx, func(tx *store.Tx) error { return a.describeTasks(tx, apiwire.CallFrom(ctx), in, out) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *API) describeTasks(tx *store.Tx, call apiwire.Call, in *ecs.DescribeTasksInput, out *ecs.DescribeTasksOutput) error {
	c, err := a.anyCluster(tx, call, aws.ToString(in.Cluster))
	if err != nil {
		return err
	}
	withTags := slices.Contains(in.Include, types.TaskFieldTags)
	for _, ref := range in.Tasks {
		if err := checkTaskRef(ref); err != nil {
			return err
		}
		arn := taskARN(call, aws.ToString(c.ClusterName), idOf(ref))
		if apiwire.IsARN(ref) && ref != arn { // of another cluster, account or region
			out.Failures = append(out.Failures, missing(ref))
			continue
		}
		t, s, err := look(tx, arn)
		switch {
		case errors.Is(err, store.ErrNotFound):
			out.Failures = append(out.Failures, missing(arn))
		case err != nil:
			return err
		default:
			out.Tasks = append(out.Tasks, describe(t, s, withTags))
		}
	}
	return nil
}

func missing(arn string) types.Failure {
	return types.Failure{Arn: aws.String(arn), Reason: aws.String(reasonMissing)}
}

// taskCounts are a cluster's tasks by where they are in their life.
type taskCounts struct{ running, pending, active int }

// countTasks counts the tasks of a cluster that have not stopped. Tasks on
// their way up are pending, those on their way down are neither running nor
// pending, but active.
func countTasks(tx *store.Tx, cluster string) (n taskCounts, err error) {
	byStatus, err := sandbox.CountByStatus(tx, cluster)
	if err != nil {
		return n, err
	}
	for status, count := range byStatus {
		switch status {
		case sandbox.Stopped:
			continue
		case sandbox.Running:
			n.running += count
		case sandbox.Provisioning, sandbox.Pending, sandbox.Activating:
			n.pending += count
		}
		n.active += count
	}
	return n, nil
}

// tasksUse tells whether a task that has not stopped was started from the
// definition.
func tasksUse(tx *store.Tx, definition string) (bool, error) {
	for arn, err := range tasks.Keys(tx, "definition", definition, store.Range{}) {
		if err != nil {
			return false, err
		}
		s, err := sandbox.Get(tx, idOf(arn))
		if err != nil {
			return false, err
		}
		if !stopped(s) {
			return true, nil
		}
	}
	return false, nil
}
