package logs

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// StreamOptions say where the output of a container goes.
type StreamOptions struct {
	Account, Region string
	Group, Stream   string
	Create          bool      // the group too, when it is not there
	Multiline       Multiline // how lines are put together
	// Cursor names the place that the writer keeps in the stream, so that it is
	// found again after a restart.
	Cursor string
}

// Multiline puts several lines together as one event.
type Multiline struct {
	Begin *regexp.Regexp // matches the first line of an event; nil: every line is one
	Flush time.Duration  // how long an event waits for more lines; 0: 5 s, as the driver does
}

// awslogsOptions are the options that the awslogs driver has on Fargate and in
// Docker. The last line's have nothing to act on here: there is one CloudWatch
// Logs to write to, it takes no credentials, and the buffer of a blocked
// writer is the sandbox's matter.
var awslogsOptions = []string{
	"awslogs-group", "awslogs-region", "awslogs-stream", "awslogs-stream-prefix", "awslogs-create-group", "awslogs-create-stream",
	"awslogs-datetime-format", "awslogs-multiline-pattern", "awslogs-force-flush-interval-seconds",
	"awslogs-endpoint", "awslogs-credentials-endpoint", "awslogs-max-buffered-events", "awslogs-format", "mode", "max-buffer-size", "tag",
}

// ParseAWSLogs reads the options of the awslogs log driver, as it validates
// them before the container starts. Without a prefix the stream is
// container/task.
func ParseAWSLogs(options map[string]string, container, taskID string) (StreamOptions, error) {
	for name := range options {
		if !slices.Contains(awslogsOptions, name) {
			return StreamOptions{}, fmt.Errorf("unknown log opt '%s' for awslogs log driver", name)
		}
	}
	o := StreamOptions{
		Region: options["awslogs-region"], Group: options["awslogs-group"], Stream: streamName(options, container, taskID),
		Cursor: taskID + "/" + container,
	}
	if o.Group == "" {
		return o, errors.New("must specify a value for log opt 'awslogs-group'")
	}
	var err error
	if text := options["awslogs-create-group"]; text != "" {
		if o.Create, err = strconv.ParseBool(text); err != nil {
			return o, fmt.Errorf("must specify valid value for log opt 'awslogs-create-group': %w", err)
		}
	}
	o.Multiline, err = parseMultiline(options)
	return o, err
}

func streamName(options map[string]string, container, taskID string) string {
	switch prefix := options["awslogs-stream-prefix"]; {
	case prefix != "":
		return prefix + "/" + container + "/" + taskID
	case options["awslogs-stream"] != "":
		return options["awslogs-stream"]
	}
	return container + "/" + taskID
}

func parseMultiline(options map[string]string) (m Multiline, err error) {
	format, dated := options["awslogs-datetime-format"]
	pattern, given := options["awslogs-multiline-pattern"]
	if dated && given {
		return m, errors.New("you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time")
	}
	if dated {
		pattern = datetimePattern(format)
	}
	if dated || given {
		if m.Begin, err = regexp.Compile(pattern); err != nil {
			return m, fmt.Errorf("awslogs could not parse multiline pattern key %q: %w", pattern, err)
		}
	}
	if text := options["awslogs-force-flush-interval-seconds"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			return m, fmt.Errorf("must specify a positive integer for log opt 'awslogs-force-flush-interval-seconds': %s", text)
		}
		m.Flush = time.Duration(n) * time.Second
	}
	return m, nil
}
