package e2e_test

import (
	"bufio"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/fixtures"
)

// This file runs neargate's own commands as a user does, against containers on
// Docker. What they say in detail is tested in cmd/neargate.

// neargate runs a command against the server.
func (s *server) neargate(t testing.TB, args ...string) string {
	t.Helper()
	out, err := command([]string{"AWS_ENDPOINT_URL=" + s.endpoint}, binary, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCommands is what the README shows: from env to reset.
func TestCommands(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	k := s.run(t, definition("shown", probe("app", "say", "hello", "serve"), bystander("side", "say", "from the side", "serve")))
	k.running()
	k.says("app", "serving")

	if out := s.neargate(t, "env"); !strings.HasPrefix(out, "export AWS_ENDPOINT_URL="+s.endpoint+"\n") {
		t.Errorf("env: %s", out)
	}
	status := s.neargate(t, "status")
	if !strings.Contains(status, "runtime   Docker ") || !regexp.MustCompile(k.id()+`  RUNNING +shown:1 +[0-9.]+ +127\.[0-9.]+`).MatchString(status) {
		t.Errorf("status: %s", status)
	}
	if out := s.neargate(t, "logs", k.id()[:12]); !contains(strings.Split(out, "\n"), "app | hello") || !contains(strings.Split(out, "\n"), "side | from the side") {
		t.Errorf("logs: %s", out)
	}
	if out := s.neargate(t, "logs", "-c", "app", k.arn); out != "hello\nserving" {
		t.Errorf("logs -c app: %q", out)
	}
	why := s.neargate(t, "why", k.arn)
	for _, part := range []string{"It is RUNNING since ", "Accepted without effect\n  executionRoleArn: ", "PROVISIONING   by ecs:RunTask ", "address ", "app RUNNING"} {
		if !strings.Contains(why, part) {
			t.Errorf("why does not say %q:\n%s", part, why)
		}
	}
	if strings.Contains(why, "changed ") {
		t.Errorf("why has no words for something:\n%s", why)
	}
	if out := s.neargate(t, "reset"); !strings.HasPrefix(out, "everything is gone (") {
		t.Errorf("reset: %s", out)
	}
	checkNothingLeft(t, s.instance)
	if out := s.neargate(t, "status"); strings.Contains(out, "cluster") {
		t.Errorf("status after reset: %s", out)
	}
}

// TestFollow: logs -f shows lines as they are written and ends with the
// container.
func TestFollow(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	k := s.run(t, definition("followed", probe("app", "say", "first", "serve", "exit", "0")))
	k.running()
	cmd := exec.Command(binary, "logs", "-f", k.id(), "--endpoint", s.endpoint)
	cmd.Env = environment()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for text := bufio.NewScanner(out); text.Scan(); {
		lines = append(lines, text.Text())
		if text.Text() == "serving" { // it has come while the container runs
			k.stop("seen")
		}
	}
	if err := cmd.Wait(); err != nil || strings.Join(lines, ",") != "first,serving,told to stop" {
		t.Errorf("logs -f: %q, %v", lines, err)
	}
	k.stopped()
}

// TestDoctorOfThisMachine: with an Engine all is well but for the port that a
// server has.
func TestDoctorOfThisMachine(t *testing.T) {
	t.Parallel()
	fixtures.RequireDocker(t)
	s := serveFake(t)
	out, err := command(nil, binary, "doctor", "--listen", strings.TrimPrefix(s.endpoint, "http://"), "--data-dir", s.dataDir)
	if err == nil || !strings.Contains(err.Error(), "something stands in the way: see above") {
		t.Errorf("%v", err)
	}
	for _, line := range []string{"ok   docker ", "ok   sandbox ", "BAD  port ", "BAD  data ", "is in use by process"} {
		if !strings.Contains(out, line) {
			t.Errorf("it does not say %q:\n%s", line, out)
		}
	}
}

// TestTimingInstant: a call answers when its effect has settled.
func TestTimingInstant(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t, "--timing", "instant")
	k := s.run(t, definition("settled", probe("app", "serve")))
	if got := k.describe(); aws.ToString(got.LastStatus) != "RUNNING" {
		t.Errorf("after RunTask the task is %s", aws.ToString(got.LastStatus))
	}
	k.stop("done")
	if got := k.describe(); aws.ToString(got.LastStatus) != "STOPPED" {
		t.Errorf("after StopTask the task is %s", aws.ToString(got.LastStatus))
	}
}

// TestMemoryEndsWithTheServer: --data-dir=memory leaves nothing behind when
// the server is told to end.
func TestMemoryEndsWithTheServer(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := &server{t: t, dataDir: "memory", log: &output{}}
	s.start()
	k := s.run(t, definition("brief", probe("app", "serve"), types.ContainerDefinition{
		Name: aws.String("side"), Image: aws.String(probeImage), Command: []string{"stubborn", "forever"}, Essential: aws.Bool(false), StopTimeout: aws.Int32(120)}))
	k.running()
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 100*time.Second {
		t.Errorf("it took %s", took)
	}
	checkNothingLeft(t, s.instance)
}
