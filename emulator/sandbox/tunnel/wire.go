package tunnel

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// kind says what a stream is for; it is the first byte of each.
type kind byte

const (
	kindDial  kind = 1
	kindCall  kind = 2
	kindOffer kind = 3
	kindStop  kind = 4
)

const (
	magic        = "NEARGATE"
	preambleSize = len(magic) + 4
	// maxFrame bounds requests and replies; the largest are name tables, at
	// about 60 bytes a name.
	maxFrame = 8 << 20
)

func writePreamble(w io.Writer, version uint32) error {
	_, err := w.Write(binary.BigEndian.AppendUint32([]byte(magic), version))
	return err
}

func readPreamble(r io.Reader) (uint32, error) {
	var b [preambleSize]byte
	n, err := io.ReadFull(r, b[:])
	if err != nil {
		return 0, fmt.Errorf("tunnel: the stream ended in the greeting, after %q: %w", b[:n], err)
	}
	if string(b[:len(magic)]) != magic {
		return 0, fmt.Errorf("tunnel: the other end is not a Neargate tunnel: it said %q", b[:])
	}
	return binary.BigEndian.Uint32(b[len(magic):]), nil
}

// header encodes the head of a stream: its kind and what it asks for.
func header(k kind, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if len(text) > 1<<16-1 {
		return nil, fmt.Errorf("tunnel: stream header of %d bytes", len(text))
	}
	b := append(make([]byte, 0, 3+len(text)), byte(k))
	b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
	return append(b, text...), nil
}

func readHeader(r io.Reader) (kind, []byte, error) {
	var b [3]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, nil, err
	}
	text := make([]byte, binary.BigEndian.Uint16(b[1:]))
	_, err := io.ReadFull(r, text)
	return kind(b[0]), text, err
}

func appendFrame(b []byte, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if len(text) > maxFrame {
		return nil, fmt.Errorf("tunnel: message of %d bytes, %d are allowed", len(text), maxFrame)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...), nil
}

func writeFrame(w io.Writer, body any) error {
	b, err := appendFrame(nil, body)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// readFrame reads one frame into body. The buffer grows with what really
// arrives, so that a false length costs nothing.
func readFrame(r io.Reader, body any) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return fmt.Errorf("tunnel: message of %d bytes, %d are allowed", n, maxFrame)
	}
	var text bytes.Buffer
	if _, err := io.CopyN(&text, r, int64(n)); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return json.Unmarshal(text.Bytes(), body)
}
