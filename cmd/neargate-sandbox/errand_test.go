//go:build linux

package main

import (
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

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
