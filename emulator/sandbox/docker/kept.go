package docker

import (
	"cmp"
	"context"
	"fmt"
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
	return ok && !v.Memory && v.Node == "" && !copies(s, name)
}

// copies: an empty volume on disk takes over what the image has at the mount
// point, as with Docker and on Fargate. That is done when a container is made,
// so nothing can be said of its content before; one of which anything is said
// is not overlaid, nor is memory.
func copies(s *sandbox.Spec, name string) bool {
	v, ok := volumeOf(s, name)
	if !ok || v.Node != "" || v.Empty || v.Atomic || v.Memory || v.Mode != 0 || v.GID != 0 || len(v.Files) > 0 {
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
func (r *Runtime) keptMount(wish boxWish) mount.Mount {
	return mount.Mount{
		Type: mount.TypeVolume, Source: r.names.kept(wish.name), Target: keptRoot,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: r.volumeLabels(wish.sandbox)},
	}
}

// dropKept removes the volume of a sandbox container that is gone.
func (r *Runtime) dropKept(ctx context.Context, b *box) error {
	if !b.keeps() {
		return nil
	}
	return r.dropVolumes(ctx, []string{b.kept})
}

// dropSpareKept removes the volumes that were made for the warm pool and that no
// container has.
func (r *Runtime) dropSpareKept(ctx context.Context, there map[string]bool) error {
	l, err := r.daemon.VolumeList(ctx, client.VolumeListOptions{Filters: r.ours()})
	if err != nil {
		return fmt.Errorf("volumes: %w", err)
	}
	var all []string
	for _, v := range l.Items {
		if r.names.isSpare(v.Name) && !there[v.Name] {
			all = append(all, v.Name)
		}
	}
	return r.dropVolumes(ctx, all)
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
