package logs

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// What one answer with events holds at most.
const (
	maxAnswer      = 1 << 20 // bytes, as AWS counts events
	maxAnswerCount = 10000
)

// GetLogEvents lists the events of one stream, always in the order of time: a
// page from one of the ends, or the one behind or before another page. Where
// there is no more, the token that led there is answered again.
func (a *API) GetLogEvents(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	from, err := startPage(in)
	if err != nil {
		return nil, err
	}
	var rows []store.Row[event]
	err = a.view(ctx, func(tx *store.Tx, p place) error {
		key, err := p.groupKey(in.LogGroupName, in.LogGroupIdentifier)
		if err != nil {
			return err
		}
		s, err := getStream(tx, key, *in.LogStreamName)
		if err != nil {
			return err
		}
		rows, err = readPage(tx, s.Key, from, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	forward, backward := around(from, rows)
	out := &cloudwatchlogs.GetLogEventsOutput{
		Events: make([]types.OutputLogEvent, len(rows)), NextForwardToken: aws.String(forward.String()), NextBackwardToken: aws.String(backward.String()),
	}
	for i, r := range rows {
		out.Events[i] = types.OutputLogEvent{
			Timestamp: aws.Int64(r.At.UnixMilli()), Message: aws.String(r.Value.Message), IngestionTime: aws.Int64(r.Value.Ingested),
		}
	}
	return out, nil
}

func startPage(in *cloudwatchlogs.GetLogEventsInput) (page, error) {
	if in.StartTime != nil && in.EndTime != nil && *in.StartTime > *in.EndTime {
		return page{}, invalid("startTime cannot be greater than endTime.")
	}
	if in.NextToken != nil {
		return parsePage(*in.NextToken)
	}
	return page{forward: aws.ToBool(in.StartFromHead)}, nil
}

// readPage reads the events of a page, in the order of time.
func readPage(tx *store.Tx, stream string, from page, in *cloudwatchlogs.GetLogEventsInput) ([]store.Row[event], error) {
	q := store.SeriesQuery{After: from.after, Reverse: !from.forward, Limit: maxAnswerCount}
	if in.Limit != nil {
		q.Limit = int(*in.Limit)
	}
	if in.StartTime != nil {
		q.From = time.UnixMilli(*in.StartTime)
	}
	if in.EndTime != nil {
		q.To = time.UnixMilli(*in.EndTime)
	}
	var rows []store.Row[event]
	size := int64(0)
	for r, err := range events.Read(tx, stream, q) {
		if err != nil {
			return nil, err
		}
		if size += r.Value.size(); size > maxAnswer && len(rows) > 0 {
			break
		}
		rows = append(rows, r)
	}
	if q.Reverse {
		slices.Reverse(rows)
	}
	return rows, nil
}

// around are the pages behind and before one. An empty page leads back to
// what was beside it.
func around(from page, rows []store.Row[event]) (forward, backward page) {
	forward, backward = page{forward: true}, page{}
	if n := len(rows); n > 0 {
		forward.after, backward.after = rows[n-1].Position(), rows[0].Position()
		return forward, backward
	}
	at := from.after
	if at == (store.Position{}) {
		at.At = time.UnixMilli(0).UTC()
	}
	forward.after, backward.after = at, at
	if from.forward {
		backward.after.ID++
	} else if at.ID > 0 {
		forward.after.ID--
	}
	return forward, backward
}
