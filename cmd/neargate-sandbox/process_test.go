//go:build linux

package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// namespaced is PID 1 in namespaces of its own, without Docker.
func namespaced(t testing.TB, flags ...string) (p *process, socket string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root to make namespaces")
	}
	socket = filepath.Join(t.TempDir(), "s")
	c := exec.Command(built.sandbox, append([]string{"--socket", socket}, flags...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID}
	return startProcess(t, c), socket
}

func TestOutlivesItsStreams(t *testing.T) {
	p, socket := namespaced(t)
	first := p.greet(t)
	if _, err := first.NetworkStats(within(t)); err != nil {
		t.Fatal(err)
	}
	first.Close() // closes the standard streams
	for range 3 {
		s := startProcess(t, exec.Command(built.sandbox, "bridge", "--socket", socket)).greet(t)
		if all, err := s.NetworkStats(within(t)); err != nil || len(all) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestLatestBridgeWins(t *testing.T) {
	p, socket := namespaced(t)
	first := p.greet(t)
	second := startProcess(t, exec.Command(built.sandbox, "bridge", "--socket", socket)).greet(t)
	receive(t, first.Done())
	if _, err := second.NetworkStats(within(t)); err != nil {
		t.Error(err)
	}
}

func TestSignalsEndIt(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p, _ := namespaced(t)
		p.greet(t)
		p.cmd.Process.Signal(s)
		if err := receive(t, p.ended); err != nil {
			t.Errorf("on %v: %v: %s", s, err, p.stderr.String())
		}
	}
}

func TestCommandsWithoutTheirFlags(t *testing.T) {
	p, _ := namespaced(t, "--dns=false")
	s := p.greet(t)
	_, err := s.CgroupCreate(within(t), tunnel.Cgroup{Path: "/neargate/1"})
	for what, err := range map[string]error{"--cgroup-root": err, "--dns": s.SetNames(within(t), tunnel.Names{})} {
		if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.Invalid || !strings.Contains(e.Text, what) {
			t.Errorf("without %s: %v", what, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	p, _ := namespaced(t, "--cgroup-root", t.TempDir())
	h := p.greet(t).Hello()
	if len(h.Warnings) != 1 || !strings.Contains(h.Warnings[0], "cgroup") {
		t.Errorf("%q", h.Warnings)
	}
}

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, "-cgroup-root"},
		{[]string{"--upstream", "nonsense"}, 2, "nonsense"},
		{[]string{"--task", "x"}, 2, "-task"},
		{[]string{"serve"}, 2, "serve"},
		{[]string{"bridge", "--socket", "/nowhere"}, 1, "PID 1 cannot be reached"},
	} {
		c := exec.Command(built.sandbox, test.args...)
		out, err := c.CombinedOutput()
		if c.ProcessState.ExitCode() != test.code || !strings.Contains(string(out), test.says) {
			t.Errorf("%q: %v: %s", test.args, err, out)
		}
	}
}

// BenchmarkStart is the time from exec to the end of the greeting, in fresh
// network and process namespaces.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, _ := namespaced(b)
		p.greet(b)
		b.StopTimer()
		p.cmd.Process.Kill()
		<-p.ended
		b.StartTimer()
	}
}
