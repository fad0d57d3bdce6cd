package emulator_test

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// inProcess carries requests to a handler without a network, so that it works
// in virtual time. Answers are streamed; a body that is closed early is a
// client that has gone away.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	read, write := io.Pipe()
	w := &answerWriter{header: http.Header{}, body: write, begun: make(chan struct{})}
	go func() {
		defer write.Close()
		p.handler.ServeHTTP(w, in)
		w.WriteHeader(http.StatusOK)
	}()
	select {
	case <-w.begun:
	case <-ctx.Done():
		cancel()
		read.Close()
		return nil, ctx.Err()
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &answerBody{read, cancel}, ContentLength: -1, Request: r,
	}, nil
}

// answerWriter is the handler's end.
type answerWriter struct {
	header, sent http.Header
	status       int
	once         sync.Once
	begun        chan struct{}
	body         *io.PipeWriter
}

func (w *answerWriter) Header() http.Header { return w.header }

func (w *answerWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *answerWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *answerWriter) Flush() { w.WriteHeader(http.StatusOK) }

// answerBody is the client's end.
type answerBody struct {
	*io.PipeReader
	gone context.CancelFunc
}

func (b *answerBody) Close() error {
	b.gone()
	return b.PipeReader.Close()
}
