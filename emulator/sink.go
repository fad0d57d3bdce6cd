package emulator

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/sandbox"
)

// awslogs is the log driver that there is.
const awslogs = "awslogs"

// logSink brings the output of containers to CloudWatch Logs, as the awslogs
// driver of Fargate does.
type logSink struct{ logs *logs.API }

// Open prepares the stream of a container and words what keeps it as Fargate
// does. A pod's is never kept: see pod_sink.go.
func (l logSink) Open(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) (sandbox.LogStream, error) {
	if isPod(s) {
		return l.openPodStream(ctx, s, c)
	}
	if c.Log.Driver != awslogs {
		return nil, badLogger(c, "the log driver "+c.Log.Driver+" is not available in Neargate")
	}
	o, err := streamOf(s, c)
	if err != nil {
		return nil, badLogger(c, err.Error())
	}
	w, err := l.logs.OpenStream(ctx, o)
	if _, final := errors.AsType[smithy.APIError](err); final {
		return nil, badLogger(c, "create stream has been retried 1 times: failed to create Cloudwatch log stream: "+err.Error())
	}
	if err != nil {
		return nil, err
	}
	return logStream{w}, nil
}

// streamOf says where a container's output goes.
func streamOf(s *sandbox.Spec, c *sandbox.Container) (logs.StreamOptions, error) {
	task, err := apiwire.ParseARN(s.Owner) // of a pod, its cluster's with the pod behind it
	if err != nil {
		return logs.StreamOptions{}, err
	}
	o, err := logs.ParseAWSLogs(c.Log.Options, c.Name, task.Resource[strings.LastIndexByte(task.Resource, '/')+1:])
	o.Account = task.Account
	if isPod(s) {
		o.Cursor = s.ID + "/" + c.Name // pods of several namespaces, or one after the other, have the same name
	}
	if o.Region == "" {
		o.Region = task.Region
	}
	return o, err
}

// isPod tells a pod's sandbox from a task's.
func isPod(s *sandbox.Spec) bool {
	owner, err := apiwire.ParseARN(s.Owner)
	return err == nil && owner.Service == "eks"
}

func badLogger(c *sandbox.Container, why string) error {
	return &sandbox.StopError{Container: c.Name, Reason: "ResourceInitializationError: failed to validate logger args: " + why}
}

// read gives what the stream of a container holds, in the order of time.
func (l logSink) read(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) iter.Seq2[sandbox.LogLine, error] {
	return func(yield func(sandbox.LogLine, error) bool) {
		o, err := streamOf(s, c)
		if err != nil {
			yield(sandbox.LogLine{}, err)
			return
		}
		ctx := apiwire.WithCall(ctx, apiwire.Call{Account: o.Account, Region: o.Region, Partition: apiwire.PartitionOf(o.Region)})
		in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &o.Group, LogStreamName: &o.Stream, StartFromHead: aws.Bool(true)}
		for {
			page, err := l.logs.GetLogEvents(ctx, in)
			if err != nil {
				yield(sandbox.LogLine{}, err)
				return
			}
			for _, event := range page.Events {
				line := sandbox.LogLine{At: time.UnixMilli(aws.ToInt64(event.Timestamp)), Text: aws.ToString(event.Message)}
				if !yield(line, nil) {
					return
				}
			}
			if len(page.Events) == 0 {
				return
			}
			in.NextToken = page.NextForwardToken
		}
	}
}

// logStream is a container's log stream.
type logStream struct{ *logs.Writer }

func (s logStream) Write(ctx context.Context, lines []sandbox.LogLine) error {
	out := make([]logs.Line, len(lines))
	for i, l := range lines {
		out[i] = logs.Line{At: l.At, Text: l.Text, Partial: l.Partial}
	}
	return s.Writer.Write(ctx, out)
}
