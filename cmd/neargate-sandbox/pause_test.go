//go:build linux

package main_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pauseArgs run the pause program beside a box; it is named after the box.
func pauseArgs(t *testing.T, b *box, caps ...string) []string {
	args := []string{"run", "--name", b.name + ".pause", "--hostname", "web-0", "--network", "none", "--pid", "container:" + b.name, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"}
	for _, c := range caps {
		args = append(args, "--cap-add", c)
	}
	t.Cleanup(func() { tryDocker("rm", "-f", b.name+".pause") })
	return append(args, image(t, built.sandbox), "pause")
}

func TestDockerPauseGivesAName(t *testing.T) {
	b, _, s := newBox(t, nil)
	metadata(t, s, "first")
	p := startProcess(t, exec.Command("docker", pauseArgs(t, b, "SYS_ADMIN", "SYS_PTRACE")...))
	if line, err := bufio.NewReader(p.out).ReadString('\n'); err != nil || line != "paused\n" {
		t.Fatalf("it says %q, %v: %s", line, err, p.stderr.String())
	}
	named := &box{name: b.name + ".pause", workload: b.workload}
	wantLines(t, named.run(t, "host"), "web-0")
	wantLines(t, named.run(t, "get", "http://169.254.170.2/v4/x"), "200 first /v4/x")
	seeNoCapabilities(t, docker(t, "inspect", "-f", "{{.State.Pid}}", named.name))
	docker(t, "rm", "-f", b.name)
	if state := docker(t, "wait", named.name); state == "" {
		t.Error("it outlives the sandbox")
	}
}

// seeNoCapabilities looks at all threads of a process of this host.
func seeNoCapabilities(t *testing.T, pid string) {
	t.Helper()
	files, err := filepath.Glob("/proc/" + pid + "/task/*/status")
	if err != nil || len(files) == 0 {
		t.Logf("the Engine is not on this host: its process %s cannot be looked at", pid)
		return
	}
	for _, f := range files {
		status, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range []string{"CapPrm", "CapEff", "CapInh"} {
			if want := set + ":\t0000000000000000\n"; !strings.Contains(string(status), want) {
				t.Errorf("%s has not %q:\n%s", f, want, status)
			}
		}
	}
}

func TestDockerPauseWithoutRights(t *testing.T) {
	b, _, _ := newBox(t, nil)
	for _, caps := range [][]string{nil, {"SYS_PTRACE"}, {"SYS_ADMIN"}} {
		out, err := exec.Command("docker", pauseArgs(t, b, caps...)...).CombinedOutput()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), "denied") && !strings.Contains(string(out), "not permitted") {
			t.Errorf("with %v: %v, %s", caps, err, out)
		}
		tryDocker("rm", "-f", b.name+".pause")
	}
}
