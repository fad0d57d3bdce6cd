//go:build linux

// Package volumes keeps the volumes of one sandbox, and the files with its
// containers' termination messages, in one folder that the container engine
// has mounted into the sandbox. Workloads have parts of it mounted and write
// what they like there, links too; nothing here ever follows one out of the
// folder.
//
//	<volume>/          the root of a volume
//	.about/<volume>    what it was made as; there once it is whole
//	.messages/<file>   a termination message
//	.disk/             of a node, see disk.go
//
// All that has to be known later is in the folder: the process may be another
// one by then.
package volumes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// The folders that are no volumes.
const (
	about    = ".about"
	messages = ".messages"
)

// Tree is the folder with all volumes.
type Tree struct {
	mu   sync.Mutex // held while anything is written
	path string
	root *os.Root
}

// Open takes a folder, which is there for nothing else.
func Open(folder string) (*Tree, error) {
	path, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	t := &Tree{path: path, root: root}
	for _, name := range []string{about, messages} {
		if err := root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, errors.Join(err, root.Close())
		}
	}
	return t, nil
}

// Write writes a part of a volume's files.
func (t *Tree) Write(p tunnel.VolumePart) (tunnel.VolumeState, error) {
	var state tunnel.VolumeState
	if err := element(p.Volume); err != nil {
		return state, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	made, v, err := t.known(p.Volume)
	switch {
	case err != nil:
		return state, err
	case made && p.New != nil:
		state.There = true
		return state, nil
	case !made && p.New == nil:
		return state, &tunnel.Error{Kind: tunnel.NotFound, Text: "the sandbox has no volume " + p.Volume}
	case p.New != nil:
		v = *p.New
	}
	if p.New != nil && p.First {
		if err := t.begin(p.Volume, v); err != nil {
			return state, err
		}
	}
	if err := t.fill(p, v); err != nil {
		return state, err
	}
	if p.New != nil && p.Last {
		err = t.note(p.Volume, v)
	}
	return state, err
}

// known tells what a volume was made as, once it is whole.
func (t *Tree) known(volume string) (made bool, v tunnel.Volume, err error) {
	text, err := t.root.ReadFile(filepath.Join(about, volume))
	if errors.Is(err, fs.ErrNotExist) {
		return false, v, nil
	}
	if err != nil {
		return false, v, err
	}
	return true, v, json.Unmarshal(text, &v)
}

// note makes known that a volume is whole, at one moment.
func (t *Tree) note(volume string, v tunnel.Volume) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	half := filepath.Join(about, "."+volume)
	if err := t.root.WriteFile(half, text, 0o600); err != nil {
		return err
	}
	return t.root.Rename(half, filepath.Join(about, volume))
}

// begin makes a volume's root and empties it: there may be half of a volume. A
// root that something is mounted on cannot be replaced.
func (t *Tree) begin(volume string, v tunnel.Volume) error {
	if err := t.root.Mkdir(volume, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	root, err := t.root.OpenRoot(volume)
	if err != nil {
		return err
	}
	defer root.Close()
	all, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, f := range all {
		if err := root.RemoveAll(f.Name()); err != nil {
			return err
		}
	}
	return own(root, ".", v.Mode, 0, v.GID)
}

// fill writes files, and makes them an atomic volume's content when they are
// all there.
func (t *Tree) fill(p tunnel.VolumePart, v tunnel.Volume) error {
	root, err := t.root.OpenRoot(p.Volume)
	if err != nil {
		return err
	}
	defer root.Close()
	w := writer{root: root, gid: v.GID}
	if !v.Atomic {
		return w.write(p.Files)
	}
	if !isGeneration(p.Folder) {
		return &tunnel.Error{Kind: tunnel.Invalid, Text: fmt.Sprintf("%q is no name for an atomic volume's content", p.Folder)}
	}
	if p.First {
		if err := w.folder(p.Folder, folderMode); err != nil {
			return err
		}
	}
	if w.root, err = root.OpenRoot(p.Folder); err != nil {
		return err
	}
	defer w.root.Close()
	if err := w.write(p.Files); err != nil || !p.Last {
		return err
	}
	return publish(root, p.Folder)
}

// SubPath finds what a path leads to, and makes what is not there.
func (t *Tree) SubPath(p tunnel.SubPath) (tunnel.SubPathState, error) {
	var state tunnel.SubPathState
	if err := element(p.Volume); err != nil {
		return state, err
	}
	if !filepath.IsLocal(p.Path) {
		return state, &tunnel.Error{Kind: tunnel.Invalid, Text: fmt.Sprintf("path %q is not within the volume", p.Path)}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	root, err := t.root.OpenRoot(p.Volume)
	if err != nil {
		return state, err
	}
	defer root.Close()
	real, err := t.real(p.Volume, root, p.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeLike(root, p.Path); err == nil {
			real, err = t.real(p.Volume, root, p.Path)
		}
	}
	state.Path = real
	return state, err
}

// open opens whatever is at a path, without waiting for the other end of a
// pipe.
func open(root *os.Root, path string) (*os.File, error) {
	return root.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
}

// makeLike makes folders as open as the root.
func makeLike(root *os.Root, path string) error {
	var s unix.Stat_t
	f, err := root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return err
	}
	w := writer{root: root, gid: int(s.Gid), mode: s.Mode & 0o7777}
	return w.parents(filepath.Join(path, "x"))
}

// element refuses what is not the plain name of one file.
func element(name string) error {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\x00") {
		return &tunnel.Error{Kind: tunnel.Invalid, Text: fmt.Sprintf("%q is no name in a folder", name)}
	}
	return nil
}
