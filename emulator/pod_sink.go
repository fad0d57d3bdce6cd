package emulator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/sandbox"
)

// This file is what becomes of a pod's output when CloudWatch Logs does not
// take it. On Fargate a log router ships it beside the pod, which never ends,
// nor waits, because of its logs: lines are dropped, and a note says why.

// openPodStream opens the stream of a pod's container.
func (l logSink) openPodStream(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) (sandbox.LogStream, error) {
	open := func(ctx context.Context) (*logs.Writer, error) {
		if c.Log.Driver != awslogs {
			return nil, &refusedError{errors.New("the log driver " + c.Log.Driver + " is not available in Neargate")}
		}
		o, err := streamOf(s, c)
		if err != nil {
			return nil, &refusedError{err}
		}
		w, err := l.logs.OpenStream(ctx, o)
		if _, final := errors.AsType[smithy.APIError](err); final {
			return nil, &refusedError{fmt.Errorf("log group %s: %w", o.Group, err)}
		}
		return w, err
	}
	p := &podStream{open: open}
	switch w, err := open(ctx); {
	case err == nil:
		p.writer = w
	case !isRefused(err):
		return nil, err
	}
	return p, nil
}

// refusedError is what stays as it is until somebody changes something.
type refusedError struct{ cause error }

func (e *refusedError) Error() string { return "lines are dropped: " + e.cause.Error() }
func (e *refusedError) Unwrap() error { return e.cause }

func isRefused(err error) bool {
	_, ok := errors.AsType[*refusedError](err)
	return ok
}

const (
	// toldTries is how often a refusal is returned: the engine notes what has
	// failed so often.
	toldTries = 3
	// podStreamRetry is how long lines are dropped before it is looked whether
	// the log group is there by now.
	podStreamRetry = 5 * time.Second
)

// podStream opens its writer as soon as that can be, and drops lines until
// then.
type podStream struct {
	open func(ctx context.Context) (*logs.Writer, error)

	mu      sync.Mutex
	writer  *logs.Writer // nil: refused so far
	refused int          // times
	retryAt time.Time
	closed  bool
}

// Resume implements sandbox.LogStream.
func (p *podStream) Resume() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writer == nil {
		return time.Time{}
	}
	return p.writer.Resume()
}

// Write implements sandbox.LogStream.
func (p *podStream) Write(ctx context.Context, lines []sandbox.LogLine) error {
	w, err := p.ready(ctx)
	if w == nil {
		return err
	}
	return logStream{w}.Write(ctx, lines)
}

// Flush implements sandbox.LogStream.
func (p *podStream) Flush(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writer == nil {
		return nil
	}
	return p.writer.Flush(ctx)
}

// ready is the writer; nil without an error when lines are to be dropped.
func (p *podStream) ready(ctx context.Context) (*logs.Writer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.writer != nil:
		return p.writer, nil
	case p.closed || time.Now().Before(p.retryAt):
		return nil, nil
	}
	w, err := p.open(ctx)
	switch {
	case err == nil:
		p.writer = w
		return w, nil
	case !isRefused(err):
		return nil, err
	}
	if p.refused++; p.refused <= toldTries {
		return nil, err
	}
	p.retryAt = time.Now().Add(podStreamRetry)
	return nil, nil
}

// Close implements sandbox.LogStream.
func (p *podStream) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.writer == nil {
		return nil
	}
	return p.writer.Close()
}
