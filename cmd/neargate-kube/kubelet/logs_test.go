package kubelet_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

func get(t *testing.T, url string) (status int, body string, err error) {
	t.Helper()
	a, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	return a.StatusCode, string(b), err
}

func TestLogs(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("x", 3600))
	lines := []sandbox.LogLine{
		{At: at, Text: "one"}, {At: at, Text: "err", Stderr: true}, {At: at, Text: "lo", Partial: true}, {At: at, Text: "ng"},
	}
	const stamp = "2026-01-02T02:04:05.000000600Z "
	for _, row := range []struct{ query, want string }{
		{"", "one\nerr\nlong\n"},
		{"?timestamps=true", stamp + "one\n" + stamp + "err\n" + stamp + "long\n"},
		{"?limitBytes=5", "one\ne"},
		{"?limitBytes=4", "one\n"},
		{"?stream=Stderr", "err\n"},
		{"?stream=Stdout", "one\nlong\n"},
		{"?stream=All", "one\nerr\nlong\n"},
		{"?tailLines=0", ""},
		{"?tailLines=0&follow=true", "one\nerr\nlong\n"}, // what comes from now on
	} {
		s := serve(t, &inner{lines: lines})
		if status, body, err := get(t, s.URL+"/containerLogs/a/p/c"+row.query); status != 200 || body != row.want || err != nil {
			t.Errorf("%s: %d %q %v", row.query, status, body, err)
		}
	}
}

func TestLogsOptions(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, row := range []struct {
		query string
		want  sandbox.LogsOptions
	}{
		{"?tailLines=7&previous=true", sandbox.LogsOptions{Tail: 7, Previous: true}},
		{"?follow=true&sinceTime=2026-01-02T03:04:05Z", sandbox.LogsOptions{Follow: true, Since: since}},
	} {
		i := &inner{}
		if status, body, _ := get(t, serve(t, i).URL+"/containerLogs/a/p/c"+row.query); status != 200 || i.asked != row.want {
			t.Errorf("%s: %d %s, asked for %+v", row.query, status, body, i.asked)
		}
	}
	i := &inner{}
	before := time.Now()
	if status, _, _ := get(t, serve(t, i).URL+"/containerLogs/a/p/c?sinceSeconds=60"); status != 200 || i.asked.Since.Before(before.Add(-61*time.Second)) || i.asked.Since.After(time.Now().Add(-60*time.Second)) {
		t.Errorf("sinceSeconds: %d %v", status, i.asked.Since)
	}
}

func TestNoLogs(t *testing.T) {
	for _, row := range []struct {
		path   string
		status int
		want   string
	}{
		{"a/p/waiting", 400, `container "waiting" in pod "p" is waiting to start: Back-off pulling image`},
		{"a/p/unknown", 400, `container "unknown" in pod "p" is waiting to start: ContainerCreating`},
		{"a/new/c", 400, `container "c" in pod "new" is waiting to start: ContainerCreating`},
		{"a/p/ended?previous=true", 400, `previous terminated container "ended" in pod "p" not found`},
		{"a/none/c", 404, `pod "none_a" not found`},
		{"a/p/c?tailLines=-1", 400, `tailLines: "-1" is not a number of zero or more`},
		{"a/p/c?sinceTime=x", 400, "sinceTime: parsing time"},
	} {
		if status, body, _ := get(t, serve(t, &inner{}).URL+"/containerLogs/"+row.path); status != row.status || !strings.HasPrefix(body, row.want) {
			t.Errorf("%s: %d %s", row.path, status, body)
		}
	}
}

// Output that ends before its end must not look whole.
func TestBrokenLogs(t *testing.T) {
	s := serve(t, &inner{failed: errors.New("docker is away")})
	if status, body, _ := get(t, s.URL+"/containerLogs/a/p/c"); status != 500 || body != "docker is away\n" {
		t.Errorf("%d %q", status, body)
	}
	s = serve(t, &inner{lines: []sandbox.LogLine{{Text: "one"}}, failed: errors.New("docker is away")})
	if status, body, err := get(t, s.URL+"/containerLogs/a/p/c"); status != 200 || body != "one\n" || err == nil {
		t.Errorf("%d %q %v", status, body, err)
	}
}
