package docker

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Talking with processes and with ports inside a sandbox.

// Exec implements [sandbox.Exec]. When ctx ends, the process is killed.
func (r *Runtime) Exec(ctx context.Context, id, name string, argv []string, env []sandbox.EnvVar, s sandbox.Streams) (int, error) {
	c, err := r.find(ctx, id, name, false)
	if err != nil {
		return 0, err
	}
	e, err := r.daemon.ExecCreate(ctx, c.ID, client.ExecCreateOptions{
		Cmd: argv, Env: environment(env), TTY: s.TTY,
		AttachStdin: s.In != nil, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return 0, err
	}
	a, err := r.daemon.ExecAttach(ctx, e.ID, client.ExecAttachOptions{TTY: s.TTY})
	if err != nil {
		return 0, err
	}
	resize := func(size sandbox.TerminalSize) error {
		_, err := r.daemon.ExecResize(ctx, e.ID, client.ExecResizeOptions{Height: uint(size.Height), Width: uint(size.Width)})
		return err
	}
	if err := r.talk(ctx, a.HijackedResponse, s, resize); err != nil {
		r.background(func(life context.Context) { r.killExec(life, id, e.ID) })
		return 0, err
	}
	code, err := r.execEnd(ctx, e.ID)
	if err != nil && ctx.Err() != nil {
		r.background(func(life context.Context) { r.killExec(life, id, e.ID) })
	}
	return code, err
}

// execEnd waits for the exit code of a process whose streams have ended: it
// may have closed them and run on. The Engine tells of its end only when it is
// asked.
func (r *Runtime) execEnd(ctx context.Context, exec string) (code int, err error) {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		i, err := r.daemon.ExecInspect(ctx, exec, client.ExecInspectOptions{})
		if err != nil || !i.Running {
			return i.ExitCode, err
		}
		pause(ctx, wait)
	}
}

// talk carries the streams until the process's output ends, or ctx.
func (r *Runtime) talk(ctx context.Context, h client.HijackedResponse, s sandbox.Streams, resize func(sandbox.TerminalSize) error) error {
	defer h.Conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { h.Conn.Close() })
	defer stop()
	if s.In != nil {
		go func() {
			// Ends with the input, or when the connection is closed under it.
			if _, err := io.Copy(h.Conn, s.In); err == nil {
				if half, ok := h.Conn.(client.CloseWriter); ok {
					_ = half.CloseWrite() // fails only when the process has ended
				}
			}
		}()
	}
	if s.Resize != nil {
		go r.resizes(ctx, s.Resize, resize)
	}
	err := output(&frames{r: h.Reader, raw: s.TTY}, s)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// maxResizes bounds how often a size is tried to be set: the first one often
// comes before the process is there.
const maxResizes = 10

// resizes passes sizes of the terminal on.
func (r *Runtime) resizes(ctx context.Context, sizes <-chan sandbox.TerminalSize, resize func(sandbox.TerminalSize) error) {
	var last sandbox.TerminalSize
	var again <-chan time.Time
	for tries := 0; ; {
		select {
		case size, ok := <-sizes:
			if !ok {
				if sizes = nil; again == nil {
					return
				}
				continue
			}
			last, tries = size, 0
		case <-again:
		case <-ctx.Done():
			return
		}
		again = nil
		tries++
		err := resize(last)
		switch {
		case err != nil && tries < maxResizes:
			again = time.After(time.Duration(tries) * 20 * time.Millisecond)
		case err != nil && ctx.Err() == nil:
			r.log.Debug().Err(err).Msg("terminal was not resized")
		}
		if again == nil && sizes == nil {
			return
		}
	}
}

// output writes what the process writes.
func output(f *frames, s sandbox.Streams) error {
	for {
		p, err := f.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		w := s.Out
		if p.stderr {
			w = s.ErrOut
		}
		if w == nil {
			continue
		}
		if _, err := w.Write(p.data); err != nil {
			return err
		}
	}
}

// Dial implements [sandbox.Dial].
func (r *Runtime) Dial(ctx context.Context, id, network, address string) (net.Conn, error) {
	l, err := r.linkTo(ctx, id)
	if err != nil {
		return nil, err
	}
	t, err := l.get(ctx)
	if err != nil {
		return nil, err
	}
	return t.Dial(ctx, network, address)
}
