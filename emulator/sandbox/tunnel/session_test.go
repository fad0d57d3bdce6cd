package tunnel_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

func TestHello(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		want := tunnel.Hello{Version: "1.2.3", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.1.5/24")}, Warnings: []string{"no nftables"}}
		s := connect(t, &tunnel.Server{Hello: func() tunnel.Hello { return want }})
		if got := s.Hello(); !reflect.DeepEqual(got, want) {
			t.Errorf("hello %+v, want %+v", got, want)
		}
	})
}

func TestDialHalfClose(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		address := listen(t, func(c *net.TCPConn) {
			all, _ := io.ReadAll(c) // answers only after the end of the question
			fmt.Fprintf(c, "got %d bytes", len(all))
		})
		s := connect(t, &tunnel.Server{})
		c, err := s.Dial(within(t), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.RemoteAddr().String() != address || c.RemoteAddr().Network() != "tcp" {
			t.Errorf("remote address %v %v", c.RemoteAddr().Network(), c.RemoteAddr())
		}
		question := make([]byte, 3<<20) // several windows
		if _, err := c.Write(question); err != nil {
			t.Fatal(err)
		}
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if err != nil || string(answer) != "got 3145728 bytes" {
			t.Errorf("answer %q, %v", answer, err)
		}
	})
}

func TestDialErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().String()
	l.Close()
	never := &tunnel.Server{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "never:1" {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	s := connect(t, never, memory)

	for _, test := range []struct {
		network, address string
		kind             tunnel.Kind
		is               error
	}{
		{"tcp", free, tunnel.Refused, syscall.ECONNREFUSED},
		{"unix", filepath.Join(t.TempDir(), "none"), tunnel.NotFound, os.ErrNotExist},
		{"tcp", "255.255.255.255:1", tunnel.Unreachable, nil},
		{"ip", "127.0.0.1", tunnel.Invalid, nil},
	} {
		_, err := s.Dial(within(t), test.network, test.address)
		e := wantKind(t, err, test.kind)
		if e.Text == "" || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s %s: %v is not %v", test.network, test.address, err, test.is)
		}
	}

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Dial(ctx, "tcp", "never:1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dial with a deadline: %v", err)
	}
}

func TestDialUnixAndUDP(t *testing.T) {
	s := connect(t, &tunnel.Server{}, memory)

	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			io.WriteString(c, "hi")
			c.Close()
		}
	}()
	c, err := s.Dial(within(t), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); err != nil || string(b) != "hi" {
		t.Errorf("unix: %q, %v", b, err)
	}
	c.Close()

	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	go func() {
		p := make([]byte, 65536)
		for {
			n, from, err := pc.ReadFrom(p)
			if err != nil {
				return
			}
			pc.WriteTo(p[:n], from)
		}
	}()
	u, err := s.Dial(within(t), "udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for _, size := range []int{1, 0, 1400, 65507} {
		sent := make([]byte, size)
		rand.Read(sent)
		if _, err := u.Write(sent); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 65536)
		u.SetReadDeadline(time.Now().Add(limit))
		n, err := u.Read(p)
		if err != nil || !bytes.Equal(p[:n], sent) {
			t.Errorf("datagram of %d bytes came back with %d, %v", size, n, err)
		}
	}
	if _, err := u.Write(make([]byte, 65508)); err == nil {
		t.Error("a datagram larger than UDP allows was taken")
	}
}

func TestCall(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		type sum struct{ A, B int }
		s := connect(t, &tunnel.Server{Commands: map[string]tunnel.Command{
			"add": tunnel.Handle(func(_ context.Context, in sum) (int, error) { return in.A + in.B, nil }),
			"busy": func(context.Context, json.RawMessage) (any, error) {
				return nil, fmt.Errorf("rmdir: %w", syscall.EBUSY)
			},
			"large": tunnel.Handle(func(_ context.Context, n int) (string, error) { return strings.Repeat("x", n), nil }),
		}})
		var got int
		if err := s.Call(within(t), "add", sum{40, 2}, &got); err != nil || got != 42 {
			t.Errorf("add: %d, %v", got, err)
		}
		if err := s.Call(within(t), "busy", nil, nil); !errors.Is(err, syscall.EBUSY) {
			t.Errorf("busy: %v", err)
		}
		wantKind(t, s.Call(within(t), "add", "no sum", &got), tunnel.Invalid)
		wantKind(t, s.Call(within(t), "subtract", sum{}, &got), tunnel.UnknownCommand)
		wantKind(t, s.Call(within(t), "add", strings.Repeat("x", 9<<20), &got), tunnel.Invalid)
		wantKind(t, s.Call(within(t), "large", 9<<20, &got), tunnel.Other)
		var text string
		if err := s.Call(within(t), "large", 1<<20, &text); err != nil || len(text) != 1<<20 {
			t.Errorf("large: %d bytes, %v", len(text), err)
		}
	})
}

func TestCallCanceled(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	s := connect(t, &tunnel.Server{Commands: map[string]tunnel.Command{
		"wait": func(ctx context.Context, _ json.RawMessage) (any, error) {
			close(began)
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		},
	}}, memory)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-began
		cancel()
	}()
	if err := s.Call(ctx, "wait", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("call: %v", err)
	}
	if err := receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("command: %v", err)
	}
}

func TestSlowReaderStopsNobody(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		flood := listen(t, flooding)
		quick := listen(t, echo)
		s := connect(t, &tunnel.Server{})
		slow, err := s.Dial(within(t), "tcp", flood)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(slow, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		for range 50 { // slow is not read meanwhile
			roundTrip(t, s, quick, []byte("still here"))
		}
		slow.Close() // ends the flood: listen's cleanup waits for it
	})
}

func roundTrip(t testing.TB, s *tunnel.Session, address string, text []byte) {
	t.Helper()
	c, err := s.Dial(context.Background(), "tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(limit))
	if _, err := c.Write(text); err != nil {
		t.Error(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%q came back as %q, %v", text, got, err)
	}
}

func TestThousandStreams(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		address := listen(t, echo)
		s := connect(t, &tunnel.Server{})
		var open, all sync.WaitGroup
		open.Add(1000)
		for i := range 1000 {
			all.Go(func() {
				c, err := s.Dial(within(t), "tcp", address)
				open.Done()
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				open.Wait() // all thousand at once
				text := fmt.Appendf(nil, "stream %d", i)
				c.Write(text)
				got := make([]byte, len(text))
				if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, text) {
					t.Errorf("%q came back as %q, %v", text, got, err)
				}
			})
		}
		all.Wait()
	})
}

func TestDeadlinesAndClose(t *testing.T) {
	s := connect(t, &tunnel.Server{}, memory)
	c, err := s.Dial(within(t), "tcp", listen(t, echo))
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read past its deadline: %v", err)
	}
	c.SetReadDeadline(time.Time{})
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	c.Close()
	if err := receive(t, read); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read on a closed connection: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write on a closed connection: %v", err)
	}
	if err := c.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("deadline on a closed connection: %v", err)
	}
}

// The end of the tunnel must not look like the end of the data.
func TestLostStreamIsNoEndOfFile(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		s := connect(t, &tunnel.Server{Commands: map[string]tunnel.Command{
			"wait": func(ctx context.Context, _ json.RawMessage) (any, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		}})
		c, err := s.Dial(within(t), "tcp", listen(t, echo))
		if err != nil {
			t.Fatal(err)
		}
		called := make(chan error, 1)
		go func() { called <- s.Call(context.Background(), "wait", nil, nil) }()
		roundTrip(t, s, listen(t, echo), []byte("x"))
		s.Close()
		_, err = c.Read(make([]byte, 1))
		wantKind(t, err, tunnel.Lost)
		wantKind(t, receive(t, called), tunnel.Lost)
		_, err = s.Dial(within(t), "tcp", "127.0.0.1:1")
		wantKind(t, err, tunnel.Lost)
		receive(t, s.Done())
	})
}

// A connection that is closed whole ends at the workload, even when the
// workload never writes and never reads an end.
func TestCloseReachesSilentPeer(t *testing.T) {
	ended := make(chan struct{})
	address := listen(t, func(c *net.TCPConn) {
		defer close(ended)
		io.Copy(io.Discard, c) // reads the end, and waits for the reset
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
		}
	})
	s := connect(t, &tunnel.Server{}, memory)
	c, err := s.Dial(within(t), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	receive(t, ended)
}
