package tunnel

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// maxDatagram is the largest payload of UDP over IPv4 in bytes, RFC 768 and
// 791: 65,535 less both headers.
const maxDatagram = 65507

func isDatagram(network string) bool { return strings.HasPrefix(network, "udp") }

// datagramConn keeps the bounds of datagrams on a stream.
type datagramConn struct {
	*conn

	reading sync.Mutex
	in      []byte
	writing sync.Mutex
	out     []byte
}

func newDatagramConn(c *conn) *datagramConn { return &datagramConn{conn: c} }

// Read returns one datagram; as with UDP, what does not fit into p is lost.
// After a deadline has passed in the middle of a datagram, which takes a peer
// that stops halfway, the connection is closed.
func (d *datagramConn) Read(p []byte) (int, error) {
	d.reading.Lock()
	defer d.reading.Unlock()
	var size [2]byte
	if n, err := io.ReadFull(d.conn, size[:]); err != nil {
		return 0, d.broken(n, err)
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if cap(d.in) < n {
		d.in = make([]byte, n)
	}
	if _, err := io.ReadFull(d.conn, d.in[:n]); err != nil {
		return 0, d.broken(n, err)
	}
	return copy(p, d.in[:n]), nil
}

func (d *datagramConn) broken(n int, err error) error {
	if n > 0 {
		d.conn.Close()
	}
	return err
}

// Write sends p as one datagram.
func (d *datagramConn) Write(p []byte) (int, error) {
	if len(p) > maxDatagram {
		return 0, fmt.Errorf("tunnel: datagram of %d bytes, %d are allowed", len(p), maxDatagram)
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	d.out = append(binary.BigEndian.AppendUint16(d.out[:0], uint16(len(p))), p...)
	if n, err := d.conn.Write(d.out); err != nil {
		return 0, d.broken(n, err)
	}
	return len(p), nil
}

// pipeDatagrams carries datagrams both ways until the stream ends. Errors of
// the socket are not ends: "refused" for one datagram says nothing of the next.
func pipeDatagrams(stream *datagramConn, socket net.Conn) {
	var back sync.WaitGroup
	back.Go(func() {
		p := make([]byte, maxDatagram)
		for {
			n, err := socket.Read(p)
			if err != nil {
				if kindOf(err) == Refused {
					continue
				}
				return
			}
			if _, err := stream.Write(p[:n]); err != nil {
				return
			}
		}
	})
	p := make([]byte, maxDatagram)
	for {
		n, err := stream.Read(p)
		if err != nil {
			break
		}
		_, _ = socket.Write(p[:n]) // datagrams may be lost
	}
	socket.Close()
	stream.Close()
	back.Wait()
}

var _ net.Conn = (*datagramConn)(nil)
