package docker

import (
	"context"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Plain starts containers as anybody would with the Engine API alone: what a
// task's start is measured against.
type Plain struct{ d *daemon }

// NewPlain connects to the Engine at host; "" finds it as New does.
func NewPlain(ctx context.Context, host string) (*Plain, error) {
	d, err := newDaemon(host)
	if err != nil {
		return nil, err
	}
	_, err = d.facts(ctx)
	return &Plain{d}, err
}

// Start creates and starts one container of image without a network and
// returns how long the two calls took, and what removes it.
func (p *Plain) Start(ctx context.Context, image string) (took time.Duration, remove func(context.Context) error, err error) {
	began := time.Now()
	c, err := p.d.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config:     &container.Config{Image: image},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		return 0, nil, err
	}
	remove = func(ctx context.Context) error {
		_, err := p.d.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true})
		return err
	}
	_, err = p.d.ContainerStart(ctx, c.ID, client.ContainerStartOptions{})
	return time.Since(began), remove, err
}

// Close ends the connection.
func (p *Plain) Close() error { return p.d.Close() }
