package apiwire_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/neargate/neargate/apiwire"
)

// This file holds the package against the wire snapshots that the SDK modules
// ship: what the clients write must be understood, and what they can read must
// be written byte for byte.

func TestSnapshotsECS(t *testing.T)  { snapshots(t, "ecs", echoECS(), 80) }
func TestSnapshotsEKS(t *testing.T)  { snapshots(t, "eks", echoEKS(t), 65) }
func TestSnapshotsLogs(t *testing.T) { snapshots(t, "cloudwatchlogs", echoLogs(), 100) }

func snapshots(t *testing.T, module string, e *echo, atLeast int) {
	dir := moduleDir(t, module)
	t.Run("requests", func(t *testing.T) {
		each(t, filepath.Join(dir, "request_snapshot"), ".request.snap", atLeast, func(t *testing.T, op, text string) { e.request(t, op, text) })
	})
	t.Run("responses", func(t *testing.T) {
		each(t, filepath.Join(dir, "response_snapshot"), ".response.snap", atLeast, func(t *testing.T, op, text string) { e.response(t, op, text) })
	})
	t.Run("errors", func(t *testing.T) {
		each(t, filepath.Join(dir, "response_snapshot"), ".error.snap", 10, func(t *testing.T, code, text string) { e.failure(t, code, text) })
	})
}

func moduleDir(t *testing.T, module string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+module).Output()
	dir := strings.TrimSpace(string(out))
	if _, statErr := os.Stat(filepath.Join(dir, "request_snapshot")); err != nil || statErr != nil {
		t.Skipf("SKIPPED: the snapshots of SDK module %s are not there: %v %v", module, err, statErr)
	}
	return dir
}

func each(t *testing.T, dir, suffix string, atLeast int, check func(t *testing.T, name, text string)) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(files) < atLeast {
		t.Fatalf("%d snapshots, want at least %d: %v", len(files), atLeast, err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), suffix)
		if eventStreams[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			check(t, name, string(text))
		})
	}
}

// message is a snapshot taken apart: a first line, headers, a body.
type message struct {
	first  string
	header http.Header
	body   string
}

func parse(text string) message {
	first, rest, _ := strings.Cut(text, "\n")
	m := message{first: first, header: http.Header{}}
	rest = strings.TrimPrefix(rest, "\n")
	for {
		line, after, _ := strings.Cut(rest, "\n")
		rest = after
		k, v, ok := strings.Cut(line, ": ")
		if !ok {
			m.body = rest
			return m
		}
		m.header.Add(k, v)
	}
}

// tap is an HTTP client that keeps the last exchange and answers with next.
type tap struct {
	next   func(*http.Request) (*http.Response, error)
	method string
	url    *url.URL
	sent   string
	status int
	answer string
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.method, p.url, p.sent = r.Method, r.URL, string(body)
	r.Body = io.NopCloser(strings.NewReader(p.sent))
	res, err := p.next(r)
	if err != nil {
		panic(err)
	}
	answer, _ := io.ReadAll(res.Body)
	p.status, p.answer = res.StatusCode, string(answer)
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	w.Write(answer)
}

func replay(m message) func(*http.Request) (*http.Response, error) {
	status, _ := strconv.Atoi(m.first)
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: m.header, Body: io.NopCloser(strings.NewReader(m.body))}, nil
	}
}

// request serves a snapshot of a request, lets the client send what was
// understood and expects the snapshot again.
func (e *echo) request(t *testing.T, op, text string) {
	m := parse(text)
	method, target, _ := strings.Cut(m.first, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(m.body))
	r.Header = m.header
	handler := apiwire.New(apiwire.Options{}, e.service)
	e.out, e.err, e.got = reflect.Value{}, nil, reflect.Value{}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK || !e.got.IsValid() {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	p := &tap{next: direct{handler}.Do}
	e.call(t, p, op, e.got)
	want, _ := url.Parse(target)
	if p.method != method || p.url.EscapedPath() != want.EscapedPath() {
		t.Errorf("sent %s %s, want %s %s", p.method, p.url.EscapedPath(), method, want.EscapedPath())
	}
	if diff := cmp.Diff(want.Query(), p.url.Query()); diff != "" {
		t.Errorf("query (-want +sent): %s", diff)
	}
	if diff := cmp.Diff(decoded(t, m.body), decoded(t, p.sent)); diff != "" {
		t.Errorf("body (-want +sent): %s", diff)
	}
}

// response lets the client read a snapshot of an answer and answers with what
// it read.
func (e *echo) response(t *testing.T, op, text string) {
	m := parse(text)
	e.err = nil
	in := e.input(op)
	out, err := e.call(t, &tap{next: replay(m)}, op, in)
	if err != nil {
		t.Fatalf("the client cannot read the snapshot: %v", err)
	}
	e.out = out
	p := &tap{next: direct{apiwire.New(apiwire.Options{}, e.service)}.Do}
	if _, err := e.call(t, p, op, in); err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(m.body); want != "" && want != p.answer {
		t.Errorf("answered %s\nwant %s", p.answer, want)
	}
}

// failure does the same for an error.
func (e *echo) failure(t *testing.T, code, text string) {
	m := parse(text)
	op := "ListClusters"
	if _, target, ok := strings.Cut(m.header.Get("X-Amz-Target"), "."); ok {
		op = target
	}
	in := e.input(op)
	_, err := e.call(t, &tap{next: replay(m)}, op, in)
	var typed smithy.APIError
	if !errors.As(err, &typed) || typed.ErrorCode() != code {
		t.Fatalf("the client reads the snapshot as %v", err)
	}
	e.err = typed
	p := &tap{next: direct{apiwire.New(apiwire.Options{}, e.service)}.Do}
	_, err = e.call(t, p, op, in)
	var again smithy.APIError
	if !errors.As(err, &again) || !reflect.DeepEqual(typed, again) {
		t.Errorf("the client got %#v, want %#v", again, typed)
	}
	if want, _ := strconv.Atoi(m.first); p.status != want {
		t.Errorf("status %d, want %d", p.status, want)
	}
	if diff := cmp.Diff(decoded(t, m.body), decoded(t, p.answer)); diff != "" {
		t.Errorf("body (-want +answered): %s", diff)
	}
}

// input makes an input that the client lets through.
func (e *echo) input(op string) reflect.Value {
	in := reflect.New(e.ops[op].Type.In(2).Elem())
	newFiller(1, full).of(e.service).fill(in.Elem(), 0)
	return in
}

func (e *echo) call(t *testing.T, h http.Handler, op string, in reflect.Value) (out reflect.Value, err error) {
	result := e.ops[op].Func.Call([]reflect.Value{e.client(h), reflect.ValueOf(t.Context()), in})
	err, _ = result[1].Interface().(error)
	return result[0], err
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}
