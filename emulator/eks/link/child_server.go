package link

import (
	"context"
	"io"
	"iter"
	"net/http"
)

// ServeChild serves what a control plane does for the emulator. See [Serve].
func ServeChild(c Child) http.Handler {
	m := http.NewServeMux()
	serve(m, "Configure", func(ctx context.Context, s Settings) (nothing, error) {
		return nothing{}, c.Configure(ctx, s)
	})
	serve(m, "Why", c.Why)
	serve(m, "Keys", func(ctx context.Context, _ nothing) ([]byte, error) { return c.Keys(ctx) })
	serveStream(m, "Watch", func(ctx context.Context, _ nothing) iter.Seq2[Status, error] { return c.Watch(ctx) })
	serveStream(m, "Log", func(ctx context.Context, _ nothing) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			w := &yieldWriter{yield: yield}
			if err := c.Log(ctx, w); err != nil && !w.done {
				yield(nil, err)
			}
		}
	})
	return m
}

// yieldWriter makes a sequence of what is written, until nobody wants more.
type yieldWriter struct {
	yield func([]byte, error) bool
	done  bool
}

func (w *yieldWriter) Write(p []byte) (int, error) {
	if w.done || !w.yield(p, nil) {
		w.done = true
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}
