package ecs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the task metadata endpoint, versions 2 to 4, as containers of
// a task reach it on 169.254.170.2: its paths and how it refuses. The documents
// are made in metadata_view.go and metadata_stats.go; credentials are in
// credentials.go, the agent's own API is in metadata_agent.go.

// Metadata serves the endpoint of one sandbox. What is none of its paths goes
// to next, as does everything signed: a container that uses the address as its
// AWS endpoint reaches Neargate's own API.
func (a *API) Metadata(sandboxID string, next http.Handler) http.Handler {
	who := metadataOf{id: sandboxID, next: next}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if signed(r) {
			next.ServeHTTP(w, r)
			return
		}
		a.metadata.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), metadataKey{}, who)))
	})
}

// metadataOf says which sandbox a request came from, and who answers what is
// none of the endpoint's paths.
type metadataOf struct {
	id   string
	next http.Handler
}

type metadataKey struct{}

func metadataFrom(r *http.Request) metadataOf {
	who, _ := r.Context().Value(metadataKey{}).(metadataOf) // Metadata has put it there
	return who
}

// signed tells whether a request is meant for AWS's API: nobody signs what he
// asks the agent.
func signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-") || r.URL.Query().Has("X-Amz-Signature")
}

// credentialsPath is what the path of a task's credentials begins with.
const credentialsPath = "/v2/credentials/"

// metadataRoutes are the paths of the endpoint, for all sandboxes.
func (a *API) metadataRoutes() http.Handler {
	m := http.NewServeMux()
	for _, v := range []string{"v3", "v4"} {
		m.HandleFunc("/"+v+"/{container}", a.containerMetadata(v))
		m.HandleFunc("/"+v+"/{container}/task", a.taskMetadata(v, false))
		m.HandleFunc("/"+v+"/{container}/taskWithTags", a.taskMetadata(v, true))
		m.HandleFunc("/"+v+"/{container}/stats", a.containerStats(v))
		m.HandleFunc("/"+v+"/{container}/task/stats", a.taskStats(v))
		m.HandleFunc("/"+v+"/{container}/associations/{type}", a.associations(v))
		m.HandleFunc("/"+v+"/{container}/associations/{type}/{name}", a.association(v))
		m.HandleFunc("/"+v+"/", http.NotFound)
	}
	m.HandleFunc("/v2/metadata", a.taskMetadata("v2", false))
	m.HandleFunc("/v2/metadata/{$}", a.taskMetadata("v2", false))
	m.HandleFunc("/v2/metadata/{container}", a.containerMetadata("v2"))
	m.HandleFunc("/v2/metadataWithTags", a.taskMetadata("v2", true))
	m.HandleFunc("/v2/metadataWithTags/{$}", a.taskMetadata("v2", true))
	m.HandleFunc("/v2/stats", a.taskStats("v2"))
	m.HandleFunc("/v2/stats/{$}", a.taskStats("v2"))
	m.HandleFunc("/v2/stats/{container}", a.containerStats("v2"))
	m.HandleFunc("/v2/credentials", a.credentials(2))
	m.HandleFunc(credentialsPath+"{id...}", a.credentials(2))
	m.HandleFunc("/v1/credentials", a.credentials(1))
	a.agentRoutes(m)
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { metadataFrom(r).next.ServeHTTP(w, r) })
	return m
}

// asked is what a request is about: the task, and the container that it names,
// nil where the path has none.
type asked struct {
	task      *Task
	sandbox   *sandbox.Sandbox
	container *TaskContainer
}

// unknownContainer says that an id in a path is none of the task's containers.
type unknownContainer struct{ id string }

func (u unknownContainer) Error() string { return "unknown container: " + u.id }

// asked reads the task of the sandbox and finds the container.
func (a *API) asked(r *http.Request) (q asked, err error) {
	id := metadataFrom(r).id
	err = a.store.View(r.Context(), func(tx *store.Tx) error {
		if q.sandbox, err = sandbox.Get(tx, id); err != nil {
			return err
		}
		q.task, _, err = tasks.Peek(tx, q.sandbox.Spec.Owner)
		return err
	})
	if runtimeID := r.PathValue("container"); err == nil && runtimeID != "" {
		q.container, err = self(q.task, runtimeID)
	}
	return q, err
}

// self finds the container that a path names by its runtime id.
func self(t *Task, runtimeID string) (*TaskContainer, error) {
	for i := range t.Containers {
		if t.Containers[i].RuntimeID == runtimeID {
			return &t.Containers[i], nil
		}
	}
	return nil, unknownContainer{runtimeID}
}

func (a *API) containerMetadata(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := a.asked(r)
		if err != nil {
			refuse(w, r, version, "container metadata", err)
			return
		}
		answer(w, http.StatusOK, containerMetadata(q.task, q.container, q.sandbox, version))
	}
}

func (a *API) taskMetadata(version string, withTags bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := a.asked(r)
		if err != nil {
			refuse(w, r, version, "task metadata", err)
			return
		}
		answer(w, http.StatusOK, taskMetadata(q.task, q.sandbox, version, withTags))
	}
}

func (a *API) containerStats(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, all, err := a.stats(r)
		if err != nil {
			refuse(w, r, version, "container stats", err)
			return
		}
		answer(w, http.StatusOK, all[q.container.RuntimeID])
	}
}

func (a *API) taskStats(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, all, err := a.stats(r)
		if err != nil {
			refuse(w, r, version, "task stats", err)
			return
		}
		answer(w, http.StatusOK, all)
	}
}

// associations answers that there are none, of whatever type.
func (a *API) associations(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := a.asked(r); err != nil {
			refuse(w, r, version, "container associations", err)
			return
		}
		answer(w, http.StatusOK, struct{ Associations []string }{[]string{}})
	}
}

func (a *API) association(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := a.asked(r); err != nil {
			refuse(w, r, version, "container association", err)
			return
		}
		answer(w, http.StatusNotFound, fmt.Sprintf("V%s container association handler: the container has no association %s of type %s",
			version[1:], r.PathValue("name"), r.PathValue("type")))
	}
}

// refuse answers as the agent does: a JSON string, which names the handler
// when the id is unknown.
func refuse(w http.ResponseWriter, r *http.Request, version, what string, err error) {
	if !unknown(err) {
		answer(w, http.StatusInternalServerError, fmt.Sprintf("failed to get %s: %v", what, err))
		return
	}
	id := r.PathValue("container")
	cause := "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: " + id
	if what == "container metadata" {
		cause = "unable to get container ID from request: unable to get docker ID from v3 endpoint ID: " + id
	}
	answer(w, http.StatusNotFound, fmt.Sprintf("V%s %s handler: %s", version[1:], what, cause))
}

// answer writes v as JSON. The reader is a container: if it has gone, there
// is nobody to tell.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}
