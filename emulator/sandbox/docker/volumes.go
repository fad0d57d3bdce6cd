package docker

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Volumes of a sandbox: named Docker volumes on disk, or tmpfs ones. A tmpfs
// lives as long as somebody has it mounted, so one small container holds them
// while the sandbox lives. Their content is files.go's matter.

// checkVolumes refuses what would leave its volume.
func checkVolumes(s *sandbox.Spec) error {
	for _, v := range s.Volumes {
		for _, f := range v.Files {
			if _, err := inside(f.Path); err != nil {
				return &sandbox.StopError{Reason: fmt.Sprintf("ResourceInitializationError: volume %s: %v", v.Name, err)}
			}
		}
	}
	for _, c := range s.Containers {
		for _, m := range c.Mounts {
			if m.SubPath == "" {
				continue
			}
			if _, err := inside(m.SubPath); err != nil {
				return &sandbox.StopError{Container: c.Name, Reason: fmt.Sprintf("CannotCreateContainerError: sub-path of volume %s: %v", m.Volume, err)}
			}
		}
	}
	return nil
}

// inside cleans a path relative to a volume, and refuses one that leaves it.
func inside(p string) (string, error) {
	clean := path.Clean(p)
	if p == "" || path.IsAbs(p) || clean == "." || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsRune(p, 0) {
		return "", fmt.Errorf("path %q is not within the volume", p)
	}
	// Dots that are taken back again are suspicious enough: "a/../../b" is no
	// honest way to write a path.
	for element := range strings.SplitSeq(p, "/") {
		if element == ".." {
			return "", fmt.Errorf("path %q is not within the volume", p)
		}
	}
	return clean, nil
}

// makeVolumes makes all volumes with their files and the folders of sub-paths.
// Once a container of the sandbox has been made, what is in them stays as it is.
func (r *Runtime) makeVolumes(ctx context.Context, s *sandbox.Spec, b *box) error {
	r.mu.Lock()
	begun := len(b.newest) > 0
	r.mu.Unlock()
	if begun || len(s.Volumes) == 0 && !slices.ContainsFunc(s.Containers, hasMessage) {
		return nil
	}
	there, err := r.volumesOf(ctx, s.ID)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, v := range s.Volumes {
		if !there[r.names.volume(s.ID, v.Name)] {
			g.Go(func() error { return r.makeVolume(gctx, s.ID, v) })
		}
	}
	g.Go(func() error { return r.makeMessages(gctx, s) })
	if err := g.Wait(); err != nil {
		return err
	}
	if err := r.holdMemory(ctx, s); err != nil {
		return err
	}
	r.mu.Lock()
	b.notes = unlimitedVolumes(s)
	r.mu.Unlock()
	g, gctx = errgroup.WithContext(ctx)
	for _, v := range s.Volumes {
		g.Go(func() error { return r.fillVolume(gctx, s, v) })
	}
	return g.Wait()
}

// fillVolume gives a new volume its content.
func (r *Runtime) fillVolume(ctx context.Context, s *sandbox.Spec, v sandbox.Volume) error {
	content, err := initial(v, foldersOf(s, v.Name))
	if err != nil {
		return fmt.Errorf("volume %s: %w", v.Name, err)
	}
	root, err := rootOf(v)
	if err != nil || content == nil && root == nil {
		return err
	}
	err = r.through(ctx, s.ID, r.names.volume(s.ID, v.Name), func(helper string) error {
		if content != nil {
			if err := r.unpack(ctx, helper, filesTarget, content); err != nil {
				return err
			}
		}
		if root == nil {
			return nil
		}
		return r.unpack(ctx, helper, path.Dir(filesTarget), root)
	})
	if err != nil {
		return fmt.Errorf("volume %s: %w", v.Name, err)
	}
	return nil
}

// unlimitedVolumes: the Engine has no sizes for volumes on disk.
func unlimitedVolumes(s *sandbox.Spec) []string {
	var notes []string
	for _, v := range s.Volumes {
		if v.Size > 0 && !v.Memory {
			notes = append(notes, fmt.Sprintf("the size of volume %s, %d bytes, is not enforced: it is on the disk of the Docker Engine", v.Name, v.Size))
		}
	}
	return notes
}

func (r *Runtime) volumesOf(ctx context.Context, id string) (map[string]bool, error) {
	l, err := r.daemon.VolumeList(ctx, client.VolumeListOptions{Filters: r.ours().Add("label", labelSandbox+"="+id)})
	if err != nil {
		return nil, fmt.Errorf("volumes: %w", err)
	}
	there := map[string]bool{}
	for _, v := range l.Items {
		there[v.Name] = true
	}
	return there, nil
}

func (r *Runtime) makeVolume(ctx context.Context, id string, v sandbox.Volume) error {
	o := client.VolumeCreateOptions{
		Name: r.names.volume(id, v.Name), Driver: "local",
		Labels: r.volumeLabels(id, v),
	}
	if v.Memory {
		o.DriverOpts = map[string]string{"type": "tmpfs", "device": "tmpfs", "o": tmpfsOptions(v)}
	}
	_, err := finish(ctx, func(ctx context.Context) (client.VolumeCreateResult, error) { return r.daemon.VolumeCreate(ctx, o) })
	if err != nil {
		return fmt.Errorf("volume %s: %w", v.Name, err)
	}
	return nil
}

// tmpfsOptions: any user of the sandbox may write, as into an emptyDir, unless
// something else was asked for.
func tmpfsOptions(v sandbox.Volume) string {
	o := fmt.Sprintf("mode=%04o", rootMode(v, 0o777))
	if v.GID != 0 {
		o += ",gid=" + strconv.Itoa(v.GID)
	}
	if v.Size > 0 {
		o += ",size=" + strconv.FormatInt(v.Size, 10)
	}
	return o
}

// foldersOf are the sub-paths of a volume that somebody mounts, as empty
// folders: the Engine, unlike Kubernetes, does not make them.
func foldersOf(s *sandbox.Spec, volume string) []sandbox.File {
	files := map[string]bool{}
	if isAtomic(s, volume) {
		return nil // what is not in its content is not there to be mounted
	}
	for _, v := range s.Volumes {
		if v.Name == volume {
			for _, f := range v.Files {
				if p, err := inside(f.Path); err == nil {
					files[p] = true
				}
			}
		}
	}
	var all []sandbox.File
	seen := map[string]bool{}
	for _, c := range s.Containers {
		for _, m := range c.Mounts {
			p, err := inside(m.SubPath)
			if m.Volume != volume || err != nil || seen[p] || files[p] {
				continue
			}
			seen[p] = true
			all = append(all, sandbox.File{Path: p + "/", Mode: 0o777})
		}
	}
	return all
}

// holdMemory runs the container that keeps memory volumes mounted.
func (r *Runtime) holdMemory(ctx context.Context, s *sandbox.Spec) error {
	var mounts []mount.Mount
	for i, v := range s.Volumes {
		if v.Memory {
			mounts = append(mounts, mount.Mount{Type: mount.TypeVolume, Source: r.names.volume(s.ID, v.Name), Target: fmt.Sprintf("/volume/%d", i)})
		}
	}
	if len(mounts) == 0 {
		return nil
	}
	image, err := r.binary(ctx)
	if err != nil {
		return err
	}
	name := r.names.holder(s.ID)
	_, err = r.daemon.create(ctx, client.ContainerCreateOptions{
		Name: name,
		Config: &container.Config{
			// Without the cgroup tree and DNS, PID 1 only sleeps.
			Image: image, Cmd: []string{"--dns=false"}, OpenStdin: true, Labels: r.labels(roleHolder, s.ID),
		},
		HostConfig: &container.HostConfig{
			NetworkMode: "none", Mounts: mounts, LogConfig: container.LogConfig{Type: "none"},
			CapDrop: []string{"ALL"}, CapAdd: []string{"NET_ADMIN"}, SecurityOpt: []string{"no-new-privileges"},
		},
	})
	if err != nil && !errdefs.IsConflict(err) {
		return fmt.Errorf("memory volumes: %w", err)
	}
	if _, err := r.daemon.ContainerStart(ctx, name, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("memory volumes: %w", err)
	}
	return nil
}

func (r *Runtime) labels(role, id string) map[string]string {
	return map[string]string{labelInstance: r.options.Instance, labelRole: role, labelSandbox: id}
}

// dropVolumes removes all volumes of a sandbox whose containers are gone.
func (r *Runtime) dropVolumes(ctx context.Context, id string) error {
	there, err := r.volumesOf(ctx, id)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for name := range there {
		g.Go(func() error {
			_, err := r.daemon.VolumeRemove(gctx, name, client.VolumeRemoveOptions{Force: true})
			if err != nil && !errdefs.IsNotFound(err) {
				return fmt.Errorf("volume %s: %w", name, err)
			}
			return nil
		})
	}
	return g.Wait()
}
