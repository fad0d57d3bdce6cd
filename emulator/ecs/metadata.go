package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the task metadata endpoint, versions 2 to 4, as containers of
// a task reach it on 169.254.170.2. The documents are made in
// metadata_view.go; credentials are in credentials.go.

// Metadata serves the endpoint of one sandbox. What is none of its paths goes
// to next: a container that uses the address as its AWS endpoint reaches
// Neargate's own API.
func (a *API) Metadata(sandboxID string, next http.Handler) http.Handler {
	m := &metadata{api: a, id: sandboxID}
	mux := http.NewServeMux()
	for _, v := range []string{"v3", "v4"} {
		mux.HandleFunc("GET /"+v+"/{container}", m.container(v))
		mux.HandleFunc("GET /"+v+"/{container}/task", m.task(v, false))
		mux.HandleFunc("GET /"+v+"/{container}/taskWithTags", m.task(v, true))
		mux.HandleFunc("GET /"+v+"/{container}/stats", m.containerStats)
		mux.HandleFunc("GET /"+v+"/{container}/task/stats", m.taskStats)
	}
	mux.HandleFunc("GET /v2/metadata", m.task("v2", false))
	mux.HandleFunc("GET /v2/metadataWithTags", m.task("v2", true))
	mux.HandleFunc("GET /v2/stats", m.taskStats)
	mux.HandleFunc("GET /v2/credentials/{credentials}", m.credentials)
	mux.HandleFunc("GET /v1/credentials", m.credentials)
	mux.Handle("/", next)
	return mux
}

type metadata struct {
	api *API
	id  string
}

// errNoContainer is answered when the id in the path is none of the task's.
var errNoContainer = errors.New("unknown container")

// pair reads the task and its sandbox.
func (m *metadata) pair(ctx context.Context) (t *Task, s *sandbox.Sandbox, err error) {
	err = m.api.store.View(ctx, func(tx *store.Tx) error {
		if s, err = sandbox.Get(tx, m.id); err != nil {
			return err
		}
		r, err := tasks.Get(tx, s.Spec.Owner)
		t = &r.Value
		return err
	})
	return t, s, err
}

// self finds the container that a path names by its runtime id.
func self(t *Task, runtimeID string) (*TaskContainer, error) {
	for i := range t.Containers {
		if t.Containers[i].RuntimeID == runtimeID {
			return &t.Containers[i], nil
		}
	}
	return nil, errNoContainer
}

func (m *metadata) container(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, s, err := m.pair(r.Context())
		var c *TaskContainer
		if err == nil {
			c, err = self(t, r.PathValue("container"))
		}
		if err != nil {
			refuse(w, version, "container", err)
			return
		}
		answer(w, http.StatusOK, containerMetadata(t, c, s, version))
	}
}

func (m *metadata) task(version string, withTags bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, s, err := m.pair(r.Context())
		if id := r.PathValue("container"); err == nil && id != "" {
			_, err = self(t, id)
		}
		if err != nil {
			refuse(w, version, "task", err)
			return
		}
		answer(w, http.StatusOK, taskMetadata(t, s, version, withTags))
	}
}

func (m *metadata) containerStats(w http.ResponseWriter, r *http.Request) {
	t, all, err := m.stats(r.Context())
	var c *TaskContainer
	if err == nil {
		c, err = self(t, r.PathValue("container"))
	}
	if err != nil {
		refuse(w, "v4", "container stats", err)
		return
	}
	answer(w, http.StatusOK, all[c.RuntimeID])
}

func (m *metadata) taskStats(w http.ResponseWriter, r *http.Request) {
	_, all, err := m.stats(r.Context())
	if err != nil {
		refuse(w, "v4", "task stats", err)
		return
	}
	answer(w, http.StatusOK, all)
}

func (m *metadata) stats(ctx context.Context) (*Task, map[string]*containerStatistics, error) {
	t, s, err := m.pair(ctx)
	if err != nil {
		return nil, nil, err
	}
	usage, err := m.api.engine.Stats(ctx, m.id)
	if err != nil {
		return nil, nil, err
	}
	return t, statistics(t, s, usage), nil
}

// refuse answers as the agent does: a JSON string that names the handler.
func refuse(w http.ResponseWriter, version, what string, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, errNoContainer) || errors.Is(err, store.ErrNotFound) {
		status = http.StatusNotFound
	}
	answer(w, status, fmt.Sprintf("V%s %s metadata handler: %v", version[1:], what, err))
}

// answer writes v as JSON. The reader is a container: if it has gone, there
// is nobody to tell.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
