package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Attach implements [sandbox.Attach]. The Engine attaches to a container that
// has ended as well, and then waits for its next start: so its end is looked
// for beside the streams.
func (r *Runtime) Attach(ctx context.Context, id, name string, s sandbox.Streams) error {
	c, err := r.find(ctx, id, name, false)
	if err != nil {
		return err
	}
	i, err := r.daemon.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	notRunning := fmt.Errorf("container %s does not run", name)
	if !i.Container.State.Running {
		return notRunning
	}
	s.TTY = i.Container.Config.Tty
	a, err := r.daemon.ContainerAttach(ctx, c.ID, client.ContainerAttachOptions{
		Stream: true, Stdin: s.In != nil && i.Container.Config.OpenStdin, Stdout: true, Stderr: true,
	})
	if err != nil {
		return err
	}
	rest := &remainder{from: a.Reader, conn: a.Conn}
	a.Reader = bufio.NewReader(rest)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		w := r.daemon.ContainerWait(ctx, c.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
		select {
		case <-w.Result:
		case <-w.Error: // it is gone, or the Engine is
		}
		rest.end()
	}()
	err = r.talk(ctx, a.HijackedResponse, s, func(size sandbox.TerminalSize) error {
		_, err := r.daemon.ContainerResize(ctx, c.ID, client.ContainerResizeOptions{Height: uint(size.Height), Width: uint(size.Width)})
		return err
	})
	if errors.Is(err, errNothing) {
		return notRunning
	}
	return err
}

// silence is how long after a container's end there may be nothing to be read
// before nothing is expected any more.
const silence = time.Second

// errNothing: the streams of a container that has ended stayed open and brought
// nothing at all.
var errNothing = errors.New("attached too late")

// remainder reads what a container has written until the Engine closes the
// stream, or, once the container has ended, until there is silence.
type remainder struct {
	from  io.Reader
	conn  net.Conn // below from
	ended atomic.Bool
	heard bool
}

// end is called when the container has ended.
func (r *remainder) end() {
	r.ended.Store(true)
	r.listen()
}

func (r *remainder) listen() {
	_ = r.conn.SetReadDeadline(time.Now().Add(silence)) // fails when it is closed, and so does the next Read
}

// Read implements [io.Reader].
func (r *remainder) Read(p []byte) (int, error) {
	if r.ended.Load() {
		r.listen()
	}
	n, err := r.from.Read(p)
	r.heard = r.heard || n > 0
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
		if !r.heard {
			err = errNothing
		}
	}
	return n, err
}
