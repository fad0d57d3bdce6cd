package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/neargate/neargate/fixtures"
)

// These tests ask a real emulator with fake containers.

// emulated starts one whose only task writes two lines and runs on.
func emulated(t *testing.T) (e *fixtures.Emulator, task string) {
	t.Helper()
	e = fixtures.Start(t, fixtures.WithInstantTiming())
	run := e.Run(t, fixtures.TaskDefinition("web", "nginx", "FAKE_STDOUT=one\\ntwo"))
	arn := aws.ToString(run[0].TaskArn)
	return e, arn[strings.LastIndexByte(arn, '/')+1:]
}

func matches(t *testing.T, out, pattern string) {
	t.Helper()
	if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(out) {
		t.Errorf("it says\n%s\nwhich does not match\n%s", out, pattern)
	}
}

func TestStatus(t *testing.T) {
	e, task := emulated(t)
	code, out, errOut := neargate(t, "status", "--endpoint", e.URL)
	if code != 0 || errOut != "" {
		t.Fatalf("%d %s", code, errOut)
	}
	matches(t, out, `neargate dev at `+regexp.QuoteMeta(e.URL)+`, up \d+s \(process \d+\)
  data      memory
  services  [a-z0-9 ]*\becs\b[a-z0-9 ]*
  runtime   fake

cluster default \(000000000000, us-east-1\)
  `+task+`  RUNNING        web:1                172\.31\.[0-9.]+ +
`)
}

func TestWhy(t *testing.T) {
	e, task := emulated(t)
	for _, ref := range []string{task, task[:8], "arn:aws:ecs:us-east-1:000000000000:task/default/" + task} {
		code, out, errOut := neargate(t, "why", ref, "--endpoint", e.URL)
		if code != 0 || errOut != "" {
			t.Fatalf("why %s: %d %s", ref, code, errOut)
		}
		matches(t, out, `arn:aws:ecs:us-east-1:000000000000:task/default/`+task+`
  It is RUNNING since [^\n]+\.

History
(  \d\d:\d\d:\d\d\.\d{3} [^\n]+   by [^\n]+\n)+`)
		if !strings.Contains(out, "by ecs:RunTask ") || !strings.Contains(out, "RUNNING") || strings.Contains(out, "changed ") {
			t.Errorf("why %s says\n%s", ref, out)
		}
	}
	code, _, errOut := neargate(t, "why", "nonsense", "--endpoint", e.URL)
	if code != 1 || !strings.HasPrefix(errOut, "neargate: nothing is known of nonsense\n  ") {
		t.Errorf("%d %s", code, errOut)
	}
}

func TestLogs(t *testing.T) {
	e, task := emulated(t)
	if code, out, errOut := neargate(t, "logs", task, "--endpoint", e.URL+"/"); code != 0 || out != "one\ntwo\n" {
		t.Errorf("%d %q %s", code, out, errOut)
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"logs", "0000"}, "neargate: there is no task 0000\n  `neargate status` lists the tasks; stopped ones are forgotten after an hour\n"},
		{[]string{"logs", task, "-c", "db"}, "neargate: the task has no container db\n  it has web\n"},
	} {
		if code, _, errOut := neargate(t, append(row.args, "--endpoint", e.URL)...); code != 1 || errOut != row.want {
			t.Errorf("%v: %d %s\nwant %s", row.args, code, errOut, row.want)
		}
	}
}

func TestReset(t *testing.T) {
	e, _ := emulated(t)
	code, out, errOut := neargate(t, "reset", "--endpoint", e.URL)
	if code != 0 || errOut != "" {
		t.Fatalf("%d %s", code, errOut)
	}
	matches(t, out, `everything is gone \([0-9.]+m?s\)\n`)
	if _, out, _ := neargate(t, "status", "--endpoint", e.URL); strings.Contains(out, "cluster") {
		t.Errorf("after the reset:\n%s", out)
	}
}

// TestNotNeargate: some other program listens there.
func TestNotNeargate(t *testing.T) {
	e, _ := emulated(t)
	code, _, errOut := neargate(t, "status", "--endpoint", e.URL+"/elsewhere")
	if code != 1 || errOut == "" {
		t.Errorf("%d %s", code, errOut)
	}
}
