package emulator_test

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/fixtures"
)

// pair is a task of two containers, app and side.
func pair(appEnv, sideEnv []string) *ecs.RegisterTaskDefinitionInput {
	d := fixtures.TaskDefinition("app", "nginx", appEnv...)
	side := fixtures.TaskDefinition("side", "envoy", sideEnv...).ContainerDefinitions[0]
	side.Essential = aws.Bool(false)
	d.ContainerDefinitions = append(d.ContainerDefinitions, side)
	return d
}

func (s *site) logs(t testing.TB, query string) []string {
	t.Helper()
	a, body := s.send(t, http.MethodGet, "/_neargate/logs?"+query)
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Fatalf("logs?%s: %s\n%s", query, a.Status, body)
	}
	return strings.Split(strings.TrimSuffix(body, "\n"), "\n")
}

func TestTaskLogs(t *testing.T) {
	s := open(t)
	task := s.running(t, s.run(t, pair([]string{`FAKE_STDOUT=one\ntwo`}, []string{"FAKE_STDERR=beside"}))[0])
	for query, want := range map[string][]string{
		"of=" + id(task) + "&container=app":                   {"one", "two"},
		"of=" + id(task)[:6] + "&container=side&follow=0":     {"beside"},
		"of=" + *task.TaskArn + "&container=app&follow=false": {"one", "two"},
	} {
		if got := s.logs(t, query); !slices.Equal(got, want) {
			t.Errorf("%s: %q", query, got)
		}
	}
	got := s.logs(t, "of="+id(task))
	if slices.Sort(got); !slices.Equal(got, []string{"app | one", "app | two", "side | beside"}) {
		t.Errorf("all: %q", got)
	}
	r := refused(t, s, http.MethodGet, "/_neargate/logs?container=db&of="+id(task), http.StatusNotFound)
	if r.Error != "the task has no container db" || r.Hint != "it has app, side" {
		t.Errorf("an unknown container: %+v", r)
	}
	s.fake.Away(true)
	if got := s.logs(t, "container=app&of="+id(task)); !strings.HasPrefix(got[0], "neargate: ") || !strings.Contains(got[0], "away") {
		t.Errorf("without a runtime: %q", got)
	}
	s.fake.Away(false)
}

// TestTaskLogsInOrder: lines of several containers come in the order of time.
func TestTaskLogsInOrder(t *testing.T) {
	s := open(t)
	task := s.running(t, s.run(t, pair(nil, nil))[0])
	var want []string
	for i := range 20 {
		name := []string{"app", "side"}[i%2]
		s.fake.Print(id(task), name, strings.Repeat("x", i))
		want = append(want, name+" | "+strings.Repeat("x", i))
	}
	if got := s.logs(t, "of="+id(task)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestTaskLogsFollow: whoever follows a task that is not there yet sees all of
// it, until its containers have ended.
func TestTaskLogsFollow(t *testing.T) {
	s := open(t)
	s.fake.Away(true)
	task := s.run(t, pair([]string{"FAKE_STDOUT=early"}, []string{"FAKE_STDOUT=early"}))[0]
	if got := s.logs(t, "of="+id(task)); !slices.Equal(got, []string{""}) {
		t.Errorf("before it has started: %q", got)
	}
	a, err := s.client.Get(s.url + "/_neargate/logs?follow=1&of=" + id(task))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	s.fake.Away(false)
	lines := bufio.NewScanner(a.Body)
	read := func(n int) (all []string) {
		for len(all) < n && lines.Scan() {
			all = append(all, lines.Text())
		}
		slices.Sort(all)
		return all
	}
	if got := read(2); !slices.Equal(got, []string{"app | early", "side | early"}) {
		t.Errorf("at the start: %q", got)
	}
	s.fake.Print(id(task), "side", "late")
	if got := read(1); !slices.Equal(got, []string{"side | late"}) {
		t.Errorf("later: %q", got)
	}
	s.stop(t, task)
	if got := read(1); len(got) != 0 || lines.Err() != nil {
		t.Errorf("after the end: %q, %v", got, lines.Err())
	}
}

// TestTaskLogsOfTheStopped come out of CloudWatch Logs, where they were kept.
func TestTaskLogsOfTheStopped(t *testing.T) {
	s := open(t)
	kept := s.stopped(t, s.run(t, logged(fixtures.TaskDefinition("web", "nginx", `FAKE_STDOUT=one\ntwo`, "FAKE_EXIT=3"), "/ecs/web"))[0])
	for _, query := range []string{"of=", "follow=1&of="} {
		if got := s.logs(t, query+id(kept)); !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("%s: %q", query, got)
		}
	}
	lost := s.stopped(t, s.run(t, fixtures.TaskDefinition("job", "busybox", "FAKE_STDOUT=x", "FAKE_EXIT=0"))[0])
	if r := refused(t, s, http.MethodGet, "/_neargate/logs?of="+id(lost), http.StatusGone); !strings.Contains(r.Hint, "awslogs") {
		t.Errorf("output that is gone: %+v", r)
	}
}

// TestTaskLogsOfAFailedStart: a task that never starts ends the waiting.
func TestTaskLogsOfAFailedStart(t *testing.T) {
	s := open(t)
	d := pair([]string{"FAKE_PULL_FOR=1h"}, []string{"FAKE_STDOUT=never"})
	d.ContainerDefinitions[1].DependsOn = []types.ContainerDependency{{ContainerName: aws.String("app"), Condition: types.ContainerConditionStart}}
	task := s.run(t, d)[0]
	a, err := s.client.Get(s.url + "/_neargate/logs?follow=1&container=side&of=" + id(task))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if _, err := s.ecs().StopTask(context.Background(), &ecs.StopTaskInput{Task: task.TaskArn}); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(a.Body)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "neargate: ") || lines.Scan() {
		t.Errorf("a container that never started: %q", lines.Text())
	}
}
