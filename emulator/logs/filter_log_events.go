package logs

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/logs/pattern"
	"github.com/neargate/neargate/emulator/store"
)

// maxScan is how many events one call of FilterLogEvents looks at. Where they
// do not match, it answers an empty page with a token, as AWS does.
const maxScan = 500_000

// reverseSince is the earliest startTime with which events are listed newest
// first: 1 January 2024, in ms.
const reverseSince = 1_704_067_200_000

// FilterLogEvents lists the events of several streams as one, in the order of
// time: those that match a pattern.
func (a *API) FilterLogEvents(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	s, err := newSearch(in)
	if err != nil {
		return nil, err
	}
	err = a.view(ctx, func(tx *store.Tx, p place) error {
		key, err := p.groupKey(in.LogGroupName, in.LogGroupIdentifier)
		if err != nil {
			return err
		}
		keys, err := searched(tx, key, in)
		if err != nil {
			return err
		}
		return s.run(ctx, tx, keys)
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.FilterLogEventsOutput{Events: s.found, NextToken: s.next, SearchedLogStreams: []types.SearchedLogStream{}}, nil
}

// search is one call of FilterLogEvents.
type search struct {
	pattern *pattern.Pattern
	query   store.SeriesQuery
	limit   int

	found []types.FilteredLogEvent
	size  int64
	next  *string
}

func newSearch(in *cloudwatchlogs.FilterLogEventsInput) (*search, error) {
	s := &search{limit: limitOr(in.Limit, maxAnswerCount), found: []types.FilteredLogEvent{}}
	s.query.Reverse = in.StartFromHead != nil && !*in.StartFromHead
	switch {
	case in.StartTime != nil && in.EndTime != nil && *in.StartTime > *in.EndTime:
		return nil, invalid("startTime cannot be greater than endTime.")
	case in.LogStreamNames != nil && in.LogStreamNamePrefix != nil:
		return nil, invalid("logStreamNamePrefix and logStreamNames cannot both be specified.")
	case s.query.Reverse && aws.ToInt64(in.StartTime) < reverseSince:
		return nil, invalid("Setting startFromHead to false is supported only when startTime is on or after Jan 1, 2024 00:00:00 UTC.")
	}
	if in.StartTime != nil {
		s.query.From = time.UnixMilli(*in.StartTime)
	}
	if in.EndTime != nil {
		s.query.To = time.UnixMilli(*in.EndTime + 1)
	}
	if err := s.resume(in.NextToken); err != nil {
		return nil, err
	}
	return s, s.compile(aws.ToString(in.FilterPattern))
}

// resume goes on behind the page that a token is of, in its direction.
func (s *search) resume(token *string) error {
	if token == nil {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return invalid("The specified nextToken is invalid.")
	}
	from, err := parsePage(string(raw))
	s.query.After, s.query.Reverse = from.after, !from.forward
	return err
}

func (s *search) compile(text string) (err error) {
	s.pattern, err = parsePattern(text)
	return err
}

// parsePattern reads a filter pattern, with AWS's error.
func parsePattern(text string) (*pattern.Pattern, error) {
	p, err := pattern.Parse(text)
	if err != nil {
		return nil, invalid("%s", err.Error())
	}
	return p, nil
}

// searched are the keys of the streams that a request means.
func searched(tx *store.Tx, group string, in *cloudwatchlogs.FilterLogEventsInput) (keys []string, err error) {
	if _, err := getGroup(tx, group); err != nil {
		return nil, err
	}
	for _, name := range in.LogStreamNames {
		s, err := getStream(tx, group, name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, s.Key)
	}
	if in.LogStreamNames != nil {
		slices.Sort(keys)
		return slices.Compact(keys), nil
	}
	prefix := streamARN(group, aws.ToString(in.LogStreamNamePrefix))
	for key, err := range streams.Keys(tx, "", "", store.Range{Prefix: prefix}) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// run goes through the streams until the page is full.
func (s *search) run(ctx context.Context, tx *store.Tx, keys []string) error {
	last, scanned := s.query.After, 0
	for row, err := range events.ReadKeyRows(tx, keys, s.query) {
		if err == nil && scanned%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if !s.room(&row.Row, scanned) {
			token := base64.RawURLEncoding.EncodeToString([]byte(page{last, !s.query.Reverse}.String()))
			s.next = &token
			return nil
		}
		last = row.Position()
		scanned++
		if s.pattern.Match(row.Value.Message) {
			s.add(row)
		}
	}
	return nil
}

// room tells whether one more event fits the page.
func (s *search) room(row *store.Row[event], scanned int) bool {
	return scanned < maxScan && len(s.found) < s.limit && (len(s.found) == 0 || s.size+row.Value.size() <= maxAnswer)
}

func (s *search) add(row store.KeyRow[event]) {
	s.size += row.Value.size()
	s.found = append(s.found, types.FilteredLogEvent{
		EventId: aws.String(eventID(row.Position())), LogStreamName: aws.String(nameOf(row.Key)), Message: aws.String(row.Value.Message),
		Timestamp: aws.Int64(row.At.UnixMilli()), IngestionTime: aws.Int64(row.Value.Ingested),
	})
}
