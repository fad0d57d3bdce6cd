package ecs

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file registers task definitions. What may stand in one is checked by
// the rules that task_definition_check.go lists, what AWS fills in is in
// task_definition_defaults.go.

// RegisterTaskDefinition makes the next revision of a family, every time: it
// is never idempotent.
func (a *API) RegisterTaskDefinition(ctx context.Context, in *ecs.RegisterTaskDefinitionInput) (*ecs.RegisterTaskDefinitionOutput, error) {
	call := apiwire.CallFrom(ctx)
	by, err := a.callerARN(ctx)
	if err != nil {
		return nil, err
	}
	d := newDefinition(call, in)
	d.RegisteredBy = &by
	if len(in.InferenceAccelerators) > 0 {
		return nil, client("Unsupported field 'inferenceAccelerators'")
	}
	if err := checkDefinition(d); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	fillDefaults(d)
	d.Compatibilities = compatibilities(d)
	d.RequiresAttributes = requiredAttributes(d)
	record := &TaskDefinition{Definition: *d, Tags: slices.Clone(in.Tags), Scope: call.Scope()}
	err = a.store.Update(ctx, call.By(), func(tx *store.Tx) error { return record.insert(tx, call) })
	if err != nil {
		return nil, err
	}
	return &ecs.RegisterTaskDefinitionOutput{
		TaskDefinition: &record.Definition,
		Tags:           append([]types.Tag{}, record.Tags...),
	}, nil
}

// insert gives the definition its number and stores it.
func (d *TaskDefinition) insert(tx *store.Tx, call apiwire.Call) error {
	v := &d.Definition
	n, err := nextRevision(tx, d.Scope, *v.Family)
	if err != nil {
		return err
	}
	arn := definitionARN(call, *v.Family, n)
	v.Revision, v.TaskDefinitionArn, v.RegisteredAt = n, aws.String(arn), aws.Time(tx.Now())
	return taskDefinitions.Insert(tx, arn, d)
}

// maxRevisions is how many revisions a family can have.
const maxRevisions = 1000000

// nextRevision counts a family on.
func nextRevision(tx *store.Tx, scope, family string) (int32, error) {
	key := familyKey(scope, family)
	r, err := families.Get(tx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	f := Family{Scope: scope, Name: family, Revision: r.Value.Revision + 1}
	if f.Revision > maxRevisions || f.Revision == math.MaxInt32 {
		return 0, client("The maximum number of revisions of a task definition family (%d) was exceeded. Register under another family and try again.", maxRevisions)
	}
	return f.Revision, families.Put(tx, key, &f)
}

// newDefinition is the definition that a request asks for, with sizes and
// roles in their stored form. It shares nothing with in that is changed later.
func newDefinition(call apiwire.Call, in *ecs.RegisterTaskDefinitionInput) *types.TaskDefinition {
	d := &types.TaskDefinition{
		ContainerDefinitions:    slices.Clone(in.ContainerDefinitions),
		Cpu:                     mapped(in.Cpu, cpuUnits),
		EnableFaultInjection:    in.EnableFaultInjection,
		EphemeralStorage:        in.EphemeralStorage,
		ExecutionRoleArn:        mapped(in.ExecutionRoleArn, func(role string) string { return roleARN(call, role) }),
		Family:                  in.Family,
		IpcMode:                 in.IpcMode,
		Memory:                  mapped(in.Memory, memoryMiB),
		NetworkMode:             in.NetworkMode,
		PidMode:                 in.PidMode,
		PlacementConstraints:    slices.Clone(in.PlacementConstraints),
		ProxyConfiguration:      in.ProxyConfiguration,
		RequiresCompatibilities: slices.Clone(in.RequiresCompatibilities),
		RuntimePlatform:         in.RuntimePlatform,
		Status:                  types.TaskDefinitionStatusActive,
		TaskRoleArn:             mapped(in.TaskRoleArn, func(role string) string { return roleARN(call, role) }),
		Volumes:                 slices.Clone(in.Volumes),
	}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		c.PortMappings = slices.Clone(c.PortMappings)
	}
	return d
}

// mapped applies f to a string that was given; an empty one counts as not
// given.
func mapped(s *string, f func(string) string) *string {
	if aws.ToString(s) == "" {
		return nil
	}
	return aws.String(f(*s))
}
