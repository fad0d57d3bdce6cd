package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// size tells how large the terminal on standard output is, until a line comes
// on standard input.
func size([]string) error {
	changed := make(chan os.Signal, 8)
	signal.Notify(changed, syscall.SIGWINCH)
	entered := make(chan struct{})
	go func() {
		defer close(entered)
		_, _ = os.Stdin.Read(make([]byte, 1))
	}()
	for {
		w, err := unix.IoctlGetWinsize(int(os.Stdout.Fd()), unix.TIOCGWINSZ)
		if err != nil {
			return err
		}
		fmt.Println(w.Row, w.Col)
		select {
		case <-changed:
		case <-entered:
			return nil
		}
	}
}
