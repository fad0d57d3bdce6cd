package link

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestFramesAreSplit(t *testing.T) {
	var b bytes.Buffer
	w := &frameWriter{w: &b}
	data := bytes.Repeat([]byte("x"), maxFrame+1)
	if n, err := w.as(frameStdout).Write(data); n != len(data) || err != nil {
		t.Fatal(n, err)
	}
	for _, size := range []int{maxFrame, 1} {
		if f, err := readFrame(&b); err != nil || f.kind != frameStdout || len(f.data) != size {
			t.Errorf("%v, %d bytes", err, len(f.data))
		}
	}
	if _, err := readFrame(&b); err != io.EOF {
		t.Error(err)
	}
}

// Whatever comes, reading ends, takes no more memory than a frame may have,
// and what was read is what writing would make.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{byte(frameStdin), 0, 0, 0, 2, 'a', 'b'})
	f.Add([]byte{byte(frameStdinEnd), 0, 0, 0, 0, byte(frameExit), 0, 0, 0, 1, '3'})
	f.Add([]byte{byte(frameStdout), 255, 255, 255, 255, 1})
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		var again bytes.Buffer
		w := &frameWriter{w: &again}
		for {
			at := len(b) - r.Len()
			got, err := readFrame(r)
			if err == io.EOF && at != len(b) || errors.Is(err, io.ErrUnexpectedEOF) && at == len(b) {
				t.Fatalf("%v at %d of %d", err, at, len(b))
			}
			if err != nil {
				if !bytes.Equal(again.Bytes(), b[:at]) {
					t.Fatalf("%x was read as %x", b[:at], again.Bytes())
				}
				return
			}
			if err := w.write(got.kind, got.data); err != nil {
				t.Fatal(err)
			}
		}
	})
}
