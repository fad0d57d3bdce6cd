package emulator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file answers /_neargate/logs: what the containers of a task have
// written. How the lines of several come together is in task_lines.go.

// taskLogs writes the output of a task's containers as text: straight from the
// runtime, whatever the log configuration says, and for a task that has
// stopped, from CloudWatch Logs. With follow=1 it waits for containers that
// have not started and goes on until all have ended.
func (e *Emulator) taskLogs(w http.ResponseWriter, r *http.Request) {
	ref, container := r.URL.Query().Get("of"), r.URL.Query().Get("container")
	follow, err := flag(r.URL.Query().Get("follow"))
	if ref == "" || err != nil {
		reply(w, http.StatusBadRequest, problem{
			Error: "of which task?", Hint: "/_neargate/logs?of=TASK&container=NAME&follow=1: a task's id or ARN, or of EKS CLUSTER or CLUSTER/NAMESPACE/POD; container and follow may be left out",
		})
		return
	}
	if of, found, err := e.findEKS(r.Context(), ref); err != nil {
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
		return
	} else if found {
		e.eksLogs(w, r, of, container, follow)
		return
	}
	s, names, err := e.sandboxOf(r.Context(), ref, container)
	switch {
	case errors.Is(err, store.ErrNotFound) && names != nil:
		reply(w, http.StatusNotFound, problem{Error: "the task has no container " + container, Hint: "it has " + strings.Join(names, ", ")})
	case errors.Is(err, store.ErrNotFound):
		reply(w, http.StatusNotFound, problem{Error: "there is no task " + ref, Hint: "`neargate status` lists the tasks; stopped ones are forgotten after an hour"})
	case errors.Is(err, ecs.ErrAmbiguous):
		reply(w, http.StatusConflict, problem{Error: err.Error(), Hint: "give more of the id"})
	case err != nil:
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
	case lost(s, names):
		reply(w, http.StatusGone, problem{
			Error: "the task has stopped, and its containers were removed with their output",
			Hint:  "the log driver awslogs keeps it in CloudWatch Logs",
		})
	default:
		e.writeLogs(w, r, s, names, follow)
	}
}

// flag reads a parameter that is on or off, and off when it is left out.
func flag(text string) (bool, error) {
	if text == "" {
		return false, nil
	}
	return strconv.ParseBool(text)
}

// sandboxOf finds the sandbox of a task, and the names of its containers or
// the one that is asked for.
func (e *Emulator) sandboxOf(ctx context.Context, ref, container string) (s *sandbox.Sandbox, names []string, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		var id string
		if id, names, err = ecs.SandboxOf(tx, ref, container); err != nil {
			return err
		}
		s, err = sandbox.Get(tx, id)
		return err
	})
	return s, names, err
}

func (e *Emulator) writeLogs(w http.ResponseWriter, r *http.Request, s *sandbox.Sandbox, names []string, follow bool) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	var outputs []output
	for _, name := range names {
		outputs = append(outputs, output{name, e.linesOf(r.Context(), s, name, follow)})
	}
	out := &lineWriter{w: w, flush: http.NewResponseController(w), prefix: len(names) > 1}
	if !follow {
		out.merge(outputs)
		return
	}
	if out.flush.Flush() == nil { // the reader learns now that there is such a task
		out.mix(outputs)
	}
}

// linesOf is what a container has written, and with follow what it writes
// until it has ended.
func (e *Emulator) linesOf(ctx context.Context, s *sandbox.Sandbox, name string, follow bool) iter.Seq2[sandbox.LogLine, error] {
	return func(yield func(sandbox.LogLine, error) bool) {
		began := func(s *sandbox.Sandbox) bool { return s.IsStopped() || hasStarted(s, name) }
		if follow {
			var err error
			if s, err = e.services.waiter.Wait(ctx, s.Spec.ID, began); err != nil {
				yield(sandbox.LogLine{}, err)
				return
			}
		}
		switch {
		case !began(s):
		case s.IsStopped():
			e.keptLines(ctx, s, name, yield)
		default:
			e.runningLines(ctx, s, name, follow, yield)
		}
	}
}

// runningLines reads from the runtime. Where the container was removed a
// moment ago, it reads what was kept.
func (e *Emulator) runningLines(ctx context.Context, s *sandbox.Sandbox, name string, follow bool, yield func(sandbox.LogLine, error) bool) {
	r, ok := e.runtime.(sandbox.Logs)
	if !ok {
		yield(sandbox.LogLine{}, fmt.Errorf("the runtime %s keeps no output", e.config.Runtime))
		return
	}
	some := false
	for line, err := range r.Logs(ctx, s.Spec.ID, name, sandbox.LogsOptions{Follow: follow}) {
		if err != nil && !some && e.hasStopped(ctx, s.Spec.ID) {
			e.keptLines(ctx, s, name, yield)
			return
		}
		if some = true; !yield(line, err) || err != nil {
			return
		}
	}
}

func (e *Emulator) hasStopped(ctx context.Context, id string) bool {
	stopped := false
	err := e.store.View(ctx, func(tx *store.Tx) error {
		s, err := sandbox.Get(tx, id)
		stopped = err == nil && s.IsStopped()
		return err
	})
	return err == nil && stopped
}

// keptLines reads what CloudWatch Logs has of a container that was removed.
func (e *Emulator) keptLines(ctx context.Context, s *sandbox.Sandbox, name string, yield func(sandbox.LogLine, error) bool) {
	if !isKept(s, name) {
		yield(sandbox.LogLine{}, errors.New("it was removed with its output"))
		return
	}
	for line, err := range (logSink{e.services.logs}).read(ctx, &s.Spec, containerOf(s, name)) {
		if !yield(line, err) {
			return
		}
	}
}

func containerOf(s *sandbox.Sandbox, name string) *sandbox.Container {
	i := slices.IndexFunc(s.Spec.Containers, func(c sandbox.Container) bool { return c.Name == name })
	if i < 0 {
		return &sandbox.Container{Name: name}
	}
	return &s.Spec.Containers[i]
}

// isKept: the output outlives the container.
func isKept(s *sandbox.Sandbox, name string) bool {
	return containerOf(s, name).Log.Driver == awslogs && hasStarted(s, name)
}

func hasStarted(s *sandbox.Sandbox, name string) bool {
	return slices.ContainsFunc(s.Status.Containers, func(c sandbox.ContainerStatus) bool { return c.Name == name && !c.StartedAt.IsZero() })
}
