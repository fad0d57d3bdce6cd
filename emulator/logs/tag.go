package logs

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// maxTags is how many tags a log group can have.
const maxTags = 50

// checkTags refuses what no tag's key may begin with.
func checkTags(tags map[string]string) error {
	for key := range tags {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return invalid("aws: prefixed tag key names are not allowed for external use.")
		}
	}
	return nil
}

// byARN finds a group by its ARN.
func byARN(arn *string) func(p place) (string, error) {
	return func(p place) (string, error) { return p.parseGroupARN(aws.ToString(arn)) }
}

func (a *API) tag(ctx context.Context, find func(p place) (string, error), tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	return a.change(ctx, find, func(g *group) error {
		all := maps.Clone(g.Tags)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, tags)
		if len(all) > maxTags {
			return &types.TooManyTagsException{Message: aws.String("A resource can have no more than 50 tags."), ResourceName: aws.String(g.Name)}
		}
		g.Tags = all
		return nil
	})
}

func (a *API) untag(ctx context.Context, find func(p place) (string, error), keys []string) error {
	return a.change(ctx, find, func(g *group) error {
		for _, k := range keys {
			delete(g.Tags, k)
		}
		return nil
	})
}

func (a *API) tags(ctx context.Context, find func(p place) (string, error)) (tags map[string]string, err error) {
	err = a.view(ctx, func(tx *store.Tx, p place) error {
		key, err := find(p)
		if err != nil {
			return err
		}
		g, err := getGroup(tx, key)
		if tags = g.Value.Tags; tags == nil {
			tags = map[string]string{}
		}
		return err
	})
	return tags, err
}

// TagResource adds tags to a log group.
func (a *API) TagResource(ctx context.Context, in *cloudwatchlogs.TagResourceInput) (*cloudwatchlogs.TagResourceOutput, error) {
	if err := a.tag(ctx, byARN(in.ResourceArn), in.Tags); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.TagResourceOutput{}, nil
}

// UntagResource removes tags from a log group.
func (a *API) UntagResource(ctx context.Context, in *cloudwatchlogs.UntagResourceInput) (*cloudwatchlogs.UntagResourceOutput, error) {
	if err := a.untag(ctx, byARN(in.ResourceArn), in.TagKeys); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.UntagResourceOutput{}, nil
}

// ListTagsForResource lists a log group's tags.
func (a *API) ListTagsForResource(ctx context.Context, in *cloudwatchlogs.ListTagsForResourceInput) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	tags, err := a.tags(ctx, byARN(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: tags}, nil
}

// TagLogGroup is the old TagResource.
func (a *API) TagLogGroup(ctx context.Context, in *cloudwatchlogs.TagLogGroupInput) (*cloudwatchlogs.TagLogGroupOutput, error) {
	if err := a.tag(ctx, named(in.LogGroupName), in.Tags); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.TagLogGroupOutput{}, nil
}

// UntagLogGroup is the old UntagResource.
func (a *API) UntagLogGroup(ctx context.Context, in *cloudwatchlogs.UntagLogGroupInput) (*cloudwatchlogs.UntagLogGroupOutput, error) {
	if err := a.untag(ctx, named(in.LogGroupName), in.Tags); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.UntagLogGroupOutput{}, nil
}

// ListTagsLogGroup is the old ListTagsForResource.
func (a *API) ListTagsLogGroup(ctx context.Context, in *cloudwatchlogs.ListTagsLogGroupInput) (*cloudwatchlogs.ListTagsLogGroupOutput, error) {
	tags, err := a.tags(ctx, named(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsLogGroupOutput{Tags: tags}, nil
}
