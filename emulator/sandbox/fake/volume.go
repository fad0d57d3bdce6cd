package fake

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
)

// volume.go keeps what files volumes hold, and the Services of clusters, for
// tests to read; and what containers leave behind as their message.

type volume struct {
	atomic bool
	files  []sandbox.File
}

// keep notes the volumes that are new.
func (b *box) keep(all []sandbox.Volume) {
	for _, v := range all {
		if b.volumes[v.Name] == nil {
			b.volumes[v.Name] = &volume{v.Atomic, slices.Clone(v.Files)}
		}
	}
}

// WriteFiles replaces files: all of those of an atomic volume, and those of
// the same path in another.
func (r *Runtime) WriteFiles(ctx context.Context, id, name string, files []sandbox.File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.enter("WriteFiles"); err != nil {
		return err
	}
	defer r.mu.Unlock()
	b := r.boxes[id]
	if b == nil || b.volumes[name] == nil {
		return fmt.Errorf("sandbox %s has no volume %s", id, name)
	}
	for _, f := range files {
		if p := path.Clean(f.Path); path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") {
			return fmt.Errorf("volume %s: path %q is not within the volume", name, f.Path)
		}
	}
	v := b.volumes[name]
	if v.atomic {
		v.files = nil
	}
	for _, f := range files {
		v.files = append(slices.DeleteFunc(v.files, func(old sandbox.File) bool { return path.Clean(old.Path) == path.Clean(f.Path) }), f)
	}
	return nil
}

// Files tells what a volume holds; nil when there is none.
func (st *State) Files(id, name string) []sandbox.File {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.boxes[id]
	if b == nil || b.volumes[name] == nil {
		return nil
	}
	return slices.Clone(b.volumes[name].files)
}

// SetServices keeps a cluster's table.
func (r *Runtime) SetServices(ctx context.Context, cluster string, t sandbox.ServiceTable) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.enter("SetServices"); err != nil {
		return err
	}
	defer r.mu.Unlock()
	r.services[cluster] = t
	return nil
}

// Services tells a cluster's table, as it was set last.
func (st *State) Services(cluster string) (t sandbox.ServiceTable, set bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	t, set = st.services[cluster]
	return t, set
}

// leaves is a container's message at its end: at most 4096 bytes of the file,
// or 80 lines and 2048 bytes of output.
func (c *container) leaves() string {
	if c.asks == nil {
		return ""
	}
	text := c.script.message[:min(4096, len(c.script.message))]
	if text != "" || !c.asks.FromLogs || c.ExitCode == 0 {
		return text
	}
	lines := c.out.lines
	for _, l := range lines[max(0, len(lines)-80):] {
		if !l.At.Before(c.StartedAt) {
			text += l.Text + "\n"
		}
	}
	return text[max(0, len(text)-2048):]
}
