package tunnel

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

// conn is one stream as a net.Conn with the manners of TCP: the two directions
// end separately (CloseWrite), Close ends both and the other end learns it, and
// the end of the tunnel is an error, never a clean end of file.
type conn struct {
	stream        *yamux.Stream
	link          *link
	local, remote net.Addr

	mu      sync.Mutex
	closed  bool
	ended   bool          // the other end has closed its writing side
	lost    bool          // the link has ended
	stopped chan struct{} // closed when the other end reads no more
}

// longAgo as a deadline wakes whoever is blocked in yamux.
func longAgo() time.Time { return time.Unix(1, 0) }

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.stream.Read(p)
	if err == nil || n > 0 {
		return n, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case c.lost || c.link.mux.IsClosed():
		return 0, errLost("read")
	case err == io.EOF:
		c.ended = true
		return 0, io.EOF
	}
	return 0, systemError(err)
}

func (c *conn) Write(p []byte) (int, error) {
	if c.isStopped() {
		return 0, syscall.EPIPE
	}
	n, err := c.stream.Write(p)
	if err == nil {
		return n, nil
	}
	c.mu.Lock()
	closed, lost := c.closed, c.lost
	c.mu.Unlock()
	switch {
	case closed:
		return n, net.ErrClosed
	case lost || c.link.mux.IsClosed():
		return n, errLost("write")
	case c.isStopped():
		return n, syscall.EPIPE
	}
	return n, systemError(err)
}

// systemError says yamux's errors in the words of package net.
func systemError(err error) error {
	switch {
	case errors.Is(err, yamux.ErrTimeout):
		return os.ErrDeadlineExceeded
	case errors.Is(err, yamux.ErrConnectionReset):
		return syscall.ECONNRESET
	case errors.Is(err, yamux.ErrStreamClosed):
		return net.ErrClosed
	}
	return err
}

// CloseWrite ends the writing side: the other end reads an end of file.
func (c *conn) CloseWrite() error { return c.stream.Close() }

// Close ends both sides. Data already written is still delivered.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	ended := c.ended
	_ = c.stream.SetDeadline(longAgo()) // never fails
	c.mu.Unlock()

	c.link.forget(c)
	err := c.stream.Close()
	if !ended {
		go c.link.sendStop(c.stream.StreamID())
	}
	return err
}

// stop is what the other end's stop message does: writing has become pointless.
func (c *conn) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isStopped() {
		return
	}
	close(c.stopped)
	_ = c.stream.SetWriteDeadline(longAgo()) // never fails
}

func (c *conn) isStopped() bool {
	select {
	case <-c.stopped:
		return true
	default:
		return false
	}
}

// Stopped is closed once the other end has closed the connection whole, not
// only its writing side. [Pipe] looks for it.
func (c *conn) Stopped() <-chan struct{} { return c.stopped }

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if c.lost {
		return nil // the next Read says why
	}
	return c.stream.SetReadDeadline(t)
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if c.lost || c.isStopped() {
		return nil // the next Write says why
	}
	return c.stream.SetWriteDeadline(t)
}

// addr is an address inside the namespace, as the other end told it.
type addr struct{ Net, Text string }

func (a addr) Network() string { return a.Net }
func (a addr) String() string  { return a.Text }

func toAddr(a net.Addr) addr {
	if a == nil {
		return addr{}
	}
	return addr{a.Network(), a.String()}
}
