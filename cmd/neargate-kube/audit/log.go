package audit

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"k8s.io/apimachinery/pkg/runtime"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/plugin/pkg/audit/truncate"
)

const (
	// maxWaiting is how many bytes of events may wait to be written. With more,
	// events are dropped: whoever reads the log slowly keeps nobody from the API.
	maxWaiting = 8 << 20
	// maxEvent is when an event loses its objects, as with the API server's own
	// audit log.
	maxEvent = 100 << 10
)

// Log writes events as lines of this process's log, of the component "audit":
//
//	{"component":"audit","time":"2026-01-02T03:04:05.678Z","event":{"kind":"Event",…}}
//
// It implements audit.Backend. It writes in the background, and tells in log
// what it had to drop.
type Log struct {
	out     io.Writer
	log     zerolog.Logger
	encoder runtime.Encoder

	mu      sync.Mutex
	waiting [][]byte
	size    int // of those waiting
	dropped int
	wake    chan struct{}
	done    chan struct{} // closed when nothing is written any more
}

// NewLog returns one that writes each line to out with one call.
func NewLog(out io.Writer, log zerolog.Logger) *Log {
	return &Log{
		out: out, log: log, encoder: audit.Codecs.LegacyCodec(auditv1.SchemeGroupVersion),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// Backend is the log with events cut to a size that it can take.
func (l *Log) Backend() audit.Backend {
	return truncate.NewBackend(l, truncate.Config{MaxEventSize: maxEvent, MaxBatchSize: maxWaiting}, auditv1.SchemeGroupVersion)
}

// ProcessEvents implements audit.Sink. It never says that it has failed: the
// API server would refuse the request.
func (l *Log) ProcessEvents(events ...*auditinternal.Event) bool {
	for _, e := range events {
		line, err := l.line(e)
		if err != nil {
			l.log.Error().Err(err).Str("audit_id", string(e.AuditID)).Msg("an audit event cannot be written")
			continue
		}
		l.put(line)
	}
	return true
}

func (l *Log) line(e *auditinternal.Event) ([]byte, error) {
	event, err := runtime.Encode(l.encoder, e)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(struct {
		Component string          `json:"component"`
		Time      time.Time       `json:"time"`
		Event     json.RawMessage `json:"event"`
	}{"audit", e.StageTimestamp.UTC(), bytes.TrimSpace(event)})
	return append(b, '\n'), err
}

func (l *Log) put(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+len(line) > maxWaiting {
		l.dropped++
		return
	}
	l.waiting = append(l.waiting, line)
	l.size += len(line)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run implements audit.Backend: it writes until stop is closed.
func (l *Log) Run(stop <-chan struct{}) error {
	go func() {
		defer close(l.done)
		for {
			select {
			case <-l.wake:
				l.flush()
			case <-stop:
				l.flush()
				return
			}
		}
	}()
	return nil
}

// flush writes what waits, and tells what was dropped meanwhile.
func (l *Log) flush() {
	for {
		l.mu.Lock()
		lines, dropped := l.waiting, l.dropped
		l.waiting, l.size, l.dropped = nil, 0, 0
		l.mu.Unlock()
		if dropped > 0 {
			l.log.Warn().Int("dropped", dropped).Msg("audit events were dropped, as they come faster than they can be written")
		}
		if len(lines) == 0 {
			return
		}
		for _, line := range lines {
			if _, err := l.out.Write(line); err != nil {
				l.log.Error().Err(err).Msg("the audit log cannot be written")
			}
		}
	}
}

// Shutdown implements audit.Backend: it waits until all is written.
func (l *Log) Shutdown() { <-l.done }

// String implements audit.Backend.
func (l *Log) String() string { return "neargate" }
