package sandbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// try.go does the actions of probes and hooks through the runtime's optional
// abilities.

// maxOutput is how much of an action's output is kept, as by Docker.
const maxOutput = 4096

// tried is how an action went.
type tried struct {
	output  string
	exit    int
	failure string // why it failed; "" when it succeeded
	unable  bool   // the runtime has no way to do it
}

func unable(what string) tried {
	return tried{failure: "cannot be done: the runtime has no " + what, unable: true}
}

// try does an action in, or to, a container.
func (e *Engine) try(ctx context.Context, s *Sandbox, c *Container, a *Action) tried {
	host := "127.0.0.1"
	if s.Status.Address != nil {
		host = s.Status.Address.IP
	}
	switch {
	case len(a.Exec) > 0:
		return e.tryExec(ctx, s.Spec.ID, c.Name, a.Exec)
	case a.HTTP != nil:
		return e.tryHTTP(ctx, s.Spec.ID, host, a.HTTP)
	case a.TCP != 0:
		conn, t := e.dial(ctx, s.Spec.ID, net.JoinHostPort(host, strconv.Itoa(int(a.TCP))))
		if conn != nil {
			if err := conn.Close(); err != nil {
				return tried{exit: 1, output: err.Error(), failure: err.Error()}
			}
		}
		return t
	}
	return tried{}
}

func (e *Engine) tryExec(ctx context.Context, id, container string, argv []string) tried {
	x, ok := e.Config.Runtime.(Exec)
	if !ok {
		return unable("exec")
	}
	out := &head{limit: maxOutput}
	code, err := x.Exec(ctx, id, container, argv, nil, Streams{Out: out, ErrOut: out})
	t := tried{output: out.String(), exit: code}
	switch {
	case ctx.Err() != nil:
		t.exit, t.failure = -1, "it took too long"
	case err != nil:
		t.exit, t.failure = -1, err.Error()
	case code != 0:
		t.failure = fmt.Sprintf("exit code %d: %s", code, strings.TrimSpace(t.output))
	}
	return t
}

// dial connects to an address as seen from inside the sandbox.
func (e *Engine) dial(ctx context.Context, id, address string) (net.Conn, tried) {
	d, ok := e.Config.Runtime.(Dial)
	if !ok {
		return nil, unable("dial")
	}
	conn, err := d.Dial(ctx, id, "tcp", address)
	if err != nil {
		return nil, tried{exit: 1, output: err.Error(), failure: err.Error()}
	}
	return conn, tried{}
}

func (e *Engine) tryHTTP(ctx context.Context, id, host string, g *HTTPGet) tried {
	if _, ok := e.Config.Runtime.(Dial); !ok {
		return unable("dial")
	}
	t := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // as a kubelet's probes
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, t := e.dial(ctx, id, address)
			if conn == nil {
				return nil, errors.New(t.failure)
			}
			return conn, nil
		},
	}
	defer t.CloseIdleConnections()
	q, err := g.request(ctx, host)
	if err != nil {
		return tried{exit: 1, output: err.Error(), failure: err.Error()}
	}
	r, err := t.RoundTrip(q) // a redirect is a success and is not followed
	if err != nil {
		return tried{exit: 1, output: err.Error(), failure: err.Error()}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOutput))
	if err != nil {
		return tried{exit: 1, output: err.Error(), failure: err.Error()}
	}
	out := tried{output: string(body)}
	if r.StatusCode < 200 || r.StatusCode >= 400 {
		out.exit, out.failure = 1, fmt.Sprintf("HTTP probe failed with statuscode: %d", r.StatusCode)
	}
	return out
}

func (g *HTTPGet) request(ctx context.Context, host string) (*http.Request, error) {
	scheme := strings.ToLower(g.Scheme)
	if scheme == "" {
		scheme = "http"
	}
	url := fmt.Sprintf("%s://%s/%s", scheme, net.JoinHostPort(host, strconv.Itoa(int(g.Port))), strings.TrimPrefix(g.Path, "/"))
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	for _, h := range g.Headers {
		q.Header.Add(h.Name, h.Value)
	}
	q.Host = q.Header.Get("Host")
	if g.Host != "" {
		q.Host = g.Host
	}
	return q, nil
}

// head keeps the beginning of what is written to it.
type head struct {
	bytes.Buffer
	limit int
}

func (h *head) Write(p []byte) (int, error) {
	if room := h.limit - h.Len(); room > 0 {
		h.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
