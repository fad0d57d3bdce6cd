package docker

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// The disk of a node is a folder in the volume that PID 1 of the node's sandbox
// keeps. Pods have parts of it mounted as they have parts of their own; it goes
// with the node's sandbox, which outlives them.

// HostPath implements [sandbox.HostPaths].
func (r *Runtime) HostPath(ctx context.Context, id, at, kind string) (place, refused string, err error) {
	if err := r.ready(ctx); err != nil {
		return "", "", err
	}
	b := r.box(id)
	if b == nil {
		return "", "", fmt.Errorf("node %s: %w", id, errNoSandbox)
	}
	t, err := r.sessionOf(ctx, b)
	if err != nil {
		return "", "", err
	}
	place, err = t.HostPath(ctx, tunnel.HostPath{Path: at, Type: kind})
	if e, ok := errors.AsType[*tunnel.Error](err); ok && e.Kind == tunnel.Invalid {
		return "", e.Text, nil
	}
	if e, ok := errors.AsType[*tunnel.Error](err); ok && e.Kind == tunnel.UnknownCommand {
		return "", "the node was made by a release of Neargate that gave nodes no disk: have the node group make another one", nil
	}
	return place, "", err
}

// resolveHostPath finds out what a sub-path of a place on a node's disk leads
// to, and the folder of the volume that the disk is in.
func (r *Runtime) resolveHostPath(ctx context.Context, v sandbox.Volume, m sandbox.Mount, t *setting) error {
	if m.SubPath != "" {
		place, refused, err := r.HostPath(ctx, v.Node, path.Join("/", v.Path, m.SubPath), "")
		if err == nil && refused == "" && v.Path != "." && !strings.HasPrefix(place+"/", v.Path+"/") {
			refused = fmt.Sprintf("path %q leads out of the volume", m.SubPath)
		}
		if err == nil && refused != "" {
			err = errors.New(refused)
		}
		if err != nil {
			return fmt.Errorf("sub-path of volume %s: %w", m.Volume, err)
		}
		t.subs[m.Path] = place
	}
	node := r.box(v.Node)
	if node == nil || !node.keeps() {
		return fmt.Errorf("node %s: %w", v.Node, errNoSandbox)
	}
	t.disks[v.Node] = node.kept
	if t.subpaths || t.folders[node.kept] != "" {
		return nil
	}
	folder, err := r.keptFolder(ctx, node)
	t.folders[node.kept] = folder
	return err
}
