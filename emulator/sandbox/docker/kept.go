package docker

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Volumes that PID 1 keeps: one volume of the Engine's is in the sandbox
// container from its beginning, and its folders are mounted into the
// workload's containers. So making one, or all of a pod's, costs the Engine
// nothing.

// keptRoot is where PID 1 finds them.
const keptRoot = "/volumes"

// messagesFolder is where it has the files of termination messages there.
const messagesFolder = ".messages"

// keepingCaps are what PID 1 needs for files of other users.
var keepingCaps = []string{"CHOWN", "FOWNER", "FSETID"}

// keeps tells whether a sandbox is made with a volume for volumes. What an
// open one will have is not known yet.
func keeps(s *sandbox.Spec) bool {
	return s.Open || s.Network.Cluster != nil ||
		slices.ContainsFunc(s.Volumes, func(v sandbox.Volume) bool { return isKept(s, v.Name) }) ||
		slices.ContainsFunc(s.Containers, func(c sandbox.Container) bool { return c.Message != nil })
}

func volumeOf(s *sandbox.Spec, name string) (sandbox.Volume, bool) {
	i := slices.IndexFunc(s.Volumes, func(v sandbox.Volume) bool { return v.Name == name })
	if i < 0 {
		return sandbox.Volume{}, false
	}
	return s.Volumes[i], true
}

func isKept(s *sandbox.Spec, name string) bool {
	v, ok := volumeOf(s, name)
	return ok && !v.Memory && !copies(s, name)
}

// copies: an empty volume on disk takes over what the image has at the mount
// point, as with Docker and on Fargate. That is done when a container is made,
// so nothing can be said of its content before; one of which anything is said
// is not overlaid, nor is memory.
func copies(s *sandbox.Spec, name string) bool {
	v, ok := volumeOf(s, name)
	if !ok || v.Empty || v.Atomic || v.Memory || v.Mode != 0 || v.GID != 0 || len(v.Files) > 0 {
		return false
	}
	for _, c := range s.Containers {
		for _, m := range c.Mounts {
			if m.Volume == name && m.SubPath != "" && !c.Ephemeral {
				return false
			}
		}
	}
	return true
}

// rootMode is the mode of a volume's root.
func rootMode(v sandbox.Volume) uint32 {
	mode := cmp.Or(v.Mode, 0o755)
	if v.Memory {
		mode = cmp.Or(v.Mode, 0o777)
	}
	if v.GID != 0 {
		mode |= 0o2000
	}
	return mode
}

// keptMount puts the volume with all volumes into the sandbox container. The
// Engine makes it with the container.
func (r *Runtime) keptMount(id string) mount.Mount {
	return mount.Mount{
		Type: mount.TypeVolume, Source: r.names.kept(id), Target: keptRoot,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: r.volumeLabels(id)},
	}
}

func (r *Runtime) makeKept(ctx context.Context, b *box, all []sandbox.Volume) error {
	if len(all) == 0 {
		return nil
	}
	t, err := r.sessionOf(ctx, b)
	if err != nil {
		return err
	}
	return keep(ctx, t, all)
}

// keep has PID 1 make volumes.
func keep(ctx context.Context, t *tunnel.Session, all []sandbox.Volume) error {
	for _, v := range all {
		as := tunnel.Volume{Mode: rootMode(v), GID: v.GID, Atomic: v.Atomic}
		if err := t.MakeVolume(ctx, safeName(v.Name), as, contentOf(v.Files)); err != nil {
			return fmt.Errorf("volume %s: %w", v.Name, err)
		}
	}
	return nil
}

// keptFolder tells where the Engine has the volume, on its own host.
func (r *Runtime) keptFolder(ctx context.Context, b *box) (string, error) {
	r.mu.Lock()
	known := b.keptFolder
	r.mu.Unlock()
	if known != "" {
		return known, nil
	}
	folder, err := r.folder(ctx, r.names.kept(b.id()))
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
func sourceOf(s *sandbox.Spec, m sandbox.Mount, sub string, n names) source {
	if isKept(s, m.Volume) {
		return source{n.kept(s.ID), path.Join(safeName(m.Volume), sub)}
	}
	return source{n.volume(s.ID, m.Volume), sub}
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
	t.folders, t.subs = map[string]string{}, map[string]string{}
	needsKept := c.Message != nil
	for _, m := range c.Mounts {
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
	t.folders[r.names.kept(s.ID)] = folder
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
