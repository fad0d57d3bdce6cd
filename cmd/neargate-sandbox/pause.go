//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pause.go is the program of the container that gives a sandbox a host name.
// The Engine copies the name of the container whose network another one joins,
// as it was created with; a sandbox that was started ahead of its task has none
// that anybody asked for. So a container of the right name, which shares the
// sandbox's process namespace, moves into its network namespace, and is what
// the workload's containers join.

// paused is what the program says when it is where it shall be.
const paused = "paused\n"

// moved is the argument of a program that has moved already.
const moved = "moved"

// pause moves into PID 1's network namespace, gives up what it needed for that,
// says so, and waits for a signal.
func pause(args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != moved {
		if err := move("/proc/1/ns/net"); err != nil {
			return err
		}
	}
	if err := surrender(); err != nil {
		return fmt.Errorf("giving up capabilities: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	if _, err := io.WriteString(out, paused); err != nil {
		return err
	}
	<-signals
	return nil
}

// move enters a network namespace. It is a thread that does so, and those who
// join the process ask its first one: where this is another thread, the program
// begins anew on it, which makes it the first.
func move(namespace string) error {
	runtime.LockOSThread()
	fd, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("network namespace of the sandbox: %w", err)
	}
	err = unix.Setns(fd, unix.CLONE_NEWNET)
	unix.Close(fd)
	if err != nil {
		return fmt.Errorf("entering the sandbox's network namespace: %w", err)
	}
	want, err := os.Readlink(namespace)
	if err != nil {
		return err
	}
	if got, err := os.Readlink("/proc/self/ns/net"); err != nil || got == want {
		return err
	}
	return unix.Exec("/proc/self/exe", []string{os.Args[0], "pause", moved}, os.Environ())
}

// surrender takes all capabilities from all threads.
func surrender() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0)
	runtime.KeepAlive(&header)
	runtime.KeepAlive(&none)
	if errno != 0 {
		return errno
	}
	return nil
}
