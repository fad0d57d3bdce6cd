package logs_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// streamNames lists streams page by page.
func (w world) streamNames(t *testing.T, in cwl.DescribeLogStreamsInput) []string {
	t.Helper()
	in.LogGroupName, in.Limit = aws.String("g"), aws.Int32(2)
	var out []string
	for {
		page := must[cwl.DescribeLogStreamsOutput](t)(w.DescribeLogStreams(w.ctx, &in))
		if len(page.LogStreams) > 2 {
			t.Errorf("page of %d", len(page.LogStreams))
		}
		for _, s := range page.LogStreams {
			out = append(out, *s.LogStreamName)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return out
		}
	}
}

func TestDescribeLogStreams(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	now := time.Now()
	for i, name := range []string{"b/1", "a", "b/2", "c", "never"} {
		w.stream(t, "g", name)
		if name != "never" {
			w.put(t, "g", name, now.Add(-time.Duration(i)*time.Second), "x")
		}
	}
	wantMessages(t, w.streamNames(t, cwl.DescribeLogStreamsInput{}), "a", "b/1", "b/2", "c", "never")
	wantMessages(t, w.streamNames(t, cwl.DescribeLogStreamsInput{Descending: aws.Bool(true)}), "never", "c", "b/2", "b/1", "a")
	wantMessages(t, w.streamNames(t, cwl.DescribeLogStreamsInput{LogStreamNamePrefix: aws.String("b/")}), "b/1", "b/2")
	wantMessages(t, w.streamNames(t, cwl.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime}), "never", "c", "b/2", "a", "b/1")
	wantMessages(t, w.streamNames(t, cwl.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true)}), "b/1", "a", "b/2", "c", "never")
	_, err := w.DescribeLogStreams(w.ctx, &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("g"), OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: aws.String("b")})
	wantError(t, err, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
	_, err = w.DescribeLogStreams(w.ctx, &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
}

func TestLogStreamTimes(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "s")
	one := func() types.LogStream {
		return must[cwl.DescribeLogStreamsOutput](t)(w.DescribeLogStreams(w.ctx, &cwl.DescribeLogStreamsInput{LogGroupIdentifier: aws.String("g")})).LogStreams[0]
	}
	if s := one(); s.FirstEventTimestamp != nil || s.LastEventTimestamp != nil || s.LastIngestionTime != nil || *s.StoredBytes != 0 || *s.Arn != groupARN+"g:log-stream:s" {
		t.Errorf("empty stream = %+v", s)
	}
	at := time.Now().Add(-time.Hour)
	before := one().UploadSequenceToken
	w.put(t, "g", "s", at, "x", "y")
	w.put(t, "g", "s", at.Add(-time.Hour), "older")
	s := one()
	if *s.FirstEventTimestamp != at.Add(-time.Hour).UnixMilli() || *s.LastEventTimestamp != at.UnixMilli()+1 || time.Since(time.UnixMilli(*s.LastIngestionTime)) > time.Minute {
		t.Errorf("stream = %+v", s)
	}
	if *s.UploadSequenceToken == *before || len(*s.UploadSequenceToken) != 56 {
		t.Errorf("sequence token = %s, before %s", *s.UploadSequenceToken, *before)
	}
	_, err := w.CreateLogStream(w.ctx, &cwl.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	wantError(t, err, "ResourceAlreadyExistsException", "The specified log stream already exists")
	must[cwl.DeleteLogStreamOutput](t)(w.DeleteLogStream(w.ctx, &cwl.DeleteLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}))
	_, err = w.DeleteLogStream(w.ctx, &cwl.DeleteLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	wantError(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
	w.stream(t, "g", "s")
	wantMessages(t, w.all(t, "g", "s"))
}
