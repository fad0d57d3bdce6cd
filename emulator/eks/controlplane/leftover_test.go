package controlplane_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
)

// runs tells whether a process is there and has not ended.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) == nil && !fileExists("/proc/self/stat")
	}
	return controlplane.StartInStat(string(stat)) != ""
}

// ends tells whether a process is gone within five seconds: one that has been
// killed loses its environment, by which it is known, a moment before its place
// in /proc.
func ends(pid int) bool {
	for range 500 {
		if !runs(pid) {
			return true
		}
		<-time.After(10 * time.Millisecond)
	}
	return false
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// playEmulator is an emulator in a process of its own, which tells when its
// cluster is ready and lives on.
func playEmulator() int {
	os.Setenv(roleName, "kube")
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	st, err := store.Open(context.Background(), "memory", store.Options{})
	if err != nil {
		panic(err)
	}
	p := controlplane.New(controlplane.Config{Store: st, Runtime: fake.New(fake.Options{}), DataDir: os.Args[1], Program: self, Tokens: tokens{}, Pace: quick()})
	go func() { _ = p.Run(context.Background()) }()
	name := os.Args[2]
	if err := p.Ensure(context.Background(), configOf(name)); err != nil {
		panic(err)
	}
	for range p.Hints(context.Background()) {
		if s, ok := p.Status(arnOf(name)); ok && s.Phase == link.Ready {
			why, err := p.Why(context.Background(), arnOf(name), "ns/pod")
			fmt.Println(s.Address, why, err)
		}
	}
	return 0
}

// killedEmulator starts an emulator with a cluster, kills it once that is
// ready, and returns the cluster's process and address.
func killedEmulator(t *testing.T, dir, name string) (pid int, address string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], dir, name)
	cmd.Env = append(os.Environ(), roleName+"=emulator")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	if err != nil {
		t.Fatal(err)
	}
	address, rest, _ := strings.Cut(line, " ")
	if _, err := fmt.Sscanf(rest[strings.Index(rest, "process "):], "process %d:", &pid); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return pid, address
}

// After kill -9 of the emulator its control planes end by themselves.
func TestKilledEmulatorLeavesNoChild(t *testing.T) {
	pid, _ := killedEmulator(t, t.TempDir(), "well")
	eventually(t, "its end", func() bool { return !runs(pid) })
}

// One that does not is ended by the next emulator, which then has its
// directory and its port.
func TestLeftoverIsEnded(t *testing.T) {
	dir := t.TempDir()
	pid, address := killedEmulator(t, dir, "stubborn")
	if !runs(pid) {
		t.Fatal("it was to stay")
	}
	w := newWorld(t, func(c *controlplane.Config) { c.DataDir, c.Pace.Stop = dir, 100*time.Millisecond })
	w.ensure(t, "stubborn")
	if s := w.wait(t, "stubborn", isReady); s.Address != address {
		t.Errorf("%s became %s", address, s.Address)
	}
	if !ends(pid) {
		t.Error("both run")
	}
}

// A cluster that is removed without having been ensured in this life is ended
// too.
func TestLeftoverIsEndedByRemove(t *testing.T) {
	dir := t.TempDir()
	pid, _ := killedEmulator(t, dir, "stubborn")
	w := newWorld(t, func(c *controlplane.Config) { c.DataDir, c.Pace.Stop = dir, 100*time.Millisecond })
	if err := w.Remove(t.Context(), arnOf("stubborn")); err != nil {
		t.Fatal(err)
	}
	if !ends(pid) {
		t.Error("it runs")
	}
	if left, err := os.ReadDir(filepath.Join(dir, "eks")); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

// A pid that has become another program's is left alone.
func TestStrangerIsLeftAlone(t *testing.T) {
	sleeper := exec.Command("sleep", "600")
	sleeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sleeper.Process.Kill(); sleeper.Wait() })
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(sleeper.Process.Pid) + "/stat")
	if err != nil {
		t.Skip("no /proc")
	}
	w := newWorld(t)
	if err := os.MkdirAll(w.place("well"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, started := range []string{"1", controlplane.StartInStat(string(stat))} { // the second has the very time, but not the mark
		file := fmt.Sprintf(`{"PID":%d,"Started":%q}`, sleeper.Process.Pid, started)
		if err := os.WriteFile(filepath.Join(w.place("well"), "neargate-kube.pid"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		w.ensure(t, "well")
		w.wait(t, "well", isReady)
		if !runs(sleeper.Process.Pid) {
			t.Fatal("another program was killed")
		}
		if err := w.Remove(t.Context(), arnOf("well")); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(w.place("well"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStartInStat(t *testing.T) {
	rest := " S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 1 21 4711 23"
	zombie := strings.Replace(rest, " S ", " Z ", 1)
	for stat, want := range map[string]string{
		"12 (a b)) (c)" + rest: "4711",
		"12 (kube)" + zombie:   "",
		"12 (kube)" + strings.Replace(zombie, " 1 21 ", " 7 21 ", 1): "4711", // threads of it still end
		"12 (kube) S 1": "", "": "",
	} {
		if got := controlplane.StartInStat(stat); got != want {
			t.Errorf("%q: %q", stat, got)
		}
	}
}
