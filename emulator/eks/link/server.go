package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
)

// This file is what both sides' servers are made of. Every call is a POST of
// its arguments, as JSON, to its name.

// maxBody bounds what is kept in memory of one call. The largest honest ones
// are the files of a volume and the table of a cluster's Services.
const maxBody = 64 << 20

// upgradeName is the protocol that connections of Exec, Attach and Dial are
// upgraded to.
const upgradeName = "neargate-link"

// serve registers a call that takes In and answers Out.
func serve[In, Out any](m *http.ServeMux, name string, do func(context.Context, In) (Out, error)) {
	m.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if !read(w, r, &in) {
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			refuse(w, err)
			return
		}
		body, err := json.Marshal(out)
		if err != nil {
			refuse(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body) // an error means that nobody waits any more
	})
}

// line is a line of a stream that goes on: a value, or at the end that it was
// the end, or why. A stream without either was cut.
type line[T any] struct {
	Value   *T       `json:"value,omitempty"`
	End     bool     `json:"end,omitempty"`
	Problem *problem `json:"problem,omitempty"`
}

// serveStream registers a call that takes In and answers values of T, a line
// each, flushed at once.
func serveStream[In, T any](m *http.ServeMux, name string, do func(context.Context, In) iter.Seq2[T, error]) {
	m.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if !read(w, r, &in) {
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		flush := http.NewResponseController(w)
		send := func(l line[T]) error {
			body, err := json.Marshal(l)
			if err != nil {
				return err
			}
			if _, err := w.Write(append(body, '\n')); err != nil {
				return err
			}
			return flush.Flush()
		}
		if flush.Flush() != nil { // the reader learns that it is heard
			return
		}
		for v, err := range do(r.Context(), in) {
			if err != nil {
				p, _ := told(err)
				_ = send(line[T]{Problem: &p}) // fails only when nobody reads any more
				return
			}
			if send(line[T]{Value: &v}) != nil {
				return
			}
		}
		if r.Context().Err() == nil {
			_ = send(line[T]{End: true}) // fails only when nobody reads any more
		}
	})
}

// serveUpgrade registers a call whose connection becomes a stream of bytes.
// open does what can be refused, and returns what goes on with the stream.
func serveUpgrade[In any](m *http.ServeMux, name string, open func(context.Context, In) (func(context.Context, *upgraded), error)) {
	m.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if !read(w, r, &in) {
			return
		}
		run, err := open(r.Context(), in)
		if err != nil {
			refuse(w, err)
			return
		}
		c, ahead := takeOver(w)
		defer c.Close()
		defer context.AfterFunc(r.Context(), func() { c.Close() })()
		_, err = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", upgradeName)
		if err != nil {
			c.Close()
		}
		run(r.Context(), &upgraded{c, ahead})
	})
}

// takeOver takes a connection out of net/http's hands. One that cannot be
// taken has ended, and reads and writes like that.
func takeOver(w http.ResponseWriter) (net.Conn, io.Reader) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a, b := net.Pipe()
		b.Close()
		return a, a
	}
	// What was read ahead is taken out of net/http's reader, because that ends
	// the request's context at an end of file, and so would break a connection
	// of which only one side has ended.
	ahead, _ := rw.Reader.Peek(rw.Reader.Buffered()) // never more than there is: no error
	return c, io.MultiReader(bytes.NewReader(ahead), c)
}

// upgraded is a connection of which some bytes may have been read ahead.
type upgraded struct {
	net.Conn
	ahead io.Reader
}

func (u *upgraded) Read(p []byte) (int, error) { return u.ahead.Read(p) }

// CloseWrite ends the writing side: the other end reads an end of file.
func (u *upgraded) CloseWrite() error {
	if half, ok := u.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return u.Conn.Close()
}

// read reads a call's arguments, and answers when they cannot be read.
func read(w http.ResponseWriter, r *http.Request, in any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, in)
	}
	if err != nil {
		refuse(w, fmt.Errorf("%w: %w", ErrInvalid, err))
	}
	return err == nil
}

func refuse(w http.ResponseWriter, err error) {
	p, status := told(err)
	body, encoding := json.Marshal(p)
	if encoding != nil {
		body = []byte(`{"message":"an error that cannot be told"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body) // an error means that nobody waits any more
}

// errCut is why a stream ended that was not at its end.
var errCut = errors.New("the other side has gone amid the stream")
