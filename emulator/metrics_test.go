package emulator_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/neargate/neargate/fixtures"
)

// sample is a line of Prometheus' text format: a name, labels, a number.
var sample = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*"(, ?[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*")*\})? [-+]?([0-9.]+([eE][-+]?[0-9]+)?|Inf|NaN)$`)

func (s *site) metrics(t testing.TB) map[string]string {
	t.Helper()
	a, body := s.send(t, http.MethodGet, "/metrics")
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" || !strings.HasSuffix(body, "\n") {
		t.Fatalf("metrics: %s %v", a.Status, a.Header)
	}
	all := map[string]string{}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if !sample.MatchString(line) {
			t.Errorf("not Prometheus' format: %q", line)
		}
		name, value, _ := strings.Cut(line, " ")
		if i := strings.LastIndex(line, "} "); i > 0 {
			name, value = line[:i+1], line[i+2:]
		}
		if _, twice := all[name]; twice {
			t.Errorf("told twice: %s", name)
		}
		all[name] = value
	}
	return all
}

func TestMetrics(t *testing.T) {
	s := open(t)
	s.running(t, s.run(t, fixtures.TaskDefinition("web", "nginx"))[0])
	s.stopped(t, s.run(t, fixtures.TaskDefinition("job", "busybox", "FAKE_EXIT=0"))[0])
	if _, err := s.ecs().DescribeTasks(context.Background(), &ecs.DescribeTasksInput{Tasks: []string{"x"}, Cluster: aws.String("nobody")}); err == nil {
		t.Error("a cluster that is not there")
	}
	got := s.metrics(t)
	for name, want := range map[string]string{
		`neargate_requests_total{service="ecs",operation="RunTask",status="200"}`:                "2",
		`neargate_requests_total{service="ecs",operation="RegisterTaskDefinition",status="200"}`: "2",
		`neargate_requests_total{service="ecs",operation="DescribeTasks",status="400"}`:          "1",
		`neargate_request_duration_seconds_count{service="ecs",operation="RunTask"}`:             "2",
		`neargate_request_duration_seconds_bucket{service="ecs",operation="RunTask",le="+Inf"}`:  "2",
		`neargate_sandboxes{state="live"}`:                                                       "1",
		`neargate_sandboxes{state="stopped"}`:                                                    "1",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %s", name, got[name], want)
		}
	}
	for _, name := range []string{"neargate_uptime_seconds", "neargate_store_revision", "go_goroutines", "process_resident_memory_bytes"} {
		if got[name] == "" || got[name] == "0" {
			t.Errorf("%s is %q", name, got[name])
		}
	}
}

// TestMetricsOfMadeUpNames: callers cannot make metrics by making up names.
func TestMetricsOfMadeUpNames(t *testing.T) {
	s := open(t)
	for _, target := range []string{"MadeUp1", "MadeUp2", `Quote"d`, "CreateService", strings.Repeat("x", 5000)} {
		s.send(t, http.MethodPost, "/", "X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+target, "Content-Type", "application/x-amz-json-1.1")
		s.send(t, http.MethodPost, "/", "X-Amz-Target", target)
		s.send(t, http.MethodGet, "/"+target)
		s.ec2(t, target)
		s.ec2(t, "DescribeVpcs", target, target)
	}
	for name := range s.metrics(t) {
		if strings.Contains(name, "MadeUp") || strings.Contains(name, "Quote") || strings.Contains(name, "xxx") {
			t.Errorf("made up: %s", name)
		}
	}
	got := s.metrics(t)
	if n := got[`neargate_requests_total{service="ecs",operation="CreateService",status="400"}`]; n != "1" {
		t.Errorf("an operation of AWS's that Neargate lacks: %q calls", n)
	}
	if n := got[`neargate_requests_total{service="ecs",operation="",status="400"}`]; n != "4" {
		t.Errorf("operations that do not exist: %q calls", n)
	}
}
