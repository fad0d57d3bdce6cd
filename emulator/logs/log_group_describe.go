package logs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

const (
	defaultLimit = 50 // of lists of groups and streams
)

// groupFilter chooses groups.
type groupFilter struct {
	after  string // name
	limit  int
	prefix string
	accept func(*group) bool
}

// list returns a page of groups and, when there are more, the name of the last
// one.
func (p place) list(tx *store.Tx, f groupFilter) (page []store.Record[group], next string, err error) {
	r := store.Range{Prefix: p.groupARN(f.prefix)}
	if f.after != "" {
		r.After = p.groupARN(f.after)
	}
	for g, err := range groups.All(tx, r) {
		switch {
		case err != nil:
			return nil, "", err
		case !f.accept(&g.Value):
		case len(page) == f.limit:
			return page, page[len(page)-1].Value.Name, nil
		default:
			page = append(page, g)
		}
	}
	return page, "", nil
}

// DescribeLogGroups lists log groups by name.
func (a *API) DescribeLogGroups(ctx context.Context, in *cloudwatchlogs.DescribeLogGroupsInput) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	f, err := describeFilter(in)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}}
	err = a.view(ctx, func(tx *store.Tx, p place) error {
		page, next, err := p.list(tx, f)
		if err != nil {
			return err
		}
		for _, g := range page {
			d, err := describeGroup(tx, g)
			if err != nil {
				return err
			}
			out.LogGroups = append(out.LogGroups, d)
		}
		out.NextToken = listToken(next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func describeFilter(in *cloudwatchlogs.DescribeLogGroupsInput) (groupFilter, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return groupFilter{}, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	after, err := parseListToken(in.NextToken)
	pattern := strings.ToLower(aws.ToString(in.LogGroupNamePattern))
	return groupFilter{
		after: after, limit: limitOr(in.Limit, defaultLimit), prefix: aws.ToString(in.LogGroupNamePrefix),
		accept: func(g *group) bool {
			return ofClass(g, in.LogGroupClass) && strings.Contains(strings.ToLower(g.Name), pattern)
		},
	}, err
}

func ofClass(g *group, class types.LogGroupClass) bool { return class == "" || g.Class == class }

func limitOr(limit *int32, otherwise int) int {
	if limit == nil {
		return otherwise
	}
	return int(*limit)
}

func describeGroup(tx *store.Tx, g store.Record[group]) (types.LogGroup, error) {
	bytes, err := storedBytes(tx, g.Key)
	d := types.LogGroup{
		Arn: aws.String(g.Key + ":*"), LogGroupArn: aws.String(g.Key), LogGroupName: aws.String(g.Value.Name),
		CreationTime: aws.Int64(g.Value.Created), LogGroupClass: g.Value.Class, MetricFilterCount: aws.Int32(0),
		StoredBytes: aws.Int64(bytes), DeletionProtectionEnabled: aws.Bool(g.Value.Protected),
	}
	if g.Value.Retention > 0 {
		d.RetentionInDays = aws.Int32(g.Value.Retention)
	}
	if g.Value.KMSKey != "" {
		d.KmsKeyId = aws.String(g.Value.KMSKey)
	}
	return d, err
}

// storedBytes sums up a group's streams.
func storedBytes(tx *store.Tx, group string) (int64, error) {
	total := int64(0)
	for t, err := range tallies.ReadPrefix(tx, streamARN(group, ""), store.SeriesQuery{}) {
		if err != nil {
			return 0, err
		}
		total += t.Value.Bytes
	}
	return total, nil
}
