package controlplane

import (
	"context"
	"iter"
	"net"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// This file is what goes on inside a sandbox, where the runtime can do it.

// WriteFiles implements [link.Sandboxes].
func (p *parent) WriteFiles(ctx context.Context, id, volume string, files []sandbox.File) error {
	r, ok := p.runtime.(sandbox.FileWriter)
	if !ok {
		return p.cannot("replace files")
	}
	if err := p.mine(ctx, id); err != nil {
		return err
	}
	return kindOf(r.WriteFiles(ctx, id, volume, files))
}

// HostPath implements [link.Sandboxes].
func (p *parent) HostPath(ctx context.Context, id, path, kind string) (s link.HostPathState, err error) {
	r, ok := p.runtime.(sandbox.HostPaths)
	if !ok {
		return s, p.cannot("give nodes a disk")
	}
	if err := p.mine(ctx, id); err != nil {
		return s, err
	}
	s.Place, s.Refused, err = r.HostPath(ctx, id, path, kind)
	return s, kindOf(err)
}

// Stats implements [link.Sandboxes].
func (p *parent) Stats(ctx context.Context, id string) (sandbox.Stats, error) {
	r, ok := p.runtime.(sandbox.StatsReader)
	if !ok {
		return sandbox.Stats{}, p.cannot("tell the usage")
	}
	if err := p.mine(ctx, id); err != nil {
		return sandbox.Stats{}, err
	}
	s, err := r.Stats(ctx, id)
	return s, kindOf(err)
}

// Logs implements [link.Streams].
func (p *parent) Logs(ctx context.Context, id, container string, o sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
	return func(yield func(sandbox.LogLine, error) bool) {
		r, ok := p.runtime.(sandbox.Logs)
		if !ok {
			yield(sandbox.LogLine{}, p.cannot("tell logs"))
			return
		}
		if err := p.mine(ctx, id); err != nil {
			yield(sandbox.LogLine{}, err)
			return
		}
		for l, err := range r.Logs(ctx, id, container, o) {
			if !yield(l, kindOf(err)) {
				return
			}
		}
	}
}

// Exec implements [link.Streams].
func (p *parent) Exec(ctx context.Context, id, container string, argv []string, s sandbox.Streams) (int, error) {
	r, ok := p.runtime.(sandbox.Exec)
	if !ok {
		return 0, p.cannot("run processes in containers")
	}
	if err := p.mine(ctx, id); err != nil {
		return 0, err
	}
	code, err := r.Exec(ctx, id, container, argv, nil, s)
	return code, kindOf(err)
}

// Attach implements [link.Streams].
func (p *parent) Attach(ctx context.Context, id, container string, s sandbox.Streams) error {
	r, ok := p.runtime.(sandbox.Attach)
	if !ok {
		return p.cannot("attach to containers")
	}
	if err := p.mine(ctx, id); err != nil {
		return err
	}
	return kindOf(r.Attach(ctx, id, container, s))
}

// Dial implements [link.Streams].
func (p *parent) Dial(ctx context.Context, id, network, address string) (net.Conn, error) {
	r, ok := p.runtime.(sandbox.Dial)
	if !ok {
		return nil, p.cannot("connect into sandboxes")
	}
	if err := p.mine(ctx, id); err != nil {
		return nil, err
	}
	c, err := r.Dial(ctx, id, network, address)
	return c, kindOf(err)
}
