package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator"
)

// server is a `neargate serve` of its own process.
type server struct {
	t        testing.TB
	dataDir  string
	args     []string // beyond --listen and --data-dir
	endpoint string
	instance string
	log      *output
	cmd      *exec.Cmd
	ended    chan error
}

// serve starts a server on a free port with a new data directory. At the end
// of the test it is emptied, told to stop, and nothing of it may be left.
func serve(t testing.TB, args ...string) *server {
	t.Helper()
	s := &server{t: t, dataDir: t.TempDir(), args: args, log: &output{}}
	t.Cleanup(s.finish)
	s.start()
	return s
}

// serveFake starts a server whose containers are fake.
func serveFake(t testing.TB, args ...string) *server {
	t.Helper()
	return serve(t, append([]string{"--runtime=fake"}, args...)...)
}

// start starts the process, at the endpoint that it had before if it had one,
// and returns when it has said where it listens.
func (s *server) start() {
	s.t.Helper()
	out := s.launch()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "AWS_ENDPOINT_URL="); ok {
			s.endpoint = url
			break
		}
	}
	ended := make(chan error, 1)
	s.ended = ended
	go func(cmd *exec.Cmd) {
		_, _ = io.Copy(io.Discard, out) // until the process ends
		ended <- cmd.Wait()
	}(s.cmd)
	if s.endpoint == "" {
		s.t.Fatalf("the server ended before it listened: %v\n%s", <-ended, s.log)
	}
	h := s.health()
	if s.instance != "" && h.Instance != s.instance {
		s.t.Fatalf("after its restart the server is another instance: %s, it was %s", h.Instance, s.instance)
	}
	s.instance = h.Instance
}

func (s *server) launch() io.Reader {
	s.t.Helper()
	listen := "127.0.0.1:0"
	if s.endpoint != "" {
		listen = strings.TrimPrefix(s.endpoint, "http://")
	}
	s.cmd = exec.Command(binary, append([]string{"serve", "--listen", listen, "--data-dir", s.dataDir}, s.args...)...)
	s.cmd.Env, s.cmd.Stderr = environment(), s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// kill ends the process as a crash would.
func (s *server) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.ended
	s.cmd = nil
}

// stop ends the process as Ctrl-C would.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	cmd := s.cmd
	s.cmd = nil
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("the server ended with: %v", err)
		}
	case <-time.After(patience):
		s.t.Errorf("the server did not end within %s of SIGTERM: %v", patience, cmd.Process.Kill())
		<-s.ended
	}
}

// finish empties the server, one that was killed too, and looks for leftovers.
func (s *server) finish() {
	if s.cmd == nil && s.endpoint != "" {
		s.start()
	}
	if s.endpoint != "" {
		if s.t.Failed() {
			s.explain()
		}
		s.post("/_neargate/reset")
		s.stop()
	}
	if s.isDocker() {
		checkNothingLeft(s.t, s.instance)
	}
	if s.t.Failed() {
		s.t.Logf("what the server at %s said:\n%s", s.endpoint, s.log)
	}
}

// explain logs the history of all tasks, for a test that has failed.
func (s *server) explain() {
	client, ctx := ecs.NewFromConfig(s.config()), context.Background()
	clusters, err := client.ListClusters(ctx, &ecs.ListClustersInput{})
	if err != nil {
		s.t.Log(err)
		return
	}
	for _, cluster := range clusters.ClusterArns {
		for _, status := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
			tasks, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String(cluster), DesiredStatus: status})
			if err != nil {
				s.t.Log(err)
				return
			}
			for _, arn := range tasks.TaskArns {
				s.t.Log((&task{server: s, arn: arn}).why())
			}
		}
	}
}

func (s *server) isDocker() bool {
	for _, a := range s.args {
		if a == "--runtime=fake" {
			return false
		}
	}
	return true
}

func (s *server) health() (h emulator.Health) {
	s.t.Helper()
	s.getJSON("/_neargate/health", &h)
	return h
}

func (s *server) getJSON(path string, v any) {
	s.t.Helper()
	answer, err := http.Get(s.endpoint + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(v); err != nil {
		s.t.Fatalf("%s: %s: %v", path, answer.Status, err)
	}
}

func (s *server) post(path string) {
	s.t.Helper()
	answer, err := http.Post(s.endpoint+path, "", nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		s.t.Errorf("POST %s: %s %s %v", path, answer.Status, body, err)
	}
}

// config points the AWS SDK at the server.
func (s *server) config() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// event is what the tests read of /_neargate/changes.
type event struct {
	Kind, Key string
	What      []string
}

// watch subscribes to the changes of sandboxes and returns what the next one
// is for which a function says yes. The subscription stands when watch
// returns, so that nothing that is caused afterwards is missed.
func (s *server) watch() (next func(match func(event) bool)) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.endpoint+"/_neargate/changes?kind=sandbox", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { answer.Body.Close() })
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 16<<20)
	return func(match func(event) bool) {
		s.t.Helper()
		for lines.Scan() {
			var e event
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if ok && json.Unmarshal([]byte(data), &e) == nil && match(e) {
				return
			}
		}
		s.t.Fatalf("the change feed ended before what was waited for: %v", lines.Err())
	}
}

// output keeps what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// busy is how many times longer things may take than on a machine that has
// nothing else to do.
const busy = 6

// eventually asks again until a condition holds; within is the longest that it
// may take where nothing else runs.
func eventually(t testing.TB, what string, within time.Duration, holds func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(busy * within); ; <-tick.C {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, busy*within, err)
		}
	}
}

// environment is this process's without what would turn a client or a server
// elsewhere.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "NEARGATE_") || strings.HasPrefix(v, "TF_")
	})
}

// command runs a program and returns what it wrote, trimmed.
func command(env []string, name string, args ...string) (stdout string, err error) {
	var out, errOut bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(environment(), env...), &out, &errOut
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, strings.TrimSpace(errOut.String()))
	}
	return strings.TrimSpace(out.String()), err
}
