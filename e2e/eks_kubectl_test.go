package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// This file runs the stock kubectl.

// kubectl runs a command given as one line of words, as cli.aws does.
func (c *eksCluster) kubectl(t testing.TB, line string, arguments ...string) string {
	t.Helper()
	out, err := c.try(line, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// try runs a command that may be refused.
func (c *eksCluster) try(line string, arguments ...string) (string, error) {
	return command(c.env(), "kubectl", c.args(line, arguments)...)
}

// refused runs a command that must fail and returns what kubectl says.
func (c *eksCluster) refused(t testing.TB, line string, arguments ...string) string {
	t.Helper()
	out, err := c.try(line, arguments...)
	if err == nil {
		t.Fatalf("kubectl %s was not refused: %s", line, out)
	}
	return err.Error()
}

// feed runs a command with text on its standard input.
func (c *eksCluster) feed(input, line string, arguments ...string) (string, error) {
	cmd := exec.Command("kubectl", c.args(line, arguments)...)
	cmd.Env, cmd.Stdin = append(environment(), c.env()...), strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w\n%s", line, err, out)
	}
	return strings.TrimSpace(string(out)), err
}

func (c *eksCluster) args(line string, arguments []string) []string {
	return append([]string{"--kubeconfig", c.config, "--cache-dir", filepath.Join(c.dir, "cache")}, words(line, arguments)...)
}

func (c *eksCluster) env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + c.endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// namespace is a namespace of a test's own.
type namespace struct {
	*eksCluster
	t  testing.TB
	ns string
}

// in makes a namespace. When the test has failed, it tells what was there.
func (c *eksCluster) in(t testing.TB, ns string) *namespace {
	t.Helper()
	c.kubectl(t, "create namespace {}", ns)
	n := &namespace{c, t, ns}
	t.Cleanup(func() {
		if t.Failed() {
			n.explain()
		}
	})
	return n
}

func (n *namespace) explain() {
	for _, line := range []string{"get pods,services,endpointslices,nodes -o wide", "get events --sort-by=.lastTimestamp"} {
		out, err := n.try("-n {} "+line, n.ns)
		n.t.Logf("kubectl %s: %v\n%s", line, err, out)
	}
}

// k runs kubectl in the namespace.
func (n *namespace) k(line string, arguments ...string) string {
	n.t.Helper()
	return n.kubectl(n.t, "-n {} "+line, append([]string{n.ns}, arguments...)...)
}

// fails runs kubectl, which must be refused.
func (n *namespace) fails(line string, arguments ...string) string {
	n.t.Helper()
	return n.eksCluster.refused(n.t, "-n {} "+line, append([]string{n.ns}, arguments...)...)
}

// says runs kubectl and wants exactly this output.
func (n *namespace) says(want, line string, arguments ...string) {
	n.t.Helper()
	if got := n.k(line, arguments...); got != want {
		n.t.Errorf("kubectl %s: %q, want %q", line, got, want)
	}
}

// becomes asks until the output is this one.
func (n *namespace) becomes(want, line string, arguments ...string) {
	n.t.Helper()
	n.comes(30*time.Second, line, arguments, func(got string) bool { return got == want }, want)
}

// holds asks until the output contains this.
func (n *namespace) holds(part, line string, arguments ...string) {
	n.t.Helper()
	n.comes(30*time.Second, line, arguments, func(got string) bool { return strings.Contains(got, part) }, part)
}

func (n *namespace) comes(within time.Duration, line string, arguments []string, good func(string) bool, want string) {
	n.t.Helper()
	tick := time.NewTicker(250 * time.Millisecond) // kubectl is not cheap
	defer tick.Stop()
	for deadline := time.Now().Add(busy * within); ; <-tick.C {
		got, err := n.try("-n {} "+line, append([]string{n.ns}, arguments...)...)
		if err == nil && good(got) {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("kubectl %s: not %q within %s, but %q %v", line, want, busy*within, got, err)
		}
	}
}

// apply applies a manifest; IMAGE in it is the image of the tests.
func (n *namespace) apply(manifest string) {
	n.t.Helper()
	if _, err := n.feed(strings.ReplaceAll(manifest, "IMAGE", podImage), "-n "+n.ns+" apply -f -"); err != nil {
		n.t.Fatal(err)
	}
}

// ready waits until a pod, or what a selector chooses, is Ready.
func (n *namespace) ready(what ...string) {
	n.t.Helper()
	n.k("wait --for=condition=Ready --timeout=240s " + strings.Join(what, " "))
}

// process is a kubectl that goes on.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines *bufio.Scanner
	in    io.WriteCloser
	err   *output
}

// start starts a kubectl that is killed at the end of the test at the latest.
func (n *namespace) start(line string, arguments ...string) *process {
	n.t.Helper()
	p := &process{t: n.t, err: &output{}}
	p.cmd = exec.Command("kubectl", n.args("-n {} "+line, append([]string{n.ns}, arguments...))...)
	p.cmd.Env, p.cmd.Stderr = append(environment(), n.env()...), p.err
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		n.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	n.t.Cleanup(p.kill)
	return p
}

// until reads lines up to one that contains a text, and returns it.
func (p *process) until(text string) string {
	p.t.Helper()
	timer := time.AfterFunc(patience, p.kill)
	defer timer.Stop()
	for p.lines.Scan() {
		if strings.Contains(p.lines.Text(), text) {
			return p.lines.Text()
		}
	}
	p.t.Fatalf("it ended, or its time was over, before it said %q: %v %s", text, p.lines.Err(), p.err)
	return ""
}

// wait reads to the end and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	timer := time.AfterFunc(patience, p.kill)
	defer timer.Stop()
	for p.lines.Scan() {
	}
	if err := p.cmd.Wait(); err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		p.t.Error(err)
	}
	return 0
}

func (p *process) kill() { _ = p.cmd.Process.Kill() } // it may have ended
