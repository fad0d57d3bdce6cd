package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// filter lists what matches in group g, page by page.
func (w world) filter(t testing.TB, in cwl.FilterLogEventsInput) []types.FilteredLogEvent {
	t.Helper()
	in.LogGroupName = aws.String("g")
	var all []types.FilteredLogEvent
	for {
		out := must[cwl.FilterLogEventsOutput](t)(w.FilterLogEvents(w.ctx, &in))
		if out.SearchedLogStreams == nil || len(out.SearchedLogStreams) > 0 {
			t.Errorf("searched = %v, want an empty list", out.SearchedLogStreams)
		}
		all = append(all, out.Events...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return all
		}
	}
}

func messagesOf(all []types.FilteredLogEvent) []string {
	var out []string
	for _, e := range all {
		out = append(out, *e.Message)
	}
	return out
}

func TestFilterLogEvents(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	start := time.Now().Add(-time.Minute)
	for i, name := range []string{"web/a", "web/b", "db/a"} {
		w.stream(t, "g", name)
		for n := range 3 {
			w.put(t, "g", name, start.Add(time.Duration(10*n+i)*time.Second), fmt.Sprintf("%s %d", name, n))
		}
	}
	second := func(n int) *int64 { return aws.Int64(start.Add(time.Duration(n) * time.Second).UnixMilli()) }
	for _, c := range []struct {
		in   cwl.FilterLogEventsInput
		want []string
	}{
		{cwl.FilterLogEventsInput{}, []string{"web/a 0", "web/b 0", "db/a 0", "web/a 1", "web/b 1", "db/a 1", "web/a 2", "web/b 2", "db/a 2"}},
		{cwl.FilterLogEventsInput{Limit: aws.Int32(2), LogStreamNamePrefix: aws.String("web/")}, []string{"web/a 0", "web/b 0", "web/a 1", "web/b 1", "web/a 2", "web/b 2"}},
		{cwl.FilterLogEventsInput{LogStreamNames: []string{"db/a", "db/a"}}, []string{"db/a 0", "db/a 1", "db/a 2"}},
		{cwl.FilterLogEventsInput{FilterPattern: aws.String(`"/a 1"`), Limit: aws.Int32(1)}, []string{"web/a 1", "db/a 1"}},
		{cwl.FilterLogEventsInput{StartTime: second(10), EndTime: second(12)}, []string{"web/a 1", "web/b 1", "db/a 1"}}, // endTime is inclusive
		{cwl.FilterLogEventsInput{StartTime: second(10), StartFromHead: aws.Bool(false), Limit: aws.Int32(4), LogStreamNames: []string{"web/a", "web/b"}}, []string{"web/b 2", "web/a 2", "web/b 1", "web/a 1"}},
		{cwl.FilterLogEventsInput{LogStreamNamePrefix: aws.String("none")}, nil},
	} {
		if got := messagesOf(w.filter(t, c.in)); !slices.Equal(got, c.want) {
			t.Errorf("messages = %q\nwant       %q", got, c.want)
		}
	}
	first := w.filter(t, cwl.FilterLogEventsInput{})[0]
	if *first.LogStreamName != "web/a" || *first.Timestamp != start.UnixMilli() || len(*first.EventId) != 56 || time.Since(time.UnixMilli(*first.IngestionTime)) > time.Minute {
		t.Errorf("event = %+v", first)
	}
}

func TestFilterLogEventsErrors(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "s")
	g, s := aws.String("g"), aws.String("s")
	for _, c := range []struct {
		in            cwl.FilterLogEventsInput
		code, message string
	}{
		{cwl.FilterLogEventsInput{LogGroupName: aws.String("none")}, "ResourceNotFoundException", "The specified log group does not exist."},
		{cwl.FilterLogEventsInput{LogGroupName: g, LogStreamNames: []string{"s", "none"}}, "ResourceNotFoundException", "The specified log stream does not exist."},
		{cwl.FilterLogEventsInput{LogGroupName: g, LogStreamNames: []string{"s"}, LogStreamNamePrefix: s}, "InvalidParameterException", "logStreamNamePrefix and logStreamNames cannot both be specified."},
		{cwl.FilterLogEventsInput{LogGroupName: g, LogGroupIdentifier: g}, "InvalidParameterException", "LogGroupName and LogGroupIdentifier cannot both be specified."},
		{cwl.FilterLogEventsInput{}, "InvalidParameterException", "Either LogGroupName or LogGroupIdentifier must be specified."},
		{cwl.FilterLogEventsInput{LogGroupName: g, NextToken: s}, "InvalidParameterException", "The specified nextToken is invalid."},
		{cwl.FilterLogEventsInput{LogGroupName: g, FilterPattern: aws.String("a:b")}, "InvalidParameterException", "Invalid character(s) in term ':'"},
		{cwl.FilterLogEventsInput{LogGroupName: g, StartFromHead: aws.Bool(false)}, "InvalidParameterException",
			"Setting startFromHead to false is supported only when startTime is on or after Jan 1, 2024 00:00:00 UTC."},
	} {
		_, err := w.FilterLogEvents(w.ctx, &c.in)
		wantError(t, err, c.code, c.message)
	}
}

func TestPagesHoldAMegabyte(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "s")
	big := strings.Repeat("x", 400_000)
	start := time.Now().Add(-time.Minute)
	for i := range 5 {
		w.put(t, "g", "s", start.Add(time.Duration(i)*time.Second), big)
	}
	out := must[cwl.FilterLogEventsOutput](t)(w.FilterLogEvents(w.ctx, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")}))
	if len(out.Events) != 2 || out.NextToken == nil {
		t.Errorf("%d events of 400 kB on a page", len(out.Events))
	}
	if n := len(w.filter(t, cwl.FilterLogEventsInput{})); n != 5 {
		t.Errorf("%d events on all pages", n)
	}
	tail, _ := w.get(t, &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	if len(tail) != 2 {
		t.Errorf("GetLogEvents: %d events of 400 kB on a page", len(tail))
	}
}

// TestFollow does what `aws logs tail --follow` does: all pages since a time,
// then again and again those since the newest event, without what was seen.
func TestFollow(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	w.stream(t, "g", "a")
	w.stream(t, "g", "b")
	start := time.Now().Add(-time.Minute)
	seen := map[string]bool{}
	since := start.UnixMilli()
	poll := func() (news []string) {
		for _, e := range w.filter(t, cwl.FilterLogEventsInput{StartTime: aws.Int64(since), Interleaved: aws.Bool(true), Limit: aws.Int32(2)}) {
			since = max(since, *e.Timestamp)
			if !seen[*e.EventId] {
				seen[*e.EventId] = true
				news = append(news, *e.Message)
			}
		}
		return news
	}
	wantMessages(t, poll())
	w.put(t, "g", "a", start, "a0", "a1", "a2")
	w.put(t, "g", "b", start, "b0", "b1", "b2")
	wantMessages(t, poll(), "a0", "b0", "a1", "b1", "a2", "b2")
	wantMessages(t, poll())
	w.put(t, "g", "a", start.Add(2*time.Millisecond), "a3") // of the same moment as the newest
	wantMessages(t, poll(), "a3")
	w.put(t, "g", "b", start.Add(3*time.Millisecond), "b3")
	wantMessages(t, poll(), "b3")
}

func TestMetricFilterOperations(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	out := must[cwl.TestMetricFilterOutput](t)(w.TestMetricFilter(w.ctx, &cwl.TestMetricFilterInput{
		FilterPattern: aws.String("[..., status=5*, size]"), LogEventMessages: []string{"a 200 1", "b 500 2", "b c 503 3"},
	}))
	if len(out.Matches) != 2 || out.Matches[1].EventNumber != 2 || *out.Matches[1].EventMessage != "b c 503 3" || out.Matches[1].ExtractedValues["$status"] != "503" {
		t.Errorf("matches = %+v", out.Matches)
	}
	if f := must[cwl.DescribeMetricFiltersOutput](t)(w.DescribeMetricFilters(w.ctx, &cwl.DescribeMetricFiltersInput{LogGroupName: aws.String("g")})).MetricFilters; f == nil || len(f) > 0 {
		t.Errorf("metric filters = %v", f)
	}
	_, err := w.DescribeSubscriptionFilters(w.ctx, &cwl.DescribeSubscriptionFiltersInput{LogGroupName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
}
