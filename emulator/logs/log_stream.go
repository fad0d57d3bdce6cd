package logs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/neargate/neargate/emulator/store"
)

// This file makes and deletes log streams; log_stream_describe.go shows them.

// stream is a log stream; its key is its ARN. What events change about it is
// in its tally.
type stream struct {
	Name    string
	Created int64 // ms since 1970
}

var streams = store.NewTable[stream]("logs/stream")

// streamsOf lists streams of a group by name. The range's Prefix and After are
// names.
func streamsOf(tx *store.Tx, group string, r store.Range) ([]store.Record[stream], error) {
	r.Prefix = streamARN(group, r.Prefix)
	if r.After != "" {
		r.After = streamARN(group, r.After)
	}
	var out []store.Record[stream]
	for s, err := range streams.All(tx, r) {
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// getStream reads a stream of a group; the group's absence is told first.
func getStream(tx *store.Tx, group, name string) (store.Record[stream], error) {
	if _, err := getGroup(tx, group); err != nil {
		return store.Record[stream]{}, err
	}
	s, err := streams.Get(tx, streamARN(group, name))
	return s, absent(err, errNoStream())
}

// CreateLogStream makes a log stream.
func (a *API) CreateLogStream(ctx context.Context, in *cloudwatchlogs.CreateLogStreamInput) (*cloudwatchlogs.CreateLogStreamOutput, error) {
	err := a.update(ctx, func(tx *store.Tx, p place) error {
		return createStream(tx, p.groupARN(*in.LogGroupName), *in.LogStreamName)
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.CreateLogStreamOutput{}, nil
}

func createStream(tx *store.Tx, group, name string) error {
	if _, err := getGroup(tx, group); err != nil {
		return err
	}
	s := stream{Name: name, Created: tx.Now().UnixMilli()}
	return taken(streams.Insert(tx, streamARN(group, name), &s), errStreamExists())
}

// DeleteLogStream deletes a log stream with its events.
func (a *API) DeleteLogStream(ctx context.Context, in *cloudwatchlogs.DeleteLogStreamInput) (*cloudwatchlogs.DeleteLogStreamOutput, error) {
	err := a.update(ctx, func(tx *store.Tx, p place) error {
		s, err := getStream(tx, p.groupARN(*in.LogGroupName), *in.LogStreamName)
		if err != nil {
			return err
		}
		return deleteStream(tx, s.Key)
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteLogStreamOutput{}, nil
}

func deleteStream(tx *store.Tx, key string) error {
	if err := events.Drop(tx, key); err != nil {
		return err
	}
	if err := tallies.Drop(tx, key); err != nil {
		return err
	}
	return streams.Delete(tx, key)
}
