package emulator

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/sandbox"
)

// logSink brings the output of containers to CloudWatch Logs, as the awslogs
// driver of Fargate does.
type logSink struct{ logs *logs.API }

// Open prepares the stream of a container and words what keeps it as Fargate
// does.
func (l logSink) Open(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) (sandbox.LogStream, error) {
	if c.Log.Driver != "awslogs" {
		return nil, badLogger(c, "the log driver "+c.Log.Driver+" is not available in Neargate")
	}
	task, err := apiwire.ParseARN(s.Owner)
	if err != nil {
		return nil, err
	}
	o, err := logs.ParseAWSLogs(c.Log.Options, c.Name, task.Resource[strings.LastIndexByte(task.Resource, '/')+1:])
	if err != nil {
		return nil, badLogger(c, err.Error())
	}
	o.Account = task.Account
	if o.Region == "" {
		o.Region = task.Region
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

func badLogger(c *sandbox.Container, why string) error {
	return &sandbox.StopError{Container: c.Name, Reason: "ResourceInitializationError: failed to validate logger args: " + why}
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
