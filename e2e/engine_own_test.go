package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/fixtures"
)

// This file starts a Docker Engine that a test may kill. It is in a network
// namespace of its own, so that neither its bridges nor its packet filter meet
// those of the Engine that others use.

// ownEngine is a dockerd of a test's own.
type ownEngine struct {
	t     testing.TB
	dir   string
	log   *output
	cmd   *exec.Cmd
	ended chan error
}

// startEngine starts one, with more flags. It ends with the test.
func startEngine(t testing.TB, flags ...string) *ownEngine {
	t.Helper()
	fixtures.RequireDocker(t)
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can start a Docker Engine")
	}
	for _, program := range []string{"dockerd", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED: there is no %s", program)
		}
	}
	dir, err := os.MkdirTemp("", "neargate-engine-") // short: it holds sockets
	if err != nil {
		t.Fatal(err)
	}
	e := &ownEngine{t: t, dir: dir, log: &output{}}
	t.Cleanup(func() {
		e.stop()
		if t.Failed() {
			t.Logf("what the Engine said:\n%s", e.log)
		}
		e.endShims()
		_ = unix.Unmount(filepath.Join(dir, "data"), unix.MNT_DETACH) // as dockerd does, unless it was killed
		if err := errors.Join(unix.Unmount(filepath.Join(dir, "net"), unix.MNT_DETACH), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	e.start(flags...)
	return e
}

func (e *ownEngine) host() string { return "unix://" + filepath.Join(e.dir, "docker.sock") }

// start starts the Engine on what an earlier one has left, and returns when it
// answers. One that runs is ended first.
func (e *ownEngine) start(flags ...string) {
	e.t.Helper()
	e.stop()
	// The namespace is kept by a file, because containers of an earlier Engine
	// may be in it.
	space := filepath.Join(e.dir, "net")
	if _, err := os.Stat(space); err != nil {
		if err := os.WriteFile(space, nil, 0o600); err != nil {
			e.t.Fatal(err)
		}
		if text, err := exec.Command("unshare", "--net="+space, "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			e.t.Skipf("SKIPPED: no network namespace can be made: %v: %s", err, text)
		}
	}
	for range 3 { // an old dockerd gives up when its containerd is slow
		if e.try(space, flags) {
			return
		}
	}
	e.t.Fatalf("no Engine starts:\n%s", e.log)
}

// try starts dockerd once, and tells whether it answers.
func (e *ownEngine) try(space string, flags []string) bool {
	e.t.Helper()
	at := func(name string) string { return filepath.Join(e.dir, name) }
	if err := os.Remove(at("pid")); err != nil && !os.IsNotExist(err) {
		e.t.Fatal(err)
	}
	cmd := exec.Command("nsenter", append([]string{"--net=" + space, "dockerd", "--host", e.host(), "--data-root", at("data"), "--exec-root", at("exec"),
		"--pidfile", at("pid"), "--bridge", "none"}, flags...)...)
	cmd.Stdout, cmd.Stderr = e.log, e.log
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ended:
			e.endContainerd()
			return false
		case <-look.C:
			if _, err := e.docker("version"); err == nil {
				e.cmd, e.ended = cmd, ended
				return true
			}
		}
	}
}

// endContainerd ends the containerd that dockerd has started beside itself, as
// a crash of both would: the next one starts its own.
func (e *ownEngine) endContainerd() {
	e.t.Helper()
	text, err := os.ReadFile(filepath.Join(e.dir, "exec", "containerd", "containerd.pid"))
	if err != nil {
		return // it has tidied up
	}
	id := strings.TrimSpace(string(text))
	eventually(e.t, "containerd ends", time.Minute, func() error {
		args, err := os.ReadFile(filepath.Join("/proc", id, "cmdline"))
		if err != nil || !strings.Contains(string(args), e.dir) { // another's by now, or a zombie
			return nil
		}
		killed(e.t, id)
		return fmt.Errorf("process %s lives", id)
	})
}

// kill ends the Engine as a crash would. Its containers run on.
func (e *ownEngine) kill() {
	e.t.Helper()
	if err := e.cmd.Process.Kill(); err != nil {
		e.t.Fatal(err)
	}
	<-e.ended
	e.cmd = nil
	e.endContainerd()
}

// stop ends the Engine, if it runs.
func (e *ownEngine) stop() {
	if e.cmd == nil {
		return
	}
	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		e.t.Error(err)
	}
	select {
	case <-e.ended:
	case <-time.After(time.Minute):
		e.t.Errorf("the Engine did not end within a minute: %v", e.cmd.Process.Kill())
		<-e.ended
	}
	e.cmd = nil
}

// endShims ends those that a killed Engine has left, whose containers have ended
// while nobody was there to see it.
func (e *ownEngine) endShims() {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		e.t.Error(err)
	}
	for _, path := range all {
		args, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(args), "-address\x00"+e.dir+"/") {
			killed(e.t, filepath.Base(filepath.Dir(path)))
		}
	}
}

func (e *ownEngine) docker(args ...string) (string, error) {
	return command([]string{"DOCKER_HOST=" + e.host()}, "docker", args...)
}

// image copies an image from the Engine that everybody uses.
func (e *ownEngine) image(name string) {
	e.t.Helper()
	file := filepath.Join(e.dir, "image.tar")
	docker(e.t, "save", "-o", file, name)
	if out, err := e.docker("load", "-i", file); err != nil {
		e.t.Fatal(err, out)
	}
	if err := os.Remove(file); err != nil {
		e.t.Fatal(fmt.Errorf("%s: %w", name, err))
	}
}
