package e2e_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/fixtures"
)

// This file is about bad days of the server: kill -9, a second server, what
// others have made. Bad days of the machine are in outage_test.go.

// killWhen starts a task, kills the server when the task comes to a status,
// and starts it again.
func killWhen(t *testing.T, s *server, status string, start func() *task) *task {
	t.Helper()
	next := s.watch()
	k := start()
	next(func(e event) bool { return e.Key == k.id() && contains(e.What, status) })
	s.kill()
	s.start()
	return k
}

// TestKillWhileStarting: a server that is killed while a task climbs goes on
// where it was.
func TestKillWhileStarting(t *testing.T) {
	t.Parallel()
	requireImages(t)
	for _, status := range []string{"PROVISIONING", "PENDING", "app PULLED", "app RUNNING"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			k := killWhen(t, s, status, func() *task { return s.run(t, definition("climbing", probe("app", "count", "100", "serve"))) })
			k.running()
			k.says("app", "serving")
			checkCounted(t, k.lines("app"), 100)
			k.stop("seen")
			got := k.stopped()
			checkStop(t, got, types.TaskStopCodeUserInitiated, "seen")
			checkExit(t, got, "app", 0)
		})
	}
}

// checkCounted: each line is there, once and in order, with "serving" and
// "told to stop" allowed behind.
func checkCounted(t *testing.T, lines []string, n int) {
	t.Helper()
	for i := range n {
		if want := fmt.Sprintf("line %d", i+1); i >= len(lines) || lines[i] != want {
			t.Errorf("line %d of %d is not %q: %q", i+1, n, want, lines)
			return
		}
	}
	for _, more := range lines[n:] {
		if strings.HasPrefix(more, "line ") {
			t.Errorf("%q once more, behind line %d", more, n)
		}
	}
}

// TestKillWhileRunning: the containers go on running, through several kills;
// no line that they write is lost or doubled.
func TestKillWhileRunning(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	const lines = 150
	k := s.run(t, definition("running", probe("app", "count", fmt.Sprint(lines), "serve"), bystander("web", "serve")))
	k.running()
	before := workload(t, k.id())
	if len(before) != 2 {
		t.Fatalf("docker shows %v", before)
	}
	for _, line := range []string{"line 10", "line 40", "line 70"} {
		k.says("app", line)
		s.kill()
		s.start()
		if got := k.describe(); aws.ToString(got.LastStatus) != "RUNNING" {
			t.Errorf("after the kill the task is %s", aws.ToString(got.LastStatus))
		}
	}
	k.says("app", "serving")
	checkCounted(t, k.lines("app"), lines)
	for name, was := range before {
		if is := workload(t, k.id())[name]; is != was {
			t.Errorf("container %s was exchanged or restarted: %s, it was %s", name, is, was)
		}
	}
	k.stop("seen")
	checkExit(t, k.stopped(), "app", 0)
}

// TestExitWhileKilled: what a container does while no server is there is
// found out by the next one: its lines, its exit code, its time.
func TestExitWhileKilled(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	k := s.run(t, definition("exiting", probe("app", "count", "50", "exit", "6")))
	k.running()
	s.kill()
	eventually(t, "the container has ended", patience, func() error {
		if running := workload(t, k.id()); len(running) > 0 {
			return fmt.Errorf("docker shows %v", running)
		}
		return nil
	})
	s.start()
	got := k.stopped()
	checkStop(t, got, types.TaskStopCodeEssentialContainerExited, essentialExited)
	checkExit(t, got, "app", 6)
	checkCounted(t, k.lines("app"), 50)
}

// TestKillWhileStopping: stopping goes on, with the reason that was given.
func TestKillWhileStopping(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	c := probe("app", "stubborn", "forever")
	c.StopTimeout = aws.Int32(3)
	k := s.run(t, definition("stopping", c))
	k.running()
	k.says("app", "stubborn")
	killWhen(t, s, "STOPPING", func() *task { k.stop("before the crash"); return k })
	got := k.stopped()
	checkStop(t, got, types.TaskStopCodeUserInitiated, "before the crash")
	checkExit(t, got, "app", 137)
}

// TestAnsweredIsKept: what was answered before a kill is there afterwards.
func TestAnsweredIsKept(t *testing.T) {
	t.Parallel()
	s := serveFake(t)
	var all []*task
	for range 20 {
		all = append(all, s.run(t, definition("kept", types.ContainerDefinition{Name: aws.String("app"), Image: aws.String("image")})))
	}
	s.kill()
	s.start()
	for _, k := range all {
		if got := k.describe(); aws.ToString(got.TaskArn) != k.arn || !strings.HasSuffix(aws.ToString(got.TaskDefinitionArn), "task-definition/kept:"+fmt.Sprint(1+indexOf(all, k))) {
			t.Errorf("%+v", got)
		}
	}
}

func indexOf(all []*task, k *task) int {
	for i := range all {
		if all[i] == k {
			return i
		}
	}
	return -1
}

// TestSecondServer: a data directory has one server.
func TestSecondServer(t *testing.T) {
	t.Parallel()
	s := serveFake(t)
	out, err := exec.Command(binary, "serve", "--runtime=fake", "--listen", "127.0.0.1:0", "--data-dir", s.dataDir).CombinedOutput()
	if err == nil {
		t.Fatalf("a second server started: %s", out)
	}
	if want := fmt.Sprintf("neargate: %s/neargate.db is in use by process %d\n", s.dataDir, s.cmd.Process.Pid); string(out) != want {
		t.Errorf("it says %q, not %q", out, want)
	}
	out, err = exec.Command(binary, "serve", "--runtime=fake", "--listen", strings.TrimPrefix(s.endpoint, "http://"), "--data-dir", t.TempDir()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is taken: is a server running already?") {
		t.Errorf("a second server on the same port: %v %s", err, out)
	}
	if h := s.health(); h.Status != "running" {
		t.Errorf("the first one: %+v", h)
	}
}

// TestOthersAreLeftAlone: reset and start touch nothing that this instance did
// not make, whatever it is called.
func TestOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	name := strings.ToLower("neargate-foreign-" + s.instance)
	var undo []func()
	t.Cleanup(func() {
		for _, f := range undo {
			f()
		}
	})
	for _, kind := range []string{"container", "network", "volume"} {
		for i, label := range []string{"somebody=else", "dev.neargate.instance=another"} {
			one := fmt.Sprint(name, i)
			args := []string{kind, "create", "--label", label}
			switch kind {
			case "container":
				args = append(args, "--name", one, probeImage, "serve")
			case "volume":
				args = append(args, "--name", one)
			default:
				args = append(args, "--subnet", fmt.Sprintf("192.168.%d.0/29", 240+i), one)
			}
			docker(t, args...)
			undo = append([]func(){func() { docker(t, kind, "rm", one) }}, undo...)
		}
	}
	k := s.run(t, definition("mine", probe("app", "serve")))
	k.running()
	s.post("/_neargate/reset")
	checkNothingLeft(t, s.instance)
	s.kill()
	s.start()
	for _, kind := range []string{"container", "network", "volume"} {
		for i := range 2 {
			if out, err := command(nil, "docker", kind, "inspect", fmt.Sprint(name, i)); err != nil {
				t.Errorf("the foreign %s is gone: %v %s", kind, err, out)
			}
		}
	}
}

// TestLeftoversAreRemoved: what a killed server has left and no record wants
// goes when the next one starts.
func TestLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	requireImages(t)
	fixtures.RequireCommand(t, "docker")
	s := serve(t)
	k := s.run(t, definition("leftover", probe("app", "serve")))
	k.running()
	id, _, _ := strings.Cut(workload(t, k.id())["app"], " ")
	name := strings.TrimPrefix(docker(t, "inspect", "--format", "{{.Name}}", id), "/")
	k.stop("gone")
	k.stopped()
	s.kill()
	other := "0123456789abcdef0123456789abcdef"
	stray := strings.ReplaceAll(name, k.id(), other)
	docker(t, "container", "create", "--name", stray, "--label", "dev.neargate.instance="+s.instance, "--label", "dev.neargate.role=container",
		"--label", "dev.neargate.sandbox="+other, "--label", "dev.neargate.container=app", probeImage, "serve")
	s.start()
	eventually(t, "leftovers are removed", patience, func() error {
		for _, one := range []string{stray, id} {
			if out, err := command(nil, "docker", "container", "inspect", "--format", "{{.Name}}", one); err == nil {
				return fmt.Errorf("%s is there", out)
			}
		}
		return nil
	})
}

// TestResetWhileStarting: reset is at once, even in the middle of things, and
// the server is of use afterwards.
func TestResetWhileStarting(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	for range 3 {
		s.run(t, definition("doomed", probe("app", "serve")))
	}
	s.post("/_neargate/reset")
	eventually(t, "nothing is left", patience, func() error {
		if left := made(t, s.instance); len(left) > 0 {
			return fmt.Errorf("left: %v", left)
		}
		return nil
	})
	s.run(t, definition("next", probe("app", "serve"))).running()
	if answer, err := http.Get(s.endpoint + "/metrics"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("metrics: %v", err)
	} else {
		answer.Body.Close()
	}
}
