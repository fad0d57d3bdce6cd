package emulator

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

func newLogSink(t *testing.T) logSink {
	t.Helper()
	sink, done := openLogSink(t)
	t.Cleanup(done)
	return sink
}

func openLogSink(t *testing.T) (logSink, func()) {
	t.Helper()
	st, err := store.Open(context.Background(), "memory", store.Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	return logSink{logs.New(logs.Config{Store: st})}, func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

var logTask = &sandbox.Spec{ID: "5a", Owner: "arn:aws:ecs:eu-west-1:111122223333:task/web/0123abc"}

func logContainer(driver string, options map[string]string) *sandbox.Container {
	return &sandbox.Container{Name: "app", Log: sandbox.Log{Driver: driver, Options: options}}
}

func TestLogSinkRefuses(t *testing.T) {
	sink := newLogSink(t)
	const prefix = "ResourceInitializationError: failed to validate logger args: "
	for _, c := range []struct {
		driver  string
		options map[string]string
		want    string
	}{
		{"awslogs", map[string]string{"awslogs-group": "none", "awslogs-stream-prefix": "p"},
			"create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist."},
		{"awslogs", map[string]string{"awslogs-group": "g", "x": "y"}, "unknown log opt 'x' for awslogs log driver"},
		{"splunk", nil, "the log driver splunk is not available in Neargate"},
	} {
		_, err := sink.Open(t.Context(), logTask, logContainer(c.driver, c.options))
		stop, ok := errors.AsType[*sandbox.StopError](err)
		if !ok || stop.Reason != prefix+c.want || stop.Container != "app" {
			t.Errorf("error = %v\nwant    %s%s", err, prefix, c.want)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sink.Open(canceled, logTask, logContainer("awslogs", map[string]string{"awslogs-group": "g", "awslogs-create-group": "true"}))
	if _, final := errors.AsType[*sandbox.StopError](err); err == nil || final {
		t.Errorf("error = %v, want one that may pass", err)
	}
}

func TestLogSinkWrites(t *testing.T) {
	sink := newLogSink(t)
	for region, options := range map[string]map[string]string{
		"eu-west-1": {"awslogs-group": "g", "awslogs-stream-prefix": "p", "awslogs-create-group": "true"},
		"us-east-1": {"awslogs-group": "g", "awslogs-stream-prefix": "p", "awslogs-create-group": "true", "awslogs-region": "us-east-1"},
	} {
		stream, err := sink.Open(t.Context(), logTask, logContainer("awslogs", options))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		if err := stream.Write(t.Context(), []sandbox.LogLine{{At: at, Text: "hello ", Partial: true}, {At: at.Add(1), Text: "world", Stderr: true}}); err != nil {
			t.Fatal(err)
		}
		if !stream.Resume().Equal(at.Add(1)) {
			t.Errorf("resume = %v, want %v", stream.Resume(), at.Add(1))
		}
		ctx := apiwire.WithCall(t.Context(), apiwire.Call{Account: "111122223333", Region: region})
		out, err := sink.logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("p/app/0123abc")})
		if err != nil || len(out.Events) != 1 || *out.Events[0].Message != "hello world" {
			t.Errorf("%s: events = %+v, %v", region, out, err)
		}
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	}
}
