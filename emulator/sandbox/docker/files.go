package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Content of volumes that is given: PID 1 writes it, that of the sandbox or,
// for memory volumes, that of the container which holds them.

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
	b := r.box(id)
	if b == nil {
		return errNoSandbox
	}
	write := func(t *tunnel.Session) error { return t.WriteVolume(ctx, safeName(volume), contentOf(files)) }
	t, err := r.sessionOf(ctx, b)
	if err != nil {
		return err
	}
	if err = write(t); isNoVolume(err) {
		err = r.withHolder(ctx, id, nil, write)
	}
	switch {
	case isNoVolume(err) || errors.Is(err, errNoSandbox):
		return fmt.Errorf("sandbox %s has no volume %s", id, volume)
	case err != nil:
		return fmt.Errorf("volume %s: %w", volume, err)
	}
	return nil
}

// isNoVolume: it is not this PID 1 that keeps the volume, or it keeps none.
func isNoVolume(err error) bool {
	e, ok := errors.AsType[*tunnel.Error](err)
	return ok && (e.Kind == tunnel.NotFound || e.Kind == tunnel.Invalid)
}

// contentOf says files in the tunnel's words.
func contentOf(files []sandbox.File) []tunnel.VolumeFile {
	all := make([]tunnel.VolumeFile, len(files))
	for i, f := range files {
		all[i] = tunnel.VolumeFile{
			Path: strings.TrimSuffix(f.Path, "/"), Folder: strings.HasSuffix(f.Path, "/"), Mode: f.Mode, UID: f.UID, GID: f.GID, Data: f.Data,
		}
	}
	return all
}

// sessionOf returns the tunnel to a sandbox's PID 1, waiting for it.
func (r *Runtime) sessionOf(ctx context.Context, b *box) (*tunnel.Session, error) {
	l := r.linkOf(b)
	if l == nil {
		return nil, errNoSandbox
	}
	return l.get(ctx)
}
