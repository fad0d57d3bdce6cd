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
	"github.com/neargate/neargate/emulator/store"
)

// This file puts tags on resources that are there. What a tag may be is in
// tag.go.

// tagged is one resource's tags, to read and to write.
type tagged struct {
	tags []types.Tag
	put  func(tags []types.Tag) error
}

// taggable finds the resource behind an ARN, by the first word of its
// resource part.
var taggable = map[string]func(a *API, tx *store.Tx, call apiwire.Call, arn string) (tagged, error){
	"cluster":           taggedCluster,
	"task-definition":   taggedDefinition,
	"task":              taggedTask,
	"capacity-provider": taggedProvider,
}

// foreign are the kinds of resources that ECS has and Neargate has none of.
var foreign = []string{"service", "container-instance", "task-set", "daemon", "daemon-task-definition"}

// TagResource adds tags to a resource; a key that is there gets a new value.
func (a *API) TagResource(ctx context.Context, in *ecs.TagResourceInput) (*ecs.TagResourceOutput, error) {
	if len(in.Tags) == 0 {
		return nil, invalid("Tags can not be empty.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := a.changeTags(ctx, in.ResourceArn, func(tags []types.Tag) ([]types.Tag, error) {
		merged := mergeTags(tags, in.Tags)
		return merged, checkTagCount(merged)
	})
	if err != nil {
		return nil, err
	}
	return &ecs.TagResourceOutput{}, nil
}

// UntagResource takes tags away. Keys that are not there are no error.
func (a *API) UntagResource(ctx context.Context, in *ecs.UntagResourceInput) (*ecs.UntagResourceOutput, error) {
	if len(in.TagKeys) == 0 {
		return nil, invalid("TagKeys can not be empty.")
	}
	for _, key := range in.TagKeys {
		if isSystemTag(key) {
			return nil, invalid("Tag keys and values that begin with aws: are reserved: %s", key)
		}
	}
	err := a.changeTags(ctx, in.ResourceArn, func(tags []types.Tag) ([]types.Tag, error) {
		return withoutTags(tags, in.TagKeys), nil
	})
	if err != nil {
		return nil, err
	}
	return &ecs.UntagResourceOutput{}, nil
}

// ListTagsForResource lists a resource's tags.
func (a *API) ListTagsForResource(ctx context.Context, in *ecs.ListTagsForResourceInput) (*ecs.ListTagsForResourceOutput, error) {
	out := &ecs.ListTagsForResourceOutput{Tags: []types.Tag{}}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		r, err := a.tagged(tx, apiwire.CallFrom(ctx), in.ResourceArn)
		out.Tags = append(out.Tags, r.tags...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *API) changeTags(ctx context.Context, arn *string, change func([]types.Tag) ([]types.Tag, error)) error {
	call := apiwire.CallFrom(ctx)
	return a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		r, err := a.tagged(tx, call, arn)
		if err != nil {
			return err
		}
		tags, err := change(r.tags)
		if err != nil {
			return err
		}
		return r.put(tags)
	})
}

// tagged finds the resource that an ARN names.
func (a *API) tagged(tx *store.Tx, call apiwire.Call, ref *string) (tagged, error) {
	arn, err := apiwire.ParseARN(aws.ToString(ref))
	if err != nil || arn.Service != "ecs" {
		return tagged{}, invalid("The ARN provided is invalid.")
	}
	if arn.Region != call.Region {
		return tagged{}, invalid("Invalid Region in ARN")
	}
	kind, name, ok := strings.Cut(arn.Resource, "/")
	find, known := taggable[kind]
	switch {
	case !ok || name == "" || !known && !slices.Contains(foreign, kind):
		return tagged{}, invalid("The ARN provided is invalid.")
	case (kind == "service" || kind == "task" || kind == "container-instance") && !strings.Contains(name, "/"):
		return tagged{}, invalid("Long arn format must be used for tagging operations")
	case !known || arn.Account != call.Account:
		return tagged{}, notTagged()
	}
	return find(a, tx, call, *ref)
}

func notTagged() error {
	return &types.ResourceNotFoundException{Message: aws.String("The specified resource wasn't found. Specify a valid resource ARN and try again.")}
}

func taggedCluster(a *API, tx *store.Tx, call apiwire.Call, arn string) (tagged, error) {
	c, err := a.anyCluster(tx, call, arn)
	if err != nil {
		return tagged{}, err
	}
	if !c.active() {
		return tagged{}, invalid("The specified cluster is inactive. Specify an active cluster and try again.")
	}
	return tagged{c.Tags, func(tags []types.Tag) error {
		c.Tags = tags
		return clusters.Put(tx, arn, c)
	}}, nil
}

// taggedDefinition finds a task definition; its ARN has to name a revision.
func taggedDefinition(_ *API, tx *store.Tx, _ apiwire.Call, arn string) (tagged, error) {
	r, err := taskDefinitions.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return tagged{}, notTagged()
	}
	return tagged{r.Value.Tags, func(tags []types.Tag) error {
		r.Value.Tags = tags
		return taskDefinitions.Put(tx, arn, &r.Value)
	}}, err
}

func taggedTask(_ *API, tx *store.Tx, _ apiwire.Call, arn string) (tagged, error) {
	r, s, err := pairOf(tx, arn)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return tagged{}, notTagged()
	case err != nil:
		return tagged{}, err
	case stopped(s):
		return tagged{}, invalid("The specified task is stopped. Specify a running task and try again.")
	}
	return tagged{r.Value.Tags, func(tags []types.Tag) error {
		r.Value.Tags = tags
		return tasks.Put(tx, arn, &r.Value)
	}}, nil
}

// taggedProvider finds Fargate's capacity providers, which are AWS's own: they
// have no tags and take none.
func taggedProvider(_ *API, _ *store.Tx, _ apiwire.Call, arn string) (tagged, error) {
	if !isProvider(shortName(arn)) {
		return tagged{}, notTagged()
	}
	return tagged{nil, func([]types.Tag) error {
		return client("The specified capacity provider is reserved and cannot be tagged.")
	}}, nil
}
