package sandbox

import (
	"context"
	"time"
)

// LogSink takes the output of containers whose Log.Driver is not empty
// (awslogs).
type LogSink interface {
	// Open prepares a container's stream, before the container starts. A
	// *StopError ends the sandbox: ResourceInitializationError: failed to
	// validate logger args: …. ctx bounds the call, not the stream.
	Open(ctx context.Context, s *Spec, c *Container) (LogStream, error)
}

// LogStream takes the lines of one container, of all its attempts.
type LogStream interface {
	// Resume is the time of the last line that was taken, by this stream or
	// one before it; zero when there was none. Lines up to it are not written
	// again.
	Resume() time.Time
	// Write takes all of the lines, in order, or fails and is called again
	// with the same ones.
	Write(ctx context.Context, lines []LogLine) error
	// Flush writes what was held back for lines to come: an attempt has ended,
	// and its output is all there. It may be called again when it failed.
	Flush(ctx context.Context) error
	Close() error
}
