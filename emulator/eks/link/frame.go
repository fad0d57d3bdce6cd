package link

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// Exec and Attach carry frames: one byte of kind, four of length (big endian),
// and so many bytes.

type frameKind byte

const (
	frameStdin    frameKind = iota + 1 // client: input
	frameStdinEnd                      // client: the input has ended
	frameResize                        // client: a TerminalSize in JSON
	frameStdout                        // server: output
	frameStderr                        // server: output
	frameTaken                         // server: so many bytes of input were read (4 bytes, big endian)
	frameExit                          // server: the exit code in JSON, the last frame
	frameProblem                       // server: a problem in JSON, the last frame
)

const (
	frameHead = 5
	// maxFrame is how much one frame can hold: small, so that no stream waits
	// long for another.
	maxFrame = 32 << 10
	// stdinWindow is how much input can be on its way that the process has not
	// read. Both sides know it: it is what lets the server go on reading, and
	// so notice a resize or the end, while a process does not read.
	stdinWindow = 256 << 10
)

type frame struct {
	kind frameKind
	data []byte
}

// readFrame reads the next frame; io.EOF only between two of them. The data is
// the caller's.
func readFrame(r io.Reader) (frame, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: frameKind(head[0])}
	n := binary.BigEndian.Uint32(head[1:])
	switch {
	case f.kind < frameStdin || f.kind > frameProblem:
		return frame{}, fmt.Errorf("there is no frame of kind %d", f.kind)
	case n > maxFrame:
		return frame{}, fmt.Errorf("a frame of %d bytes; %d are possible", n, maxFrame)
	}
	f.data = make([]byte, n)
	if _, err := io.ReadFull(r, f.data); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	return f, nil
}

// frameWriter writes whole frames, from several goroutines. It blocks while
// the other side does not read.
type frameWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// write writes data as one frame, or more when one cannot hold it.
func (w *frameWriter) write(kind frameKind, data []byte) error {
	for {
		part := data[:min(len(data), maxFrame)]
		if err := w.one(kind, part); err != nil {
			return err
		}
		if data = data[len(part):]; len(data) == 0 {
			return nil
		}
	}
}

func (w *frameWriter) one(kind frameKind, data []byte) error {
	b := make([]byte, frameHead, frameHead+len(data))
	b[0] = byte(kind)
	binary.BigEndian.PutUint32(b[1:], uint32(len(data)))
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.w.Write(append(b, data...))
	return err
}

// as is an io.Writer whose writes become frames of a kind.
func (w *frameWriter) as(kind frameKind) io.Writer { return kindWriter{w, kind} }

type kindWriter struct {
	w    *frameWriter
	kind frameKind
}

func (k kindWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := k.w.write(k.kind, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
