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
	lines    []spoken
	file     *os.File
	size     int64
	troubled bool
}

const (
	maxLine     = 256 << 10 // a longer one is taken apart; audit events are shorter
	maxLogFile  = 10 << 20  // then it becomes PATH.1, and the one before it goes
	keptLines   = 400       // a crash tells of all goroutines
	newestLines = 20        // those before them are of another matter
	shownLines  = 5
	shownBytes  = 400 // of one line, kept for a reason
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
	if bytes.HasPrefix(b, auditLine) {
		o.also(b)
		return
	}
	o.lines = append(o.lines, heardLine(b))
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

// last are the lines that tell most of why it ended.
func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.part) > 0 {
		o.line(o.part)
		o.part = nil
	}
	lines := o.lines
	o.lines = nil // the next life has lines of its own
	return telling(lines)
}

// telling chooses lines: from where a program crashed, else of the newest ones
// those that are errors or plain text, which is how a program ends that cannot
// go on, else the last ones.
func telling(lines []spoken) []string {
	var grave []spoken
	for i, l := range lines {
		if strings.HasPrefix(l.text, "panic: ") || strings.HasPrefix(l.text, "fatal error: ") {
			return texts(lines[i:min(len(lines), i+shownLines)])
		}
		if l.grave && l.text != "" && i >= len(lines)-newestLines {
			grave = append(grave, l)
		}
	}
	if len(grave) == 0 {
		grave = lines
	}
	return texts(grave[max(0, len(grave)-shownLines):])
}

func texts(lines []spoken) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.text)
	}
	return all
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

// spoken is a line as people read it.
type spoken struct {
	text  string
	grave bool // an error, or plain text: control planes log JSON, what crashes does not
}

func heardLine(b []byte) spoken {
	var l struct{ Message, Error, Level string }
	s := spoken{string(b), true}
	if json.Unmarshal(b, &l) == nil && (l.Message != "" || l.Error != "") {
		s.text = strings.Trim(l.Message+": "+l.Error, ": ")
		s.grave = l.Level == "error" || l.Level == "fatal" || l.Level == "panic"
	}
	s.text = strings.ToValidUTF8(strings.TrimSpace(s.text), "?")
	if len(s.text) > shownBytes {
		s.text = strings.ToValidUTF8(s.text[:shownBytes], "") + "…"
	}
	return s
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
