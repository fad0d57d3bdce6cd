package logs

import (
	"context"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// ListLogGroups lists log groups by name, briefly. No group has data sources
// or field indexes, so nothing is found by them.
func (a *API) ListLogGroups(ctx context.Context, in *cloudwatchlogs.ListLogGroupsInput) (*cloudwatchlogs.ListLogGroupsOutput, error) {
	pattern, err := regexp.Compile(aws.ToString(in.LogGroupNamePattern))
	if err != nil {
		return nil, invalid("The specified logGroupNamePattern is invalid.")
	}
	f := groupFilter{limit: limitOr(in.Limit, defaultLimit), accept: func(g *group) bool {
		return len(in.DataSources) == 0 && len(in.FieldIndexNames) == 0 &&
			ofClass(g, in.LogGroupClass) && pattern.MatchString(g.Name) && tagged(g, in.LogGroupTags)
	}}
	if f.after, err = parseListToken(in.NextToken); err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.ListLogGroupsOutput{LogGroups: []types.LogGroupSummary{}}
	err = a.view(ctx, func(tx *store.Tx, p place) error {
		page, next, err := p.list(tx, f)
		for _, g := range page {
			out.LogGroups = append(out.LogGroups, types.LogGroupSummary{
				LogGroupArn: aws.String(g.Key), LogGroupName: aws.String(g.Value.Name), LogGroupClass: g.Value.Class,
			})
		}
		out.NextToken = listToken(next)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// tagged tells whether a group has all the tags, each with one of the values
// where there are any.
func tagged(g *group, filters []types.TagFilter) bool {
	return !slices.ContainsFunc(filters, func(f types.TagFilter) bool {
		value, there := g.Tags[aws.ToString(f.Key)]
		return !there || len(f.Values) > 0 && !slices.Contains(f.Values, value)
	})
}
