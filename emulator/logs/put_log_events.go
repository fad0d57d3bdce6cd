package logs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// The limits of PutLogEvents. That there are 10,000 events at most is checked
// before.
const (
	maxBatch  = 1 << 20
	maxEvent  = 1 << 20
	maxSpan   = 24 * time.Hour
	maxAge    = 14 * 24 * time.Hour
	maxFuture = 2 * time.Hour
)

// PutLogEvents stores events. Those that are too old or too new are left out
// and told of; the sequence token has no meaning any more.
func (a *API) PutLogEvents(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput) (*cloudwatchlogs.PutLogEventsOutput, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.PutLogEventsOutput{}
	err := a.update(ctx, func(tx *store.Tx, p place) error {
		key := p.groupARN(*in.LogGroupName)
		s, err := getStream(tx, key, *in.LogStreamName)
		if err != nil {
			return err
		}
		g, err := getGroup(tx, key)
		if err != nil {
			return err
		}
		good, rejected := sift(in.LogEvents, tx.Now(), g.Value.Retention)
		if len(good) > 0 && *good[len(good)-1].Timestamp-*good[0].Timestamp > maxSpan.Milliseconds() {
			return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
		}
		t, err := readTally(tx, s.Key)
		if err != nil {
			return err
		}
		out.RejectedLogEventsInfo = rejected
		if err := t.ingest(tx, s.Key, linesOf(good)); err != nil {
			return err
		}
		out.NextSequenceToken = aws.String(t.token(s.Value.Created))
		if len(good) == 0 {
			return nil
		}
		return writeTally(tx, s.Key, t)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkBatch checks what can be said of a batch without knowing its stream.
func checkBatch(all []types.InputLogEvent) error {
	total := 0
	for i, e := range all {
		size := len(*e.Message) + overhead
		if size > maxEvent {
			return invalid("Log event too large: %d bytes exceeds limit of %d", size, maxEvent)
		}
		if total += size; i > 0 && *e.Timestamp < *all[i-1].Timestamp {
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if total > maxBatch {
		return invalid("Upload too large: %d bytes exceeds limit of %d", total, maxBatch)
	}
	return nil
}

// sift leaves out events that are beyond the retention (in days, 0: none), too
// old or too new. They are in chronological order.
func sift(all []types.InputLogEvent, now time.Time, retention int32) ([]types.InputLogEvent, *types.RejectedLogEventsInfo) {
	before := func(t time.Time) (n int) {
		for n < len(all) && *all[n].Timestamp < t.UnixMilli() {
			n++
		}
		return n
	}
	old, end := before(now.Add(-maxAge)), before(now.Add(maxFuture+time.Millisecond))
	expired := 0
	if retention > 0 {
		expired = before(retentionStart(now, retention))
	}
	var r types.RejectedLogEventsInfo
	if old > 0 {
		r.TooOldLogEventEndIndex = aws.Int32(int32(old))
	}
	if expired > 0 {
		r.ExpiredLogEventEndIndex = aws.Int32(int32(expired))
	}
	if end < len(all) {
		r.TooNewLogEventStartIndex = aws.Int32(int32(end))
	}
	good := all[max(old, expired):max(end, old, expired)]
	if len(good) == len(all) {
		return good, nil
	}
	return good, &r
}

// retentionStart is the time before which events are expired.
func retentionStart(now time.Time, days int32) time.Time {
	return now.Add(-time.Duration(days) * 24 * time.Hour)
}

func linesOf(all []types.InputLogEvent) []line {
	out := make([]line, len(all))
	for i, e := range all {
		out[i] = line{*e.Timestamp, *e.Message}
	}
	return out
}
