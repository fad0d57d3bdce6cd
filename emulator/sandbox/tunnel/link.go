package tunnel

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// link is what both ends of an established stream have in common: yamux, the
// connections inside it, and the stop message.
type link struct {
	mux *yamux.Session

	mu    sync.Mutex
	conns map[uint32]*conn
	ended bool
}

const (
	// headerWait is how long an opened stream may keep its header back.
	headerWait = stall
	// stall is how long a machine may stand still without harm. After it yamux
	// gives up a message, which is worse than late: the end of a stream that
	// was never sent is never read.
	stall = time.Minute
	// maxStreams bounds what a peer may have open at once.
	maxStreams = 8192
)

func muxConfig() *yamux.Config {
	c := yamux.DefaultConfig()
	c.LogOutput = io.Discard // its errors reach us as results
	c.StreamCloseTimeout = 0 // see the package comment
	c.StreamOpenTimeout = 0  // opening is bounded by the caller's context
	c.ConnectionWriteTimeout = stall
	return c
}

func (l *link) register(s *yamux.Stream) *conn {
	c := &conn{stream: s, link: l, stopped: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[s.StreamID()] = c
	if l.ended {
		c.lose()
	}
	return c
}

func (l *link) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c.stream.StreamID())
}

// open opens a stream with the given header, and first in the same write.
func (l *link) open(ctx context.Context, k kind, body any, first ...any) (*conn, error) {
	head, err := header(k, body)
	if err != nil {
		return nil, err
	}
	for _, frame := range first {
		if head, err = appendFrame(head, frame); err != nil {
			return nil, &Error{Kind: Invalid, Text: err.Error()}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type result struct {
		c   *conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := l.openNow(ctx, head)
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		return r.c, r.err
	case <-ctx.Done():
		go func() { // yamux may still be waiting for room
			if r := <-done; r.c != nil {
				r.c.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func (l *link) openNow(ctx context.Context, head []byte) (*conn, error) {
	s, err := l.mux.OpenStream()
	if err != nil {
		return nil, errLost(err.Error())
	}
	c := l.register(s)
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if _, err := c.Write(head); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// accept runs handle in a goroutine for each stream that the other end opens,
// until the session ends; then it waits for all of them. handle owns the conn.
func (l *link) accept(handle func(k kind, body []byte, c *conn)) error {
	var running sync.WaitGroup
	defer running.Wait()
	room := make(chan struct{}, maxStreams)
	for {
		s, err := l.mux.AcceptStream()
		if err != nil {
			if l.mux.IsClosed() {
				return err
			}
			continue // this stream alone failed
		}
		c := l.register(s)
		select {
		case room <- struct{}{}:
		default:
			c.Close()
			continue
		}
		running.Go(func() {
			defer func() { <-room }()
			l.begin(c, handle)
		})
	}
}

// begin reads the header of an accepted stream and passes it on.
func (l *link) begin(c *conn, handle func(kind, []byte, *conn)) {
	c.SetReadDeadline(time.Now().Add(headerWait))
	k, body, err := readHeader(c)
	if err != nil {
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	if k != kindStop {
		handle(k, body, c)
		return
	}
	var id uint32
	if err := json.Unmarshal(body, &id); err == nil {
		l.stopped(id)
	}
	c.finish()
}

func (l *link) stopped(id uint32) {
	l.mu.Lock()
	c := l.conns[id]
	l.mu.Unlock()
	if c != nil {
		c.stop()
	}
}

// sendStop tells the other end that nobody reads stream id any more. When the
// tunnel is gone so is the stream, and nothing is left to tell.
func (l *link) sendStop(id uint32) {
	head, err := header(kindStop, id)
	if err != nil {
		return
	}
	if c, err := l.openNow(context.Background(), head); err == nil {
		c.finish()
	}
}

// finish closes a connection on which both ends know that all is said.
func (c *conn) finish() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.Close()
}
