package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// taskLogs writes the output of a task's containers as text, straight from
// the runtime: it is there whatever the log configuration says.
func (e *Emulator) taskLogs(w http.ResponseWriter, r *http.Request) {
	ref, container := r.URL.Query().Get("of"), r.URL.Query().Get("container")
	var id string
	var names []string
	err := e.store.View(r.Context(), func(tx *store.Tx) (err error) {
		id, names, err = ecs.SandboxOf(tx, ref, container)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound) && names != nil:
		reply(w, http.StatusNotFound, problem{Error: "the task has no container " + container, Hint: "it has " + strings.Join(names, ", ")})
		return
	case errors.Is(err, store.ErrNotFound):
		reply(w, http.StatusNotFound, problem{Error: "there is no task " + ref, Hint: "`neargate status` lists the tasks; stopped ones are forgotten after an hour"})
		return
	case err != nil:
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
		return
	}
	e.writeLogs(w, r, id, names)
}

func (e *Emulator) writeLogs(w http.ResponseWriter, r *http.Request, id string, names []string) {
	logs, ok := e.runtime.(sandbox.Logs)
	if !ok {
		reply(w, http.StatusNotFound, problem{Error: "the runtime " + e.config.Runtime + " keeps no output"})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out := &lineWriter{w: w, flush: http.NewResponseController(w), prefix: len(names) > 1}
	follow := r.URL.Query().Get("follow") != ""
	g, ctx := errgroup.WithContext(r.Context())
	for _, name := range names {
		g.Go(func() error { return out.copy(ctx, logs, id, name, follow) })
	}
	if err := g.Wait(); err != nil && r.Context().Err() == nil {
		fmt.Fprintf(w, "neargate: %v\n", err)
	}
}

// lineWriter keeps the lines of several containers whole.
type lineWriter struct {
	mu     sync.Mutex
	w      http.ResponseWriter
	flush  *http.ResponseController
	prefix bool // say whose line it is
}

func (l *lineWriter) copy(ctx context.Context, logs sandbox.Logs, id, name string, follow bool) error {
	for line, err := range logs.Logs(ctx, id, name, sandbox.LogsOptions{Follow: follow}) {
		if err != nil {
			return err
		}
		if err := l.write(name, line, follow); err != nil {
			return err
		}
	}
	return nil
}

func (l *lineWriter) write(name string, line sandbox.LogLine, flush bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := line.Text + "\n"
	if l.prefix {
		text = name + " | " + text
	}
	if _, err := l.w.Write([]byte(text)); err != nil {
		return err
	}
	if flush {
		return l.flush.Flush()
	}
	return nil
}
