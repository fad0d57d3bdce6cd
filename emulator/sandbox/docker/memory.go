package docker

import (
	"context"
	"fmt"
	"path"
	"strconv"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Memory volumes are tmpfs volumes of the Engine. A tmpfs lives as long as
// somebody has it mounted, so one small container holds them while the sandbox
// lives. Its process is PID 1's program, which keeps them as it keeps others.

// makeMemory makes the memory volumes, what holds them, and their content.
func (r *Runtime) makeMemory(ctx context.Context, s *sandbox.Spec, all []sandbox.Volume) error {
	if len(all) == 0 {
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, v := range all {
		g.Go(func() error {
			return r.makeVolume(gctx, s.ID, v, map[string]string{"type": "tmpfs", "device": "tmpfs", "o": tmpfsOptions(v)})
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	first, err := r.hold(ctx, s.ID, all)
	if err != nil {
		return fmt.Errorf("memory volumes: %w", err)
	}
	return r.withHolder(ctx, s.ID, first, func(t *tunnel.Session) error { return keep(ctx, t, all) })
}

// tmpfsOptions: any user of the sandbox may write, as into an emptyDir, unless
// something else was asked for.
func tmpfsOptions(v sandbox.Volume) string {
	o := fmt.Sprintf("mode=%04o", rootMode(v))
	if v.GID != 0 {
		o += ",gid=" + strconv.Itoa(v.GID)
	}
	if v.Size > 0 {
		o += ",size=" + strconv.FormatInt(v.Size, 10)
	}
	return o
}

// hold starts the container that keeps memory volumes mounted. The stream to
// it is nil when it was there already.
func (r *Runtime) hold(ctx context.Context, id string, all []sandbox.Volume) (*stdio, error) {
	image, err := r.binary(ctx)
	if err != nil {
		return nil, err
	}
	var mounts []mount.Mount
	for _, v := range all {
		mounts = append(mounts, mount.Mount{Type: mount.TypeVolume, Source: r.names.volume(id, v.Name), Target: path.Join(keptRoot, safeName(v.Name))})
	}
	name := r.names.holder(id)
	_, err = r.daemon.create(ctx, client.ContainerCreateOptions{
		Name: name,
		Config: &container.Config{
			Image: image, Cmd: []string{"--dns=false", "--volumes=" + keptRoot}, Labels: r.labels(roleHolder, id),
			OpenStdin: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
		},
		HostConfig: &container.HostConfig{
			NetworkMode: "none", Mounts: mounts, LogConfig: container.LogConfig{Type: "none"},
			CapDrop: []string{"ALL"}, CapAdd: append([]string{"NET_ADMIN", "DAC_OVERRIDE"}, keepingCaps...), SecurityOpt: []string{"no-new-privileges", "label=disable"},
		},
	})
	if errdefs.IsConflict(err) {
		_, err = r.daemon.ContainerStart(ctx, name, client.ContainerStartOptions{})
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return r.startAttached(ctx, name)
}

// withHolder does something over a tunnel to the container that holds a
// sandbox's memory volumes. It fails with errNoSandbox when there is none.
func (r *Runtime) withHolder(ctx context.Context, id string, first *stdio, do func(*tunnel.Session) error) error {
	l := r.connect(r.names.holder(id), nil, first, func(*tunnel.Session) {})
	defer l.close()
	t, err := l.get(ctx)
	if err != nil {
		return err
	}
	return do(t)
}
