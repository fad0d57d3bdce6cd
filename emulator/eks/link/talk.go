package link

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file is the client's side of Exec and Attach; hear.go is the other.

// talkArgs are what Exec and Attach take: which of the streams are wanted.
type talkArgs struct {
	ID, Container   string
	Argv            []string `json:",omitempty"`
	In, Out, ErrOut bool     `json:",omitempty"`
	TTY, Resize     bool     `json:",omitempty"`
}

// talk carries streams until the process ends or ctx does.
func (c *caller) talk(ctx context.Context, name string, a talkArgs, s sandbox.Streams) (int, error) {
	a.In, a.Out, a.ErrOut, a.TTY, a.Resize = s.In != nil, s.Out != nil, s.ErrOut != nil, s.TTY, s.Resize != nil
	u, err := c.upgrade(ctx, name, a)
	if err != nil {
		return 0, err
	}
	defer u.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { u.Close() })()

	t := &talker{w: &frameWriter{w: u}, streams: s, window: newWindow(stdinWindow)}
	defer t.window.close()
	if s.In != nil {
		go t.input()
	}
	if s.Resize != nil {
		go t.resize(ctx)
	}
	code, err := t.output(u)
	if err != nil && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if errors.Is(err, errCut) {
		err = away(ctx, name, err)
	}
	return code, err
}

type talker struct {
	w       *frameWriter
	streams sandbox.Streams
	window  *window
}

// input sends what is to be read. It ends with the input, or when nobody takes
// it any more, which output notices too.
func (t *talker) input() {
	b := make([]byte, maxFrame)
	for {
		n := t.window.take(len(b))
		if n == 0 {
			return
		}
		got, err := t.streams.In.Read(b[:n])
		t.window.give(n - got)
		if got > 0 && t.w.write(frameStdin, b[:got]) != nil {
			return
		}
		if err != nil {
			_ = t.w.write(frameStdinEnd, nil) // fails only when the process has ended
			return
		}
	}
}

func (t *talker) resize(ctx context.Context) {
	for {
		select {
		case size, ok := <-t.streams.Resize:
			if !ok {
				return
			}
			b, err := json.Marshal(size)
			if err != nil || t.w.write(frameResize, b) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// output takes what the other side tells, to the exit code.
func (t *talker) output(r io.Reader) (int, error) {
	for {
		f, err := readFrame(r)
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errCut, err)
		}
		switch f.kind {
		case frameStdout:
			err = writeTo(t.streams.Out, f.data)
		case frameStderr:
			err = writeTo(t.streams.ErrOut, f.data)
		case frameTaken:
			err = t.taken(f.data)
		case frameExit:
			var code int
			err := json.Unmarshal(f.data, &code)
			return code, err
		case frameProblem:
			return 0, problemOf(f.data)
		default:
			err = fmt.Errorf("%w: frame of kind %d from a server", errCut, f.kind)
		}
		if err != nil {
			return 0, err
		}
	}
}

func (t *talker) taken(data []byte) error {
	if len(data) != 4 {
		return fmt.Errorf("%w: a window of %d bytes", errCut, len(data))
	}
	t.window.give(int(binary.BigEndian.Uint32(data)))
	return nil
}

func writeTo(w io.Writer, p []byte) error {
	if w == nil {
		return nil
	}
	_, err := w.Write(p)
	return err
}

// window counts what may still be sent.
type window struct {
	mu     sync.Mutex
	more   sync.Cond
	free   int
	closed bool
}

func newWindow(n int) *window {
	w := &window{free: n}
	w.more.L = &w.mu
	return w
}

// take waits until something may be sent and takes at most n of it; 0 when the
// window is closed.
func (w *window) take(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.free <= 0 && !w.closed {
		w.more.Wait()
	}
	if w.closed {
		return 0
	}
	n = min(n, w.free)
	w.free -= n
	return n
}

func (w *window) give(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free += n
	w.more.Broadcast()
}

func (w *window) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.more.Broadcast()
}
