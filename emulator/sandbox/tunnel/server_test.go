package tunnel_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

func TestLatestStreamWins(t *testing.T) {
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			server := &tunnel.Server{Commands: map[string]tunnel.Command{
				"name": tunnel.Handle(func(_ context.Context, s string) (string, error) { return s, nil }),
			}}
			first := connect(t, server, transport)
			old, err := first.Dial(within(t), "tcp", listen(t, echo))
			if err != nil {
				t.Fatal(err)
			}
			second := connect(t, server, transport)
			receive(t, first.Done())
			_, err = old.Read(make([]byte, 1))
			wantKind(t, err, tunnel.Lost)
			var got string
			if err := second.Call(within(t), "name", "second", &got); err != nil || got != "second" {
				t.Errorf("call on the later stream: %q, %v", got, err)
			}
		})
	}
}

// A stream that breaks, or was never a tunnel, does not harm the one in use.
func TestBadStreamLeavesTheGoodOne(t *testing.T) {
	server := &tunnel.Server{}
	s := connect(t, server, memory)
	for _, greeting := range []string{"", "NEARG", "GET / HTTP/1.1\r\n\r\n", "NEARGATE\x00\x00\x00\x63"} {
		near, far := net.Pipe()
		go func() {
			io.WriteString(near, greeting)
			io.CopyN(io.Discard, near, 12)
			near.Close()
		}()
		served := make(chan error, 1)
		go func() { served <- server.Serve(context.Background(), far) }()
		if greeting == "" {
			near.Close()
		}
		if len(greeting) > 0 && len(greeting) < 12 {
			near.Close()
		}
		if err := receive(t, served); err == nil {
			t.Errorf("greeting %q was taken", greeting)
		}
	}
	roundTrip(t, s, listen(t, echo), []byte("unharmed"))
}

func TestVersionMismatch(t *testing.T) {
	t.Run("older emulator", func(t *testing.T) {
		near, far := net.Pipe()
		served := make(chan error, 1)
		go func() { served <- (&tunnel.Server{}).Serve(context.Background(), far) }()
		go io.WriteString(near, "NEARGATE\x00\x00\x00\x00")
		answer := make([]byte, 12)
		if _, err := io.ReadFull(near, answer); err != nil || binary.BigEndian.Uint32(answer[8:]) != tunnel.Version {
			t.Errorf("answer %q, %v", answer, err)
		}
		e, ok := errors.AsType[*tunnel.VersionError](receive(t, served))
		if !ok || e.Local != tunnel.Version || e.Remote != 0 {
			t.Errorf("server says %v", e)
		}
	})
	t.Run("newer sandbox", func(t *testing.T) {
		_, err := clientAgainst(t, "NEARGATE\x00\x00\x00\x63")
		e, ok := errors.AsType[*tunnel.VersionError](err)
		if !ok || e.Local != tunnel.Version || e.Remote != 99 || !strings.Contains(err.Error(), "99") {
			t.Errorf("client says %v", err)
		}
	})
}

// clientAgainst runs Client against something that answers with text and closes.
func clientAgainst(t *testing.T, text string) (*tunnel.Session, error) {
	t.Helper()
	near, far := net.Pipe()
	go func() {
		io.CopyN(io.Discard, far, 12)
		io.WriteString(far, text)
		far.Close()
	}()
	return tunnel.Client(within(t), near)
}

func TestClientAgainstGarbage(t *testing.T) {
	for _, text := range []string{
		"", "NEAR", "standard_init_linux.go:228: exec user process caused: exec format error\n",
		"NEARGATE\x00\x00\x00\x01", "NEARGATE\x00\x00\x00\x01\xff\xff\xff\xff", "NEARGATE\x00\x00\x00\x01\x00\x00\x00\x02xx",
	} {
		if _, err := clientAgainst(t, text); err == nil {
			t.Errorf("a sandbox that says %q was taken", text)
		}
	}
}

func TestClientGivesUp(t *testing.T) {
	near, far := net.Pipe() // nobody answers
	defer far.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := tunnel.Client(ctx, near); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("client says %v", err)
	}
	if _, err := near.Write([]byte("x")); err == nil {
		t.Error("the stream was left open")
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	_, far := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := (&tunnel.Server{}).Serve(ctx, far); !errors.Is(err, context.Canceled) {
		t.Errorf("serve says %v", err)
	}
}

// metadata serves HTTP over the offers of a session.
func metadata(t testing.TB, s *tunnel.Session) {
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s from %s: %s", r.Method, r.URL.Path, r.RemoteAddr, body)
	})}
	go h.Serve(s.Listen(tunnel.ServiceMetadata))
	t.Cleanup(func() { h.Close() })
}

// offers makes a listener whose connections are offered for at most wait.
func offers(t testing.TB, server *tunnel.Server, wait time.Duration) string {
	return listen(t, func(c *net.TCPConn) {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		if err := server.Offer(ctx, tunnel.ServiceMetadata, c); err != nil {
			io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}
	})
}

func TestHTTPOverOffers(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		server := &tunnel.Server{}
		s := connect(t, server)
		metadata(t, s)
		address := offers(t, server, limit)
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		for i := range 3 { // the connection is kept
			r, err := client.Post("http://"+address+"/v4/x", "text/plain", strings.NewReader(fmt.Sprint("body ", i)))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			text := string(body)
			if err != nil || !strings.HasPrefix(text, "POST /v4/x from 127.0.0.1:") || !strings.HasSuffix(text, fmt.Sprint(": body ", i)) {
				t.Errorf("%q, %v", text, err)
			}
		}
	})
}

func TestOfferWaitsForAStream(t *testing.T) {
	server := &tunnel.Server{}
	address := offers(t, server, limit)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /early HTTP/1.1\r\nHost: x\r\n\r\n")
	mute := connect(t, server, memory) // does not listen; goes away again
	mute.Close()
	metadata(t, connect(t, server, memory))
	c.SetReadDeadline(time.Now().Add(limit))
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("%v, %v", r, err)
	}
}

func TestOfferToNobody(t *testing.T) {
	server := &tunnel.Server{}
	offer := func(when string) {
		workload, c := net.Pipe()
		defer workload.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		if err := server.Offer(ctx, tunnel.ServiceMetadata, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: offer says %v", when, err)
		}
		go io.WriteString(workload, "x")
		if b, err := io.ReadAll(io.LimitReader(c, 1)); err != nil || string(b) != "x" {
			t.Errorf("%s: the connection is not as it was: %q, %v", when, b, err)
		}
	}
	offer("no stream")
	s := connect(t, server, memory)
	offer("nobody accepts")
	s.Listen(tunnel.ServiceMetadata).Close()
	offer("listener closed")
}

func TestListenerEndsWithTheStream(t *testing.T) {
	server := &tunnel.Server{}
	s := connect(t, server, memory)
	l := s.Listen(tunnel.ServiceMetadata)
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	s.Close()
	if err := receive(t, accepted); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept says %v", err)
	}
	if _, err := s.Listen("later").Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after the end says %v", err)
	}
}

// A stream of kind dial, call or unknown with any bytes must not hang Serve.
func FuzzServe(f *testing.F) {
	greeting := append([]byte("NEARGATE"), 0, 0, 0, tunnel.Version)
	f.Add([]byte{})
	f.Add(greeting)
	f.Add([]byte("NEARGATE\x00\x00\x00\x02"))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	for _, head := range []string{"\x01\x00\x02{}", "\x02\x00\x10{\"command\":\"x\"} \xff\xff\xff\xff", "\x02\x00\x0f{\"command\":\"x\"}\x00\x00\x00\x02{}", "\x03\x00\x00", "\x04\x00\x013", "\x09\xff\xff"} {
		f.Add(append(bytes.Clone(greeting), muxed(1, head)...))
		f.Add(append(append(bytes.Clone(greeting), muxed(1, head)...), muxed(3, head)...))
	}
	f.Add(append(bytes.Clone(greeting), 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff))
	server := &tunnel.Server{
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no dials here") },
		Commands: map[string]tunnel.Command{"x": func(context.Context, json.RawMessage) (any, error) {
			return "x", nil
		}},
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		near, far := net.Pipe()
		served := make(chan error, 1)
		go func() { served <- server.Serve(context.Background(), far) }()
		go io.Copy(io.Discard, near)
		near.Write(wire)
		near.Close()
		if err := receive(t, served); err == nil {
			t.Error("Serve ended without saying why")
		}
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(8<<20+4096*len(wire)); got > most {
			t.Errorf("%d bytes of input made %d bytes of garbage", len(wire), got)
		}
	})
}

// muxed is a yamux data frame that opens a stream.
func muxed(id uint32, data string) []byte {
	b := []byte{0, 0, 0, 1}
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	return append(b, data...)
}
