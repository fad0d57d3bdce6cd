package tunnel

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// Hello is what PID 1 says first on each stream, once the namespace is ready.
type Hello struct {
	// Version is the release of PID 1, for messages; the protocol's version
	// has been agreed before.
	Version string `json:"version,omitempty"`
	// Addresses of the namespace at this moment, loopback left out.
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	// Cluster is the Name of the [Cluster] that it was configured with, "" for
	// a sandbox that is no pod, or not yet.
	Cluster string `json:"cluster,omitempty"`
	// Warnings say in sentences what the sandbox had to do without.
	Warnings []string `json:"warnings,omitempty"`
}

// Session is the emulator's end of one stream to one sandbox. It ends with the
// stream, see [Session.Done]; a new stream makes a new Session.
type Session struct {
	link  *link
	hello Hello
	done  chan struct{}

	mu        sync.Mutex
	listeners map[string]*listener
}

// Client greets the PID 1 at the other end of rw and takes rw over: it is
// closed with the Session, and also when Client fails. Closing rw must end its
// pending reads. It returns a [VersionError] when PID 1 speaks another version
// of the protocol; ctx bounds the greeting only.
func Client(ctx context.Context, rw io.ReadWriteCloser) (*Session, error) {
	var hello Hello
	greeted := context.AfterFunc(ctx, func() { rw.Close() })
	err := greet(rw, &hello)
	if !greeted() {
		return nil, fmt.Errorf("tunnel: no greeting from the sandbox: %w", ctx.Err())
	}
	if err != nil {
		rw.Close()
		return nil, err
	}
	l, err := newLink(rw, yamux.Client)
	if err != nil {
		rw.Close()
		return nil, err
	}
	s := &Session{link: l, hello: hello, done: make(chan struct{}), listeners: map[string]*listener{}}
	go s.run()
	return s, nil
}

func greet(rw io.ReadWriter, hello *Hello) error {
	if err := writePreamble(rw, Version); err != nil {
		return fmt.Errorf("tunnel: greeting the sandbox: %w", err)
	}
	version, err := readPreamble(rw)
	if err != nil {
		return err
	}
	if version != Version {
		return &VersionError{Local: Version, Remote: version}
	}
	if err := readFrame(rw, hello); err != nil {
		return fmt.Errorf("tunnel: reading the sandbox's hello: %w", err)
	}
	return nil
}

func (s *Session) run() {
	defer close(s.done)
	_ = s.link.accept(s.handle) // the reason reaches whoever uses the session
	s.closeListeners()
}

func (s *Session) handle(k kind, body []byte, c *conn) {
	if k != kindOffer {
		c.Close()
		return
	}
	var o offer
	if err := json.Unmarshal(body, &o); err != nil {
		c.Close()
		return
	}
	c.local, c.remote = o.Local, o.Peer
	s.listenerFor(o.Service).put(c)
}

// Hello returns what PID 1 said on this stream.
func (s *Session) Hello() Hello { return s.hello }

// Done is closed when the stream has ended, for whatever reason.
func (s *Session) Done() <-chan struct{} { return s.done }

// Close ends the stream and all connections inside it. PID 1 lives on.
func (s *Session) Close() error {
	err := s.link.close()
	<-s.done
	return err
}

type dialRequest struct {
	Network string        `json:"network"`
	Address string        `json:"address"`
	Timeout time.Duration `json:"timeout,omitempty"` // nanoseconds, 0 for none
}

// status answers a dial or an offer.
type status struct {
	Error *Error `json:"error,omitempty"`
	Local addr   `json:"local,omitzero"`
	Peer  addr   `json:"peer,omitzero"`
}

// Dial connects from inside the namespace: network is "tcp", "tcp4", "tcp6",
// "udp", "udp4", "udp6" or "unix". It fails with an [Error] whose Kind tells
// Refused, Timeout, Unreachable, NotFound (host name, socket) and Lost apart.
// A TCP or unix connection has CloseWrite; a UDP one carries datagrams.
func (s *Session) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	r := dialRequest{Network: network, Address: address}
	if deadline, ok := ctx.Deadline(); ok {
		r.Timeout = max(time.Until(deadline), time.Nanosecond)
	}
	c, err := s.link.open(ctx, kindDial, r)
	if err != nil {
		return nil, err
	}
	var answer status
	if err := answerTo(ctx, c, &answer); err != nil {
		return nil, err
	}
	if answer.Error != nil {
		c.finish()
		return nil, answer.Error
	}
	c.local, c.remote = answer.Local, answer.Peer
	if isDatagram(network) {
		return newDatagramConn(c), nil
	}
	return c, nil
}

// answerTo reads the frame that answers a request; on error c is closed.
func answerTo(ctx context.Context, c *conn, answer any) error {
	watch := context.AfterFunc(ctx, func() { c.Close() })
	err := readFrame(c, answer)
	if !watch() {
		c.Close()
		return ctx.Err()
	}
	if err != nil {
		c.Close()
		if err == io.EOF {
			return errLost("no answer")
		}
		return err
	}
	return nil
}
