package ecs

import (
	"context"
	"errors"
	"slices"
	"strings"

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
	if err := checkTaskFields(in.Include); err != nil {
		return nil, err
	}
	out := &ecs.DescribeTasksOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	err := a.store.View(ctx, func(tx *store.Tx) error { return a.describeTasks(tx, apiwire.CallFrom(ctx), in, out) })
	return out, err
}

func checkTaskFields(fields []types.TaskField) error {
	for _, f := range fields {
		if err := oneOf(invalid, "include", f, f.Values()); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) describeTasks(tx *store.Tx, call apiwire.Call, in *ecs.DescribeTasksInput, out *ecs.DescribeTasksOutput) error {
	c, err := a.anyCluster(tx, call, aws.ToString(in.Cluster))
	if err != nil {
		return err
	}
	withTags := slices.Contains(in.Include, types.TaskFieldTags)
	for _, ref := range in.Tasks {
		arn := call.ARN("ecs", "task/"+aws.ToString(c.ClusterName)+"/"+idOf(ref))
		t, s, err := pairOf(tx, arn)
		switch {
		case errors.Is(err, store.ErrNotFound) || (apiwire.IsARN(ref) && ref != arn):
			out.Failures = append(out.Failures, missing(arn, ref))
		case err != nil:
			return err
		default:
			out.Tasks = append(out.Tasks, describe(&t.Value, s, withTags))
		}
	}
	return nil
}

func missing(arn, ref string) types.Failure {
	if apiwire.IsARN(ref) {
		arn = ref
	}
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
		case statusStopped:
			continue
		case statusRunning:
			n.running += count
		case statusProvisioning, "PENDING", "ACTIVATING":
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

// belongsTo tells whether a task ARN is of the cluster.
func belongsTo(arn, clusterName string) bool {
	return strings.Contains(arn, ":task/"+clusterName+"/")
}
