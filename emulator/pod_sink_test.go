package emulator

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
)

var logPod = &sandbox.Spec{ID: "5b", Owner: "arn:aws:eks:eu-west-1:111122223333:cluster/shop/default/web"}

func line(text string) []sandbox.LogLine {
	return []sandbox.LogLine{{At: time.Now(), Text: text}}
}

// TestPodStreamWaitsForItsGroup: a pod's lines are dropped, and that is said,
// while their log group is missing, and written from when it is there.
func TestPodStreamWaitsForItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, done := openLogSink(t)
		defer done()
		stream, err := sink.Open(t.Context(), logPod, logContainer("awslogs", map[string]string{"awslogs-group": "pods", "awslogs-stream": "s"}))
		if err != nil {
			t.Fatal(err)
		}
		const why = "lines are dropped: log group pods: ResourceNotFoundException: The specified log group does not exist."
		for range toldTries {
			if err := stream.Write(t.Context(), line("lost")); err == nil || err.Error() != why {
				t.Errorf("error = %v\nwant    %s", err, why)
			}
		}
		for range 3 {
			if err := stream.Write(t.Context(), line("lost")); err != nil {
				t.Errorf("what was told is told again: %v", err)
			}
		}
		ctx := apiwire.WithCall(t.Context(), apiwire.Call{Account: "111122223333", Region: "eu-west-1", Partition: "aws"})
		if _, err := sink.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("pods")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(podStreamRetry)
		kept := line("kept")
		if err := stream.Write(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		if !stream.Resume().Equal(kept[0].At) {
			t.Errorf("resume = %v, want %v", stream.Resume(), kept[0].At)
		}
		out, err := sink.logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("pods"), LogStreamName: aws.String("s")})
		if err != nil || len(out.Events) != 1 || *out.Events[0].Message != "kept" {
			t.Errorf("events = %+v, %v", out, err)
		}
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestPodStreamNeverEndsAPod: whatever its log configuration says.
func TestPodStreamNeverEndsAPod(t *testing.T) {
	sink := newLogSink(t)
	for _, c := range []*sandbox.Container{
		logContainer("splunk", nil), logContainer("awslogs", map[string]string{"awslogs-group": "g", "x": "y"}), logContainer("awslogs", map[string]string{"awslogs-group": "a b"}),
	} {
		stream, err := sink.Open(t.Context(), logPod, c)
		if err != nil {
			t.Errorf("%+v: %v", c.Log, err)
			continue
		}
		err = stream.Write(t.Context(), line("lost"))
		if _, ends := errors.AsType[*sandbox.StopError](err); err == nil || ends {
			t.Errorf("%+v: %v", c.Log, err)
		}
		if err := stream.Close(); err != nil || !stream.Resume().IsZero() {
			t.Errorf("%+v: %v, %v", c.Log, err, stream.Resume())
		}
		if err := stream.Write(t.Context(), line("late")); err != nil {
			t.Errorf("after its end: %v", err)
		}
	}
}

// TestPodStreamsOfOneName: two pods of one name that share a stream lose
// nothing to each other.
func TestPodStreamsOfOneName(t *testing.T) {
	sink := newLogSink(t)
	c := logContainer("awslogs", map[string]string{"awslogs-group": "g", "awslogs-stream": "s", "awslogs-create-group": "true"})
	other := &sandbox.Spec{ID: "5c", Owner: "arn:aws:eks:eu-west-1:111122223333:cluster/shop/prod/web"}
	first, err := sink.Open(t.Context(), logPod, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Write(t.Context(), line("one")); err != nil {
		t.Fatal(err)
	}
	second, err := sink.Open(t.Context(), other, c)
	if err != nil {
		t.Fatal(err)
	}
	if !second.Resume().IsZero() {
		t.Errorf("the second goes on where the first is: %v", second.Resume())
	}
	for _, stream := range []sandbox.LogStream{first, second} {
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	}
}
