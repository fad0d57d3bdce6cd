package ecs

import (
	"context"
	"iter"
	"strings"

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
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkListTasks refuses what is wrong whatever the store holds. What a task
// should be counts as no filter: clients that look for what they started give
// both.
func checkListTasks(in *ecs.ListTasksInput) error {
	if err := oneOf(invalid, "desired status", in.DesiredStatus, in.DesiredStatus.Values()); err != nil {
		return err
	}
	if err := oneOf(invalid, "launch type", in.LaunchType, in.LaunchType.Values()); err != nil {
		return err
	}
	others := aws.ToString(in.Family) + aws.ToString(in.ServiceName) + aws.ToString(in.ContainerInstance) + aws.ToString(in.DaemonName) + string(in.LaunchType)
	if aws.ToString(in.StartedBy) != "" && others != "" {
		return invalid("startedBy cannot be combined with any other filter.")
	}
	return nil
}

// refused answers for the filters that name what Neargate has none of.
func refused(in *ecs.ListTasksInput) error {
	switch {
	case aws.ToString(in.ServiceName) != "":
		return &types.ServiceNotFoundException{Message: aws.String("Service not found.")}
	case aws.ToString(in.ContainerInstance) != "":
		return invalid("Container instance %s was not found.", *in.ContainerInstance)
	case aws.ToString(in.DaemonName) != "":
		return &types.DaemonNotFoundException{Message: aws.String("Daemon not found.")}
	}
	return nil
}

func (a *API) listTasks(tx *store.Tx, call apiwire.Call, in *ecs.ListTasksInput, out *ecs.ListTasksOutput) error {
	c, err := a.lookCluster(tx, call, aws.ToString(in.Cluster))
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
	return strings.Join([]string{
		"ListTasks", call.Scope(), nameOfCluster(aws.ToString(in.Cluster)), aws.ToString(in.Family),
		aws.ToString(in.StartedBy), string(in.DesiredStatus), string(in.LaunchType),
	}, " ")
}

// candidates yields the ARNs behind after that pass the filters, in order. It
// follows the sandboxes' own index of what they should be, so that the many
// stopped tasks of a busy cluster cost nothing, and reads no bodies.
func candidates(tx *store.Tx, c *Cluster, in *ecs.ListTasksInput, after string) iter.Seq2[string, error] {
	cluster := aws.ToString(c.ClusterArn)
	arns := desired(tx, cluster, in.DesiredStatus == types.DesiredStatusStopped, after)
	switch {
	case aws.ToString(in.StartedBy) != "":
		return inBoth(tasks.Keys(tx, "startedBy", cluster+" "+*in.StartedBy, store.Range{After: after}), arns)
	case aws.ToString(in.Family) != "":
		return inBoth(tasks.Keys(tx, "family", cluster+" "+*in.Family, store.Range{After: after}), arns)
	}
	return arns
}

// desired yields the ARNs of the tasks of a cluster that should be stopped, or
// that should run.
func desired(tx *store.Tx, cluster string, stopped bool, after string) iter.Seq2[string, error] {
	head := strings.Replace(cluster, ":cluster/", ":task/", 1) + "/"
	return func(yield func(string, error) bool) {
		for id, err := range sandbox.Desiring(tx, cluster, stopped, idOf(after)) {
			if !yield(head+id, err) || err != nil {
				return
			}
		}
	}
}

// inBoth yields what two sequences in ascending order have in common.
func inBoth(a, b iter.Seq2[string, error]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		next, stop := iter.Pull2(b)
		defer stop()
		other, otherErr, ok := next()
		for key, err := range a {
			for err == nil && otherErr == nil && ok && other < key {
				other, otherErr, ok = next()
			}
			switch {
			case err != nil:
				yield("", err)
				return
			case otherErr != nil:
				yield("", otherErr)
				return
			case !ok:
				return
			case other == key && !yield(key, nil):
				return
			}
		}
	}
}
