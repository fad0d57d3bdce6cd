package emulator_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator"
)

func TestHealth(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/_neargate/health", "/_localstack/health"} {
		h := get[emulator.Health](t, s, path)
		if h.Status != "running" || h.Edition != "neargate" || h.Version != "dev" || h.Runtime != "fake" || h.Timing != "real" || h.DataDir != "memory" {
			t.Errorf("%s: %+v", path, h)
		}
		if h.PID != os.Getpid() || h.StartedAt.IsZero() || time.Since(h.StartedAt) > time.Minute || len(h.Instance) != 16 || h.Problem != "" {
			t.Errorf("%s: %+v", path, h)
		}
		for _, service := range []string{"ec2", "ecs", "iam", "logs", "sts"} {
			if h.Services[service] != "running" {
				t.Errorf("%s: service %s is %q", path, service, h.Services[service])
			}
		}
		a, body := s.send(t, http.MethodHead, path)
		if a.StatusCode != http.StatusOK || body != "" || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("HEAD %s: %s, %q", path, a.Status, body)
		}
	}
}

// TestHealthTellsProblems: a runtime that is away is told, and told no more
// when it is back; the answer stays 200, because the APIs are served.
func TestHealthTellsProblems(t *testing.T) {
	s := open(t)
	s.fake.Away(true)
	if h := get[emulator.Health](t, s, "/_neargate/health"); h.Status != "running" || !strings.Contains(h.Problem, "it is away") {
		t.Errorf("away: %+v", h)
	}
	s.fake.Away(false)
	if h := get[emulator.Health](t, s, "/_neargate/health"); h.Problem != "" {
		t.Errorf("back: %+v", h)
	}
}

// TestHealthWithoutDocker: neither a Docker Engine that is not there nor one
// that takes the connection and says nothing keeps anybody waiting.
func TestHealthWithoutDocker(t *testing.T) {
	silent, err := net.Listen("unix", filepath.Join(t.TempDir(), "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for name, host := range map[string]string{
		"nobody there": "unix://" + filepath.Join(t.TempDir(), "none.sock"), "silent": "unix://" + silent.Addr().String(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := emulator.Defaults()
			c.DataDir, c.Docker, c.Warm = emulator.Memory, host, 0
			began := time.Now()
			e, err := emulator.New(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }() // the Engine cannot be let go of in order
			server := httptest.NewServer(e.Handler())
			defer server.Close()
			h := get[emulator.Health](t, &site{url: server.URL, client: server.Client()}, "/_neargate/health")
			if h.Status != "running" || h.Runtime != "docker" || h.Problem == "" || h.Engine != "" {
				t.Errorf("health: %+v", h)
			}
			if took := time.Since(began); took > patience {
				t.Errorf("start and health took %v", took)
			}
		})
	}
}
