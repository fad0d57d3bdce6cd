package link

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file is the server's side of Exec and Attach.

// hear runs a process with its streams in frames. When the other side goes
// away, the process's context ends.
func hear(a talkArgs, process func(context.Context, sandbox.Streams) (int, error)) func(context.Context, *upgraded) {
	return func(ctx context.Context, u *upgraded) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		h := &hearer{w: &frameWriter{w: u}}
		s := h.streams(a)
		done := make(chan struct{})
		go func() {
			defer close(done)
			err := h.listen(u)
			cancel()
			h.in.end(err)
		}()
		code, err := process(ctx, s)
		h.tell(code, err)
		u.Close()
		<-done
		close(h.sizes)
		h.in.end(io.ErrClosedPipe)
	}
}

type hearer struct {
	w     *frameWriter
	in    *inbox
	sizes chan sandbox.TerminalSize
}

// streams are those that the process gets: what the client does not want is
// nil, as without a link.
func (h *hearer) streams(a talkArgs) sandbox.Streams {
	h.in = newInbox(h.w)
	h.sizes = make(chan sandbox.TerminalSize, 1)
	s := sandbox.Streams{TTY: a.TTY}
	if a.In {
		s.In = h.in
	}
	if a.Out {
		s.Out = h.w.as(frameStdout)
	}
	if a.ErrOut {
		s.ErrOut = h.w.as(frameStderr)
	}
	if a.Resize {
		s.Resize = h.sizes
	}
	return s
}

var errClient = errors.New("a frame that only a server sends, or that nobody understands")

// listen takes the client's frames until it goes away. It never waits for the
// process.
func (h *hearer) listen(r io.Reader) error {
	for {
		f, err := readFrame(r)
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		switch f.kind {
		case frameStdin:
			err = h.in.put(f.data)
		case frameStdinEnd:
			h.in.end(io.EOF)
		case frameResize:
			var size sandbox.TerminalSize
			if err = json.Unmarshal(f.data, &size); err == nil {
				h.resize(size)
			}
		default:
			err = errClient
		}
		if err != nil {
			return err
		}
	}
}

// resize leaves the newest size for the process: one that it has not looked at
// yet does not matter any more.
func (h *hearer) resize(size sandbox.TerminalSize) {
	select {
	case <-h.sizes:
	default:
	}
	h.sizes <- size // only this goroutine sends
}

// tell says how it ended. An error means that nobody wants to know.
func (h *hearer) tell(code int, err error) {
	if err != nil {
		p, _ := told(err)
		p.Message = p.Message[:min(len(p.Message), maxFrame/8)] // escaped it may be six times as long
		if b, err := json.Marshal(p); err == nil {
			_ = h.w.write(frameProblem, b)
		}
		return
	}
	if b, err := json.Marshal(code); err == nil {
		_ = h.w.write(frameExit, b)
	}
}

// inbox holds the input that the process has not read. It can hold a window's
// worth, and tells the client whenever some was read.
type inbox struct {
	w    *frameWriter
	mu   sync.Mutex
	more sync.Cond
	data []byte
	err  error // after data
}

func newInbox(w *frameWriter) *inbox {
	in := &inbox{w: w}
	in.more.L = &in.mu
	return in
}

var errWindow = errors.New("more input than the window allows")

func (in *inbox) put(p []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.data)+len(p) > stdinWindow {
		return errWindow
	}
	if in.err == nil {
		in.data = append(in.data, p...)
		in.more.Broadcast()
	}
	return nil
}

// end lets reading end with err once all was read. The first one stays.
func (in *inbox) end(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
	}
	in.more.Broadcast()
}

// Read implements io.Reader.
func (in *inbox) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := in.take(p)
	if n > 0 {
		_ = in.w.write(frameTaken, binary.BigEndian.AppendUint32(nil, uint32(n))) // fails only when the client is gone, which listen notices
	}
	return n, err
}

func (in *inbox) take(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.data) == 0 && in.err == nil {
		in.more.Wait()
	}
	if len(in.data) == 0 {
		return 0, in.err
	}
	n := copy(p, in.data)
	if in.data = in.data[n:]; len(in.data) == 0 {
		in.data = nil // the array behind it grows no further
	}
	return n, nil
}
