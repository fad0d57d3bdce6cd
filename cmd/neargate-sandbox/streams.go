//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

type stream = io.ReadWriteCloser

// stdio is standard input and output as one stream.
type stdio struct{ in, out *os.File }

func (s stdio) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s stdio) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s stdio) Close() error                { return errors.Join(s.in.Close(), s.out.Close()) }

// takeStdio moves standard input and output away from descriptors 0 and 1,
// which become /dev/null, and makes them non-blocking, so that Close ends a
// pending Read.
func takeStdio() (stdio, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return stdio{}, err
	}
	defer null.Close()
	var files [2]*os.File
	for fd := range files {
		moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return stdio{}, fmt.Errorf("descriptor %d: %w", fd, err)
		}
		if err := unix.SetNonblock(moved, true); err != nil {
			return stdio{}, fmt.Errorf("descriptor %d: %w", fd, err)
		}
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return stdio{}, fmt.Errorf("descriptor %d: %w", fd, err)
		}
		files[fd] = os.NewFile(uintptr(moved), [...]string{"stdin", "stdout"}[fd])
	}
	return stdio{files[0], files[1]}, nil
}

// bridge carries bytes between its standard streams and PID 1 until either
// ends: docker exec of it is a stream to PID 1.
func bridge(_ context.Context, o options, _ zerolog.Logger) error {
	c, err := net.Dial("unix", o.socket)
	if err != nil {
		return fmt.Errorf("PID 1 cannot be reached: %w", err)
	}
	defer c.Close()
	ended := make(chan error, 2)
	go func() {
		_, err := io.Copy(c, os.Stdin)
		ended <- err
	}()
	go func() {
		_, err := io.Copy(os.Stdout, c)
		ended <- err
	}()
	return <-ended
}
