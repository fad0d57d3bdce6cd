package logs_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

func TestGetLogEventsPages(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "s")
	start := time.Now().Add(-time.Minute)
	w.put(t, "g", "s", start, "0", "1", "2", "3", "4")
	page := func(token *string, head bool) ([]string, *cwl.GetLogEventsOutput) {
		return w.get(t, &cwl.GetLogEventsInput{
			LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), Limit: aws.Int32(2), NextToken: token, StartFromHead: &head,
		})
	}
	tail, out := page(nil, false)
	wantMessages(t, tail, "3", "4")
	before, out2 := page(out.NextBackwardToken, false)
	wantMessages(t, before, "1", "2")
	first, out3 := page(out2.NextBackwardToken, false)
	wantMessages(t, first, "0")
	none, out4 := page(out3.NextBackwardToken, false)
	wantMessages(t, none)
	if *out4.NextBackwardToken != *out3.NextBackwardToken {
		t.Errorf("backward token at the end = %s, want the same one, %s", *out4.NextBackwardToken, *out3.NextBackwardToken)
	}
	back, _ := page(out4.NextForwardToken, true)
	wantMessages(t, back, "0", "1")

	none, end := page(out.NextForwardToken, true)
	wantMessages(t, none)
	if *end.NextForwardToken != *out.NextForwardToken {
		t.Errorf("forward token at the end = %s, want the same one, %s", *end.NextForwardToken, *out.NextForwardToken)
	}
	again, _ := page(end.NextBackwardToken, false)
	wantMessages(t, again, "3", "4")
	w.put(t, "g", "s", start.Add(time.Second), "5")
	more, _ := page(end.NextForwardToken, true)
	wantMessages(t, more, "5")
}

func TestGetLogEventsFollowsAnEmptyStream(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "s")
	messages, out := w.get(t, &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	wantMessages(t, messages)
	w.put(t, "g", "s", time.Now(), "first")
	messages, _ = w.get(t, &cwl.GetLogEventsInput{LogGroupIdentifier: aws.String("g"), LogStreamName: aws.String("s"), NextToken: out.NextForwardToken})
	wantMessages(t, messages, "first")
}

func TestGetLogEventsRange(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "s")
	start := time.Now()
	w.put(t, "g", "s", start, "0", "1", "2", "3")
	messages, _ := w.get(t, &cwl.GetLogEventsInput{
		LogGroupIdentifier: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:g:*"), LogStreamName: aws.String("s"),
		StartTime: aws.Int64(start.UnixMilli() + 1), EndTime: aws.Int64(start.UnixMilli() + 3),
	})
	wantMessages(t, messages, "1", "2")
	_, err := w.GetLogEvents(w.ctx, &cwl.GetLogEventsInput{LogGroupName: aws.String("none"), LogStreamName: aws.String("s")})
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = w.GetLogEvents(w.ctx, &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
	_, err = w.GetLogEvents(w.ctx, &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), NextToken: aws.String("x")})
	wantError(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
}
