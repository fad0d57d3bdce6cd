package tunnel

import (
	"net"
	"sync"
)

// offer is the header of a stream by which PID 1 hands over a connection that
// somebody in the namespace made to a link-local service.
type offer struct {
	Service string `json:"service"`
	Local   addr   `json:"local"`
	Peer    addr   `json:"peer"`
}

// ServiceMetadata is the service on 169.254.170.2, task metadata and
// credentials, and on 169.254.170.23, the EKS Pod Identity Agent. LocalAddr of
// a connection tells which.
const ServiceMetadata = "metadata"

// backlog is how many offers of one service wait for Accept.
const backlog = 128

// Listen returns a listener for the connections that workloads make to a
// link-local service, such as [ServiceMetadata]. Each call for a service
// returns the same listener; offers that arrived before wait in it. Its
// connections tell the workload's address as RemoteAddr. Accept returns
// net.ErrClosed when the stream has ended or the listener was closed; PID 1
// then keeps new connections for the next stream or answers 503.
func (s *Session) Listen(service string) net.Listener { return s.listenerFor(service) }

func (s *Session) listenerFor(service string) *listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.listeners[service]
	if l == nil {
		l = &listener{service: service, queue: make(chan *conn, backlog), closed: make(chan struct{})}
		s.listeners[service] = l
		if s.link.mux.IsClosed() {
			l.Close()
		}
	}
	return l
}

func (s *Session) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		l.Close()
	}
}

type listener struct {
	service string
	queue   chan *conn
	once    sync.Once
	closed  chan struct{}
}

// put queues an offered connection. Closing it is a refusal.
func (l *listener) put(c *conn) {
	select {
	case <-l.closed:
		c.Close()
		return
	default:
	}
	select {
	case l.queue <- c:
	default:
		c.Close()
	}
}

// Accept takes the next connection and tells PID 1 so: only from then on do
// the workload's bytes come.
func (l *listener) Accept() (net.Conn, error) {
	for {
		select {
		case <-l.closed:
			return nil, net.ErrClosed
		default:
		}
		select {
		case c := <-l.queue:
			if err := writeFrame(c, status{}); err != nil {
				c.Close() // PID 1 has given up on it
				continue
			}
			return c, nil
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.refuseQueued()
	})
	return nil
}

func (l *listener) refuseQueued() {
	for {
		select {
		case c := <-l.queue:
			c.Close()
		default:
			return
		}
	}
}

func (l *listener) Addr() net.Addr { return addr{"tunnel", l.service} }
