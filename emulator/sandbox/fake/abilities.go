package fake

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Logs gives what a container has written.
func (r *Runtime) Logs(ctx context.Context, id, name string, o sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
	return func(yield func(sandbox.LogLine, error) bool) {
		out, err := r.output(ctx, id, name, o.Previous)
		if err != nil {
			yield(sandbox.LogLine{}, err)
			return
		}
		at := out.begin(&r.mu, o)
		for {
			lines, done, more := out.from(&r.mu, &at, o.Follow)
			for _, l := range lines {
				if !l.At.Before(o.Since) && !yield(l, nil) {
					return
				}
			}
			if done && len(lines) == 0 {
				return
			}
			if more == nil {
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				yield(sandbox.LogLine{}, ctx.Err())
				return
			}
		}
	}
}

// output finds the output of a container.
func (r *Runtime) output(ctx context.Context, id, name string, previous bool) (*output, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := r.enter("Logs"); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	c := r.container(id, name)
	switch {
	case c == nil:
		return nil, fmt.Errorf("sandbox %s has no container %s", id, name)
	case !previous:
		return c.out, nil
	case c.before == nil:
		return nil, fmt.Errorf("container %s has no attempt before this one", name)
	}
	return c.before, nil
}

// running finds a container that runs, and how long it has.
func (r *Runtime) running(op, id, name string) (*script, time.Duration, error) {
	if err := r.enter(op); err != nil {
		return nil, 0, err
	}
	defer r.mu.Unlock()
	c := r.container(id, name)
	if c == nil || c.State != sandbox.ContainerRunning {
		return nil, 0, fmt.Errorf("container %s does not run", name)
	}
	return c.script, time.Since(c.StartedAt), nil
}

// Exec echoes its arguments, then its input, and ends with FAKE_EXEC_EXIT, or
// as a health check would.
func (r *Runtime) Exec(ctx context.Context, id, name string, argv []string, _ []sandbox.EnvVar, s sandbox.Streams) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	p, age, err := r.running("Exec", id, name)
	if err != nil {
		return 0, err
	}
	if s.Out != nil {
		if _, err := fmt.Fprintln(s.Out, strings.Join(argv, " ")); err != nil {
			return 0, err
		}
		if s.In != nil {
			if _, err := io.Copy(s.Out, s.In); err != nil {
				return 0, err
			}
		}
	}
	switch {
	case p.execExit >= 0:
		return p.execExit, nil
	case !p.healthy(age):
		return 1, nil
	}
	return 0, nil
}

// Attach gives the container's output from here on until it ends.
func (r *Runtime) Attach(ctx context.Context, id, name string, s sandbox.Streams) error {
	if _, _, err := r.running("Attach", id, name); err != nil {
		return err
	}
	for l, err := range r.Logs(ctx, id, name, sandbox.LogsOptions{Follow: true, Since: stamp()}) {
		if err != nil {
			return err
		}
		w := s.Out
		if l.Stderr && s.ErrOut != nil {
			w = s.ErrOut
		}
		if w == nil {
			continue
		}
		if _, err := io.WriteString(w, l.Text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// Dial reaches a scripted HTTP server: every port that a running container
// says it has, and all ports of a sandbox whose containers say none.
func (r *Runtime) Dial(ctx context.Context, id, network, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	if err := r.enter("Dial"); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	c := r.boxes[id].listener(uint16(n))
	if c == nil || !strings.HasPrefix(network, "tcp") {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	go r.serve(far, c.script, c.StartedAt)
	return near, nil
}

// listener finds who serves a port.
func (b *box) listener(port uint16) *container {
	if b == nil {
		return nil
	}
	var any *container
	declared := false
	for _, name := range b.order {
		c := b.containers[name]
		if c == nil || c.State != sandbox.ContainerRunning {
			continue
		}
		for _, p := range c.ports {
			if p.Number == port {
				return c
			}
			declared = true
		}
		if any == nil {
			any = c
		}
	}
	if declared {
		return nil
	}
	return any
}

// serve answers the requests of one connection.
func (r *Runtime) serve(conn net.Conn, p *script, started time.Time) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if begin, err := in.Peek(3); err == nil && string(begin) == "PRI" {
		serveHealth(&peeked{conn, in}, p, started)
		return
	}
	for {
		q, err := http.ReadRequest(in)
		if err != nil {
			return // the other side has gone, or talks something else
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
		a := &http.Response{StatusCode: p.httpStatus, ProtoMajor: 1, ProtoMinor: 1, Request: q, Close: q.Close}
		body := p.httpBody
		if !p.healthy(time.Since(started)) {
			a.StatusCode, body = http.StatusServiceUnavailable, ""
		}
		a.ContentLength, a.Body = int64(len(body)), io.NopCloser(strings.NewReader(body))
		if err := a.Write(conn); err != nil || q.Close {
			return
		}
	}
}

// Stats tells a usage that grows evenly: one hundredth of a CPU, 16 MiB, and a
// thousand bytes received in a second.
func (r *Runtime) Stats(ctx context.Context, id string) (sandbox.Stats, error) {
	if err := ctx.Err(); err != nil {
		return sandbox.Stats{}, err
	}
	if err := r.enter("Stats"); err != nil {
		return sandbox.Stats{}, err
	}
	defer r.mu.Unlock()
	b := r.boxes[id]
	if b == nil {
		return sandbox.Stats{}, fmt.Errorf("sandbox %s is not up", id)
	}
	now := stamp()
	st := sandbox.Stats{At: now, Containers: map[string]sandbox.ContainerStats{}}
	if n := now.Sub(b.since); n > 0 {
		st.RxBytes, st.TxBytes = uint64(n/time.Millisecond), uint64(n/(2*time.Millisecond))
		st.RxPackets, st.TxPackets = st.RxBytes/100, st.TxBytes/100
	}
	for name, c := range b.containers {
		if c.State != sandbox.ContainerRunning {
			continue
		}
		age := now.Sub(c.StartedAt)
		st.Containers[name] = sandbox.ContainerStats{
			CPU: age / 100, OnlineCPUs: 1, SystemCPU: time.Duration(now.UnixNano()),
			Memory: 16 << 20, MemoryMax: 16 << 20, PIDs: 1,
		}
	}
	return st, nil
}
