package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// progress shows on a terminal what is being waited for, with the seconds
// that it has taken, from the first second on. The returned function ends it
// and may be called again.
func progress(w io.Writer, what string) (done func()) {
	f, ok := w.(*os.File)
	if !ok || !isTerminal(f) {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for began := time.Now(); ; {
			select {
			case <-stop:
				fmt.Fprint(f, "\r\033[K")
				return
			case <-tick.C:
				fmt.Fprintf(f, "\r%s … %d s\033[K", what, int(time.Since(began).Seconds()))
			}
		}
	}()
	return sync.OnceFunc(func() { close(stop); <-stopped })
}
