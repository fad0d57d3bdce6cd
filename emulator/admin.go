package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/neargate/neargate/emulator/eks"
)

// This file says what Neargate answers beside AWS's APIs, all under
// /_neargate/, and how it says no. Each answer has a file of its own.

// endpoint is one of Neargate's own.
type endpoint struct {
	path    string
	methods []string
	serve   http.HandlerFunc
}

// endpoints lists them. What streams has no HEAD: it would not end.
func (e *Emulator) endpoints() []endpoint {
	get, read, post := []string{http.MethodGet}, []string{http.MethodGet, http.MethodHead}, []string{http.MethodPost}
	return []endpoint{
		{"/_neargate/health", read, e.health},
		{"/_neargate/status", read, e.status},
		{"/_neargate/why", read, e.why},
		{"/_neargate/logs", get, e.taskLogs},
		{"/_neargate/changes", get, e.changes},
		{"/_neargate/reset", post, e.reset},
		{"/_localstack/health", read, e.health},
		{"/metrics", read, e.metrics.serve},
	}
}

// router puts Neargate's own endpoints in front of the AWS endpoint.
func (e *Emulator) router(aws http.Handler) http.Handler {
	r := mux.NewRouter().UseEncodedPath().SkipClean(true)
	var known []string
	for _, one := range e.endpoints() {
		r.Path(one.path).Handler(one)
		known = append(known, one.methods[0]+" "+one.path)
	}
	unknown := func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusNotFound, problem{
			Error: "Neargate has no " + r.Method + " " + r.URL.Path, Hint: "it has " + strings.Join(known, ", "),
		})
	}
	issuer := e.services.eks.Issuer()
	r.PathPrefix(eks.IssuerPath).Handler(issuer)
	r.Host("oidc.eks.{region}.amazonaws.com").PathPrefix("/id/").Handler(issuer)
	r.Path("/_neargate").HandlerFunc(unknown)
	r.PathPrefix("/_neargate/").HandlerFunc(unknown)
	r.PathPrefix("/").Handler(aws)
	return r
}

// ServeHTTP refuses other methods than the endpoint's.
func (o endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if slices.Contains(o.methods, r.Method) {
		o.serve(w, r)
		return
	}
	w.Header().Set("Allow", strings.Join(o.methods, ", "))
	reply(w, http.StatusMethodNotAllowed, problem{
		Error: o.path + " does not answer " + r.Method, Hint: "send " + o.methods[0] + " " + o.path,
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
