package emulator_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/fixtures"
)

func (s *site) why(t testing.TB, ref string) emulator.Why {
	t.Helper()
	return get[emulator.Why](t, s, "/_neargate/why?of="+url.QueryEscape(ref))
}

// says tells whether one of several sentences holds a text.
func says(sentences []string, text string) bool {
	return slices.ContainsFunc(sentences, func(s string) bool { return strings.Contains(s, text) })
}

// statuses are the lastStatus values that a history goes through.
func statuses(w emulator.Why) (all []string) {
	known := []string{"PROVISIONING", "PENDING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"}
	for _, e := range w.History {
		for _, word := range e.What {
			if slices.Contains(known, word) {
				all = append(all, word)
			}
		}
	}
	return all
}

func TestWhyOfATask(t *testing.T) {
	s := open(t)
	task := s.running(t, s.run(t, logged(fixtures.TaskDefinition("web", "nginx"), "/ecs/web"))[0])
	for _, ref := range []string{id(task), id(task)[:8], *task.TaskArn} {
		w := s.why(t, ref)
		if w.Key != *task.TaskArn || !says(w.Summary, "It is RUNNING since") {
			t.Errorf("%s: %+v", ref, w)
		}
		if !says(w.Ineffective, "executionRoleArn: ") {
			t.Errorf("%s: what has no effect: %v", ref, w.Ineffective)
		}
		if got := statuses(w); !slices.Equal(got, []string{"PROVISIONING", "PENDING", "RUNNING"}) {
			t.Errorf("%s: statuses %v", ref, got)
		}
		for i, e := range w.History {
			if i > 0 && (e.Revision <= w.History[i-1].Revision || e.At.Before(w.History[i-1].At)) {
				t.Errorf("%s: not in order: %+v", ref, w.History)
			}
			if by := e.By; !strings.HasPrefix(by, "ecs:RunTask ") && by != "controller/sandbox" {
				t.Errorf("%s: caused by %q", ref, by)
			}
		}
	}
	s.stop(t, task)
	s.stopped(t, task)
	w := s.why(t, id(task))
	if !says(w.Summary, "It stopped at") || !says(w.Summary, "Task stopped by user (UserInitiated)") || !says(w.Summary, "Container web ended") {
		t.Errorf("stopped: %v", w.Summary)
	}
	if !slices.ContainsFunc(w.History, func(e emulator.Event) bool {
		return strings.HasPrefix(e.By, "ecs:StopTask ") && says(e.What, "to be stopped")
	}) {
		t.Errorf("nobody has stopped it: %+v", w.History)
	}
}

// TestWhyOfTheForgotten: the history outlives the record.
func TestWhyOfTheForgotten(t *testing.T) {
	s := open(t)
	task := s.running(t, s.run(t, fixtures.TaskDefinition("web", "nginx"))[0])
	s.send(t, http.MethodPost, "/_neargate/reset")
	for _, ref := range []string{id(task), id(task)[:8], *task.TaskArn} {
		w := s.why(t, ref)
		if w.Key != *task.TaskArn || !says(w.Summary, "It was RUNNING when it was removed.") || !says(w.Summary, "by neargate:reset.") || says(w.Summary, "It is RUNNING") {
			t.Errorf("%s: %+v", ref, w)
		}
	}
	if w := s.why(t, *task.ClusterArn); !says(w.Summary, "Its record was removed at") {
		t.Errorf("the cluster: %+v", w)
	}
}

func TestWhyOfClustersAndDefinitions(t *testing.T) {
	s := open(t)
	definition := s.prepare(t, logged(fixtures.TaskDefinition("web", "nginx"), "/ecs/web"))
	for _, ref := range []string{"web:1", definition} {
		w := s.why(t, ref)
		if w.Key != definition || len(w.History) != 1 || w.History[0].What[0] != "task definition ACTIVE" || !says(w.Ineffective, "executionRoleArn") {
			t.Errorf("%s: %+v", ref, w)
		}
	}
	if _, err := s.ecs().DeleteCluster(context.Background(), &ecs.DeleteClusterInput{Cluster: aws.String("default")}); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"default", "arn:aws:ecs:us-east-1:000000000000:cluster/default"} {
		w := s.why(t, ref)
		if len(w.History) != 2 || w.History[1].What[0] != "cluster INACTIVE" || !strings.HasPrefix(w.History[1].By, "ecs:DeleteCluster ") {
			t.Errorf("%s: %+v", ref, w)
		}
	}
	for _, unknown := range []string{"web:2", "nobody", "0123456789abcdef", "arn:aws:ecs:us-east-1:000000000000:cluster/nobody",
		"arn:aws:ecs:us-east-1:000000000000:task/default/0123456789abcdef0123456789abcdef", "'; DROP TABLE changes; --", "%00", "日本"} {
		if r := refused(t, s, http.MethodGet, "/_neargate/why?of="+url.QueryEscape(unknown), http.StatusNotFound); !strings.Contains(r.Error, unknown) {
			t.Errorf("%s: %+v", unknown, r)
		}
	}
}

// TestAmbiguous: the beginning of an id that several tasks have is no task's.
func TestAmbiguous(t *testing.T) {
	s := open(t)
	in := s.fargate(t, s.prepare(t, fixtures.TaskDefinition("web", "nginx")), func(in *ecs.RunTaskInput) { in.Count = aws.Int32(10) })
	seen, twice := map[string]bool{}, ""
	for twice == "" { // by the law of birthdays some 300 tasks
		once := *in
		out, err := s.ecs().RunTask(context.Background(), &once)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range out.Tasks {
			if head := id(task)[:4]; seen[head] {
				twice = head
			} else {
				seen[head] = true
			}
		}
	}
	for _, path := range []string{"/_neargate/why?of=", "/_neargate/logs?of="} {
		if r := refused(t, s, http.MethodGet, path+twice, http.StatusConflict); !strings.Contains(r.Error, twice) || r.Hint != "give more of the id" {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

// TestWhyItDoesNotStart: the two questions that everybody asks first.
func TestWhyItDoesNotStart(t *testing.T) {
	s := open(t)
	const missing = "pull image manifest has been retried 7 time(s): failed to resolve ref docker.io/library/nothing:latest: not found"
	task := s.stopped(t, s.run(t, fixtures.TaskDefinition("web", "nothing", "FAKE_PULL_ERROR="+missing))[0])
	w := s.why(t, id(task))
	if !says(w.Summary, "CannotPullContainerError: "+missing) || !says(w.Summary, string(types.TaskStopCodeTaskFailedToStart)) {
		t.Errorf("an image that is missing: %v", w.Summary)
	}
	feed := s.follow(t, "kind=sandbox")
	s.fake.Away(true)
	task = s.run(t, fixtures.TaskDefinition("web", "nginx"))[0]
	feed.until(t, "trouble: ")
	w = s.why(t, id(task))
	if !says(w.Summary, "It is PROVISIONING: its network is being made.") || !says(w.Summary, "will be repeated: cannot connect to the fake runtime: it is away") {
		t.Errorf("a runtime that is away: %v", w.Summary)
	}
	s.fake.Away(false)
	s.running(t, task)
	if w = s.why(t, id(task)); says(w.Summary, "repeated") {
		t.Errorf("a runtime that is back: %v", w.Summary)
	}
}

// TestWhyOfALongHistory: of a long history the newest part is told, and it
// tells how things stand now.
func TestWhyOfALongHistory(t *testing.T) {
	s := open(t)
	definition := s.prepare(t, fixtures.TaskDefinition("web", "nginx"))
	for i := range 300 {
		tags := []types.Tag{{Key: aws.String("round"), Value: aws.String(strings.Repeat("x", i%250+1))}}
		if _, err := s.ecs().TagResource(context.Background(), &ecs.TagResourceInput{ResourceArn: &definition, Tags: tags}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ecs().UntagResource(context.Background(), &ecs.UntagResourceInput{ResourceArn: &definition, TagKeys: []string{"round"}}); err != nil {
			t.Fatal(err)
		}
	}
	w := s.why(t, definition)
	if last := w.History[len(w.History)-1]; len(w.History) != 500 || !strings.HasPrefix(last.By, "ecs:UntagResource ") {
		t.Errorf("%d events, the last one %+v", len(w.History), last)
	}
}
