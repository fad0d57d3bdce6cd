package logs_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/store"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

// world is CloudWatch Logs on a fresh store.
type world struct {
	*logs.API
	store *store.Store
	ctx   context.Context
}

func newWorld(t testing.TB) world {
	t.Helper()
	st, err := store.Open(t.Context(), "memory", store.Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return world{API: logs.New(logs.Config{Store: st}), store: st, ctx: in(t.Context(), account, region)}
}

func in(ctx context.Context, account, region string) context.Context {
	return apiwire.WithCall(ctx, apiwire.Call{
		Service: "logs", Operation: "Test", Account: account, Region: region, Partition: apiwire.PartitionOf(region), RequestID: "r",
	})
}

// must returns what an operation answered.
func must[T any](t testing.TB) func(*T, error) *T {
	return func(out *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// wantError checks an error's code and text.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("error = %v, want %s", err, code)
	}
	if e.ErrorCode() != code || e.ErrorMessage() != message {
		t.Errorf("error = %s: %s\nwant    %s: %s", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
}

func (w world) group(t testing.TB, name string) {
	t.Helper()
	must[cwl.CreateLogGroupOutput](t)(w.CreateLogGroup(w.ctx, &cwl.CreateLogGroupInput{LogGroupName: &name}))
}

func (w world) stream(t testing.TB, group, name string) {
	t.Helper()
	must[cwl.CreateLogStreamOutput](t)(w.CreateLogStream(w.ctx, &cwl.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &name}))
}

// put stores messages a millisecond apart, from a time on.
func (w world) put(t testing.TB, group, stream string, from time.Time, messages ...string) *cwl.PutLogEventsOutput {
	t.Helper()
	in := &cwl.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream}
	for i, m := range messages {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(from.UnixMilli() + int64(i)), Message: aws.String(m)})
	}
	return must[cwl.PutLogEventsOutput](t)(w.PutLogEvents(w.ctx, in))
}

func (w world) get(t testing.TB, in *cwl.GetLogEventsInput) ([]string, *cwl.GetLogEventsOutput) {
	t.Helper()
	out := must[cwl.GetLogEventsOutput](t)(w.GetLogEvents(w.ctx, in))
	var messages []string
	for _, e := range out.Events {
		messages = append(messages, *e.Message)
	}
	return messages, out
}

// all lists every message of a stream.
func (w world) all(t testing.TB, group, stream string) []string {
	t.Helper()
	messages, _ := w.get(t, &cwl.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true)})
	return messages
}

func wantMessages(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("messages = %q\nwant       %q", got, want)
	}
}
