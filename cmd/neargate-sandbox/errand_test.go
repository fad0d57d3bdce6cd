//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

// lay makes a folder with files whose content is their name and the folder's.
func lay(t *testing.T, volume, folder string, files ...string) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(volume, folder, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f+" of "+folder), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func listing(t *testing.T, volume string) []string {
	t.Helper()
	all, err := os.ReadDir(volume)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names
}

func TestPublish(t *testing.T) {
	volume := t.TempDir()
	lay(t, volume, "..one", "a", "b", "dir/c")
	if done, err := errand([]string{"publish", volume, "..one"}); !done || err != nil {
		t.Fatal(done, err)
	}
	if got, want := listing(t, volume), []string{"..data", "..one", "a", "b", "dir"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	open, err := os.Open(filepath.Join(volume, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	// What a workload has put there is none of the content.
	lay(t, volume, ".", "own")
	if err := os.Symlink("/etc", filepath.Join(volume, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	lay(t, volume, "..two", "a", "d")
	if err := publish(volume, "..two"); err != nil {
		t.Fatal(err)
	}
	if got, want := listing(t, volume), []string{"..data", "..two", "a", "d", "elsewhere", "own"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if text, err := os.ReadFile(filepath.Join(volume, "a")); err != nil || string(text) != "a of ..two" {
		t.Errorf("%q, %v", text, err)
	}
	was := make([]byte, 100)
	if n, err := open.Read(was); err != nil || string(was[:n]) != "a of ..one" {
		t.Errorf("what was open before reads %q, %v", was[:n], err)
	}
	if err := publish(volume, "..three"); err == nil {
		t.Error("a folder that is not there: no error")
	}
	if text, err := os.ReadFile(filepath.Join(volume, "d")); err != nil || string(text) != "d of ..two" {
		t.Errorf("after a failure: %q, %v", text, err)
	}
}

func TestKill(t *testing.T) {
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if done, err := errand([]string{"kill", strconv.Itoa(c.Process.Pid)}); !done || err != nil {
		t.Fatal(done, err)
	}
	if err := c.Wait(); err == nil || c.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("%v", c.ProcessState)
	}
	if err := kill(strconv.Itoa(c.Process.Pid)); err != nil {
		t.Errorf("once more: %v", err)
	}
	for _, wrong := range []string{"1", "0", "-1", "x"} {
		if kill(wrong) == nil {
			t.Errorf("kill %s: no error", wrong)
		}
	}
}
