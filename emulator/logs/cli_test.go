package logs_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/apiwire"
)

// cli is the real AWS CLI against a server of its own.
type cli struct {
	path string
	env  []string
}

func newCLI(t *testing.T, w world) cli {
	t.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("SKIPPED: the AWS CLI is not installed, so nothing is known about it")
	}
	server := httptest.NewServer(apiwire.New(apiwire.Options{Account: account, Region: region, Log: zerolog.Nop()},
		apiwire.JSON11("logs", "Logs_20140328", w.API).WithConstraints(apiwire.ConstraintsOf("logs"), apiwire.VoiceLogs)))
	t.Cleanup(server.Close)
	return cli{path, append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION="+region,
		"AWS_DEFAULT_REGION="+region, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "AWS_DEFAULT_OUTPUT=json")}
}

func (c cli) command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), c.path, append([]string{"logs"}, args...)...)
	cmd.Env = c.env
	return cmd
}

// run runs `aws logs …` and returns what it printed.
func (c cli) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.command(t, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("aws logs %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestCLI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	aws := newCLI(t, w)
	aws.run(t, "create-log-group", "--log-group-name", "/ecs/web", "--tags", "a=b")
	aws.run(t, "create-log-stream", "--log-group-name", "/ecs/web", "--log-stream-name", "web/app/1")
	now := time.Now().UnixMilli()
	aws.run(t, "put-log-events", "--log-group-name", "/ecs/web", "--log-stream-name", "web/app/1", "--log-events",
		fmt.Sprintf("timestamp=%d,message=hello", now), fmt.Sprintf("timestamp=%d,message=ERROR", now+1))
	var got struct {
		Events           []struct{ Message string }
		NextForwardToken string
	}
	if err := json.Unmarshal([]byte(aws.run(t, "get-log-events", "--log-group-name", "/ecs/web", "--log-stream-name", "web/app/1")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Events) != 2 || got.Events[1].Message != "ERROR" || !strings.HasPrefix(got.NextForwardToken, "f/") {
		t.Errorf("get-log-events = %+v", got)
	}
	if text := aws.run(t, "filter-log-events", "--log-group-name", "/ecs/web", "--filter-pattern", "ERROR", "--query", "events[].message", "--output", "text"); text != "ERROR\n" {
		t.Errorf("filter-log-events = %q", text)
	}
	if text := aws.run(t, "describe-log-streams", "--log-group-name", "/ecs/web", "--order-by", "LastEventTime", "--descending", "--query", "logStreams[].lastEventTimestamp", "--output", "text"); text != fmt.Sprintln(now+1) {
		t.Errorf("describe-log-streams = %q", text)
	}
	out, err := aws.command(t, "delete-log-group", "--log-group-name", "none").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "An error occurred (ResourceNotFoundException) when calling the DeleteLogGroup operation: The specified log group does not exist.") {
		t.Errorf("delete-log-group = %v, %s", err, out)
	}
}

func TestCLITailFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	aws := newCLI(t, w)
	if version, err := exec.Command(aws.path, "--version").CombinedOutput(); err != nil || strings.HasPrefix(string(version), "aws-cli/1") {
		t.Skipf("SKIPPED: `aws logs tail` came with version 2 of the AWS CLI, this is %s (%v)", version, err)
	}
	w.group(t, "g")
	w.stream(t, "g", "s")
	w.put(t, "g", "s", time.Now(), "first")
	cmd := aws.command(t, "tail", "g", "--follow", "--format", "short")
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait() // ends because it was killed
	}()
	lines := bufio.NewScanner(pipe)
	for _, want := range []string{"first", "second", "third"} {
		if !lines.Scan() || !strings.HasSuffix(lines.Text(), " "+want) {
			t.Fatalf("line = %q, %v, want %s", lines.Text(), lines.Err(), want)
		}
		w.put(t, "g", "s", time.Now(), map[string]string{"first": "second", "second": "third", "third": "more"}[want])
	}
}
