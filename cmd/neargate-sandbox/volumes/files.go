//go:build linux

package volumes

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// folderMode is for folders that nobody has given one.
const folderMode = 0o755

// writer puts files below a folder.
type writer struct {
	root *os.Root
	gid  int    // the volume's group, which what has none gets
	mode uint32 // of folders on the way; 0: folderMode, with set-group-id where there is a group
}

func (w writer) write(files []tunnel.VolumeFile) error {
	for _, f := range files {
		if !filepath.IsLocal(f.Path) || filepath.Clean(f.Path) == "." {
			return &tunnel.Error{Kind: tunnel.Invalid, Text: "path " + f.Path + " is not within the volume"}
		}
		if err := w.parents(f.Path); err != nil {
			return err
		}
		put := w.file
		if f.Folder {
			put = w.given
		}
		if err := put(f); err != nil {
			return err
		}
	}
	return nil
}

// parents makes the folders on the way to a file; those that are there keep
// the mode that somebody gave them.
func (w writer) parents(path string) error {
	dir := filepath.Dir(filepath.Clean(path))
	if dir == "." {
		return nil
	}
	if s, err := w.root.Stat(dir); err == nil && s.IsDir() {
		return nil
	}
	if err := w.parents(dir); err != nil {
		return err
	}
	return w.folder(dir, cmp.Or(w.mode, folderMode))
}

// folder makes a folder whose parent is there.
func (w writer) folder(path string, mode uint32) error {
	if err := w.root.Mkdir(path, 0o700); err != nil {
		return err
	}
	if w.gid != 0 {
		mode |= unix.S_ISGID
	}
	return own(w.root, path, mode, 0, w.gid)
}

func (w writer) given(f tunnel.VolumeFile) error {
	err := w.folder(filepath.Clean(f.Path), f.Mode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// file writes a file, or a later part of it. A new one takes the place of what
// was there, so that whoever has that open reads on in it, and nothing is
// written through a link.
func (w writer) file(f tunnel.VolumeFile) error {
	flags := os.O_WRONLY
	if f.Offset == 0 {
		if err := w.root.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		flags |= os.O_CREATE | os.O_EXCL
	}
	file, err := w.root.OpenFile(f.Path, flags, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(f.Data, f.Offset)
	return errors.Join(err, set(file, f.Mode, f.UID, cmp.Or(f.GID, w.gid)), file.Close())
}

// own gives a folder its owner and mode.
func own(root *os.Root, path string, mode uint32, uid, gid int) error {
	f, err := root.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(set(f, mode, uid, gid), f.Close())
}

// set does the owner first: a change of it clears bits of the mode.
func set(f *os.File, mode uint32, uid, gid int) error {
	if err := f.Chown(uid, gid); err != nil {
		return err
	}
	if err := unix.Fchmod(int(f.Fd()), mode&0o7777); err != nil {
		return &os.PathError{Op: "chmod", Path: f.Name(), Err: err}
	}
	return nil
}
