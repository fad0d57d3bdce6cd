// Package server starts a neargate process for as long as a demonstration or a
// trial needs one. It needs nothing but the standard library.
package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// patience is how long a server may take to remove what it has made.
const patience = 40 * time.Second

// Server is a neargate process.
type Server struct {
	cmd *exec.Cmd
	// Endpoint is its URL: http://127.0.0.1:4566.
	Endpoint string
}

// Start starts neargate on a free port, with nothing kept on disk, and returns
// when it has said where it listens. It is in a process group of its own, so
// that Ctrl-C does not end it before what uses it.
func Start(ctx context.Context, binary string, args ...string) (*Server, error) {
	cmd := exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", "memory", "--log-level", "warn"}, args...)...)
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{cmd: cmd}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "AWS_ENDPOINT_URL="); ok {
			s.Endpoint = url
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%s ended before it listened", binary), s.Stop())
}

// Stop ends the server, which removes all that it made, and waits for it.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		return errors.Join(errors.New("the server did not end"), s.cmd.Process.Kill())
	}
}
