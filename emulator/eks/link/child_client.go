package link

import (
	"context"
	"io"
	"iter"
)

// ChildClient calls a control plane from the emulator. It can be made before
// the control plane listens, as [ParentClient].
type ChildClient struct{ c *caller }

var _ Child = (*ChildClient)(nil)

// DialChild calls whoever serves [ServeChild] on a socket. It does not connect
// yet.
func DialChild(socket string) *ChildClient { return &ChildClient{newCaller(socket)} }

// Close lets go of connections that nobody uses.
func (c *ChildClient) Close() { c.c.http.CloseIdleConnections() }

// Configure implements [Child].
func (c *ChildClient) Configure(ctx context.Context, s Settings) error {
	_, err := call[nothing](ctx, c.c, "Configure", s)
	return err
}

// Watch implements [Child]. A link that breaks is the last error, ErrAway.
func (c *ChildClient) Watch(ctx context.Context) iter.Seq2[Status, error] {
	return follow[Status](ctx, c.c, "Watch", nothing{})
}

// Why implements [Child].
func (c *ChildClient) Why(ctx context.Context, pod string) ([]string, error) {
	return call[[]string](ctx, c.c, "Why", pod)
}

// Keys implements [Child].
func (c *ChildClient) Keys(ctx context.Context) ([]byte, error) {
	return call[[]byte](ctx, c.c, "Keys", nothing{})
}

// Log implements [Child].
func (c *ChildClient) Log(ctx context.Context, w io.Writer) error {
	for p, err := range follow[[]byte](ctx, c.c, "Log", nothing{}) {
		if err != nil {
			return err
		}
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}
