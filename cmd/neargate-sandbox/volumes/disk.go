//go:build linux

package volumes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// This file is the disk of the node that a sandbox stands for: a folder beside
// the volumes, of which the pods of the node have parts mounted (hostPath). It
// begins with the folders that every Linux has, and nothing in them.

// disk is the folder. It is made when it is first asked for.
const disk = tunnel.Disk

var diskFolders = []string{
	"etc", "home", "mnt", "opt", "root", "run", "srv", "tmp", "usr", "usr/local", "var", "var/lib", "var/log", "var/tmp",
}

// HostPath makes or checks a path of the disk as kubelet does for a volume of
// its type, and finds what it leads to. What is not as it should be is Invalid,
// in kubelet's words.
func (t *Tree) HostPath(p tunnel.HostPath) (tunnel.HostPathState, error) {
	var state tunnel.HostPathState
	if !path.IsAbs(p.Path) || slices.Contains(strings.Split(p.Path, "/"), "..") || strings.ContainsRune(p.Path, 0) {
		return state, invalid("invalid HostPath `%s`: must be absolute and must not contain '..'", p.Path)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	root, err := t.openDisk()
	if err != nil {
		return state, err
	}
	defer root.Close()
	at := "." + path.Clean(p.Path)
	if at == "./" {
		at = "."
	}
	if err := ensure(root, at, p); err != nil {
		return state, err
	}
	if state.Path, err = t.real(disk, root, at); err != nil {
		return state, invalid("hostPath %s: %v", p.Path, cause(err))
	}
	return state, nil
}

// openDisk opens the disk. It appears whole or not at all.
func (t *Tree) openDisk() (*os.Root, error) {
	root, err := t.root.OpenRoot(disk)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if err := t.makeDisk(disk + ".half"); err != nil {
		return nil, err
	}
	if err := t.root.Rename(disk+".half", disk); err != nil {
		return nil, err
	}
	return t.root.OpenRoot(disk)
}

func (t *Tree) makeDisk(folder string) error {
	if err := t.root.RemoveAll(folder); err != nil {
		return err
	}
	if err := t.root.Mkdir(folder, 0o755); err != nil {
		return err
	}
	root, err := t.root.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range diskFolders {
		mode := uint32(folderMode)
		if path.Base(f) == "tmp" {
			mode = 0o1777
		}
		if err := (writer{root: root}).folder(f, mode); err != nil {
			return err
		}
	}
	return nil
}

// ensure makes what the type wants made, and checks it. A path without a type
// is made a folder when nothing is there, as container runtimes do.
func ensure(root *os.Root, at string, p tunnel.HostPath) error {
	info, err := root.Stat(at)
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return invalid("hostPath %s: %v", p.Path, cause(err))
	}
	switch {
	case p.Type == "" && there:
		return nil
	case !there && (p.Type == "" || p.Type == "DirectoryOrCreate"):
		if err := root.MkdirAll(at, 0o755); err != nil {
			return invalid("mkdir %s: %v", p.Path, cause(err))
		}
		return nil
	case !there && p.Type == "FileOrCreate":
		f, err := root.OpenFile(at, os.O_CREATE, 0o644)
		if err != nil {
			return invalid("open %s: %v", p.Path, cause(err))
		}
		return f.Close()
	}
	want, ok := hostPathTypes[p.Type]
	if !ok {
		return invalid("%s is an invalid volume type", p.Type)
	}
	if !there || info.Mode().Type() != want.mode {
		return invalid("hostPath type check failed: %s is not a %s", p.Path, want.name)
	}
	return nil
}

// hostPathTypes are what a path has to be.
var hostPathTypes = map[string]struct {
	mode fs.FileMode
	name string
}{
	"Directory": {fs.ModeDir, "directory"}, "DirectoryOrCreate": {fs.ModeDir, "directory"},
	"File": {0, "file"}, "FileOrCreate": {0, "file"},
	"Socket":     {fs.ModeSocket, "socket file"},
	"CharDevice": {fs.ModeDevice | fs.ModeCharDevice, "character device"}, "BlockDevice": {fs.ModeDevice, "block device"},
}

// cause is an error without the path of this process.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func invalid(format string, args ...any) error {
	return &tunnel.Error{Kind: tunnel.Invalid, Text: fmt.Sprintf(format, args...)}
}

// real is what a path in a folder leads to, without links: where the kernel
// has it. It fails when that is not in the folder. Sockets and devices cannot
// be opened; they are taken for what they are called.
func (t *Tree) real(folder string, root *os.Root, at string) (string, error) {
	f, err := open(root, at)
	if err != nil {
		if info, no := root.Lstat(at); no == nil && info.Mode()&(fs.ModeSocket|fs.ModeDevice) != 0 {
			return filepath.Clean(at), nil
		}
		return "", err
	}
	defer f.Close()
	real, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(filepath.Join(t.path, folder), real)
	if err == nil && !filepath.IsLocal(rel) {
		err = &tunnel.Error{Kind: tunnel.Invalid, Text: fmt.Sprintf("path %q leads out of the volume", at)}
	}
	return rel, err
}
