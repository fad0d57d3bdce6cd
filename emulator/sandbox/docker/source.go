package docker

import (
	"cmp"
	"context"
	"fmt"
	"path"

	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// What a mount of a workload's container shows: a whole volume of the
// Engine's, or a part of one, which it may be unable to mount by itself.

// keptFolder tells where the Engine has the volume that PID 1 keeps, on its own
// host.
func (r *Runtime) keptFolder(ctx context.Context, b *box) (string, error) {
	r.mu.Lock()
	known := b.keptFolder
	r.mu.Unlock()
	if known != "" {
		return known, nil
	}
	folder, err := r.folder(ctx, b.kept)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.keptFolder = folder
	return folder, nil
}

func (r *Runtime) folder(ctx context.Context, volume string) (string, error) {
	v, err := r.daemon.VolumeInspect(ctx, volume, client.VolumeInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("volume %s: %w", volume, err)
	}
	return v.Volume.Mountpoint, nil
}

// source is where a mount begins: a volume of the Engine's and a path in it.
type source struct{ volume, path string }

// sourceOf finds what a mount shows. sub is what its sub-path leads to.
func sourceOf(s *sandbox.Spec, m sandbox.Mount, sub string, t setting) source {
	if v, _ := volumeOf(s, m.Volume); v.Node != "" {
		return source{t.disks[v.Node], path.Join(tunnel.Disk, cmp.Or(sub, v.Path))}
	}
	if isKept(s, m.Volume) {
		return source{t.kept, path.Join(safeName(m.Volume), sub)}
	}
	return source{t.names.volume(s.ID, m.Volume), sub}
}

// part mounts a part of a volume. An Engine that cannot do so is given the
// folder of its own host that the volume is.
func part(from source, target string, readOnly bool, t setting) mount.Mount {
	if t.subpaths {
		return mount.Mount{
			Type: mount.TypeVolume, Source: from.volume, Target: target, ReadOnly: readOnly,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: from.path},
		}
	}
	return mount.Mount{Type: mount.TypeBind, Source: path.Join(t.folders[from.volume], from.path), Target: target, ReadOnly: readOnly}
}

// resolve finds out what sub-paths lead to, and the folders of volumes that
// are mounted in part, for Engines that cannot do so themselves.
func (r *Runtime) resolve(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, b *box, t *setting) error {
	t.folders, t.subs, t.disks = map[string]string{}, map[string]string{}, map[string]string{}
	needsKept := c.Message != nil
	for _, m := range c.Mounts {
		if v, _ := volumeOf(s, m.Volume); v.Node != "" {
			if err := r.resolveHostPath(ctx, v, m, t); err != nil {
				return err
			}
			continue
		}
		kept := isKept(s, m.Volume)
		needsKept = needsKept || kept
		if m.SubPath == "" {
			continue
		}
		sub, err := r.subPath(ctx, s.ID, m, kept, b)
		if err != nil {
			return fmt.Errorf("sub-path of volume %s: %w", m.Volume, err)
		}
		t.subs[m.Path] = sub
		if kept || t.subpaths {
			continue
		}
		name := r.names.volume(s.ID, m.Volume)
		if t.folders[name], err = r.folder(ctx, name); err != nil {
			return err
		}
	}
	if !needsKept || t.subpaths {
		return nil
	}
	folder, err := r.keptFolder(ctx, b)
	t.folders[b.kept] = folder
	return err
}

func (r *Runtime) subPath(ctx context.Context, id string, m sandbox.Mount, kept bool, b *box) (sub string, err error) {
	find := func(t *tunnel.Session) (err error) {
		sub, err = t.SubPath(ctx, safeName(m.Volume), path.Clean(m.SubPath))
		return err
	}
	if !kept {
		err = r.withHolder(ctx, id, nil, find)
		return sub, err
	}
	t, err := r.sessionOf(ctx, b)
	if err != nil {
		return "", err
	}
	err = find(t)
	return sub, err
}
