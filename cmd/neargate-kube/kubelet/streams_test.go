package kubelet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	constants "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	utilexec "k8s.io/client-go/util/exec"

	"github.com/neargate/neargate/emulator/sandbox"
)

// dialects are the ways in which clients exec. What kubectl speaks, version 5 of
// the WebSocket protocol, the API server turns into SPDY; the version before,
// of other languages' clients, it passes on. That one cannot end the input.
var dialects = map[string]func(c *rest.Config, u *url.URL) (remotecommand.Executor, error){
	"SPDY": func(c *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(c, "POST", u)
	},
	"WebSocket": func(c *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewWebSocketExecutorForProtocols(c, "GET", u.String(), constants.StreamProtocolV4Name)
	},
}

// each runs a test in each dialect, with an executor for a path.
func each(t *testing.T, i *inner, path string, f func(t *testing.T, e remotecommand.Executor)) {
	t.Helper()
	for name, dial := range dialects {
		t.Run(name, func(t *testing.T) {
			s := serve(t, i)
			u, err := url.Parse(s.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			e, err := dial(&rest.Config{Host: s.URL}, u)
			if err != nil {
				t.Fatal(err)
			}
			f(t, e)
		})
	}
}

const execPath = "/exec/a/p/c?input=1&output=1&error=1&command=cat&command=a+b"

func TestExec(t *testing.T) {
	in := strings.Repeat("0123456789abcde\n", 50_000)
	i := &inner{run: func(ctx context.Context, s sandbox.Streams) (int, error) {
		if s.TTY || s.Resize != nil {
			return 0, errors.New("nobody asked for a terminal")
		}
		if _, err := io.CopyN(s.Out, s.In, int64(len(in))); err != nil {
			return 0, err
		}
		_, err := io.WriteString(s.ErrOut, "done")
		return 3, err
	}}
	each(t, i, execPath, func(t *testing.T, e remotecommand.Executor) {
		var out, errOut bytes.Buffer
		err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errOut})
		var exit utilexec.CodeExitError
		if !errors.As(err, &exit) || exit.Code != 3 || exit.Error() != "command terminated with exit code 3" {
			t.Errorf("it ended with %v", err)
		}
		if out.String() != in || errOut.String() != "done" {
			t.Errorf("%d bytes, %q", out.Len(), errOut.String())
		}
		if len(i.argv) != 2 || i.argv[1] != "a b" {
			t.Errorf("argv %q", i.argv)
		}
	})
}

func TestExecFails(t *testing.T) {
	i := &inner{run: func(context.Context, sandbox.Streams) (int, error) { return 0, errors.New("no such file: cat") }}
	each(t, i, "/exec/a/p/c?output=1&command=cat", func(t *testing.T, e remotecommand.Executor) {
		var out bytes.Buffer
		if err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: &out}); err == nil || !strings.Contains(err.Error(), "no such file: cat") {
			t.Errorf("it ended with %v", err)
		}
	})
}

// sizes tells one size, and no more.
type sizes chan remotecommand.TerminalSize

func (s sizes) Next() *remotecommand.TerminalSize {
	size, ok := <-s
	if !ok {
		return nil
	}
	return &size
}

func TestTerminal(t *testing.T) {
	i := &inner{run: func(ctx context.Context, s sandbox.Streams) (int, error) {
		if !s.TTY || s.ErrOut != nil {
			return 0, errors.New("a terminal was asked for")
		}
		select {
		case size := <-s.Resize:
			_, err := fmt.Fprintf(s.Out, "%dx%d", size.Width, size.Height)
			return 0, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}}
	each(t, i, "/exec/a/p/c?input=1&output=1&tty=1&command=sh", func(t *testing.T, e remotecommand.Executor) {
		queue := make(sizes, 1)
		queue <- remotecommand.TerminalSize{Width: 120, Height: 40}
		defer close(queue)
		var out bytes.Buffer
		err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader(""), Stdout: &out, Tty: true, TerminalSizeQueue: queue})
		if err != nil || out.String() != "120x40" {
			t.Errorf("%q %v", out.String(), err)
		}
	})
}

func TestStreamsThatNobodyAskedFor(t *testing.T) {
	i := &inner{run: func(_ context.Context, s sandbox.Streams) (int, error) {
		if s.In != nil || s.ErrOut != nil || s.Resize != nil || s.TTY {
			return 0, fmt.Errorf("it was given %+v", s)
		}
		_, err := io.WriteString(s.Out, "well")
		return 0, err
	}}
	each(t, i, "/exec/a/p/c?output=1&command=x", func(t *testing.T, e remotecommand.Executor) {
		var out bytes.Buffer
		if err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: &out}); err != nil || out.String() != "well" {
			t.Errorf("%q %v", out.String(), err)
		}
	})
}

func TestAttach(t *testing.T) {
	echo := func(_ context.Context, s sandbox.Streams) (int, error) {
		_, err := io.CopyN(s.Out, s.In, int64(len("hello")))
		return 0, err
	}
	each(t, &inner{run: echo}, "/attach/a/p/c?input=1&output=1", func(t *testing.T, e remotecommand.Executor) {
		var out bytes.Buffer
		if err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader("hello"), Stdout: &out}); err != nil || out.String() != "hello" {
			t.Errorf("%q %v", out.String(), err)
		}
	})
}

func TestInputEnds(t *testing.T) {
	i := &inner{run: func(_ context.Context, s sandbox.Streams) (int, error) {
		_, err := io.Copy(s.Out, s.In)
		return 0, err
	}}
	s := serve(t, i)
	u, err := url.Parse(s.URL + execPath)
	if err != nil {
		t.Fatal(err)
	}
	e, err := dialects["SPDY"](&rest.Config{Host: s.URL}, u)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader("all"), Stdout: &out, Stderr: io.Discard}); err != nil || out.String() != "all" {
		t.Errorf("%q %v", out.String(), err)
	}
}

// A client that goes away takes the process's context with it.
func TestExecEndsWithItsClient(t *testing.T) {
	started, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	i := &inner{run: func(ctx context.Context, s sandbox.Streams) (int, error) {
		started <- struct{}{}
		_, _ = io.Copy(io.Discard, s.In) // its end is what is waited for
		ended <- struct{}{}
		return 0, nil
	}}
	each(t, i, execPath, func(t *testing.T, e remotecommand.Executor) {
		ctx, cancel := context.WithCancel(t.Context())
		never, _ := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- e.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: never, Stdout: io.Discard, Stderr: io.Discard})
		}()
		select {
		case <-started:
		case err := <-done:
			t.Fatalf("it did not start: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the client: %v", err)
		}
		<-ended
	})
}

func TestNoExec(t *testing.T) {
	for _, row := range []struct {
		path, want string
		status     int
	}{
		{"/exec/a/p/waiting?output=1&command=x", `container not found ("waiting")`, 404},
		{"/exec/a/p/ended?output=1&command=x", `container not found ("ended")`, 404},
		{"/exec/a/new/c?output=1&command=x", `container not found ("c")`, 404},
		{"/attach/a/none/c?output=1", `pod "none_a" not found`, 404},
		{"/exec/a/p/other-uid/c?output=1&command=x", `pod "p_a" not found`, 404},
		{"/exec/a/p/c?command=x", "you must specify at least 1 of stdin, stdout, stderr", 400},
		{"/portForward/a/new", `pod "new_a" is not running`, 409},
	} {
		if status, body, _ := get(t, serve(t, &inner{}).URL+row.path); status != row.status || !strings.HasPrefix(body, row.want) {
			t.Errorf("%s: %d %s", row.path, status, body)
		}
	}
}

func TestPortForward(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b, _ := io.ReadAll(c) // to its half close
				_, _ = c.Write(bytes.ToUpper(b))
			}()
		}
	}()
	i := &inner{dial: func(address string) (net.Conn, error) {
		if address != "127.0.0.1:80" {
			return nil, errors.New("connection refused")
		}
		return net.Dial("tcp", l.Addr().String())
	}}
	s := serve(t, i)
	transport, upgrader, err := spdy.RoundTripperFor(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(s.URL + "/portForward/a/p")
	if err != nil {
		t.Fatal(err)
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	f, err := portforward.New(spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, u), []string{"0:80", "0:81"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.ForwardPorts() }()
	<-ready
	ports, err := f.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("hello ", 20_000)
	if got := ask(t, ports[0].Local, text); got != strings.ToUpper(text) {
		t.Errorf("%d bytes came back", len(got))
	}
	if got := ask(t, ports[1].Local, "x"); got != "" {
		t.Errorf("a port where nobody listens answered %q", got)
	}
	close(stop)
	<-done // an error or none, by who notices first
}

// ask sends a text, and reads what comes back to its end.
func ask(t *testing.T, port uint16, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Where nobody listens the connection may end before it is written to:
	// what comes back is what counts.
	_, _ = io.WriteString(c, text)
	_ = c.(*net.TCPConn).CloseWrite()
	b, _ := io.ReadAll(c)
	return string(b)
}
