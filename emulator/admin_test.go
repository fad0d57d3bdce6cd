package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/fixtures"
)

// TestAdminRefuses: whoever asks for something that is not there, or in the
// wrong way, is told what there is.
func TestAdminRefuses(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		method, path string
		status       int
		hint         string
	}{
		{http.MethodGet, "/_neargate/reset", 405, "send POST /_neargate/reset"},
		{http.MethodHead + "x", "/_neargate/health", 405, "send GET /_neargate/health"},
		{http.MethodPost, "/_neargate/changes", 405, "send GET /_neargate/changes"},
		{http.MethodDelete, "/_localstack/health", 405, "send GET /_localstack/health"},
		{http.MethodPost, "/metrics", 405, "send GET /metrics"},
		{http.MethodGet, "/_neargate", 404, "POST /_neargate/reset"},
		{http.MethodGet, "/_neargate/", 404, "GET /_neargate/why"},
		{http.MethodGet, "/_neargate/nothing", 404, "GET /_neargate/health"},
		{http.MethodGet, "/_neargate/health/", 404, "GET /metrics"},
		{http.MethodGet, "/_neargate/%2e%2e/x", 404, "GET /_neargate/logs"},
		{http.MethodGet, "/_neargate/why", 400, "family:revision"},
		{http.MethodGet, "/_neargate/why?of=nobody", 404, "a cluster's name"},
		{http.MethodGet, "/_neargate/logs", 400, "of=TASK"},
		{http.MethodGet, "/_neargate/logs?of=0123abcd&follow=perhaps", 400, "follow=1"},
		{http.MethodGet, "/_neargate/logs?of=0123abcd", 404, "neargate status"},
		{http.MethodGet, "/_neargate/changes?since=yesterday", 400, "since=0"},
		{http.MethodGet, "/_neargate/changes?since=-2", 400, "since=0"},
		{http.MethodGet, "/_neargate/changes?since=99999999", 410, "since=0"},
	} {
		if r := refused(t, s, c.method, c.path, c.status); !strings.Contains(r.Hint, c.hint) {
			t.Errorf("%s %s: hint %q does not tell %q", c.method, c.path, r.Hint, c.hint)
		}
	}
	a, _ := s.send(t, http.MethodGet, "/_neargate/reset")
	if a.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
}

func TestStatus(t *testing.T) {
	s := open(t)
	if got := get[emulator.Status](t, s, "/_neargate/status"); got.Clusters == nil || len(got.Clusters) != 0 {
		t.Errorf("an empty emulator: %+v", got)
	}
	task := s.running(t, s.run(t, fixtures.TaskDefinition("web", "nginx"))[0])
	gone := s.run(t, fixtures.TaskDefinition("job", "busybox", "FAKE_EXIT=0"))[0]
	s.stopped(t, gone)
	other := s.as("111122223333", "test", "", "eu-west-1")
	other.prepare(t, fixtures.TaskDefinition("web", "nginx"))
	got := get[emulator.Status](t, s, "/_neargate/status").Clusters
	if len(got) != 2 {
		t.Fatalf("clusters of all accounts and regions: %+v", got)
	}
	home, abroad := got[1], got[0] // in the order of their ARNs
	if abroad.Account != "111122223333" || abroad.Region != "eu-west-1" || len(abroad.Tasks) != 0 {
		t.Errorf("the other account: %+v", abroad)
	}
	if home.Name != "default" || home.Account != "000000000000" || home.Stopped != 1 || len(home.Tasks) != 1 {
		t.Fatalf("at home: %+v", home)
	}
	if one := home.Tasks[0]; one.ID != id(task) || one.Status != "RUNNING" || one.Definition != "web:1" || one.Address == "" {
		t.Errorf("task: %+v", one)
	}
}
