package tunnel

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/hashicorp/yamux"
)

// Server is PID 1's end. Its fields are set before the first Serve and not
// changed after; its methods may be used from many goroutines.
type Server struct {
	// Hello is asked at each greeting.
	Hello func() Hello
	// Commands answers calls, by command.
	Commands map[string]Command
	// Dial connects for the emulator; nil is a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu      sync.Mutex
	current *link         // nil when no stream is up
	changed chan struct{} // closed when current changes; nil when nobody waits
}

// Command answers one kind of call. The request is JSON; the reply becomes it.
// An error reaches the caller as [Error]. ctx ends when the caller gives up.
type Command func(ctx context.Context, request json.RawMessage) (reply any, err error)

// Handle makes a Command of a function on values.
func Handle[Request, Reply any](f func(context.Context, Request) (Reply, error)) Command {
	return func(ctx context.Context, text json.RawMessage) (any, error) {
		var r Request
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, &Error{Kind: Invalid, Text: err.Error()}
		}
		return f(ctx, r)
	}
}

// Serve greets the emulator on rw and serves it until the stream breaks, ctx
// ends, or a later stream takes its place. It waits for the emulator's first
// bytes as long as ctx allows. It closes rw and returns why it ended, never
// nil: a [VersionError] when the emulator speaks another version. A stream
// that fails before its greeting is done leaves the current one alone.
func (s *Server) Serve(ctx context.Context, rw io.ReadWriteCloser) error {
	defer rw.Close()
	greeted := context.AfterFunc(ctx, func() { rw.Close() })
	err := s.greet(rw)
	if !greeted() {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	l, err := newLink(rw, yamux.Server)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.close() })()
	s.replace(l)
	defer s.withdraw(l)
	err = l.accept(func(k kind, body []byte, c *conn) { s.handle(ctx, k, body, c) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *Server) greet(rw io.ReadWriter) error {
	version, err := readPreamble(rw)
	if err != nil {
		return err
	}
	if err := writePreamble(rw, Version); err != nil {
		return err
	}
	if version != Version {
		return &VersionError{Local: Version, Remote: version}
	}
	var hello Hello
	if s.Hello != nil {
		hello = s.Hello()
	}
	return writeFrame(rw, hello)
}

// replace makes l the stream that is offered to, and closes the one before.
func (s *Server) replace(l *link) {
	s.mu.Lock()
	old := s.current
	s.set(l)
	s.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// withdraw makes sure that nothing is offered to l any more.
func (s *Server) withdraw(l *link) {
	s.mu.Lock()
	if s.current == l {
		s.set(nil)
	}
	s.mu.Unlock()
	l.close()
}

func (s *Server) set(l *link) {
	s.current = l
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

func (s *Server) handle(ctx context.Context, k kind, body []byte, c *conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a stream that is read no more needs no answer
		select {
		case <-c.stopped:
		case <-c.link.mux.CloseChan():
		case <-ctx.Done():
		}
		cancel()
	}()
	switch k {
	case kindDial:
		s.serveDial(ctx, body, c)
	case kindCall:
		s.serveCall(ctx, body, c)
	default:
		c.Close()
	}
}

func (s *Server) serveDial(ctx context.Context, body []byte, c *conn) {
	target, err := s.dial(ctx, body)
	if err != nil {
		_ = writeFrame(c, status{Error: toError(err)}) // fails only with the stream
		c.finish()
		return
	}
	defer target.Close()
	if err := writeFrame(c, status{Local: toAddr(target.LocalAddr()), Peer: toAddr(target.RemoteAddr())}); err != nil {
		c.Close()
		return
	}
	if isDatagram(target.LocalAddr().Network()) {
		pipeDatagrams(newDatagramConn(c), target)
		return
	}
	Pipe(c, target)
}

func (s *Server) dial(ctx context.Context, body []byte) (net.Conn, error) {
	var r dialRequest
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, &Error{Kind: Invalid, Text: err.Error()}
	}
	switch r.Network {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix":
	default:
		return nil, &Error{Kind: Invalid, Text: fmt.Sprintf("network %q cannot be dialed", r.Network)}
	}
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Timeout)
		defer cancel()
	}
	if s.Dial != nil {
		return s.Dial(ctx, r.Network, r.Address)
	}
	return (&net.Dialer{}).DialContext(ctx, r.Network, r.Address)
}
