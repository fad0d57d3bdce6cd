package tunnel

import (
	"context"
	"io"
	"net"
	"sync"
)

// Pipe carries bytes between a and b both ways until both directions have
// ended, then closes both. An end of file on one becomes CloseWrite on the
// other; an error on either, or a connection without CloseWrite, ends both.
// When the other end of a tunnel connection has closed whole, what it had
// written is delivered first, then the partner is closed whole too, even if it
// would go on writing for ever.
func Pipe(a, b net.Conn) {
	over := make(chan struct{})
	var directions, watches sync.WaitGroup
	one := func(dst, src net.Conn) {
		if carry(dst, src) {
			watches.Go(func() { closeWith(dst, src, over) })
		}
	}
	directions.Go(func() { one(a, b) })
	directions.Go(func() { one(b, a) })
	directions.Wait()
	close(over)
	watches.Wait()
	a.Close()
	b.Close()
}

// carry copies from src to dst and tells whether src came to its end and dst
// was told so; otherwise it has closed both.
func carry(dst, src net.Conn) bool {
	_, err := io.Copy(dst, src)
	half, ok := dst.(interface{ CloseWrite() error })
	if err == nil && ok && half.CloseWrite() == nil {
		return true
	}
	dst.Close()
	src.Close()
	return false
}

// closeWith closes dst when src, which has ended, is known to be closed whole.
func closeWith(dst, src net.Conn, over <-chan struct{}) {
	whole, ok := src.(interface{ Stopped() <-chan struct{} })
	if !ok {
		return
	}
	select {
	case <-whole.Stopped():
		dst.Close()
	case <-over:
	}
}

// closeOnDone closes all when ctx ends; the returned function calls that off.
func closeOnDone(ctx context.Context, all ...io.Closer) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		for _, c := range all {
			c.Close()
		}
	})
}
