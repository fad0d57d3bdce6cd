package fake

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"
)

// serveHealth answers gRPC's health checks on one connection: SERVING while
// the script is healthy.
func serveHealth(conn net.Conn, p *script, started time.Time) {
	l := &oneConn{conn: make(chan net.Conn, 1), closed: make(chan struct{}), address: conn.LocalAddr()}
	l.conn <- conn
	s := &http.Server{
		Protocols: new(http.Protocols),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			if q.URL.Path != "/grpc.health.v1.Health/Check" {
				w.Header().Set("Grpc-Status", "12")
				return
			}
			w.Header().Set("Trailer", "Grpc-Status")
			status := byte(1)
			if !p.healthy(time.Since(started)) {
				status = 2
			}
			if _, err := w.Write([]byte{0, 0, 0, 0, 2, 8, status}); err == nil {
				w.Header().Set("Grpc-Status", "0")
			}
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				_ = l.Close()
			}
		},
	}
	s.Protocols.SetUnencryptedHTTP2(true)
	_ = s.Serve(l) // ends with the connection
}

// oneConn is a listener to which one connection comes.
type oneConn struct {
	conn    chan net.Conn
	closed  chan struct{}
	once    sync.Once
	address net.Addr
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return l.address }

// peeked is a connection whose beginning has been looked at.
type peeked struct {
	net.Conn
	in *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.in.Read(b) }
