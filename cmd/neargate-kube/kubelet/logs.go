package kubelet

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// logs answers GET /containerLogs, which is `kubectl logs`.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	pod, box := s.find(w, r)
	if pod == nil {
		return
	}
	o, err := logOptions(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	container := r.PathValue("container")
	if text := noLogs(pod, box, container, o.Previous); text != "" {
		http.Error(w, text, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	out := newWriter(w, o)
	if o.none && !o.Follow {
		return
	}
	if o.none {
		o.Since = time.Now()
	}
	for line, err := range s.Inner.Logs(r.Context(), box.Spec.ID, container, o.LogsOptions) {
		if err != nil {
			s.broken(w, r, out, err)
			return
		}
		if err := out.line(line); err != nil {
			return // the reader is gone, or has had its limit
		}
	}
}

// broken tells that the output could not be read to its end: by a status while
// there is still one to send, and then by an answer that is cut off.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, out *writer, err error) {
	if r.Context().Err() != nil {
		return // the reader is gone
	}
	s.Log.Warn().Str("pod", r.PathValue("namespace")+"/"+r.PathValue("pod")).Str("container", r.PathValue("container")).Err(err).Msg("output cannot be read")
	if out.sent {
		panic(http.ErrAbortHandler)
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

type options struct {
	sandbox.LogsOptions
	timestamps bool
	limit      int64 // bytes; -1: none
	none       bool  // tail=0
	stream     string
}

// logOptions reads what the API server makes of v1.PodLogOptions.
func logOptions(q url.Values, now time.Time) (o options, err error) {
	o.limit = -1
	var errs []error
	number := func(name string, into func(int64)) {
		if v := q.Get(name); v != "" {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil || n < 0 {
				errs = append(errs, fmt.Errorf("%s: %q is not a number of zero or more", name, v))
				return
			}
			into(n)
		}
	}
	number("tailLines", func(n int64) { o.Tail, o.none = int(n), n == 0 })
	number("limitBytes", func(n int64) { o.limit = n })
	number("sinceSeconds", func(n int64) { o.Since = now.Add(-time.Duration(n) * time.Second) })
	if v := q.Get("sinceTime"); v != "" {
		if o.Since, err = time.Parse(time.RFC3339, v); err != nil {
			errs = append(errs, fmt.Errorf("sinceTime: %w", err))
		}
	}
	o.Follow, o.Previous, o.timestamps = q.Get("follow") == "true", q.Get("previous") == "true", q.Get("timestamps") == "true"
	o.stream = q.Get("stream")
	return o, errors.Join(errs...)
}

// noLogs tells, in kubelet's words, why a container has no output to show.
func noLogs(pod *corev1.Pod, box *sandbox.Sandbox, container string, previous bool) string {
	if box == nil {
		box = &sandbox.Sandbox{}
	}
	for _, c := range box.Status.Containers {
		if c.Name != container {
			continue
		}
		if previous && c.LastExit == nil {
			return fmt.Sprintf("previous terminated container %q in pod %q not found", container, pod.Name)
		}
		if c.StartedAt.IsZero() && c.LastExit == nil && c.State != sandbox.ContainerRunning && c.State != sandbox.ContainerStopped {
			return fmt.Sprintf("container %q in pod %q is waiting to start: %s", container, pod.Name, waitingFor(pod, c))
		}
		return ""
	}
	return fmt.Sprintf("container %q in pod %q is waiting to start: ContainerCreating", container, pod.Name)
}

func waitingFor(pod *corev1.Pod, c sandbox.ContainerStatus) string {
	for _, all := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for _, s := range all {
			if s.Name == c.Name && s.State.Waiting != nil && s.State.Waiting.Message != "" {
				return s.State.Waiting.Message
			}
			if s.Name == c.Name && s.State.Waiting != nil {
				return s.State.Waiting.Reason
			}
		}
	}
	return "ContainerCreating"
}

// timestamp is RFC 3339 with all nine digits, as kubelet writes it.
const timestamp = "2006-01-02T15:04:05.000000000Z07:00"

// writer writes lines as kubelet does, and flushes each: somebody may be
// looking.
type writer struct {
	w     io.Writer
	flush func()
	options
	sent    bool // something of the answer
	partial bool // the line before goes on
}

func newWriter(w http.ResponseWriter, o options) *writer {
	out := &writer{w: w, options: o, flush: func() {}}
	if f, ok := w.(http.Flusher); ok {
		out.flush = f.Flush
	}
	if o.Follow {
		out.sent = true
		out.flush() // the headers: so that a quiet container does not look dead
	}
	return out
}

var errEnough = errors.New("limitBytes is reached")

func (w *writer) line(l sandbox.LogLine) error {
	if w.stream == corev1.LogStreamStdout && l.Stderr || w.stream == corev1.LogStreamStderr && !l.Stderr {
		return nil
	}
	text := l.Text
	if w.timestamps && !w.partial {
		text = l.At.UTC().Format(timestamp) + " " + text
	}
	if w.partial = l.Partial; !l.Partial {
		text += "\n"
	}
	return w.write(text)
}

func (w *writer) write(text string) error {
	enough := false
	if w.limit >= 0 {
		if int64(len(text)) >= w.limit {
			text, enough = text[:w.limit], true
		}
		w.limit -= int64(len(text))
	}
	w.sent = true
	if _, err := io.WriteString(w.w, text); err != nil {
		return err
	}
	w.flush()
	if enough {
		return errEnough
	}
	return nil
}
