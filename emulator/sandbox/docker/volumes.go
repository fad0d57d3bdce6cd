package docker

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Volumes of a sandbox. Those that begin with what the image has are volumes
// of the Engine's, which does that; those in memory are too, see memory.go;
// all others are folders that PID 1 keeps, see kept.go.

// checkVolumes refuses what would leave its volume.
func checkVolumes(s *sandbox.Spec) error {
	for _, v := range s.Volumes {
		if v.Node != "" && !path.IsAbs(v.Path) && v.Path == path.Clean(v.Path) && !strings.HasPrefix(v.Path+"/", "../") {
			continue
		}
		if v.Node != "" {
			return &sandbox.StopError{Reason: fmt.Sprintf("ResourceInitializationError: volume %s: path %q is not within the node's disk", v.Name, v.Path)}
		}
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

// makeVolumes makes all volumes with their files. Once a container of the
// sandbox has been made, what is in them stays as it is.
func (r *Runtime) makeVolumes(ctx context.Context, s *sandbox.Spec, b *box) error {
	r.mu.Lock()
	begun := len(b.newest) > 0
	r.mu.Unlock()
	if begun || len(s.Volumes) == 0 {
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	var memory, own []sandbox.Volume
	for _, v := range s.Volumes {
		switch {
		case v.Node != "":
			// HostPath has made it.
		case v.Memory:
			memory = append(memory, v)
		case copies(s, v.Name):
			g.Go(func() error { return r.makeVolume(gctx, s.ID, v, nil) })
		default:
			own = append(own, v)
		}
	}
	g.Go(func() error { return r.makeMemory(gctx, s, memory) })
	g.Go(func() error { return r.makeKept(gctx, b, own) })
	if err := g.Wait(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.notes = unlimitedVolumes(s)
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

// volumesOf names the sandbox's volumes of the Engine's.
func (r *Runtime) volumesOf(ctx context.Context, id string) ([]string, error) {
	l, err := r.daemon.VolumeList(ctx, client.VolumeListOptions{Filters: r.ours().Add("label", labelSandbox+"="+id)})
	if err != nil {
		return nil, fmt.Errorf("volumes: %w", err)
	}
	var all []string
	for _, v := range l.Items {
		all = append(all, v.Name)
	}
	return all, nil
}

// makeVolume makes a volume of the Engine's; one that is there is no error.
func (r *Runtime) makeVolume(ctx context.Context, id string, v sandbox.Volume, options map[string]string) error {
	_, err := finish(ctx, func(ctx context.Context) (client.VolumeCreateResult, error) {
		return r.daemon.VolumeCreate(ctx, client.VolumeCreateOptions{
			Name: r.names.volume(id, v.Name), Driver: "local", DriverOpts: options, Labels: r.volumeLabels(id),
		})
	})
	if err != nil {
		return fmt.Errorf("volume %s: %w", v.Name, err)
	}
	return nil
}

// volumeLabels: of the volume of a sandbox container that is nobody's yet, the
// container tells whose it is.
func (r *Runtime) volumeLabels(id string) map[string]string {
	labels := map[string]string{labelInstance: r.options.Instance}
	if id != "" {
		labels[labelSandbox] = id
	}
	return labels
}

func (r *Runtime) labels(role, id string) map[string]string {
	return map[string]string{labelInstance: r.options.Instance, labelRole: role, labelSandbox: id}
}

// dropVolumes removes volumes of a sandbox whose containers are gone.
func (r *Runtime) dropVolumes(ctx context.Context, names []string) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, name := range names {
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
