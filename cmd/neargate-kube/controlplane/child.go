package controlplane

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/rest"

	"github.com/neargate/neargate/emulator/eks/link"
)

// child is what the emulator asks of this process.
type child struct {
	board    *board
	settings *settings
	log      *ring
	// client and why are there once the API server is.
	ready  chan struct{}
	client rest.Interface
	why    func(ctx context.Context, pod string) []string
}

func (c *child) Configure(_ context.Context, s link.Settings) error {
	c.settings.set(s)
	return nil
}

func (c *child) Watch(ctx context.Context) iter.Seq2[link.Status, error] {
	return func(yield func(link.Status, error) bool) { c.board.follow(ctx, yield) }
}

func (c *child) Why(ctx context.Context, pod string) ([]string, error) {
	select {
	case <-c.ready:
		return c.why(ctx, pod), nil
	default:
		s, _ := c.board.now()
		return nil, fmt.Errorf("the control plane is starting (%s): %w", s.Progress, link.ErrAway)
	}
}

func (c *child) Keys(ctx context.Context) ([]byte, error) {
	select {
	case <-c.ready:
		return c.client.Get().AbsPath("/openid/v1/jwks").DoRaw(ctx)
	default:
		return nil, fmt.Errorf("the control plane is starting: %w", link.ErrAway)
	}
}

func (c *child) Log(_ context.Context, w io.Writer) error { return c.log.writeTo(w) }

// open is called once the API server answers and the parts run.
func (c *child) open(client rest.Interface, why func(ctx context.Context, pod string) []string) {
	c.client, c.why = client, why
	close(c.ready)
}

// serve answers the emulator on a unix socket until ctx ends.
func (c *child) serve(ctx context.Context, socket string) error {
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listening for the emulator: %w", err)
	}
	s := &http.Server{
		Handler: link.ServeChild(c), ReadHeaderTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { s.Close() })
	go func() { _ = s.Serve(l) }() // ends with ctx
	return nil
}
