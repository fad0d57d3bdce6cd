package link

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"syscall"
	"time"
)

// This file is what both sides' clients are made of.

// patience is how long a call waits for somebody to listen on the socket,
// when ctx does not end it before: a process that starts, or starts again.
const patience = 15 * time.Second

// caller calls whoever listens on a socket.
type caller struct {
	socket string
	http   *http.Client
}

func newCaller(socket string) *caller {
	c := &caller{socket: socket}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return c.connect(ctx) },
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}}
	return c
}

// connect dials the socket, again and again while nobody listens there.
func (c *caller) connect(ctx context.Context) (net.Conn, error) {
	deadline := time.Now().Add(patience)
	var d net.Dialer
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		conn, err := d.DialContext(ctx, "unix", c.socket)
		switch {
		case err == nil:
			return conn, nil
		case !nobodyListens(err) || !time.Now().Before(deadline):
			return nil, err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
	}
}

// nobodyListens tells whether that may change by itself. EAGAIN is a backlog
// that is full.
func nobodyListens(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EAGAIN)
}

func (c *caller) request(ctx context.Context, name string, in any) (*http.Request, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://link/"+name, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	// All calls are idempotent: net/http may repeat one whose connection turned
	// out to be closed.
	r.Header["Idempotency-Key"] = nil
	return r, nil
}

func (c *caller) send(ctx context.Context, name string, in any) (*http.Response, error) {
	r, err := c.request(ctx, name, in)
	if err != nil {
		return nil, err
	}
	a, err := c.http.Do(r)
	if err != nil {
		return nil, away(ctx, name, err)
	}
	if a.StatusCode == http.StatusOK {
		return a, nil
	}
	defer a.Body.Close()
	return nil, refusal(ctx, name, a.Body)
}

// refusal is the error that an answer tells.
func refusal(ctx context.Context, name string, r io.Reader) error {
	body, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return away(ctx, name, err)
	}
	return problemOf(body)
}

// call makes one call.
func call[Out any](ctx context.Context, c *caller, name string, in any) (out Out, err error) {
	a, err := c.send(ctx, name, in)
	if err != nil {
		return out, err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return out, away(ctx, name, err)
	}
	return out, json.Unmarshal(body, &out)
}

// follow makes a call whose answer goes on. The last error is the other
// side's, or ErrAway when the stream was cut; none when it was at its end.
func follow[T any](ctx context.Context, c *caller, name string, in any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var none T
		a, err := c.send(ctx, name, in)
		if err != nil {
			yield(none, err)
			return
		}
		defer a.Body.Close()
		lines := json.NewDecoder(a.Body)
		for {
			var l line[T]
			switch err := lines.Decode(&l); {
			case err != nil:
				if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
					err = errCut
				}
				yield(none, away(ctx, name, err))
				return
			case l.Problem != nil:
				yield(none, l.Problem.err())
				return
			case l.End:
				return
			case l.Value != nil && !yield(*l.Value, nil):
				return
			}
		}
	}
}

// upgrade makes a call whose connection becomes a stream of bytes. ctx bounds
// the call, not the stream.
func (c *caller) upgrade(ctx context.Context, name string, in any) (*upgraded, error) {
	r, err := c.request(ctx, name, in)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", upgradeName)
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, away(ctx, name, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	u, err := switchOver(ctx, conn, r, name)
	if err == nil && !stop() {
		err = away(ctx, name, ctx.Err())
	}
	if err != nil {
		stop()
		conn.Close()
		return nil, err
	}
	return u, nil
}

func switchOver(ctx context.Context, conn net.Conn, r *http.Request, name string) (*upgraded, error) {
	if err := r.Write(conn); err != nil {
		return nil, away(ctx, name, err)
	}
	ahead := bufio.NewReader(conn)
	a, err := http.ReadResponse(ahead, r)
	if err != nil {
		return nil, away(ctx, name, err)
	}
	if a.StatusCode != http.StatusSwitchingProtocols {
		defer a.Body.Close()
		return nil, refusal(ctx, name, a.Body)
	}
	return &upgraded{conn, ahead}, nil
}
