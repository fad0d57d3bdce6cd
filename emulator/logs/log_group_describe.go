package logs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// defaultLimit is how long a page of groups or streams is when nobody says.
const defaultLimit = 50

// This file shows log groups; log_group.go has what they are.

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
	f, err := describeFilter(in, placeOf(ctx))
	if err != nil {
		return nil, err
	}
	describe := describeGroup
	if in.LogGroupNamePattern != nil {
		describe = describeBriefly
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}}
	err = a.view(ctx, func(tx *store.Tx, p place) error {
		page, next, err := p.list(tx, f)
		if err != nil {
			return err
		}
		for _, g := range page {
			d, err := describe(tx, g)
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

func describeFilter(in *cloudwatchlogs.DescribeLogGroupsInput, p place) (f groupFilter, err error) {
	switch {
	case in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil:
		return f, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case len(in.LogGroupIdentifiers) > 0 && (in.LogGroupNamePrefix != nil || in.LogGroupNamePattern != nil):
		return f, invalid("LogGroup identifiers cannot be combined with a LogGroup name prefix or pattern.")
	}
	var names map[string]bool
	if len(in.LogGroupIdentifiers) > 0 {
		if names, err = p.names(in.LogGroupIdentifiers); err != nil {
			return f, err
		}
	}
	f = groupFilter{limit: limitOr(in.Limit, defaultLimit), prefix: aws.ToString(in.LogGroupNamePrefix), accept: func(g *group) bool {
		return ofClass(g, in.LogGroupClass) && strings.Contains(g.Name, aws.ToString(in.LogGroupNamePattern)) && (names == nil || names[g.Name])
	}}
	f.after, err = parseListToken(in.NextToken)
	return f, err
}

// names are the groups meant by identifiers; one of another account or region
// means none.
func (p place) names(identifiers []string) (map[string]bool, error) {
	names := map[string]bool{}
	for _, id := range identifiers {
		key, err := p.groupKey(nil, &id)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		names[strings.TrimPrefix(key, p.groupARN(""))] = true
	}
	return names, nil
}

// ofClass tells whether a group is of the class asked for. The two classes
// with few features are listed together.
func ofClass(g *group, class types.LogGroupClass) bool {
	few := func(c types.LogGroupClass) bool {
		return c == types.LogGroupClassInfrequentAccess || c == types.LogGroupClassEssentials
	}
	return class == "" || g.Class == class || few(class) && few(g.Class)
}

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

// describeBriefly is all that is told of a group that was found by a pattern.
func describeBriefly(_ *store.Tx, g store.Record[group]) (types.LogGroup, error) {
	return types.LogGroup{
		Arn: aws.String(g.Key + ":*"), LogGroupName: aws.String(g.Value.Name), CreationTime: aws.Int64(g.Value.Created),
	}, nil
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
