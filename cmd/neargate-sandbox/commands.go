//go:build linux

package main

import (
	"context"

	"github.com/neargate/neargate/cmd/neargate-sandbox/cgroup"
	"github.com/neargate/neargate/cmd/neargate-sandbox/linklocal"
	"github.com/neargate/neargate/cmd/neargate-sandbox/volumes"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// none is the reply of a command that has nothing to say.
type none struct{}

// commands are what the emulator can ask for.
func (s *sandbox) commands() map[string]tunnel.Command {
	return map[string]tunnel.Command{
		tunnel.CommandCgroupCreate: onCgroup(s, func(_ context.Context, t *cgroup.Tree, g tunnel.Cgroup) (tunnel.CgroupState, error) {
			return t.Create(g)
		}),
		tunnel.CommandCgroupUpdate: onCgroup(s, func(_ context.Context, t *cgroup.Tree, g tunnel.Cgroup) (tunnel.CgroupState, error) {
			return t.Update(g)
		}),
		tunnel.CommandCgroupRemove: onCgroup(s, func(ctx context.Context, t *cgroup.Tree, g tunnel.Cgroup) (none, error) {
			return none{}, t.Remove(ctx, g.Path)
		}),
		tunnel.CommandCgroupStats: onCgroup(s, func(_ context.Context, t *cgroup.Tree, g tunnel.Cgroup) (tunnel.CgroupStats, error) {
			return t.Stats(g.Path)
		}),
		tunnel.CommandSetNames:      tunnel.Handle(s.setNames),
		tunnel.CommandConfigure:     tunnel.Handle(s.configure),
		tunnel.CommandSetServices:   tunnel.Handle(s.setServices),
		tunnel.CommandVolumeWrite:   onVolumes(s, (*volumes.Tree).Write),
		tunnel.CommandVolumeSubPath: onVolumes(s, (*volumes.Tree).SubPath),
		tunnel.CommandMessageMake: onVolumes(s, func(t *volumes.Tree, m tunnel.MessageFile) (none, error) {
			return none{}, t.MakeMessage(m)
		}),
		tunnel.CommandMessageRead: onVolumes(s, (*volumes.Tree).ReadMessage),
		tunnel.CommandHostPath:    onVolumes(s, (*volumes.Tree).HostPath),
		tunnel.CommandNetworkStats: tunnel.Handle(func(context.Context, none) ([]tunnel.Interface, error) {
			return linklocal.Interfaces()
		}),
	}
}

// onCgroup makes a command of f that says so where there is no tree.
func onCgroup[Reply any](s *sandbox, f func(context.Context, *cgroup.Tree, tunnel.Cgroup) (Reply, error)) tunnel.Command {
	return tunnel.Handle(func(ctx context.Context, g tunnel.Cgroup) (Reply, error) {
		if s.cgroups == nil {
			var no Reply
			return no, &tunnel.Error{Kind: tunnel.Invalid, Text: "the sandbox has no cgroup tree: start it with --cgroup-root"}
		}
		return f(ctx, s.cgroups, g)
	})
}

// onVolumes makes a command of f that says so where no volumes are kept.
func onVolumes[Request, Reply any](s *sandbox, f func(*volumes.Tree, Request) (Reply, error)) tunnel.Command {
	return tunnel.Handle(func(_ context.Context, r Request) (Reply, error) {
		if s.volumes == nil {
			var no Reply
			return no, &tunnel.Error{Kind: tunnel.Invalid, Text: "the sandbox keeps no volumes: start it with --volumes"}
		}
		return f(s.volumes, r)
	})
}

func (s *sandbox) setNames(_ context.Context, n tunnel.Names) (none, error) {
	if s.resolver == nil {
		return none{}, &tunnel.Error{Kind: tunnel.Invalid, Text: "the sandbox runs no resolver: it was started with --dns=false"}
	}
	return none{}, s.resolver.SetNames(n)
}
