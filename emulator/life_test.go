package emulator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/fixtures"
)

// begin runs an emulator until end is called, as a process would.
func begin(t *testing.T, dir string, state *fake.State, options ...fixtures.Option) (s *site, end func()) {
	t.Helper()
	c := emulator.Defaults()
	c.DataDir, c.Runtime, c.Fake, c.EKS = dir, emulator.RuntimeFake, state, emulator.EKSRecords
	for _, o := range options {
		o(&c)
	}
	e, err := emulator.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	server := httptest.NewServer(e.Handler())
	s = &site{
		cfg: aws.Config{
			Region: c.Region, BaseEndpoint: aws.String(server.URL), HTTPClient: server.Client(),
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		},
		url: server.URL, client: server.Client(), fake: state, key: "test",
	}
	return s, func() {
		t.Helper()
		server.CloseClientConnections()
		server.Close()
		stop()
		if err := errors.Join(<-ended, e.Close(), e.Close()); err != nil {
			t.Fatalf("the end: %v", err)
		}
	}
}

// TestReopened: an emulator that comes back has its state back, and takes the
// tasks over that went on running.
func TestReopened(t *testing.T) {
	ctx := context.Background()
	dir, state := t.TempDir(), fake.NewState()
	s, end := begin(t, dir, state)
	tasks := s.run(t, fixtures.TaskDefinition("web", "nginx"), func(in *ecs.RunTaskInput) { in.Count = aws.Int32(4) })
	for i := range tasks {
		tasks[i] = s.running(t, tasks[i])
	}
	page, err := s.ecs().ListTasks(ctx, &ecs.ListTasksInput{MaxResults: aws.Int32(1)})
	if err != nil || page.NextToken == nil {
		t.Fatalf("the first page: %+v, %v", page, err)
	}
	instance := get[emulator.Health](t, s, "/_neargate/health").Instance
	end()

	starts := state.Calls("Start")
	if len(state.Running(id(tasks[0]))) != 1 || !state.Kill(id(tasks[1]), "web", 7) {
		t.Fatal("tasks ended with the emulator")
	}
	state.Forget(id(tasks[2])) // somebody has removed its containers
	s, end = begin(t, dir, state)
	defer end()

	if got := get[emulator.Health](t, s, "/_neargate/health").Instance; got != instance {
		t.Errorf("instance %s was %s", got, instance)
	}
	arns := page.TaskArns
	rest, err := s.ecs().ListTasks(ctx, &ecs.ListTasksInput{NextToken: page.NextToken, MaxResults: aws.Int32(1)})
	if err != nil || len(rest.TaskArns) != 1 || slices.Contains(arns, rest.TaskArns[0]) {
		t.Errorf("the page behind a token of before: %+v, %v", rest, err)
	}
	for _, i := range []int{0, 3} {
		got := s.describe(t, tasks[i])
		if *got.LastStatus != "RUNNING" || !got.StartedAt.Equal(*tasks[i].StartedAt) || detail(got, "privateIPv4Address") != detail(tasks[i], "privateIPv4Address") {
			t.Errorf("a task that went on running: %+v", got)
		}
	}
	if got := s.stopped(t, tasks[1]); *got.Containers[0].ExitCode != 7 || *got.StoppedReason != "Essential container in task exited" {
		t.Errorf("a task that ended meanwhile: %+v", got)
	}
	if got := s.stopped(t, tasks[2]); got.StoppedReason == nil || *got.StoppedReason == "" {
		t.Errorf("a task that was removed meanwhile: %+v", got)
	}
	if state.Calls("Start") != starts {
		t.Error("containers were started that ran")
	}
	s.stop(t, tasks[0])
	s.stopped(t, tasks[0])
}

// TestReopenedBetweenLines: what a container writes comes to CloudWatch Logs
// once, whenever the emulator is there.
func TestReopenedBetweenLines(t *testing.T) {
	dir, state := t.TempDir(), fake.NewState()
	s, end := begin(t, dir, state)
	task := s.running(t, s.run(t, logged(fixtures.TaskDefinition("web", "nginx"), "/ecs/web"))[0])
	n := 0
	print := func() {
		for range 10 {
			n++
			state.Print(id(task), "web", fmt.Sprintf("line %d", n))
		}
	}
	for range 3 {
		print()
		end()
		print()
		s, end = begin(t, dir, state)
	}
	defer func() { end() }()
	print()
	s.stop(t, task)
	s.stopped(t, task)
	out, err := cloudwatchlogs.NewFromConfig(s.cfg).GetLogEvents(context.Background(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String("/ecs/web"), LogStreamName: aws.String("app/web/" + id(task)), StartFromHead: aws.Bool(true),
	})
	if err != nil || len(out.Events) != n {
		t.Fatalf("%d events of %d lines, %v", len(out.Events), n, err)
	}
	for i, e := range out.Events {
		if want := fmt.Sprintf("line %d", i+1); *e.Message != want {
			t.Errorf("event %d is %q, want %q", i, *e.Message, want)
		}
	}
}

// TestNewRefuses what cannot be, and says which setting it is.
func TestNewRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*emulator.Config){
		`account id "12345" is not 12 digits`:                                func(c *emulator.Config) { c.Account = "12345" },
		`account id "00000000000x" is not 12 digits`:                         func(c *emulator.Config) { c.Account = "00000000000x" },
		`region "" is not the name of a region, such as us-east-1`:           func(c *emulator.Config) { c.Region = "" },
		`region "us-east-1a" is not the name of a region, such as us-east-1`: func(c *emulator.Config) { c.Region = "us-east-1a" },
		`region "US-EAST-1" is not the name of a region, such as us-east-1`:  func(c *emulator.Config) { c.Region = "US-EAST-1" },
		`runtime "podman" is not one of docker, fake`:                        func(c *emulator.Config) { c.Runtime = "podman" },
		`timing "fast" is not one of real, aws, instant`:                     func(c *emulator.Config) { c.Timing = "fast" },
		`auth "" is not one of any, verify`:                                  func(c *emulator.Config) { c.Auth = "" },
		`-1 warm sandboxes: their number is 0 or more`:                       func(c *emulator.Config) { c.Warm = -1 },
		`data directory: mkdir ` + file + `: not a directory`:                func(c *emulator.Config) { c.DataDir = filepath.Join(file, "x") },
	} {
		c := emulator.Defaults()
		c.DataDir, c.Runtime = emulator.Memory, emulator.RuntimeFake
		change(&c)
		if e, err := emulator.New(t.Context(), c); err == nil || err.Error() != want {
			t.Errorf("New: %v, %v\nwant %s", e, err, want)
		}
	}
	for _, region := range []string{"us-east-1", "us-gov-west-1", "cn-north-1", "us-isob-east-1", "eusc-de-east-1", "ap-southeast-7"} {
		c := emulator.Defaults()
		c.DataDir, c.Runtime, c.Region = emulator.Memory, emulator.RuntimeFake, region
		e, err := emulator.New(t.Context(), c)
		if err != nil {
			t.Errorf("region %s: %v", region, err)
			continue
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestOneOnADataDirectory: a second emulator is refused and says who is there,
// the first one goes on, and after it another one can have the directory.
func TestOneOnADataDirectory(t *testing.T) {
	dir := t.TempDir()
	s, end := begin(t, dir, fake.NewState())
	s.prepare(t, fixtures.TaskDefinition("web", "nginx"))
	c := emulator.Defaults()
	c.DataDir, c.Runtime = dir, emulator.RuntimeFake
	_, err := emulator.New(t.Context(), c)
	locked, ok := errors.AsType[*store.LockedError](err)
	if want := fmt.Sprintf("%s is in use by process %d", filepath.Join(dir, "neargate.db"), os.Getpid()); !ok || locked.PID != os.Getpid() || err.Error() != want {
		t.Errorf("the second: %v, want %s", err, want)
	}
	if got := get[emulator.Status](t, s, "/_neargate/status").Clusters; len(got) != 1 {
		t.Errorf("the first: %+v", got)
	}
	end()
	s, end = begin(t, dir, fake.NewState())
	defer end()
	if got := get[emulator.Status](t, s, "/_neargate/status").Clusters; len(got) != 1 {
		t.Errorf("the next: %+v", got)
	}
}

// TestDefaultDataDirectory is where XDG says, and made for its owner only.
func TestDefaultDataDirectory(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	c := emulator.Defaults()
	c.DataDir, c.Runtime = "", emulator.RuntimeFake
	e, err := emulator.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	info, err := os.Stat(filepath.Join(state, "neargate"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	t.Setenv("XDG_STATE_HOME", "")
	if got := emulator.DefaultDataDir(); !strings.HasSuffix(got, filepath.Join(".local", "state", "neargate")) {
		t.Errorf("without XDG_STATE_HOME: %s", got)
	}
}

// TestTwoInOneProcess: nothing of one is seen in the other.
func TestTwoInOneProcess(t *testing.T) {
	a, b := open(t), open(t)
	task := a.running(t, a.run(t, fixtures.TaskDefinition("web", "nginx"))[0])
	if got := get[emulator.Status](t, b, "/_neargate/status").Clusters; len(got) != 0 {
		t.Errorf("the other has clusters: %+v", got)
	}
	if ids := b.sandboxes(t); len(ids) != 0 {
		t.Errorf("the other has sandboxes: %v", ids)
	}
	b.send(t, "POST", "/_neargate/reset")
	if got := a.describe(t, task); *got.LastStatus != "RUNNING" {
		t.Errorf("a reset of the other: %+v", got)
	}
	if n := b.metrics(t)[`neargate_requests_total{service="ecs",operation="RunTask",status="200"}`]; n != "" {
		t.Errorf("the other counts %s calls", n)
	}
}

// TestRunEnds: whatever goes on, Run ends with its context and leaves no
// goroutine (which the bubble would tell).
func TestRunEnds(t *testing.T) {
	bubble(t, func(*emulator.Config) {}, func(t *testing.T, s *site) {
		for _, env := range [][]string{
			{}, {"FAKE_PULL_FOR=1h"}, {"FAKE_START_AFTER=1h"}, {"FAKE_LOG_EVERY=1s"}, {"FAKE_STOP_FOR=1h"}, {"FAKE_RUN_FOR=1h"},
		} {
			s.run(t, logged(fixtures.TaskDefinition("web", "nginx", env...), "/ecs/web"), func(in *ecs.RunTaskInput) { in.Count = aws.Int32(3) })
		}
		time.Sleep(10 * time.Second) // virtual
		s.stop(t, s.run(t, fixtures.TaskDefinition("web", "nginx", "FAKE_STOP_FOR=1h"))[0])
		synctest.Wait()
	})
}

// TestRunAgain: a second Run waits for the first, and takes over from it.
func TestRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEmulator(t)
		begin := func(ctx context.Context) (<-chan error, context.CancelFunc) {
			ctx, stop := context.WithCancel(ctx)
			ended := make(chan error, 1)
			go func() { ended <- e.Run(ctx) }()
			synctest.Wait()
			return ended, stop
		}
		first, stopFirst := begin(t.Context())
		second, stopSecond := begin(t.Context())
		third, stopThird := begin(t.Context())
		stopThird()
		if err := <-third; err != nil {
			t.Errorf("one that never had its turn: %v", err)
		}
		stopFirst()
		if err := <-first; err != nil {
			t.Errorf("the first: %v", err)
		}
		synctest.Wait()
		s := reach(e, "us-east-1", nil)
		s.running(t, s.run(t, fixtures.TaskDefinition("web", "nginx"))[0])
		stopSecond()
		if err := <-second; err != nil {
			t.Errorf("the second: %v", err)
		}
		timed, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := e.Run(timed); err != nil {
			t.Errorf("one whose time was up: %v", err)
		}
	})
}

// TestRunTellsFaults: the end of the store is not the end that was asked for.
func TestRunTellsFaults(t *testing.T) {
	e := newEmulator(t)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(t.Context()) }()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
}
