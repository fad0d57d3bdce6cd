package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Content of volumes. The Engine copies files into containers only, so each
// copy goes through a container of its own that is never started and has
// nothing but that volume mounted: whatever links a workload may have planted
// there, they lead nowhere else.

const filesTarget = "/volume"

// WriteFiles implements [sandbox.FileWriter].
func (r *Runtime) WriteFiles(ctx context.Context, id, volume string, files []sandbox.File) error {
	if err := r.ready(ctx); err != nil {
		return err
	}
	for _, f := range files {
		if _, err := inside(f.Path); err != nil {
			return fmt.Errorf("volume %s: %w", volume, err)
		}
	}
	unlock, err := r.locks.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	name := r.names.volume(id, volume)
	v, err := r.daemon.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	if errdefs.IsNotFound(err) || err == nil && v.Volume.Labels[labelInstance] != r.options.Instance {
		return fmt.Errorf("sandbox %s has no volume %s", id, volume)
	}
	if err != nil {
		return fmt.Errorf("volume %s: %w", volume, err)
	}
	gid := 0
	if text := v.Volume.Labels[labelGroup]; text != "" {
		if gid, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("volume %s: group: %w", volume, err)
		}
	}
	if v.Volume.Labels[labelAtomic] != "" {
		err = r.writeAtomic(ctx, id, name, gid, files)
	} else {
		err = r.addFiles(ctx, id, name, gid, files)
	}
	if err != nil {
		return fmt.Errorf("volume %s: %w", volume, err)
	}
	return nil
}

// addFiles puts files into a volume beside those that are there, or in their
// place.
func (r *Runtime) addFiles(ctx context.Context, id, volume string, gid int, files []sandbox.File) error {
	return r.through(ctx, id, volume, func(helper string) error {
		there, err := r.foldersThere(ctx, helper, files)
		if err != nil {
			return err
		}
		content, err := pack(ownedBy(gid, files), there, gid, nil)
		if err != nil {
			return err
		}
		return r.unpack(ctx, helper, filesTarget, content)
	})
}

// copyInto unpacks an archive in a volume.
func (r *Runtime) copyInto(ctx context.Context, id, volume string, content io.Reader) error {
	return r.through(ctx, id, volume, func(helper string) error { return r.unpack(ctx, helper, filesTarget, content) })
}

// through does something with a container that has a volume mounted.
func (r *Runtime) through(ctx context.Context, id, volume string, do func(helper string) error) error {
	helper, err := r.filesContainer(ctx, id, volume)
	if err != nil {
		return err
	}
	err = do(helper)
	ctx, cancel := cleanup(ctx)
	defer cancel()
	return errors.Join(err, r.removeContainer(ctx, helper))
}

func (r *Runtime) filesContainer(ctx context.Context, id, volume string, command ...string) (string, error) {
	image, err := r.binary(ctx)
	if err != nil {
		return "", err
	}
	return r.daemon.create(ctx, client.ContainerCreateOptions{
		Name:   r.names.files(id, unique()),
		Config: &container.Config{Image: image, Cmd: command, Labels: r.labels(roleFiles, id)},
		HostConfig: &container.HostConfig{
			NetworkMode: "none",
			Mounts: []mount.Mount{{
				Type: mount.TypeVolume, Source: volume, Target: filesTarget,
				VolumeOptions: &mount.VolumeOptions{NoCopy: true},
			}},
		},
	})
}

func (r *Runtime) unpack(ctx context.Context, helper, folder string, content io.Reader) error {
	_, err := r.daemon.CopyToContainer(ctx, helper, client.CopyToContainerOptions{DestinationPath: folder, Content: content})
	return err
}

// foldersThere tells which folders on the way to the files exist already;
// theirs is the mode that somebody gave them. A link among them is refused.
func (r *Runtime) foldersThere(ctx context.Context, helper string, files []sandbox.File) (map[string]bool, error) {
	there := map[string]bool{}
	for _, folder := range parents(files) {
		if p := path.Dir(folder); p != "." && !there[p] {
			continue
		}
		s, err := r.daemon.ContainerStatPath(ctx, helper, client.ContainerStatPathOptions{Path: path.Join(filesTarget, folder)})
		if errdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if s.Stat.Mode&os.ModeSymlink != 0 {
			return nil, fmt.Errorf("%q is a symbolic link", folder)
		}
		there[folder] = s.Stat.Mode.IsDir()
	}
	return there, nil
}

// parents are all folders above the files, and those that are meant to be
// folders themselves, outer ones first.
func parents(files []sandbox.File) []string {
	all := map[string]bool{}
	for _, f := range files {
		p := path.Clean(f.Path)
		if isFolder(f) {
			all[p] = true
		}
		for p = path.Dir(p); p != "."; p = path.Dir(p) {
			all[p] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func isFolder(f sandbox.File) bool { return strings.HasSuffix(f.Path, "/") }

// within finds what a sub-path of a volume leads to, and makes sure that it
// stays in the volume: links are followed nowhere but in an atomic volume,
// whose own they are.
func (r *Runtime) within(ctx context.Context, s *sandbox.Spec, m sandbox.Mount) (string, error) {
	sub := path.Clean(m.SubPath)
	err := r.through(ctx, s.ID, r.names.volume(s.ID, m.Volume), func(helper string) error {
		if isAtomic(s, m.Volume) {
			folder, err := r.current(ctx, helper)
			if err != nil {
				return err
			}
			sub = path.Join(folder, sub)
		}
		_, err := r.foldersThere(ctx, helper, []sandbox.File{{Path: sub + "/"}})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("sub-path of volume %s: %w", m.Volume, err)
	}
	return sub, nil
}

func isAtomic(s *sandbox.Spec, volume string) bool {
	return slices.ContainsFunc(s.Volumes, func(v sandbox.Volume) bool { return v.Name == volume && v.Atomic })
}
