package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
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
	host := s.host()
	switch {
	case len(a.Exec) > 0:
		return e.tryExec(ctx, s.Spec.ID, c.Name, a.Exec)
	case a.HTTP != nil:
		return e.tryHTTP(ctx, s.Spec.ID, host, a.HTTP)
	case a.TCP != 0:
		conn, t := e.dial(ctx, s.Spec.ID, s.at(a.TCP))
		if conn != nil {
			if err := conn.Close(); err != nil {
				return failed(err)
			}
		}
		return t
	case a.GRPC != nil:
		return e.tryGRPC(ctx, s.Spec.ID, host, a.GRPC)
	case a.Sleep > 0:
		return trySleep(ctx, a.Sleep)
	}
	return tried{}
}

// host is the address at which a sandbox's probes ask.
func (s *Sandbox) host() string {
	if s.Status.Address != nil {
		return s.Status.Address.IP
	}
	return "127.0.0.1"
}

// at is a port at that address.
func (s *Sandbox) at(port uint16) string {
	return net.JoinHostPort(s.host(), strconv.Itoa(int(port)))
}

// failed is what came of an action that could not be done to its end.
func failed(err error) tried {
	return tried{exit: 1, output: err.Error(), failure: err.Error()}
}

func trySleep(ctx context.Context, d time.Duration) tried {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return tried{}
	case <-ctx.Done():
		return tried{exit: -1, failure: "it took too long"}
	}
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
		return nil, failed(err)
	}
	return conn, tried{}
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
