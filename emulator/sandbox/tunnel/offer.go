package tunnel

import (
	"context"
	"net"
)

// Offer hands conn, made by a workload to a link-local service, to the
// emulator, and carries its bytes until both sides have closed. While no
// stream is up, or nobody at the emulator accepts, it waits as long as ctx
// allows for that and for later streams. When the emulator has accepted, conn
// is closed at the end and Offer returns nil; otherwise nothing has been read
// from conn, it is still open, and the error is ctx's.
func (s *Server) Offer(ctx context.Context, service string, conn net.Conn) error {
	o := offer{Service: service, Local: toAddr(conn.LocalAddr()), Peer: toAddr(conn.RemoteAddr())}
	var tried *link
	for {
		l, changed := s.next(tried)
		if l != nil {
			if c := l.offer(ctx, o); c != nil {
				Pipe(c, conn)
				return nil
			}
			tried = l
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next returns the current stream unless it is the one tried before, and else
// what to wait for.
func (s *Server) next(tried *link) (*link, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current != tried {
		return s.current, nil
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return nil, s.changed
}

// offer returns the stream on which the emulator has taken the connection, or
// nil: refused, too slow, or the stream is gone.
func (l *link) offer(ctx context.Context, o offer) *conn {
	c, err := l.open(ctx, kindOffer, o)
	if err != nil {
		return nil
	}
	var answer status
	if err := answerTo(ctx, c, &answer); err != nil {
		return nil
	}
	return c
}
