package logs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

func at(d time.Duration, message string) types.InputLogEvent {
	return types.InputLogEvent{Timestamp: aws.Int64(time.Now().Add(d).UnixMilli()), Message: &message}
}

func TestPutLogEventsErrors(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "s")
	half := strings.Repeat("x", 600_000)
	for _, c := range []struct {
		group, stream string
		events        []types.InputLogEvent
		code, message string
	}{
		{"none", "s", []types.InputLogEvent{at(0, "x")}, "ResourceNotFoundException", "The specified log group does not exist."},
		{"g", "none", []types.InputLogEvent{at(0, "x")}, "ResourceNotFoundException", "The specified log stream does not exist."},
		{"g", "s", []types.InputLogEvent{at(0, "x"), at(-time.Second, "y")}, "InvalidParameterException",
			"Log events in a single PutLogEvents request must be in chronological order."},
		{"g", "s", []types.InputLogEvent{at(-25*time.Hour, "x"), at(0, "y")}, "InvalidParameterException",
			"The batch of log events in a single PutLogEvents request cannot span more than 24 hours."},
		{"g", "s", []types.InputLogEvent{at(0, half), at(time.Second, half)}, "InvalidParameterException", "Upload too large: 1200052 bytes exceeds limit of 1048576"},
		{"g", "s", []types.InputLogEvent{at(0, half+half)}, "InvalidParameterException", "Log event too large: 1200026 bytes exceeds limit of 1048576"},
	} {
		_, err := w.PutLogEvents(w.ctx, &cwl.PutLogEventsInput{LogGroupName: &c.group, LogStreamName: &c.stream, LogEvents: c.events, SequenceToken: aws.String("any")})
		wantError(t, err, c.code, c.message)
	}
	wantMessages(t, w.all(t, "g", "s"))
}

func TestPutLogEventsRejects(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "s")
	const day = 24 * time.Hour
	put := func(events ...types.InputLogEvent) *types.RejectedLogEventsInfo {
		t.Helper()
		return must[cwl.PutLogEventsOutput](t)(w.PutLogEvents(w.ctx, &cwl.PutLogEventsInput{
			LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: events,
		})).RejectedLogEventsInfo
	}
	if r := put(at(0, "good")); r != nil {
		t.Errorf("rejected = %+v", r)
	}
	r := put(at(-15*day, "old"), at(-15*day+time.Second, "old"), at(0, "fine"), at(3*time.Hour, "new"), at(4*time.Hour, "new"))
	if r == nil || aws.ToInt32(r.TooOldLogEventEndIndex) != 2 || aws.ToInt32(r.TooNewLogEventStartIndex) != 3 || r.ExpiredLogEventEndIndex != nil {
		t.Errorf("rejected = %+v", r)
	}
	must[cwl.PutRetentionPolicyOutput](t)(w.PutRetentionPolicy(w.ctx, &cwl.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(1)}))
	r = put(at(-2*day, "expired"), at(0, "last"))
	if r == nil || aws.ToInt32(r.ExpiredLogEventEndIndex) != 1 || r.TooOldLogEventEndIndex != nil || r.TooNewLogEventStartIndex != nil {
		t.Errorf("rejected = %+v", r)
	}
	if r = put(at(-20*day, "gone")); aws.ToInt32(r.TooOldLogEventEndIndex) != 1 || aws.ToInt32(r.ExpiredLogEventEndIndex) != 1 {
		t.Errorf("rejected = %+v", r)
	}
	wantMessages(t, w.all(t, "g", "s"), "good", "fine", "last")
}
