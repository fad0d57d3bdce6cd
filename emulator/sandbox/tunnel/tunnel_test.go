package tunnel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// limit bounds every wait of these tests; none comes near it.
const limit = time.Minute

// duplex makes one stream of two pipes.
type duplex struct {
	io.ReadCloser
	w io.WriteCloser
}

func (d duplex) Write(p []byte) (int, error) { return d.w.Write(p) }

func (d duplex) Close() error {
	return errors.Join(d.ReadCloser.Close(), d.w.Close())
}

func memory(t testing.TB) (a, b io.ReadWriteCloser) {
	x, y := net.Pipe()
	return x, y
}

func osPipes(t testing.TB) (a, b io.ReadWriteCloser) {
	t.Helper()
	r1, w1, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r2, w2, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return duplex{r1, w2}, duplex{r2, w1}
}

// transports are the streams that each behaviour is tried over.
var transports = map[string]func(testing.TB) (a, b io.ReadWriteCloser){
	"net.Pipe": memory,
	"os.Pipe":  osPipes,
}

func overEach(t *testing.T, test func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session)) {
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			test(t, func(t *testing.T, server *tunnel.Server) *tunnel.Session {
				return connect(t, server, transport)
			})
		})
	}
}

// connect brings a stream up; its end is checked to be clean when t ends.
func connect(t testing.TB, server *tunnel.Server, transport func(testing.TB) (a, b io.ReadWriteCloser)) *tunnel.Session {
	t.Helper()
	near, far := transport(t)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, far) }()
	session, err := tunnel.Client(within(t), near)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.Close()
		cancel()
		if err := receive(t, served); err == nil {
			t.Error("Serve ended without saying why")
		}
	})
	return session
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(limit):
		stacks := make([]byte, 1<<20)
		t.Fatalf("nothing came within %v; what goes on:\n%s", limit, stacks[:runtime.Stack(stacks, true)])
		panic("unreachable")
	}
}

func wantKind(t testing.TB, err error, kind tunnel.Kind) *tunnel.Error {
	t.Helper()
	e, ok := errors.AsType[*tunnel.Error](err)
	if !ok || e.Kind != kind {
		t.Fatalf("error %v (%T), want kind %s", err, err, kind)
	}
	return e
}

// listen serves each connection on a loopback TCP port with handle.
func listen(t testing.TB, handle func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				handle(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

func echo(c *net.TCPConn) { io.Copy(c, c) }

// flooding writes until nobody reads.
func flooding(c *net.TCPConn) {
	b := make([]byte, 64<<10)
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}
