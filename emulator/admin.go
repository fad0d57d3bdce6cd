package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/store"
)

// This file is what Neargate answers beside AWS's APIs, all under
// /_neargate/. What a task or cluster went through is told by why.go, output
// by task_logs.go.

// router puts the admin paths in front of the AWS endpoint.
func (e *Emulator) router(aws http.Handler) http.Handler {
	r := mux.NewRouter().UseEncodedPath().SkipClean(true)
	r.HandleFunc("/_neargate/health", e.health).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/_localstack/health", e.health).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/_neargate/reset", e.reset).Methods(http.MethodPost)
	r.HandleFunc("/_neargate/changes", e.changes).Methods(http.MethodGet)
	r.HandleFunc("/_neargate/status", e.status).Methods(http.MethodGet)
	r.HandleFunc("/_neargate/why", e.why).Methods(http.MethodGet)
	r.HandleFunc("/_neargate/logs", e.taskLogs).Methods(http.MethodGet)
	r.HandleFunc("/metrics", e.metrics.serve).Methods(http.MethodGet)
	r.PathPrefix("/_neargate/").HandlerFunc(unknownAdmin)
	r.PathPrefix("/").Handler(aws)
	return r
}

func unknownAdmin(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusNotFound, problem{
		Error: "Neargate has no " + r.Method + " " + r.URL.Path,
		Hint:  "GET health, changes, status, why, logs; POST reset; all under /_neargate/",
	})
}

// problem is how the admin endpoints say no.
type problem struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// reply writes v as JSON. A client that has gone needs no answer.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Health is the answer of /_neargate/health. Services and Edition are there
// for tools that wait for LocalStack.
type Health struct {
	Status    string            `json:"status"`
	Version   string            `json:"version"`
	Edition   string            `json:"edition"`
	Instance  string            `json:"instance"`
	PID       int               `json:"pid"`
	StartedAt time.Time         `json:"startedAt"`
	DataDir   string            `json:"dataDir"`
	Runtime   string            `json:"runtime"`
	Timing    string            `json:"timing"`
	Engine    string            `json:"engine,omitempty"`
	Problem   string            `json:"problem,omitempty"`
	Services  map[string]string `json:"services"`
}

// health answers 200 as long as the APIs are served; what the runtime lacks is
// told in Problem.
func (e *Emulator) health(w http.ResponseWriter, r *http.Request) {
	h := Health{
		Status: "running", Version: e.config.Version, Edition: "neargate", Instance: e.instance, PID: os.Getpid(),
		StartedAt: e.startedAt, DataDir: e.config.DataDir, Runtime: e.config.Runtime, Timing: e.config.Timing,
		Services: map[string]string{},
	}
	for _, c := range e.wire.Coverage() {
		h.Services[c.Service] = "running"
	}
	if d, ok := e.runtime.(describer); ok {
		var err error
		if h.Engine, err = d.Describe(r.Context()); err != nil {
			h.Problem = err.Error()
		}
	}
	reply(w, http.StatusOK, h)
}

func (e *Emulator) reset(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if err := e.Reset(r.Context()); err != nil {
		reply(w, http.StatusInternalServerError, problem{Error: err.Error(), Hint: "the reset can be repeated"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"reset": true, "took": time.Since(began).Round(time.Millisecond).String()})
}

// changes streams the feed as server-sent events: one event a change, its id
// the revision, from which a reader that comes back with Last-Event-ID goes
// on. ?since=0 begins with the oldest that is kept; without it the stream
// begins now. ?kind=sandbox, repeated, chooses kinds.
func (e *Emulator) changes(w http.ResponseWriter, r *http.Request) {
	since, err := sinceOf(r)
	if err != nil {
		reply(w, http.StatusBadRequest, problem{Error: err.Error(), Hint: "since is a revision, a number"})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	_ = flush.Flush() // the reader learns now that it is connected; if it cannot be flushed, the first write tells
	for commit, err := range e.store.Watch(r.Context(), since, r.URL.Query()["kind"]...) {
		if err != nil {
			fmt.Fprintf(w, "event: error\ndata: %s\n\n", strconv.Quote(err.Error()))
			return
		}
		for _, c := range commit {
			if writeChange(w, c) != nil {
				return
			}
		}
		if flush.Flush() != nil {
			return
		}
	}
}

func sinceOf(r *http.Request) (int64, error) {
	for _, s := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since")} {
		if s != "" {
			return strconv.ParseInt(s, 10, 64)
		}
	}
	return store.Now, nil
}

func writeChange(w http.ResponseWriter, c store.Change) error {
	body, err := json.Marshal(struct {
		Revision int64           `json:"revision"`
		Commit   int64           `json:"commit"`
		Kind     string          `json:"kind"`
		Key      string          `json:"key"`
		At       time.Time       `json:"at"`
		By       string          `json:"by"`
		What     []string        `json:"what"`
		Before   json.RawMessage `json:"before,omitempty"`
		After    json.RawMessage `json:"after,omitempty"`
	}{c.Revision, c.Commit, c.Kind, c.Key, c.At, c.By, ecs.Tell(c), c.Before, c.After})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\nevent: change\ndata: %s\n\n", c.Revision, body)
	return err
}
