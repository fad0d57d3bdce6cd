package link

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"
)

// MaxSocketPath is how long a socket's path may be: 104 bytes on macOS, 108 on
// Linux, with the zero at its end.
const MaxSocketPath = 100

// Listen listens on a unix socket that only its own user can open. A socket
// that an earlier life left there is replaced; whoever listens on it is the
// caller's matter.
func Listen(socket string) (net.Listener, error) {
	if len(socket) > MaxSocketPath {
		return nil, fmt.Errorf("socket path %s has %d bytes; %d are possible", socket, len(socket), MaxSocketPath)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Serve serves the link until ctx ends, and then cuts what still goes on. The
// error is the listener's; nil at ctx's end.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // streams that were upgraded end by it
	s := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: time.Minute,
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}
