package apiwire

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"
)

// This file finds the operation of a REST request. Which service a request is
// for, with or without paths, is dispatch.go's question.

// router is the route table of one REST service.
type router struct{ mux *mux.Router }

// newRouter matches on the escaped path, because labels carry ARNs, whose
// slashes clients send as %2F.
func newRouter(routes []Route) *router {
	m := mux.NewRouter().UseEncodedPath()
	for _, r := range routes {
		if err := m.NewRoute().Name(r.Operation).Methods(r.Method).Path(r.Path).GetError(); err != nil {
			panic(fmt.Sprintf("apiwire: route of %s: %v", r.Operation, err))
		}
	}
	return &router{m}
}

// match names the operation of a request and its labels, unescaped. Known
// tells whether the path is there, be it for another method.
func (t *router) match(r *http.Request) (operation string, labels map[string]string, known bool) {
	var m mux.RouteMatch
	if !t.mux.Match(r, &m) || m.Route == nil {
		return "", nil, errors.Is(m.MatchErr, mux.ErrMethodMismatch)
	}
	labels = make(map[string]string, len(m.Vars))
	for name, escaped := range m.Vars {
		value, err := url.PathUnescape(escaped)
		if err != nil {
			return "", nil, false
		}
		labels[name] = value
	}
	return m.Route.GetName(), labels, true
}

// ParseRoutes reads a route table with one route a line, "METHOD PATH
// OPERATION". Empty lines and those that begin with # are skipped.
func ParseRoutes(text string) ([]Route, error) {
	var routes []Route
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 3 {
			return nil, fmt.Errorf("not METHOD PATH OPERATION: %q", strings.TrimSpace(line))
		}
		routes = append(routes, Route{Method: f[0], Path: f[1], Operation: f[2]})
	}
	return routes, nil
}
