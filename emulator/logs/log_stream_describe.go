package logs

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// DescribeLogStreams lists the streams of a group, by name or by the time of
// their newest event.
func (a *API) DescribeLogStreams(ctx context.Context, in *cloudwatchlogs.DescribeLogStreamsInput) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	after, err := parseListToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: []types.LogStream{}}
	err = a.view(ctx, func(tx *store.Tx, p place) error {
		key, err := p.groupKey(in.LogGroupName, in.LogGroupIdentifier)
		if err != nil {
			return err
		}
		if _, err := getGroup(tx, key); err != nil {
			return err
		}
		l := streamList{tx: tx, group: key, after: after, limit: limitOr(in.Limit, defaultLimit), reverse: aws.ToBool(in.Descending), prefix: aws.ToString(in.LogStreamNamePrefix)}
		read := l.byName
		if byTime {
			read = l.byTime
		}
		page, next, err := read()
		out.NextToken = listToken(next)
		for _, s := range page {
			d, err := describeStream(tx, s)
			if err != nil {
				return err
			}
			out.LogStreams = append(out.LogStreams, d)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// streamList reads a page of a group's streams.
type streamList struct {
	tx      *store.Tx
	group   string
	after   string // what the page before told
	limit   int
	reverse bool
	prefix  string
}

func (l *streamList) byName() (page []store.Record[stream], next string, err error) {
	page, err = streamsOf(l.tx, l.group, store.Range{Prefix: l.prefix, After: l.after, Reverse: l.reverse, Limit: l.limit + 1})
	if len(page) > l.limit {
		page = page[:l.limit]
		next = page[l.limit-1].Value.Name
	}
	return page, next, err
}

// byTime sorts all streams; streams without events count as the oldest. Time
// and name of the last one lead to the next page.
func (l *streamList) byTime() (page []store.Record[stream], next string, err error) {
	all, err := streamsOf(l.tx, l.group, store.Range{})
	if err != nil {
		return nil, "", err
	}
	last := map[string]int64{}
	for t, err := range tallies.ReadPrefix(l.tx, streamARN(l.group, ""), store.SeriesQuery{}) {
		if err != nil {
			return nil, "", err
		}
		last[t.Key] = t.Value.Last
	}
	place := func(s store.Record[stream]) string { return number(last[s.Key], 0) + s.Value.Name }
	compare := func(a, b string) int {
		if l.reverse {
			a, b = b, a
		}
		return cmp.Compare(a, b)
	}
	slices.SortFunc(all, func(a, b store.Record[stream]) int { return compare(place(a), place(b)) })
	from, _ := slices.BinarySearchFunc(all, l.after, func(s store.Record[stream], after string) int {
		if after == "" || compare(place(s), after) > 0 {
			return 1
		}
		return -1
	})
	page = all[from:min(from+l.limit, len(all))]
	if from+l.limit < len(all) {
		next = place(page[len(page)-1])
	}
	return page, next, nil
}

func describeStream(tx *store.Tx, s store.Record[stream]) (types.LogStream, error) {
	t, err := readTally(tx, s.Key)
	if err != nil {
		return types.LogStream{}, err
	}
	d := types.LogStream{
		Arn: aws.String(s.Key), LogStreamName: aws.String(s.Value.Name), CreationTime: aws.Int64(s.Value.Created),
		StoredBytes: aws.Int64(0), UploadSequenceToken: aws.String(t.token(s.Value.Created)),
	}
	if t.Ingested == 0 {
		return d, nil
	}
	d.LastEventTimestamp, d.LastIngestionTime = aws.Int64(t.Last), aws.Int64(t.Ingested)
	for row, err := range events.Read(tx, s.Key, store.SeriesQuery{Limit: 1}) {
		if err != nil {
			return d, err
		}
		d.FirstEventTimestamp = aws.Int64(row.At.UnixMilli())
	}
	return d, nil
}
