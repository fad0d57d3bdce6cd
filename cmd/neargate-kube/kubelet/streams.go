package kubelet

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"github.com/neargate/neargate/emulator/sandbox"
)

// executor carries streams between upstream's protocol code and a sandbox.
type executor struct {
	*Server
	id     string
	wanted *remotecommand.Options // of exec and attach
}

// ExecInContainer implements remotecommand.Executor.
func (e executor) ExecInContainer(ctx context.Context, _, _, container string, argv []string, in io.Reader, out, errOut io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	code, err := e.Inner.Exec(ctx, e.id, container, argv, e.streams(ctx, in, out, errOut, resize))
	if err != nil {
		return err
	}
	if code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
	}
	return nil
}

// AttachContainer implements remotecommand.Attacher.
func (e executor) AttachContainer(ctx context.Context, _, _, container string, in io.Reader, out, errOut io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return e.Inner.Attach(ctx, e.id, container, e.streams(ctx, in, out, errOut, resize))
}

// PortForward implements portforward.PortForwarder.
func (e executor) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	c, err := e.Dial(ctx, e.id, port)
	if err != nil {
		return fmt.Errorf("failed to connect to localhost:%d inside the pod: %w", port, err)
	}
	return join(ctx, c, stream)
}

// streams leaves out what was not asked for: over WebSockets there is a stream
// for that as well, one that never ends. A terminal has one output.
func (e executor) streams(ctx context.Context, in io.Reader, out, errOut io.WriteCloser, resize <-chan remotecommand.TerminalSize) sandbox.Streams {
	s := sandbox.Streams{TTY: e.wanted.TTY}
	if e.wanted.Stdin && in != nil {
		s.In = in
	}
	if e.wanted.Stdout && out != nil {
		s.Out = out
	}
	if e.wanted.Stderr && errOut != nil && !s.TTY {
		s.ErrOut = errOut
	}
	// Without a terminal the channel is nil, or never closed.
	if s.TTY && resize != nil {
		s.Resize = sizes(ctx, resize)
	}
	return s
}

func sizes(ctx context.Context, in <-chan remotecommand.TerminalSize) <-chan sandbox.TerminalSize {
	out := make(chan sandbox.TerminalSize)
	go func() {
		defer close(out)
		for {
			select {
			case s, ok := <-in:
				if !ok {
					return
				}
				select {
				case out <- sandbox.TerminalSize{Width: s.Width, Height: s.Height}:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// join carries bytes both ways until the pod has said its last, or the client
// is gone.
func join(ctx context.Context, pod net.Conn, client io.ReadWriteCloser) error {
	defer pod.Close()
	stop := context.AfterFunc(ctx, func() { pod.Close() })
	defer stop()
	go func() {
		_, err := io.Copy(pod, client)
		half, ok := pod.(interface{ CloseWrite() error })
		if err != nil || !ok {
			pod.Close()
			return
		}
		_ = half.CloseWrite() // the answer may still come; reading tells
	}()
	_, err := io.Copy(client, pod)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
