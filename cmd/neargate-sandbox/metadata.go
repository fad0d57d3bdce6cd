//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

const (
	// offerWait is how long a request to the metadata service waits for the
	// emulator, which may be restarting.
	offerWait = 3 * time.Second
	// maxMetadata bounds the connections to the metadata service.
	maxMetadata = 512
)

// serveMetadata hands the connections to 169.254.170.2 or .23 to the emulator,
// which tells them apart by their local address.
func (s *sandbox) serveMetadata(ctx context.Context, l net.Listener) error {
	return s.offerAll(ctx, l, tunnel.ServiceMetadata, maxMetadata, unavailable)
}

// offerAll hands a listener's connections to the emulator, at most max at
// once, until the listener fails. Those that it does not take go to otherwise.
func (s *sandbox) offerAll(ctx context.Context, l net.Listener, service string, max int, otherwise func(net.Conn)) error {
	room := make(chan struct{}, max)
	for {
		c, err := l.Accept()
		if err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
		select {
		case room <- struct{}{}:
			go func() {
				defer func() { <-room }()
				waiting, cancel := context.WithTimeout(ctx, offerWait)
				defer cancel()
				if err := s.server.Offer(waiting, service, c); err != nil {
					otherwise(c)
				}
			}()
		default:
			c.Close()
		}
	}
}

// unavailable answers HTTP 503, which AWS SDKs take as a reason to try again.
// The request is read afterwards: closing with unread bytes would reset the
// connection, and the answer with it.
func unavailable(c net.Conn) {
	defer c.Close()
	const text = "the emulator is not connected\n"
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return
	}
	_, err := fmt.Fprintf(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\nRetry-After: 1\r\n\r\n%s", len(text), text)
	if err != nil {
		return
	}
	if half, ok := c.(*net.TCPConn); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<20)) // ends with the client or the deadline
	}
}
