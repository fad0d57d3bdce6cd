package emulator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/fixtures"
)

// event is a server-sent event as a reader sees it.
type event struct {
	id, name string
	Revision int64
	Commit   int64
	Kind     string
	Key      string
	At       time.Time
	By       string
	What     []string
	Before   json.RawMessage
	After    json.RawMessage
	Error    string
}

// feed is a reader of the change feed.
type feed struct {
	lines *bufio.Scanner
	leave func()
}

// follow begins to read the feed; the reader leaves with the test.
func (s *site) follow(t testing.TB, query string, header ...string) *feed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/_neargate/changes?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "text/event-stream" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the feed: %s %v", a.Status, a.Header)
	}
	f := &feed{lines: bufio.NewScanner(a.Body), leave: func() { cancel(); a.Body.Close() }}
	f.lines.Buffer(nil, 16<<20)
	t.Cleanup(f.leave)
	return f
}

// next waits for the next event; false at the end of the stream.
func (f *feed) more(t testing.TB) (event, bool) {
	t.Helper()
	var e event
	for f.lines.Scan() {
		name, value, _ := strings.Cut(f.lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				t.Fatalf("data is not JSON: %s", value)
			}
		case "":
			return e, true
		default:
			t.Fatalf("a line that is not of an event: %q", f.lines.Text())
		}
	}
	return e, false
}

func (f *feed) next(t testing.TB) event {
	t.Helper()
	e, ok := f.more(t)
	if !ok {
		t.Fatalf("the feed has ended: %v", f.lines.Err())
	}
	if e.name == "change" && e.id != strconv.FormatInt(e.Revision, 10) {
		t.Errorf("id %s, revision %d", e.id, e.Revision)
	}
	return e
}

// until reads up to the change that says what.
func (f *feed) until(t testing.TB, what string) (all []event) {
	t.Helper()
	for {
		e := f.next(t)
		if all = append(all, e); slices.ContainsFunc(e.What, func(w string) bool { return strings.HasPrefix(w, what) }) {
			return all
		}
	}
}

func TestChanges(t *testing.T) {
	s := open(t)
	now := s.follow(t, "")
	task := s.run(t, fixtures.TaskDefinition("web", "nginx"))[0]
	s.stop(t, s.running(t, task))
	live := now.until(t, "STOPPED")
	t.Run("in order, with cause", func(t *testing.T) {
		for i, e := range live {
			if e.name != "change" || e.Kind == "" || e.Key == "" || e.By == "" || len(e.What) == 0 || e.At.IsZero() || e.Commit > e.Revision {
				t.Errorf("event: %+v", e)
			}
			if i > 0 && e.Revision <= live[i-1].Revision {
				t.Errorf("revision %d after %d", e.Revision, live[i-1].Revision)
			}
		}
		made := live[slices.IndexFunc(live, func(e event) bool { return e.Kind == "ecs/task" })]
		if made.Key != *task.TaskArn || !strings.HasPrefix(made.By, "ecs:RunTask ") || made.Before != nil || made.After == nil {
			t.Errorf("the task's first change: %+v", made)
		}
	})
	same := func(t *testing.T, got, want []event) {
		t.Helper()
		for i := range want {
			if i >= len(got) || got[i].Revision != want[i].Revision || !slices.Equal(got[i].What, want[i].What) {
				t.Fatalf("event %d differs\ngot  %+v\nwant %+v", i, got[i], want[i])
			}
		}
	}
	t.Run("from the beginning", func(t *testing.T) {
		all := s.follow(t, "since=0").until(t, "STOPPED")
		if all[0].Revision != 1 {
			t.Errorf("begins with %d", all[0].Revision)
		}
		same(t, all[len(all)-len(live):], live)
	})
	t.Run("from any event on", func(t *testing.T) {
		for i, e := range live[:len(live)-1] {
			same(t, s.follow(t, "", "Last-Event-ID", e.id).until(t, "STOPPED"), live[i+1:])
			same(t, s.follow(t, "since="+e.id).until(t, "STOPPED"), live[i+1:])
		}
	})
	t.Run("the header wins", func(t *testing.T) {
		same(t, s.follow(t, "since=0", "Last-Event-ID", live[2].id).until(t, "STOPPED"), live[3:])
	})
	t.Run("by kind", func(t *testing.T) {
		got := s.follow(t, "since=0&kind=sandbox&kind=ecs/cluster&kind=").until(t, "STOPPED")
		for _, e := range got {
			if e.Kind != "sandbox" && e.Kind != "ecs/cluster" {
				t.Errorf("kind %s", e.Kind)
			}
		}
		if got[0].Kind != "ecs/cluster" || got[1].Kind != "sandbox" {
			t.Errorf("kinds: %+v", got[:2])
		}
	})
}

// TestChangesMissNothing: what is caused after the stream has begun is in it.
func TestChangesMissNothing(t *testing.T) {
	s := open(t)
	for i := range 50 {
		f := s.follow(t, "kind=ecs/cluster")
		name := "c" + strconv.Itoa(i)
		if _, err := s.ecs().CreateCluster(context.Background(), &ecs.CreateClusterInput{ClusterName: &name}); err != nil {
			t.Fatal(err)
		}
		if e := f.next(t); !strings.HasSuffix(e.Key, "/"+name) {
			t.Fatalf("the first event is of %s, not of %s", e.Key, name)
		}
		f.leave()
	}
}

// TestChangesCompacted: of a history that does not reach back to its beginning
// the oldest is told, and who asks for what is gone is told so, in a way that
// keeps browsers from coming back for it.
func TestChangesCompacted(t *testing.T) {
	dir := t.TempDir()
	compact(t, dir)
	s := open(t, fixtures.WithDataDir(dir))
	refused(t, s, http.MethodGet, "/_neargate/changes?since=3", http.StatusGone)
	first := s.follow(t, "since=0").next(t)
	if first.Revision <= 3 || first.Kind != "test" {
		t.Errorf("the oldest change: %+v", first)
	}
	if second := s.follow(t, "since="+first.id).next(t); second.Revision != first.Revision+1 {
		t.Errorf("after %d comes %d", first.Revision, second.Revision)
	}
}

// compact makes a data directory in which only the newest changes are kept.
func compact(t *testing.T, dir string) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(dir, "neargate.db"), store.Options{History: 10})
	if err != nil {
		t.Fatal(err)
	}
	table := store.NewTable[int]("test")
	for i := range 100 {
		if err := st.Update(t.Context(), "test", func(tx *store.Tx) error { return table.Put(tx, "one", &i) }); err != nil {
			t.Fatal(err)
		}
	}
	for { // until the housekeeping has come round
		list, err := st.History(t.Context(), store.HistoryQuery{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if list[0].Revision > 10 {
			break
		}
		runtime.Gosched()
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestChangesOfALeavingReader: nothing is left of readers that have gone, and
// a reader is told when the emulator ends.
func TestChangesOfALeavingReader(t *testing.T) {
	bubble(t, func(*emulator.Config) {}, func(t *testing.T, s *site) {
		for range 10 {
			f := s.follow(t, "since=0")
			if _, err := s.ecs().CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("c")}); err != nil {
				t.Fatal(err)
			}
			f.next(t)
			if readers() != 1 {
				t.Errorf("%d readers are served, not 1", readers())
			}
			f.leave()
			synctest.Wait()
			if readers() != 0 {
				t.Errorf("%d readers are served that have gone", readers())
			}
		}
	})
}

// readers counts the goroutines that serve a reader of the feed.
func readers() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "emulator.(*Emulator).changes(")
}

func TestChangesEndWithTheEmulator(t *testing.T) {
	e := newEmulator(t)
	s := &site{url: "http://localhost", client: &http.Client{Transport: inProcess{e.Handler()}}}
	f := s.follow(t, "")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if last := f.next(t); last.name != "error" || last.Error == "" {
		t.Errorf("the last event: %+v", last)
	}
	if more, ok := f.more(t); ok {
		t.Errorf("after the end: %+v", more)
	}
}
