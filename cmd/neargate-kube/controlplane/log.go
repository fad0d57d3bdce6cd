package controlplane

import (
	"bytes"
	"flag"
	"io"
	"sync"

	"github.com/rs/zerolog"
	"github.com/sirupsen/logrus"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// log.go makes one stream of JSON lines of what everybody in this process
// logs, each with the component that said it.

// newLog writes to out, and keeps the last lines for whoever asks.
func newLog(out io.Writer, keep *ring) zerolog.Logger {
	l := zerolog.New(io.MultiWriter(out, keep)).With().Timestamp().Logger()
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"logtostderr": "false", "alsologtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true", "v": "0"} {
		_ = flags.Set(name, value) // klog's own flags, all of which exist
	}
	klog.SetOutput(&lines{log: l, component: "kube-apiserver"})
	logrus.SetOutput(&lines{log: l, component: "kine"})
	logrus.SetLevel(logrus.WarnLevel)
	// What the API server thinks of its own components' requests is of no use
	// to anybody here.
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	return l
}

// lines turns lines of text into log entries. klog begins each with its
// severity and ends the preamble with "] ".
type lines struct {
	log       zerolog.Logger
	component string
}

func (w *lines) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		line = bytes.TrimRight(line, "\n")
		if len(line) == 0 || isFarewell(line) {
			continue
		}
		level := levelOf(line)
		component := w.component
		if _, text, ok := bytes.Cut(line, []byte("] ")); ok {
			line = text
		}
		if bytes.Contains(line, []byte(`component="kube-controller-manager"`)) {
			component = "kube-controller-manager"
		}
		w.log.WithLevel(level).Str("component", component).Msg(string(line))
	}
	return len(p), nil
}

// isFarewell tells lines that are no news: the database ends while watches of
// it are open, and there is one for each of those, by the hundred.
func isFarewell(line []byte) bool { return bytes.Contains(line, []byte("transport is closing")) }

// levelOf is a line's level by its first letter.
func levelOf(line []byte) zerolog.Level {
	switch line[0] {
	case 'W':
		return zerolog.WarnLevel
	case 'E':
		return zerolog.ErrorLevel
	case 'F':
		return zerolog.FatalLevel
	}
	return zerolog.InfoLevel
}

// ring keeps the newest bytes of a log, in whole writes.
type ring struct {
	mu    sync.Mutex
	lines [][]byte
	size  int
}

// ringSize is about a thousand lines.
const ringSize = 256 << 10

func (r *ring) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, bytes.Clone(p))
	r.size += len(p)
	for r.size > ringSize && len(r.lines) > 1 {
		r.size -= len(r.lines[0])
		r.lines = r.lines[1:]
	}
	return len(p), nil
}

func (r *ring) writeTo(w io.Writer) error {
	r.mu.Lock()
	all := bytes.Join(r.lines, nil)
	r.mu.Unlock()
	_, err := w.Write(all)
	return err
}
