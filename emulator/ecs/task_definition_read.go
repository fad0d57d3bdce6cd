package ecs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows and lists task definitions.

// DescribeTaskDefinition shows a revision, whatever its status; of a family
// the newest ACTIVE one.
func (a *API) DescribeTaskDefinition(ctx context.Context, in *ecs.DescribeTaskDefinitionInput) (*ecs.DescribeTaskDefinitionOutput, error) {
	if aws.ToString(in.TaskDefinition) == "" {
		return nil, client("Task Definition can not be blank.")
	}
	for _, f := range in.Include {
		if err := oneOf(invalid, "include", f, f.Values()); err != nil {
			return nil, err
		}
	}
	out := &ecs.DescribeTaskDefinitionOutput{Tags: []types.Tag{}}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		d, err := a.taskDefinition(tx, apiwire.CallFrom(ctx), *in.TaskDefinition)
		if errors.Is(err, errNoTaskDefinition) {
			return client("Unable to describe task definition.")
		}
		if err != nil {
			return err
		}
		out.TaskDefinition = &d.Definition
		if slices.Contains(in.Include, types.TaskDefinitionFieldTags) {
			out.Tags = append(out.Tags, d.Tags...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListTaskDefinitions lists ARNs by family and then by number. FamilyPrefix is
// a whole family, despite its name.
func (a *API) ListTaskDefinitions(ctx context.Context, in *ecs.ListTaskDefinitionsInput) (*ecs.ListTaskDefinitionsOutput, error) {
	call := apiwire.CallFrom(ctx)
	if err := oneOf(invalid, "status", in.Status, in.Status.Values()); err != nil {
		return nil, err
	}
	if err := oneOf(invalid, "sort", in.Sort, in.Sort.Values()); err != nil {
		return nil, err
	}
	status := in.Status
	if status == "" {
		status = types.TaskDefinitionStatusActive
	}
	arns, err := a.definitionARNs(ctx, call, aws.ToString(in.FamilyPrefix), status)
	if err != nil {
		return nil, err
	}
	q := query{
		of:  strings.Join([]string{"ListTaskDefinitions", aws.ToString(in.FamilyPrefix), string(status), string(in.Sort)}, " "),
		max: in.MaxResults, token: in.NextToken, lo: 1, hi: 100, size: 100, reverse: in.Sort == types.SortOrderDesc,
	}
	arns, next, err := page(arns, revisionOrder, q)
	if err != nil {
		return nil, err
	}
	return &ecs.ListTaskDefinitionsOutput{TaskDefinitionArns: arns, NextToken: next}, nil
}

// revisionOrder is a key by which ARNs sort by family, then by number.
func revisionOrder(arn string) string { return fmt.Sprintf("%s %010d", familyOf(arn), revisionOf(arn)) }

// definitionARNs lists the revisions of that status, of one family when it is
// not "".
func (a *API) definitionARNs(ctx context.Context, call apiwire.Call, family string, status types.TaskDefinitionStatus) ([]string, error) {
	index, value := "status", call.Scope()+" "+string(status)
	if family != "" {
		index, value = "familyStatus", familyKey(call.Scope(), family)+" "+string(status)
	}
	var arns []string
	err := a.store.View(ctx, func(tx *store.Tx) error {
		for arn, err := range taskDefinitions.Keys(tx, index, value, store.Range{}) {
			if err != nil {
				return err
			}
			arns = append(arns, arn)
		}
		return nil
	})
	return arns, err
}

// ListTaskDefinitionFamilies lists the families that begin with a prefix: all
// of them, those with an ACTIVE revision, or those without.
func (a *API) ListTaskDefinitionFamilies(ctx context.Context, in *ecs.ListTaskDefinitionFamiliesInput) (*ecs.ListTaskDefinitionFamiliesOutput, error) {
	if err := oneOf(invalid, "status", in.Status, in.Status.Values()); err != nil {
		return nil, err
	}
	active, err := a.familiesWith(ctx, types.TaskDefinitionStatusActive)
	if err != nil {
		return nil, err
	}
	names := active
	if in.Status != types.TaskDefinitionFamilyStatusActive {
		rest, err := a.familiesWith(ctx, types.TaskDefinitionStatusInactive, types.TaskDefinitionStatusDeleteInProgress)
		if err != nil {
			return nil, err
		}
		rest = slices.DeleteFunc(rest, func(name string) bool { return slices.Contains(active, name) })
		if names = rest; in.Status != types.TaskDefinitionFamilyStatusInactive {
			names = append(names, active...)
		}
	}
	prefix := aws.ToString(in.FamilyPrefix)
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
	of := "ListTaskDefinitionFamilies " + prefix + " " + string(in.Status)
	q := query{of: of, max: in.MaxResults, token: in.NextToken, lo: 1, hi: 100, size: 100}
	names, next, err := page(names, func(name string) string { return name }, q)
	if err != nil {
		return nil, err
	}
	return &ecs.ListTaskDefinitionFamiliesOutput{Families: names, NextToken: next}, nil
}

// familiesWith lists the families that have a revision of one of the statuses,
// each once.
func (a *API) familiesWith(ctx context.Context, statuses ...types.TaskDefinitionStatus) ([]string, error) {
	var names []string
	for _, s := range statuses {
		arns, err := a.definitionARNs(ctx, apiwire.CallFrom(ctx), "", s)
		if err != nil {
			return nil, err
		}
		for _, arn := range arns {
			names = append(names, familyOf(arn))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
