//go:build linux

package main

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// errand.go is what the binary does for one moment, because the Engine cannot
// do it: the end of a process that it has executed.

// errand does what the arguments ask for; done is false when they are none.
func errand(args []string) (done bool, err error) {
	if len(args) == 2 && args[0] == "kill" {
		return true, kill(args[1])
	}
	return false, nil
}

// kill ends a process; one that has ended is no error.
func kill(pid string) error {
	n, err := strconv.Atoi(pid)
	if err != nil || n <= 1 {
		return fmt.Errorf("%q is no process that may be killed", pid)
	}
	if err := unix.Kill(n, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill %d: %w", n, err)
	}
	return nil
}
