package docker

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/moby/moby/client"
)

// Streams of a container or a process in it. Without a terminal the Engine
// sends standard output and error over one connection, in frames: one byte
// stream, three bytes nothing, four bytes length.

const (
	streamIn  = 0 // the Engine's own messages in some versions; told as output
	streamOut = 1
	streamErr = 2
)

// maxFrame is far above what any Engine sends at once; a longer one means that
// the stream has no frames at all.
const maxFrame = 64 << 20

// frame is a piece of output. Its bytes are valid until the next one is read.
type frame struct {
	stderr bool
	data   []byte
}

type frames struct {
	r   *bufio.Reader
	raw bool // a terminal: no frames
	buf []byte
}

func newFrames(r io.Reader, raw bool) *frames { return &frames{r: bufio.NewReader(r), raw: raw} }

func (f *frames) next() (frame, error) {
	if f.raw {
		return f.nextRaw()
	}
	var h [8]byte
	if _, err := io.ReadFull(f.r, h[:]); err != nil {
		return frame{}, err // io.EOF between frames is the end
	}
	n := binary.BigEndian.Uint32(h[4:])
	if h[0] > streamErr || n > maxFrame {
		return frame{}, fmt.Errorf("docker: a stream without frames where frames were expected (% x)", h)
	}
	if cap(f.buf) < int(n) {
		f.buf = make([]byte, n)
	}
	f.buf = f.buf[:n]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return frame{}, io.ErrUnexpectedEOF
	}
	return frame{h[0] == streamErr, f.buf}, nil
}

func (f *frames) nextRaw() (frame, error) {
	if f.buf == nil {
		f.buf = make([]byte, 32<<10)
	}
	n, err := f.r.Read(f.buf)
	if n > 0 {
		return frame{data: f.buf[:n]}, nil
	}
	return frame{}, err
}

// stdio makes one stream of a process's input and output; its errors go to
// complain.
type stdio struct {
	conn     net.Conn
	frames   frames
	rest     []byte
	complain func(string)
}

func newStdio(h client.HijackedResponse, complain func(string)) *stdio {
	return &stdio{conn: h.Conn, frames: frames{r: h.Reader}, complain: complain}
}

func (s *stdio) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		f, err := s.frames.next()
		if err != nil {
			return 0, err
		}
		if f.stderr {
			s.complain(string(f.data))
			continue
		}
		s.rest = f.data
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *stdio) Write(p []byte) (int, error) { return s.conn.Write(p) }

func (s *stdio) Close() error { return s.conn.Close() }
