package link_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// cat copies its input to its output, says so on the other one, and exits
// with 3.
func cat(_ context.Context, _ []string, s sandbox.Streams) (int, error) {
	if _, err := io.Copy(s.Out, s.In); err != nil {
		return 0, err
	}
	_, err := io.WriteString(s.ErrOut, "done")
	return 3, err
}

func TestExecCarriesAll(t *testing.T) {
	p, _ := pair(t, &script{exec: cat})
	in := bytes.Repeat([]byte("0123456789abcde\n"), 300_000) // many windows
	var stderr bytes.Buffer
	sum := sha256.New()
	code, err := p.Exec(within(t), "x", "c", []string{"cat"}, sandbox.Streams{In: bytes.NewReader(in), Out: sum, ErrOut: &stderr})
	if err != nil || code != 3 || stderr.String() != "done" {
		t.Fatalf("%d %v %q", code, err, stderr.String())
	}
	if want := sha256.Sum256(in); !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("the output is not the input")
	}
}

func TestExecTellsWhatIsWanted(t *testing.T) {
	var got sandbox.Streams
	var argv []string
	p, _ := pair(t, &script{exec: func(_ context.Context, a []string, s sandbox.Streams) (int, error) {
		argv, got = a, s
		return 0, nil
	}})
	if _, err := p.Exec(within(t), "x", "c", []string{"a", "b c"}, sandbox.Streams{Out: io.Discard, TTY: true}); err != nil {
		t.Fatal(err)
	}
	if got.In != nil || got.Out == nil || got.ErrOut != nil || got.Resize != nil || !got.TTY || len(argv) != 2 || argv[1] != "b c" {
		t.Errorf("%+v %q", got, argv)
	}
}

func TestExecResizes(t *testing.T) {
	p, _ := pair(t, &script{exec: func(ctx context.Context, _ []string, s sandbox.Streams) (int, error) {
		for {
			select {
			case size := <-s.Resize: // the input is not read: that holds nothing up
				if size == (sandbox.TerminalSize{Width: 120, Height: 40}) {
					return 7, nil
				}
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
	}})
	sizes := make(chan sandbox.TerminalSize, 2)
	sizes <- sandbox.TerminalSize{Width: 80, Height: 24}
	sizes <- sandbox.TerminalSize{Width: 120, Height: 40}
	code, err := p.Exec(within(t), "x", "c", nil, sandbox.Streams{In: endless{}, Resize: sizes})
	if code != 7 || err != nil {
		t.Error(code, err)
	}
}

// endless is input that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// blockingWriter takes nothing until it is let go.
type blockingWriter struct {
	once    sync.Once
	reached chan struct{}
	free    chan struct{}
}

func (w *blockingWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.reached) })
	<-w.free
	return len(p), nil
}

// When ctx ends, the process's context does, even while it reads no input and
// its output is not taken.
func TestExecEndsWithItsContext(t *testing.T) {
	ended := make(chan struct{})
	p, _ := pair(t, &script{exec: func(ctx context.Context, _ []string, s sandbox.Streams) (int, error) {
		go io.Copy(s.Out, endless{})
		<-ctx.Done()
		close(ended)
		return 0, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(within(t))
	out := &blockingWriter{reached: make(chan struct{}), free: make(chan struct{})}
	result := make(chan error, 1)
	go func() {
		_, err := p.Exec(ctx, "x", "c", nil, sandbox.Streams{In: endless{}, Out: out})
		result <- err
	}()
	<-out.reached
	cancel()
	<-ended
	close(out.free)
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestExecErrorsAndCuts(t *testing.T) {
	p, _ := pair(t, &script{exec: func(context.Context, []string, sandbox.Streams) (int, error) {
		return 0, &link.Error{Kind: link.ErrNotFound, Message: "no such container " + strings.Repeat("\x00", 100_000)}
	}})
	if _, err := p.Exec(within(t), "x", "c", nil, sandbox.Streams{}); !errors.Is(err, link.ErrNotFound) || !strings.HasPrefix(err.Error(), "no such container") {
		t.Error(err)
	}
	started := make(chan struct{})
	p, cut := pair(t, &script{attach: func(ctx context.Context, _ sandbox.Streams) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}})
	go func() { <-started; cut() }()
	if err := p.Attach(within(t), "x", "c", sandbox.Streams{In: endless{}}); err == nil {
		t.Error("a cut attach ended well")
	}
}

// Output that cannot be written ends the process: nobody would see the rest.
func TestExecEndsWhenItsOutputCannotBeWritten(t *testing.T) {
	ended := make(chan struct{})
	p, _ := pair(t, &script{exec: func(ctx context.Context, _ []string, s sandbox.Streams) (int, error) {
		defer close(ended)
		_, err := io.Copy(s.Out, endless{})
		return 0, err
	}})
	r, w := io.Pipe()
	r.CloseWithError(errors.New("full"))
	if _, err := p.Exec(within(t), "x", "c", nil, sandbox.Streams{Out: w}); err == nil || err.Error() != "full" {
		t.Error(err)
	}
	<-ended
}

func tcpPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func TestDialHalfCloses(t *testing.T) {
	near, far := tcpPair(t)
	p, _ := pair(t, &script{dial: func(context.Context, string) (net.Conn, error) { return near, nil }})
	c, err := p.Dial(within(t), "x", "tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	request := bytes.Repeat([]byte("request"), 200_000)
	go func() {
		c.Write(request)
		c.(interface{ CloseWrite() error }).CloseWrite()
	}()
	if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, request) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	io.WriteString(far, "answer") // after the end of the request
	far.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != "answer" {
		t.Errorf("%q %v", got, err)
	}
}

func TestDialRefuses(t *testing.T) {
	p, _ := pair(t, &script{dial: func(context.Context, string) (net.Conn, error) { return nil, link.ErrNotFound }})
	if _, err := p.Dial(within(t), "x", "tcp", "127.0.0.1:80"); !errors.Is(err, link.ErrNotFound) {
		t.Error(err)
	}
	if _, err := p.Dial(within(t), "x", "udp", "127.0.0.1:53"); !errors.Is(err, link.ErrInvalid) {
		t.Error(err)
	}
}

func TestDialEndsBothWays(t *testing.T) {
	near, far := tcpPair(t)
	p, cut := pair(t, &script{dial: func(context.Context, string) (net.Conn, error) { return near, nil }})
	ctx, cancel := context.WithCancel(within(t))
	c, err := p.Dial(ctx, "x", "tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	cancel() // it bounded the connecting only
	go io.WriteString(far, "a")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cut()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the client's end lives on")
	}
	if _, err := far.Read(make([]byte, 1)); err == nil {
		t.Error("the far end lives on")
	}
}
