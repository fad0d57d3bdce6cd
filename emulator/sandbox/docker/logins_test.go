package docker_test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// doorman is a registry that lets nobody in and notes who came.
type doorman struct {
	mu   sync.Mutex
	came []string
}

func (d *doorman) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if user, password, ok := q.BasicAuth(); ok {
		d.mu.Lock()
		d.came = append(d.came, user+":"+password)
		d.mu.Unlock()
	}
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("Www-Authenticate", `Basic realm="door"`)
	w.WriteHeader(http.StatusUnauthorized)
}

func TestLoginsOfTheSandbox(t *testing.T) {
	b := newBench(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &doorman{}
	go func() { _ = http.Serve(l, d) }()
	t.Cleanup(func() { _ = l.Close() })
	s := b.spec(runtimetest.Program{})
	s.Patient = true
	s.Registries = []sandbox.Registry{
		{Server: l.Addr().String(), Username: "wide", Password: "1"},
		{Server: "elsewhere.example", Username: "other", Password: "2"},
		{Server: l.Addr().String() + "/team", Username: "narrow", Password: "3"},
	}
	s.Containers[0].Image = l.Addr().String() + "/team/app:1"
	_, err = b.rt.Pull(t.Context(), s, &s.Containers[0])
	stop, ok := err.(*sandbox.StopError)
	if !ok || stop.Trouble != sandbox.TroublePull || !strings.HasPrefix(stop.Reason, "CannotPullContainerError: ") || strings.Contains(stop.Text, "Error response from daemon") || stop.Text == "" {
		t.Errorf("%#v", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if got := slices.Compact(d.came); !slices.Equal(got, []string{"narrow:3", "wide:1"}) {
		t.Errorf("came %q", got)
	}
}
