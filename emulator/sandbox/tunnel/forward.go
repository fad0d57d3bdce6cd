package tunnel

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Forward accepts connections on l and carries each to one that dial makes,
// with both directions ending separately. It ends when ctx does, closing l and
// all connections, and returns nil; or when l fails for good, with the error.
// Where dial fails the client's connection is reset, as by a host on which
// nothing listens.
func Forward(ctx context.Context, l net.Listener, dial func(context.Context) (net.Conn, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	defer closeOnDone(ctx, l)()
	defer l.Close()
	for wait := time.Duration(0); ; {
		c, err := l.Accept()
		if err == nil {
			wait = 0
			running.Go(func() { forwardOne(ctx, c, dial) })
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		if !isTemporary(err) {
			return err
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// isTemporary tells errors of one connection, or of a moment without file
// descriptors, from those of the listener itself.
func isTemporary(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && e.Temporary()
}

func forwardOne(ctx context.Context, client net.Conn, dial func(context.Context) (net.Conn, error)) {
	target, err := dial(ctx)
	if err != nil {
		if tcp, ok := client.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // then Close resets; without it the client sees an end instead
		}
		client.Close()
		return
	}
	defer closeOnDone(ctx, client, target)()
	Pipe(client, target)
}
