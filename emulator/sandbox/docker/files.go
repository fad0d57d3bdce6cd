package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

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
	there, err := r.volumesOf(ctx, id)
	if err != nil {
		return err
	}
	if !there[r.names.volume(id, volume)] {
		return fmt.Errorf("sandbox %s has no volume %s", id, volume)
	}
	return r.copyFiles(ctx, id, volume, files)
}

func (r *Runtime) copyFiles(ctx context.Context, id, volume string, files []sandbox.File) error {
	helper, err := r.filesContainer(ctx, id, volume)
	if err != nil {
		return fmt.Errorf("volume %s: %w", volume, err)
	}
	err = r.copyThrough(ctx, helper, files)
	if err != nil {
		err = fmt.Errorf("volume %s: %w", volume, err)
	}
	ctx, cancel := cleanup(ctx)
	defer cancel()
	return errors.Join(err, r.removeContainer(ctx, helper))
}

func (r *Runtime) filesContainer(ctx context.Context, id, volume string) (string, error) {
	image, err := r.binary(ctx)
	if err != nil {
		return "", err
	}
	return r.daemon.create(ctx, client.ContainerCreateOptions{
		Name:   r.names.files(id, unique()),
		Config: &container.Config{Image: image, Labels: r.labels(roleFiles, id)},
		HostConfig: &container.HostConfig{
			NetworkMode: "none",
			Mounts: []mount.Mount{{
				Type: mount.TypeVolume, Source: r.names.volume(id, volume), Target: filesTarget,
				VolumeOptions: &mount.VolumeOptions{NoCopy: true},
			}},
		},
	})
}

func (r *Runtime) copyThrough(ctx context.Context, helper string, files []sandbox.File) error {
	there, err := r.foldersThere(ctx, helper, files)
	if err != nil {
		return err
	}
	content, err := archive(files, there)
	if err != nil {
		return err
	}
	_, err = r.daemon.CopyToContainer(ctx, helper, client.CopyToContainerOptions{DestinationPath: filesTarget, Content: content})
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

// archive packs files, and the folders on the way to them that are not there
// yet. Its times are now: a workload that looks for changes sees one.
func archive(files []sandbox.File, there map[string]bool) (io.Reader, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	now := time.Now()
	modes := map[string]int64{}
	for _, f := range files {
		if isFolder(f) {
			modes[path.Clean(f.Path)] = int64(f.Mode)
		}
	}
	for _, folder := range parents(files) {
		if there[folder] {
			continue
		}
		mode, ok := modes[folder]
		if !ok {
			mode = 0o755
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: mode, ModTime: now, Format: tar.FormatPAX}); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		if isFolder(f) {
			continue
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: path.Clean(f.Path), Mode: int64(f.Mode), Uid: f.UID, Gid: f.GID, Size: int64(len(f.Data)), ModTime: now, Format: tar.FormatPAX}
		if err := errors.Join(w.WriteHeader(h), write(w, f.Data)); err != nil {
			return nil, err
		}
	}
	return &buf, w.Close()
}

// refuseLinks makes sure that a sub-path stays within its volume.
func (r *Runtime) refuseLinks(ctx context.Context, id string, m sandbox.Mount) error {
	helper, err := r.filesContainer(ctx, id, m.Volume)
	if err == nil {
		_, err = r.foldersThere(ctx, helper, []sandbox.File{{Path: path.Clean(m.SubPath) + "/"}})
	}
	if err != nil {
		err = fmt.Errorf("sub-path of volume %s: %w", m.Volume, err)
	}
	ctx, cancel := cleanup(ctx)
	defer cancel()
	if helper == "" {
		return err
	}
	return errors.Join(err, r.removeContainer(ctx, helper))
}
