package tunnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

type dialer = func(context.Context) (net.Conn, error)

// forward runs Forward on a loopback port and returns its address and a
// function that ends it and returns its result.
func forward(t testing.TB, dial dialer) (string, func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tunnel.Forward(ctx, l, dial) }()
	t.Cleanup(cancel)
	return l.Addr().String(), func() error {
		cancel()
		return receive(t, ended)
	}
}

// TestForward carries a host's connection through a tunnel to a workload: a
// public address from end to end.
func TestForward(t *testing.T) {
	workload := listen(t, func(c *net.TCPConn) {
		all, _ := io.ReadAll(c)
		fmt.Fprintf(c, "got %d bytes", len(all))
	})
	s := connect(t, &tunnel.Server{}, osPipes)
	address, end := forward(t, func(ctx context.Context) (net.Conn, error) { return s.Dial(ctx, "tcp", workload) })
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(limit))
	c.Write(make([]byte, 1<<20))
	c.(*net.TCPConn).CloseWrite()
	if answer, err := io.ReadAll(c); err != nil || string(answer) != "got 1048576 bytes" {
		t.Errorf("answer %q, %v", answer, err)
	}
	if err := end(); err != nil {
		t.Errorf("Forward ended with %v", err)
	}
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("the listener was left open")
	}
}

func TestForwardResetsWhatCannotBeDialed(t *testing.T) {
	address, end := forward(t, func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED })
	defer end()
	c, err := net.Dial("tcp", address)
	if err == nil { // else the reset was quicker than Dial
		defer c.Close()
		c.SetDeadline(time.Now().Add(limit))
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v", err)
	}
}

func TestForwardEndsWithOpenConnections(t *testing.T) {
	workload := listen(t, echo)
	address, end := forward(t, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", workload)
	})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(limit))
	c.Write([]byte("x"))
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := end(); err != nil {
		t.Errorf("Forward ended with %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection lives on: %v", err)
	}
}

// flaky is a listener that fails for a moment, then for good.
type flaky struct {
	net.Listener
	errs []error
}

func (f *flaky) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func (f *flaky) Close() error { return nil }

func TestForwardOutlivesAMoment(t *testing.T) {
	broken := errors.New("broken")
	l := &flaky{errs: []error{syscall.EMFILE, syscall.ENFILE, broken}}
	if err := tunnel.Forward(context.Background(), l, nil); !errors.Is(err, broken) || len(l.errs) != 0 {
		t.Errorf("Forward ended with %v, %d errors left", err, len(l.errs))
	}
}

func packets(t testing.TB) net.PacketConn {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	return pc
}

func TestForwardUDP(t *testing.T) {
	workload := packets(t)
	go func() { // answers with what it sees: the flow's address and the text
		p := make([]byte, 65536)
		for {
			n, from, err := workload.ReadFrom(p)
			if err != nil {
				return
			}
			fmt.Fprintf(writerTo{workload, from}, "%s %s", from, p[:n])
		}
	}()
	s := connect(t, &tunnel.Server{}, memory)
	public := packets(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- tunnel.ForwardUDP(ctx, public, time.Minute, func(ctx context.Context) (net.Conn, error) {
			return s.Dial(ctx, "udp", workload.LocalAddr().String())
		})
	}()
	ask := func(c net.Conn, text string) string {
		t.Helper()
		c.SetDeadline(time.Now().Add(limit))
		p := make([]byte, 1000)
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(p[:n])
	}
	a, b := dialUDP(t, public), dialUDP(t, public)
	var port string
	var echoed string
	fmt.Sscan(ask(a, "one"), &port, &echoed)
	if want := port + " two"; echoed != "one" || ask(a, "two") != want {
		t.Errorf("the second datagram took another flow or came back changed")
	}
	if got := ask(b, "three"); got == port+" three" {
		t.Error("two peers share a flow")
	}
	cancel()
	if err := receive(t, ended); err != nil {
		t.Errorf("ForwardUDP ended with %v", err)
	}
}

type writerTo struct {
	net.PacketConn
	to net.Addr
}

func (w writerTo) Write(p []byte) (int, error) { return w.WriteTo(p, w.to) }

func dialUDP(t testing.TB, to net.PacketConn) net.Conn {
	t.Helper()
	c, err := net.Dial("udp", to.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// memoryPackets is a packet socket of the test's own, so that time may be
// virtual.
type memoryPackets struct {
	in     chan string // "peer text"
	out    chan string
	once   sync.Once
	closed chan struct{}
}

type memoryAddr string

func (a memoryAddr) Network() string { return "memory" }
func (a memoryAddr) String() string  { return string(a) }

func (m *memoryPackets) ReadFrom(p []byte) (int, net.Addr, error) {
	select {
	case s := <-m.in:
		peer, text, _ := strings.Cut(s, " ")
		return copy(p, text), memoryAddr(peer), nil
	case <-m.closed:
		return 0, nil, net.ErrClosed
	}
}

func (m *memoryPackets) WriteTo(p []byte, to net.Addr) (int, error) {
	m.out <- to.String() + " " + string(p)
	return len(p), nil
}

func (m *memoryPackets) Close() error                   { m.once.Do(func() { close(m.closed) }); return nil }
func (m *memoryPackets) LocalAddr() net.Addr            { return memoryAddr("here") }
func (*memoryPackets) SetDeadline(time.Time) error      { return nil }
func (*memoryPackets) SetReadDeadline(time.Time) error  { return nil }
func (*memoryPackets) SetWriteDeadline(time.Time) error { return nil }

func TestForwardUDPFlowsEndIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memoryPackets{in: make(chan string), out: make(chan string), closed: make(chan struct{})}
		dials := 0
		closeOne := make(chan struct{}, 8)
		dial := func(context.Context) (net.Conn, error) {
			dials++
			if dials == 3 {
				return nil, syscall.ECONNREFUSED
			}
			near, far := net.Pipe()
			go func(name string) { // echoes with the flow's number
				p := make([]byte, 100)
				for {
					n, err := far.Read(p)
					if err != nil {
						closeOne <- struct{}{}
						return
					}
					fmt.Fprintf(far, "%s:%s", name, p[:n])
				}
			}(fmt.Sprint(dials))
			return near, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- tunnel.ForwardUDP(ctx, m, time.Minute, dial) }()

		expect := func(send, want string) {
			t.Helper()
			m.in <- send
			if got := <-m.out; got != want {
				t.Errorf("%q came back as %q, want %q", send, got, want)
			}
		}
		expect("a one", "a 1:one")
		for range 3 { // traffic keeps a flow alive
			<-time.After(59 * time.Second)
			expect("a more", "a 1:more")
		}
		began := time.Now()
		<-closeOne
		if idle := time.Since(began); idle != time.Minute {
			t.Errorf("the flow ended after %v", idle)
		}
		synctest.Wait()
		expect("a two", "a 2:two")
		m.in <- "b lost" // the third dial fails
		synctest.Wait()
		expect("b again", "b 4:again")
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ForwardUDP ended with %v", err)
		}
		<-closeOne
		<-closeOne
	})
}
