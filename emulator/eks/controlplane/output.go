package controlplane

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

// output takes what a control plane writes, line by line: into a file that is
// turned over when it is full, and the last lines into memory.
type output struct {
	path string
	log  zerolog.Logger
	also func(line []byte) // gets every line; it must not keep it

	mu       sync.Mutex
	part     []byte // of a line that has not ended
	lines    []string
	file     *os.File
	size     int64
	troubled bool
}

const (
	maxLine    = 64 << 10 // a longer one is taken apart
	maxLogFile = 10 << 20 // then it becomes PATH.1, and the one before it goes
	keptLines  = 50
	shownLines = 5
	shownBytes = 400 // of one line in a reason
)

func newOutput(path string, log zerolog.Logger) *output {
	return &output{path: path, log: log, also: func([]byte) {}}
}

// Write implements io.Writer. It never fails: the control plane must not end
// because its log cannot be written.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.part = append(o.part, p...)
	for {
		i := bytes.IndexByte(o.part, '\n')
		if i < 0 && len(o.part) < maxLine {
			return len(p), nil
		}
		n := i + 1
		if i < 0 || i > maxLine {
			i, n = maxLine, maxLine
		}
		o.line(o.part[:i])
		if o.part = o.part[n:]; len(o.part) == 0 {
			o.part = nil
		}
	}
}

func (o *output) line(b []byte) {
	o.lines = append(o.lines, shown(b))
	if len(o.lines) > keptLines {
		o.lines = append(o.lines[:0], o.lines[1:]...)
	}
	o.also(b)
	if err := o.store(b); err != nil && !o.troubled {
		o.troubled = true
		o.log.Error().Err(err).Msg("the control plane's log cannot be written")
	}
}

func (o *output) store(b []byte) (err error) {
	if o.file != nil && o.size+int64(len(b)) > maxLogFile {
		err = errors.Join(o.file.Close(), os.Rename(o.path, o.path+".1"))
		o.file = nil
	}
	if o.file == nil {
		f, err := os.OpenFile(o.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		i, err := f.Stat()
		if err != nil {
			return errors.Join(err, f.Close())
		}
		o.file, o.size = f, i.Size()
	}
	n, werr := o.file.Write(append(bytes.Clone(b), '\n'))
	o.size += int64(n)
	return errors.Join(err, werr)
}

// last are the last lines, for a reason.
func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.part) > 0 {
		o.line(o.part)
		o.part = nil
	}
	lines := o.lines[max(0, len(o.lines)-shownLines):]
	o.lines = nil // the next life has lines of its own
	return lines
}

// close lets go of the file.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		if err := o.file.Close(); err != nil {
			o.log.Error().Err(err).Msg("the control plane's log cannot be closed")
		}
		o.file = nil
	}
}

// shown is a line as people read it. Control planes log JSON; what crashes
// does not.
func shown(b []byte) string {
	var l struct{ Message, Error string }
	text := string(b)
	if json.Unmarshal(b, &l) == nil && (l.Message != "" || l.Error != "") {
		text = strings.Trim(l.Message+": "+l.Error, ": ")
	}
	text = strings.ToValidUTF8(strings.TrimSpace(text), "?")
	if len(text) > shownBytes {
		text = strings.ToValidUTF8(text[:shownBytes], "") + "…"
	}
	return text
}

// copyLog writes what the log files hold, the older one first.
func (p place) copyLog(w io.Writer) error {
	for _, path := range []string{p.log() + ".1", p.log()} {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
