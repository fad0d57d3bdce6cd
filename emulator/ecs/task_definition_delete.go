package ecs

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file ends the life of task definitions: ACTIVE → INACTIVE →
// DELETE_IN_PROGRESS. The last step, away for good once nothing uses it, is
// Deletion's in task_definition_deletion.go.

const textNoDefinition = "The specified task definition does not exist. Specify a valid account, family, revision and try again."

// DeregisterTaskDefinition makes a revision INACTIVE. One that is INACTIVE
// already is answered as it is.
func (a *API) DeregisterTaskDefinition(ctx context.Context, in *ecs.DeregisterTaskDefinitionInput) (*ecs.DeregisterTaskDefinitionOutput, error) {
	call := apiwire.CallFrom(ctx)
	out := &ecs.DeregisterTaskDefinitionOutput{}
	err := a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		d, err := a.revision(tx, call, aws.ToString(in.TaskDefinition))
		if err != nil {
			return err
		}
		out.TaskDefinition = &d.Definition
		return deregister(tx, d)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// revision finds a task definition by a reference that has to name its number.
func (a *API) revision(tx *store.Tx, call apiwire.Call, ref string) (*TaskDefinition, error) {
	if ref == "" {
		return nil, client("Task Definition can not be blank.")
	}
	f, err := parseFamily(call, ref)
	if err != nil {
		return nil, err
	}
	if f.revision == 0 {
		return nil, client("Revision is missing.")
	}
	d, err := a.taskDefinition(tx, call, ref)
	if errors.Is(err, errNoTaskDefinition) {
		return nil, client("%s", textNoDefinition)
	}
	return d, err
}

func deregister(tx *store.Tx, d *TaskDefinition) error {
	switch v := &d.Definition; v.Status {
	case types.TaskDefinitionStatusInactive:
		return nil
	case types.TaskDefinitionStatusDeleteInProgress:
		return client("The specified task definition is in the process of being deleted. Specify another task definition and try again.")
	default:
		v.Status, v.DeregisteredAt = types.TaskDefinitionStatusInactive, aws.Time(tx.Now())
		return taskDefinitions.Put(tx, *v.TaskDefinitionArn, d)
	}
}

const maxDeletedDefinitions = 10

// DeleteTaskDefinitions begins to delete INACTIVE revisions; what it cannot
// delete is a failure.
func (a *API) DeleteTaskDefinitions(ctx context.Context, in *ecs.DeleteTaskDefinitionsInput) (*ecs.DeleteTaskDefinitionsOutput, error) {
	switch n := len(in.TaskDefinitions); {
	case n == 0:
		return nil, invalid("size of TaskDefinition references list must be greater than 0")
	case n > maxDeletedDefinitions:
		return nil, invalid("Size of TaskDefinition references list cannot exceed %d", maxDeletedDefinitions)
	}
	call := apiwire.CallFrom(ctx)
	out := &ecs.DeleteTaskDefinitionsOutput{TaskDefinitions: []types.TaskDefinition{}, Failures: []types.Failure{}}
	err := a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		for _, ref := range in.TaskDefinitions {
			d, reason, err := a.deleteDefinition(tx, call, ref)
			switch {
			case err != nil:
				return err
			case reason != "":
				out.Failures = append(out.Failures, types.Failure{Arn: aws.String(ref), Reason: aws.String(reason)})
			default:
				out.TaskDefinitions = append(out.TaskDefinitions, d.Definition)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// deleteDefinition marks one revision; reason says why it is a failure.
func (a *API) deleteDefinition(tx *store.Tx, call apiwire.Call, ref string) (d *TaskDefinition, reason string, err error) {
	f, err := parseFamily(call, ref)
	if err != nil || f.revision == 0 {
		return nil, "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.", nil
	}
	d, err = a.taskDefinition(tx, call, ref)
	if errors.Is(err, errNoTaskDefinition) {
		return nil, textNoDefinition, nil
	}
	if err != nil {
		return nil, "", err
	}
	switch v := &d.Definition; v.Status {
	case types.TaskDefinitionStatusActive:
		return nil, "The specified task definition is still in ACTIVE status. Please deregister the target and try again.", nil
	case types.TaskDefinitionStatusDeleteInProgress:
		return d, "", nil
	default:
		v.Status, v.DeleteRequestedAt = types.TaskDefinitionStatusDeleteInProgress, aws.Time(tx.Now())
		return d, "", taskDefinitions.Put(tx, *v.TaskDefinitionArn, d)
	}
}
