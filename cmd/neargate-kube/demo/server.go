package main

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

// server is the neargate process of the demonstration.
type server struct {
	cmd      *exec.Cmd
	endpoint string
}

// startServer starts neargate on a free port, with nothing kept on disk, and
// returns when it has said where it listens. A process group of its own keeps
// Ctrl-C from it: the demonstration ends it when the cluster is gone.
func startServer(ctx context.Context, binary string) (*server, error) {
	cmd := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", "memory", "--log-level", "warn")
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
	s := &server{cmd: cmd}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "AWS_ENDPOINT_URL="); ok {
			s.endpoint = url
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%s ended before it listened", binary), s.stop())
}

// stop ends the server, which removes all that it made, and waits for it.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(40 * time.Second):
		return errors.Join(errors.New("the server did not end"), s.cmd.Process.Kill())
	}
}
