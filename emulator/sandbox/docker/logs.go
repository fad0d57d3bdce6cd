package docker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Logs implements [sandbox.Logs]. A container that was restarted in place
// keeps the lines of all its runs; they are told apart by the time at which the
// newest began.
func (r *Runtime) Logs(ctx context.Context, id, name string, o sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
	return func(yield func(sandbox.LogLine, error) bool) {
		lines, err := r.openLogs(ctx, id, name, o)
		if err != nil {
			yield(sandbox.LogLine{}, err)
			return
		}
		defer lines.Close()
		for {
			line, err := lines.next()
			switch {
			case err == io.EOF:
				return
			case err != nil:
				if ctx.Err() != nil {
					err = ctx.Err()
				}
				yield(sandbox.LogLine{}, err)
				return
			case line.At.Before(o.Since):
				continue // the Engine counts Since in its own way
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

func (r *Runtime) openLogs(ctx context.Context, id, name string, o sandbox.LogsOptions) (*logLines, error) {
	c, err := r.find(ctx, id, name, o.Previous)
	if err != nil {
		return nil, err
	}
	i, err := r.daemon.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return nil, err
	}
	q := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: o.Follow}
	if !o.Since.IsZero() {
		q.Since = stamp(o.Since)
	}
	if o.Tail > 0 {
		q.Tail = strconv.Itoa(o.Tail)
	}
	if o.Previous {
		if err := r.onlyPrevious(id, name, c.ID, i.Container.State.StartedAt, &q, nameOf(c)); err != nil {
			return nil, err
		}
	}
	body, err := r.daemon.ContainerLogs(ctx, c.ID, q)
	if err != nil {
		return nil, err
	}
	return &logLines{Closer: body, frames: frames{r: bufio.NewReader(body), raw: i.Container.Config.Tty}}, nil
}

// onlyPrevious restricts the reading to runs before the newest one, when both
// were in one container.
func (r *Runtime) onlyPrevious(id, name, container, started string, q *client.ContainerLogsOptions, dockerName string) error {
	number, _ := r.names.attempt(id, name, dockerName)
	r.mu.Lock()
	newest := 0
	if b := r.boxes[id]; b != nil {
		newest = b.newest[name]
	}
	r.mu.Unlock()
	if number < newest {
		return nil // a container of its own
	}
	if number == 0 {
		return fmt.Errorf("container %s of sandbox %s has had no run before this one", name, id)
	}
	q.Until, q.Follow = stamp(moment(started)), false
	return nil
}

// stamp is a time as the Engine's API has it: seconds and nanoseconds.
func stamp(t time.Time) string {
	return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
}

// logLines cuts the Engine's log stream into lines. Each comes with its time
// in front; a line that was too long comes in pieces without newline.
type logLines struct {
	io.Closer
	frames frames
	rest   [2][]byte // what has no newline yet, of stdout and stderr
	ready  []sandbox.LogLine
	ended  bool
}

func (l *logLines) next() (sandbox.LogLine, error) {
	for len(l.ready) == 0 {
		if l.ended {
			return sandbox.LogLine{}, io.EOF
		}
		f, err := l.frames.next()
		if err == io.EOF {
			l.ended = true
			l.flush()
			continue
		}
		if err != nil {
			return sandbox.LogLine{}, err
		}
		l.take(f)
	}
	line := l.ready[0]
	l.ready = l.ready[1:]
	return line, nil
}

// take adds a frame. With frames, each is one message: a line, or a piece of
// one. From a terminal there are bytes only.
func (l *logLines) take(f frame) {
	i := 0
	if f.stderr {
		i = 1
	}
	l.rest[i] = append(l.rest[i], f.data...)
	for {
		text, after, found := bytes.Cut(l.rest[i], []byte("\n"))
		if !found {
			break
		}
		l.add(text, f.stderr, false)
		l.rest[i] = bytes.Clone(after)
	}
	if !l.frames.raw && len(l.rest[i]) > 0 {
		l.add(l.rest[i], f.stderr, true)
		l.rest[i] = nil
	}
}

func (l *logLines) flush() {
	for i, text := range l.rest {
		if len(text) > 0 {
			l.add(text, i == 1, false)
		}
		l.rest[i] = nil
	}
}

func (l *logLines) add(text []byte, stderr, partial bool) {
	line, err := parseLogLine(text)
	if err != nil {
		return // not a line of the Engine's: nothing it says has no time
	}
	line.Stderr, line.Partial = stderr, partial
	l.ready = append(l.ready, line)
}

func parseLogLine(text []byte) (sandbox.LogLine, error) {
	at, rest, found := bytes.Cut(text, []byte(" "))
	if !found {
		return sandbox.LogLine{}, errors.New("no time before the line")
	}
	t, err := time.Parse(time.RFC3339Nano, string(at))
	if err != nil {
		return sandbox.LogLine{}, err
	}
	return sandbox.LogLine{At: t, Text: string(bytes.TrimSuffix(rest, []byte("\r")))}, nil
}
