package controlplane_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/eks/link"
)

func TestPlaneComesUp(t *testing.T) {
	w := newWorld(t)
	if _, there := w.Status(arnOf("well")); there {
		t.Error("a status before it was ensured")
	}
	w.ensure(t, "well")
	s := w.wait(t, "well", isReady)
	if s.Address == "" || string(s.CA) != "ca of "+strings.Repeat("A", 32) || s.Version != "1.35" || s.Settings != 1 {
		t.Errorf("%+v", s)
	}
	if keys, err := w.Keys(t.Context(), arnOf("well")); err != nil || string(keys) != `{"keys":[]}` {
		t.Error(string(keys), err)
	}
	if i, err := os.Stat(w.place("well")); err != nil || i.Mode().Perm() != 0o700 {
		t.Error(i.Mode(), err)
	}
	c, err := w.DialAPI(t.Context(), arnOf("well"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); string(b) != "well" || err != nil {
		t.Error(string(b), err)
	}
	var log strings.Builder
	if err := w.Log(t.Context(), arnOf("well"), &log); err != nil || !strings.Contains(log.String(), "junk \xff\x00 without an end\n") {
		t.Errorf("%.200q %v", log.String(), err)
	}
	w.ensure(t, "well") // again, and nothing happens
	if life, _ := w.why(t, "well"); life != 1 {
		t.Errorf("life %d", life)
	}
}

func TestUnknownPlane(t *testing.T) {
	w := newWorld(t)
	ctx, arn := t.Context(), arnOf("nobody")
	for name, call := range map[string]func() error{
		"configure": func() error { return w.Configure(ctx, arn, link.Settings{}) },
		"keys":      func() error { _, err := w.Keys(ctx, arn); return err },
		"why":       func() error { _, err := w.Why(ctx, arn, ""); return err },
		"dial":      func() error { _, err := w.DialAPI(ctx, arn); return err },
		"log":       func() error { return w.Log(ctx, arn, io.Discard) },
	} {
		if err := call(); !errors.Is(err, link.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Remove(ctx, arn); err != nil {
		t.Error(err)
	}
	if err := w.Ensure(ctx, link.Config{ARN: "arn:aws:eks:us-east-1:123456789012:cluster/../../etc"}); !errors.Is(err, link.ErrInvalid) {
		t.Errorf("an ARN that leads elsewhere: %v", err)
	}
}

func TestSettingsReachThePlane(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "well")
	for revision := int64(2); revision < 5; revision++ { // the first ones before it is up
		if err := w.Configure(t.Context(), arnOf("well"), link.Settings{Revision: revision}); err != nil {
			t.Fatal(err)
		}
	}
	w.wait(t, "well", func(s link.Status) bool { return s.Settings == 4 })
	if err := w.Configure(t.Context(), arnOf("well"), link.Settings{Revision: 5}); err != nil {
		t.Fatal(err)
	}
	w.wait(t, "well", func(s link.Status) bool { return s.Settings == 5 && isReady(s) })
}

// A plane that dies comes back with its address, and tells meanwhile what it
// died of.
func TestPlaneThatDiesIsStartedAgain(t *testing.T) {
	w := newWorld(t, func(c *controlplane.Config) { c.Pace.Backoff = time.Second })
	w.ensure(t, "dies-1")
	first := w.wait(t, "dies-1", isReady)
	if err := w.Configure(t.Context(), arnOf("dies-1"), link.Settings{Revision: 2}); err != nil { // what it dies of
		t.Fatal(err)
	}
	between := w.wait(t, "dies-1", func(s link.Status) bool { return s.Phase == link.Starting })
	if !strings.Contains(between.Error, "exit status 6") || between.Address != first.Address {
		t.Errorf("between: %+v", between)
	}
	if why, err := w.Why(t.Context(), arnOf("dies-1"), ""); err != nil || !strings.Contains(why[0], "exit status 6") {
		t.Error(why, err)
	}
	again := w.wait(t, "dies-1", isReady)
	if again.Address != first.Address || again.Settings != 2 || again.Error != "" {
		t.Errorf("again: %+v", again)
	}
	if life, _ := w.why(t, "dies-1"); life != 2 {
		t.Errorf("life %d", life)
	}
}

func TestPlaneThatIsKilledIsStartedAgain(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "well")
	w.wait(t, "well", isReady)
	_, pid := w.why(t, "well")
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.wait(t, "well", func(s link.Status) bool { return strings.Contains(s.Error, "killed") })
	w.wait(t, "well", isReady)
}

func TestPlaneThatNeverStartsIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "exits")
	s := w.wait(t, "exits", isFailed)
	for _, want := range []string{"exit status 3", "cannot open the database: disk full"} {
		if !strings.Contains(s.Error, want) {
			t.Errorf("%q does not tell %q", s.Error, want)
		}
	}
	if len(s.Error) > 5000 {
		t.Errorf("a reason of %d bytes", len(s.Error))
	}
	if lives, err := os.ReadFile(filepath.Join(w.place("exits"), "lives")); err != nil || len(lives) != controlplane.MaxStarts {
		t.Errorf("%d lives %v", len(lives), err)
	}
	w.ensure(t, "exits") // again: it stays given up
	c := configOf("exits")
	c.Version = "1.36" // but another version is another chance
	if err := w.Ensure(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.wait(t, "exits", func(s link.Status) bool { return s.Phase == link.Starting })
	w.wait(t, "exits", isFailed)
}

func TestPlaneThatStartsAtTheThirdTry(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "exits-2")
	w.wait(t, "exits-2", isReady)
}

func TestPlaneSaysItselfWhyItCannot(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "refuses")
	if s := w.wait(t, "refuses", isFailed); !strings.HasPrefix(s.Error, "this version cannot be. It was started 3 times from ") {
		t.Errorf("%+v", s)
	}
}

func TestPlaneThatHangsAtTheStart(t *testing.T) {
	w := newWorld(t, func(c *controlplane.Config) { c.Pace.Start = 4 * time.Second })
	w.ensure(t, "silent-1")
	s := w.wait(t, "silent-1", func(s link.Status) bool { return s.Error != "" })
	if !strings.Contains(s.Error, "not ready within 4s: playing") {
		t.Errorf("%+v", s)
	}
	w.wait(t, "silent-1", isReady)
}

// A program that is something else altogether.
func TestPlaneThatTellsNothing(t *testing.T) {
	program := filepath.Join(t.TempDir(), "neargate-kube")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho I am something else\nexec cat\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *controlplane.Config) { c.Program, c.Pace.Speak = program, 3*time.Second })
	w.ensure(t, "mute")
	s := w.wait(t, "mute", isFailed)
	for _, part := range []string{
		"neargate-kube has told nothing within 3s of its start: I am something else", "started 3 times from " + program,
		"`neargate doctor --only kube --kube " + program + "`", "`neargate logs mute`",
	} {
		if !strings.Contains(s.Error, part) {
			t.Errorf("it does not say %q: %s", part, s.Error)
		}
	}
}

// One that is stopped for a while is heard to the end all the same.
func TestStoppedPlaneEndsInTime(t *testing.T) {
	w := newWorld(t, func(c *controlplane.Config) { c.Pace.Stop = time.Minute })
	w.ensure(t, "well")
	w.wait(t, "well", isReady)
	_, pid := w.why(t, "well")
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := w.Remove(t.Context(), arnOf("well")); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d > 50*time.Second {
		t.Errorf("it took %v: it was killed", d)
	}
}

func TestPlaneThatHangsLater(t *testing.T) {
	w := newWorld(t, func(c *controlplane.Config) { c.Pace.Answer = time.Second }) // what is seen below lasts two of them
	w.ensure(t, "deaf-1")
	w.wait(t, "deaf-1", isReady)
	s := w.wait(t, "deaf-1", func(s link.Status) bool { return s.Error != "" })
	if s.Phase != link.Ready || !strings.HasPrefix(s.Error, "It has not answered ") {
		t.Errorf("at first %+v", s)
	}
	if said, err := w.Why(t.Context(), arnOf("deaf-1"), ""); err != nil || !strings.HasPrefix(said[0], "The control plane does not ") {
		t.Errorf("%q %v", said, err)
	}
	s = w.wait(t, "deaf-1", func(s link.Status) bool { return s.Phase == link.Starting && s.Error != "" })
	if !strings.Contains(s.Error, "has not answered 3 times") {
		t.Errorf("in the end %+v", s)
	}
	w.wait(t, "deaf-1", isReady)
}

func TestNoProgram(t *testing.T) {
	w := newWorld(t, func(c *controlplane.Config) { c.Program = filepath.Join(c.DataDir, "nothing") })
	w.ensure(t, "well")
	s := w.wait(t, "well", isFailed)
	if !strings.HasPrefix(s.Error, "neargate-kube, the Kubernetes of clusters, is not installed: make build-kube") {
		t.Errorf("%+v", s)
	}
}

// A cluster that was READY in an earlier life is never given up: its program
// may come back.
func TestKnownPlaneWaitsForItsProgram(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "well")
	first := w.wait(t, "well", isReady)
	w.stop()
	later := newWorld(t, func(c *controlplane.Config) { c.DataDir, c.Program = w.dir, filepath.Join(w.dir, "kube") })
	later.ensure(t, "well")
	later.wait(t, "well", func(s link.Status) bool {
		return s.Phase == link.Starting && strings.Contains(s.Error, "not installed")
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(w.dir, "kube")); err != nil {
		t.Fatal(err)
	}
	if again := later.wait(t, "well", isReady); again.Address != first.Address {
		t.Errorf("%s became %s", first.Address, again.Address)
	}
}

func TestOtherVersion(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "well")
	w.wait(t, "well", isReady)
	c := configOf("well")
	c.Version = "1.36"
	if err := w.Ensure(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if s, _ := w.Status(arnOf("well")); isReady(s) {
		t.Error("READY in a version that is not wanted any more")
	}
	if s := w.wait(t, "well", isReady); s.Version != "1.36" {
		t.Errorf("%+v", s)
	}
	if life, _ := w.why(t, "well"); life != 2 {
		t.Errorf("life %d", life)
	}
}

func TestRemove(t *testing.T) {
	w := newWorld(t, func(c *controlplane.Config) { c.Pace.Stop = 100 * time.Millisecond })
	w.ensure(t, "stubborn") // has to be killed
	w.wait(t, "stubborn", isReady)
	_, pid := w.why(t, "stubborn")
	if err := w.Remove(t.Context(), arnOf("stubborn")); err != nil {
		t.Fatal(err)
	}
	if _, there := w.Status(arnOf("stubborn")); there {
		t.Error("it has a status")
	}
	if _, err := os.Stat(w.place("stubborn")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("its directory is there", err)
	}
	if !ends(pid) {
		t.Error("it runs")
	}
	w.ensure(t, "stubborn") // one of the same name begins anew
	w.wait(t, "stubborn", isReady)
	if life, _ := w.why(t, "stubborn"); life != 1 {
		t.Errorf("life %d", life)
	}
}

// Another cluster of the same name inherits nothing.
func TestAnotherClusterOfTheName(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "well")
	w.wait(t, "well", isReady)
	w.stop()
	later := newWorld(t, func(c *controlplane.Config) { c.DataDir = w.dir })
	c := configOf("well")
	c.ID = strings.Repeat("B", 32)
	if err := later.Ensure(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	later.wait(t, "well", isReady)
	if life, _ := later.why(t, "well"); life != 1 {
		t.Errorf("life %d: the directory of the other one", life)
	}
}

func TestPrune(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "well-old")
	w.wait(t, "well-old", isReady)
	w.stop()
	later := newWorld(t, func(c *controlplane.Config) { c.DataDir = w.dir })
	for _, name := range []string{"well-kept", "well-gone"} {
		later.ensure(t, name)
		later.wait(t, name, isReady)
	}
	if err := later.Prune(t.Context(), func(arn string) bool { return arn == arnOf("well-kept") }); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(w.dir, "eks"))
	if err != nil || len(left) != 1 || !strings.HasSuffix(left[0].Name(), "-well-kept") {
		t.Error(left, err)
	}
}

func TestSideBySide(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.ensure(t, fmt.Sprint("well", i))
	}
	addresses := map[string]bool{}
	for i := range 3 {
		addresses[w.wait(t, fmt.Sprint("well", i), isReady).Address] = true
	}
	if len(addresses) != 3 {
		t.Error(addresses)
	}
}

// No more than two start at the same time; who is waited for too long gives
// way.
func TestFewStartAtOnce(t *testing.T) {
	w := newWorld(t, func(c *controlplane.Config) { c.Pace.Start = 4 * time.Second })
	w.ensure(t, "silent-a") // no number: silent for ever
	w.ensure(t, "silent-b")
	for _, name := range []string{"silent-a", "silent-b"} {
		w.wait(t, name, func(s link.Status) bool { return s.Progress == "playing" })
	}
	w.ensure(t, "well")
	w.wait(t, "well", func(s link.Status) bool { return s.Progress == "waiting for other control planes that start" })
	w.wait(t, "well", isReady)
}

func TestMemoryLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	w := newWorld(t, func(c *controlplane.Config) { c.DataDir = controlplane.Memory })
	w.ensure(t, "well")
	w.wait(t, "well", isReady)
	_, pid := w.why(t, "well")
	w.stop()
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	if !ends(pid) {
		t.Error("it runs")
	}
	if _, there := w.Status(arnOf("well")); there {
		t.Error("a status after the end")
	}
}

// Sockets stand elsewhere when the directory's name is too long for them.
func TestLongDirectory(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	w := newWorld(t, func(c *controlplane.Config) { c.DataDir = long })
	w.ensure(t, "well")
	w.wait(t, "well", isReady)
	_, parent, _, err := controlplane.Place(filepath.Join(long, "eks"), arnOf("well"))
	if err != nil || len(parent) >= link.MaxSocketPath {
		t.Error(parent, err)
	}
	w.stop()
	if _, err := os.Stat(filepath.Dir(parent)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the sockets' directory is there", err)
	}
}

func TestSocketsDirectoryOfSomebodyElse(t *testing.T) {
	home := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	_, parent, _, err := controlplane.Place(home, arnOf("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(parent), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(filepath.Dir(parent)) })
	if err := os.Chmod(filepath.Dir(parent), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := controlplane.MakePlace(home, arnOf("a")); err == nil {
		t.Error("a directory that everybody can write to was taken")
	}
}

// An address that is taken at the moment is waited for: users have it in their
// kubeconfig files.
func TestAddressIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "well")
	address := w.wait(t, "well", isReady).Address
	w.stop()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	later := newWorld(t, func(c *controlplane.Config) { c.DataDir = w.dir })
	later.ensure(t, "well")
	later.wait(t, "well", func(s link.Status) bool { return strings.Contains(s.Error, "address already in use") })
	l.Close()
	if s := later.wait(t, "well", isReady); s.Address != address {
		t.Errorf("%+v", s)
	}
}

func TestLogsReachTheSink(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "exits")
	w.wait(t, "exits", isFailed)
	eventually(t, "a line in the sink", func() bool {
		w.sink.mu.Lock()
		defer w.sink.mu.Unlock()
		return len(w.sink.lines) == controlplane.MaxStarts
	})
	l := w.sink.lines[0]
	if l.Type != "api" || l.Stream != "kube-apiserver-"+strings.Repeat("a", 32) || l.Text != "starting" || l.At.IsZero() {
		t.Errorf("%+v", l)
	}
}

// An emulator's work may end and begin again in one process.
func TestRunAgain(t *testing.T) {
	w := newWorld(t)
	w.ensure(t, "well")
	first := w.wait(t, "well", isReady)
	if err := w.Run(t.Context()); err == nil {
		t.Error("two of them run")
	}
	w.stop()
	w.ensure(t, "well") // before it runs
	if s, there := w.Status(arnOf("well")); !there || s.Phase != link.Starting {
		t.Errorf("%t %+v", there, s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	if s := w.wait(t, "well", isReady); s.Address != first.Address {
		t.Errorf("%+v", s)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestRemovingNothingGivesNoHint: the controller removes whenever it is told of
// a cluster that has no record, so that a hint of it would never end.
func TestRemovingNothingGivesNoHint(t *testing.T) {
	w := newWorld(t, func(*controlplane.Config) {})
	next, stop := iter.Pull(w.Hints(t.Context()))
	defer stop()
	if first, _ := next(); first != "" {
		t.Fatalf("the first hint is %q", first)
	}
	if err := w.Remove(t.Context(), arnOf("nobody")); err != nil {
		t.Fatal(err)
	}
	w.ensure(t, "somebody")
	if hint, _ := next(); hint != arnOf("somebody") {
		t.Errorf("a hint of %q", hint)
	}
}
