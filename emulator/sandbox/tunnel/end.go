package tunnel

import (
	"io"

	"github.com/hashicorp/yamux"
)

// This file is about the end of a link. yamux tells its end to those who wait
// in a stream by a channel that they look at again and again until the stream
// itself has been closed, which yamux does one stream after the other and only
// later. A thousand of them, each turning as long as the scheduler lets it,
// keep a small machine from ever closing the streams: minutes were seen. So
// everybody who waits is sent away, by a deadline, before yamux begins.

// carrier is what yamux runs over: the stream, and word of its end.
type carrier struct {
	io.ReadWriteCloser
	link *link
}

// Read ends the link when there is nothing more to read. What came together
// with an error is still yamux's to hand out, and Close follows that error.
func (c carrier) Read(p []byte) (int, error) {
	n, err := c.ReadWriteCloser.Read(p)
	if n == 0 && err != nil {
		c.link.end()
	}
	return n, err
}

func (c carrier) Close() error {
	c.link.end()
	return c.ReadWriteCloser.Close()
}

// newLink makes a link of rw, which is closed with it; side is yamux.Client or
// yamux.Server.
func newLink(rw io.ReadWriteCloser, side func(io.ReadWriteCloser, *yamux.Config) (*yamux.Session, error)) (*link, error) {
	l := &link{conns: map[uint32]*conn{}}
	mux, err := side(carrier{rw, l}, muxConfig())
	if err != nil {
		return nil, err
	}
	l.mux = mux
	return l, nil
}

// close ends the link and the stream that carries it.
func (l *link) close() error {
	l.end()
	return l.mux.Close()
}

// end takes every connection out of yamux's hands, those still to come too.
func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for _, c := range l.conns {
		c.lose()
	}
}

// lose makes c one of an ended link: nobody waits in it any more, but what has
// arrived can still be read.
func (c *conn) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = true
	_ = c.stream.SetDeadline(longAgo()) // never fails
}
