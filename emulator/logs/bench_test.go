package logs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// batch is a batch of events of 100 bytes.
func batch(from time.Time, n int) []types.InputLogEvent {
	out := make([]types.InputLogEvent, n)
	for i := range out {
		out[i] = types.InputLogEvent{Timestamp: aws.Int64(from.UnixMilli() + int64(i)), Message: aws.String(fmt.Sprintf("%06d %093d", i, i))}
	}
	return out
}

func BenchmarkPutLogEvents(b *testing.B) {
	for _, n := range []int{1, 100, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld(b)
			w.group(b, "g")
			w.stream(b, "g", "s")
			in := &cwl.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: batch(time.Now().Add(-time.Hour), n)}
			for b.Loop() {
				must[cwl.PutLogEventsOutput](b)(w.PutLogEvents(w.ctx, in))
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkFilterLogEvents(b *testing.B) {
	w := newWorld(b)
	w.group(b, "g")
	w.stream(b, "g", "s")
	from := time.Now().Add(-time.Hour)
	for i := range 20 {
		must[cwl.PutLogEventsOutput](b)(w.PutLogEvents(w.ctx, &cwl.PutLogEventsInput{
			LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: batch(from.Add(time.Duration(i)*10*time.Second), 5000),
		}))
	}
	for name, in := range map[string]cwl.FilterLogEventsInput{
		"first":      {Limit: aws.Int32(10)},
		"newest":     {StartTime: aws.Int64(from.Add(194 * time.Second).UnixMilli())},
		"noneOf100k": {FilterPattern: aws.String("none")},
		"JSONOf100k": {FilterPattern: aws.String("{ $.a = 1 }")},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				in.LogGroupName = aws.String("g")
				must[cwl.FilterLogEventsOutput](b)(w.FilterLogEvents(w.ctx, &in))
			}
		})
	}
}

// BenchmarkManyStreams is a group that 2,000 short tasks have left behind.
func BenchmarkManyStreams(b *testing.B) {
	w := newWorld(b)
	w.group(b, "g")
	now := time.Now().Add(-time.Hour)
	for i := range 2000 {
		name := fmt.Sprint("web/app/", i)
		w.stream(b, "g", name)
		w.put(b, "g", name, now.Add(time.Duration(i)*time.Second), "one", "two", "three")
	}
	g := aws.String("g")
	b.Run("DescribeLogGroups", func(b *testing.B) {
		for b.Loop() {
			must[cwl.DescribeLogGroupsOutput](b)(w.DescribeLogGroups(w.ctx, &cwl.DescribeLogGroupsInput{}))
		}
	})
	b.Run("DescribeLogStreams", func(b *testing.B) {
		for b.Loop() {
			must[cwl.DescribeLogStreamsOutput](b)(w.DescribeLogStreams(w.ctx, &cwl.DescribeLogStreamsInput{LogGroupName: g, OrderBy: types.OrderByLastEventTime}))
		}
	})
	b.Run("FilterLogEvents", func(b *testing.B) {
		since := aws.Int64(now.Add(1900 * time.Second).UnixMilli())
		for b.Loop() {
			must[cwl.FilterLogEventsOutput](b)(w.FilterLogEvents(w.ctx, &cwl.FilterLogEventsInput{LogGroupName: g, StartTime: since}))
		}
	})
}
