package ecs

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// ListTasks lists a cluster's tasks by what they should be (desiredStatus,
// RUNNING when not given), in the order of their ids. Whoever filters by
// startedBy may filter by nothing else.
func (a *API) ListTasks(ctx context.Context, in *ecs.ListTasksInput) (*ecs.ListTasksOutput, error) {
	if err := checkListTasks(in); err != nil {
		return nil, err
	}
	out := &ecs.ListTasksOutput{TaskArns: []string{}}
	err := a.store.View(ctx, func(tx *store.Tx) error { return a.listTasks(tx, apiwire.CallFrom(ctx), in, out) })
	return out, err
}

func checkListTasks(in *ecs.ListTasksInput) error {
	if err := oneOf(invalid, "desiredStatus", in.DesiredStatus, in.DesiredStatus.Values()); err != nil {
		return err
	}
	if err := oneOf(invalid, "launch type", in.LaunchType, in.LaunchType.Values()); err != nil {
		return err
	}
	others := in.Family != nil || in.ServiceName != nil || in.ContainerInstance != nil || in.DaemonName != nil
	if in.StartedBy != nil && others {
		return invalid("startedBy cannot be combined with any other filter.")
	}
	return nil
}

// refused answers for the filters that name what Neargate has none of.
func refused(in *ecs.ListTasksInput) error {
	switch {
	case in.ServiceName != nil:
		return &types.ServiceNotFoundException{Message: aws.String("Service not found.")}
	case in.ContainerInstance != nil:
		return invalid("Container instance %s was not found.", *in.ContainerInstance)
	case in.DaemonName != nil:
		return &types.DaemonNotFoundException{Message: aws.String("Daemon not found.")}
	}
	return nil
}

func (a *API) listTasks(tx *store.Tx, call apiwire.Call, in *ecs.ListTasksInput, out *ecs.ListTasksOutput) error {
	c, err := a.anyCluster(tx, call, aws.ToString(in.Cluster))
	if err != nil {
		return err
	}
	if err := refused(in); err != nil {
		return err
	}
	q := query{of: listQuery(call, in), max: in.MaxResults, token: in.NextToken, lo: 1, hi: 100, size: 100}
	size, err := q.pageSize()
	if err != nil {
		return err
	}
	after, _, err := q.after()
	if err != nil || nothingListed(in) {
		return err
	}
	for arn, err := range candidates(tx, c, in, after) {
		if err != nil {
			return err
		}
		if len(out.TaskArns) == size {
			out.NextToken = aws.String(q.next(out.TaskArns[size-1]))
			return nil
		}
		out.TaskArns = append(out.TaskArns, arn)
	}
	return nil
}

// nothingListed: every task is on Fargate, and none is ever wanted PENDING.
func nothingListed(in *ecs.ListTasksInput) bool {
	return (in.LaunchType != "" && in.LaunchType != types.LaunchTypeFargate) || in.DesiredStatus == types.DesiredStatusPending
}

func listQuery(call apiwire.Call, in *ecs.ListTasksInput) string {
	return "ListTasks " + call.Scope() + " " + nameOfCluster(aws.ToString(in.Cluster)) + " " + aws.ToString(in.Family) +
		" " + aws.ToString(in.StartedBy) + " " + string(in.DesiredStatus) + " " + string(in.LaunchType)
}

// candidates yields the ARNs behind after that pass the filters. Without a
// filter it follows the sandboxes' own index, so that the many stopped tasks
// of a busy cluster cost nothing.
func candidates(tx *store.Tx, c *Cluster, in *ecs.ListTasksInput, after string) iter.Seq2[string, error] {
	cluster, wantStopped := aws.ToString(c.ClusterArn), in.DesiredStatus == types.DesiredStatusStopped
	switch {
	case in.StartedBy != nil:
		return desired(tx, tasks.Keys(tx, "startedBy", cluster+" "+*in.StartedBy, store.Range{After: after}), wantStopped)
	case in.Family != nil:
		return desired(tx, tasks.Keys(tx, "family", cluster+" "+*in.Family, store.Range{After: after}), wantStopped)
	}
	return func(yield func(string, error) bool) {
		for id, err := range sandbox.Desiring(tx, cluster, wantStopped, idOf(after)) {
			if !yield(taskOf(c, id), err) {
				return
			}
		}
	}
}

func taskOf(c *Cluster, id string) string {
	arn, _ := apiwire.ParseARN(aws.ToString(c.ClusterArn)) // ours: always an ARN
	arn.Resource = "task/" + aws.ToString(c.ClusterName) + "/" + id
	return arn.String()
}

// desired keeps the tasks whose sandbox should be running, or stopped.
func desired(tx *store.Tx, arns iter.Seq2[string, error], wantStopped bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for arn, err := range arns {
			if err == nil {
				var s *sandbox.Sandbox
				if s, err = sandbox.Get(tx, idOf(arn)); err == nil && s.Desired.Stopped != wantStopped {
					continue
				}
			}
			if !yield(arn, err) || err != nil {
				return
			}
		}
	}
}
