package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// flow reads one attempt's output to its end and writes it to the sink. What
// fails is tried again from where it was, for as long as ctx lasts.
type flow struct {
	p    *pumps
	u    *pump
	s    *Sandbox
	c    *Container
	done chan struct{}
}

// blockingBuffer is what lies between reader and writer when the reader waits.
const blockingBuffer = 1 << 20

// buffering reads the options mode and max-buffer-size of the awslogs driver.
// Its default mode is non-blocking, with 10 MiB.
func buffering(options map[string]string) (limit int, drops bool) {
	if options["mode"] == "blocking" {
		return blockingBuffer, false
	}
	limit = 10 << 20
	size := strings.ToLower(strings.TrimSuffix(strings.ToLower(options["max-buffer-size"]), "b"))
	unit := 1
	for suffix, n := range map[string]int{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if rest, ok := strings.CutSuffix(size, suffix); ok {
			size, unit = rest, n
		}
	}
	if n, err := strconv.Atoi(size); err == nil && n > 0 {
		limit = n * unit
	}
	return limit, true
}

func (f *flow) run(ctx context.Context) {
	stream := f.open(ctx)
	if stream == nil {
		return
	}
	q := newLogQueue(buffering(f.c.Log.Options))
	var g errgroup.Group
	g.Go(func() error {
		defer q.finish()
		return f.read(ctx, q, stream.Resume())
	})
	g.Go(func() error { return f.write(ctx, q, stream) })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		f.p.e.Log.Warn().Err(err).Str("sandbox", f.s.Spec.ID).Str("container", f.c.Name).Msg("logs")
	}
}

// open gets the stream; nil when ctx ended before.
func (f *flow) open(ctx context.Context) (stream LogStream) {
	f.insist(ctx, func() (err error) {
		stream, err = f.u.open(ctx, f.p.e.Logs, &f.s.Spec, f.c)
		return err
	})
	return stream
}

// insist tries until it works or ctx ends; what keeps it is told in Notes.
func (f *flow) insist(ctx context.Context, try func() error) {
	for wait := firstRetry; ctx.Err() == nil; wait = min(2*wait, lastRetry) {
		err := try()
		if err == nil {
			return
		}
		if wait == 4*firstRetry {
			f.note(fmt.Sprintf("%s: logs are late: %v", f.c.Name, err))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// read fills the queue until the attempt has ended and all was read.
func (f *flow) read(ctx context.Context, q *logQueue, last time.Time) error {
	logs := f.p.e.Config.Runtime.(Logs)
	f.insist(ctx, func() error {
		resume := last
		for l, err := range logs.Logs(ctx, f.s.Spec.ID, f.c.Name, LogsOptions{Follow: true, Since: resume}) {
			if err != nil {
				return err
			}
			if !l.At.After(resume) {
				continue
			}
			last = l.At
			dropped, err := q.put(ctx, l)
			if err != nil {
				return err
			}
			if dropped {
				f.count(q.lost())
			}
		}
		return nil
	})
	return ctx.Err()
}

// write empties the queue. Who waits for a container's end finds all that it
// has written.
func (f *flow) write(ctx context.Context, q *logQueue, stream LogStream) error {
	for {
		batch, err := q.take(ctx)
		if err != nil || len(batch) == 0 {
			f.final(q.lost())
			f.insist(ctx, func() error { return stream.Flush(ctx) })
			return err
		}
		f.insist(ctx, func() error { return stream.Write(ctx, batch) })
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// count tells of dropped lines, each time that they have doubled.
func (f *flow) count(n int) {
	if bits.OnesCount(uint(n)) == 1 {
		f.final(n)
	}
}

// final tells of dropped lines, if there are any.
func (f *flow) final(n int) {
	if n > 0 {
		f.note(fmt.Sprintf("%s: logs: %d lines were dropped because the buffer was full (mode non-blocking)", f.c.Name, n))
	}
}

func (f *flow) note(text string) {
	f.p.mu.Lock()
	f.u.note = text
	f.p.mu.Unlock()
	f.p.e.loop.Touch(f.s.Spec.ID)
}
