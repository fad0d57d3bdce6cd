package docker

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// What a new volume holds, as an archive: pure functions. files.go brings it
// to the Engine, atomic.go changes it later.

// The names of an atomic volume's layout, which are a kubelet's.
const (
	currentLink = "..data"
	generations = "..2006_01_02_15_04_05.000000000" // how each content's folder is called
)

// rootOf is an archive, for the folder above filesTarget, that gives the root
// of a volume its mode and group; nil when they are the Engine's own. An
// archive's own root would be passed over.
func rootOf(v sandbox.Volume) (io.Reader, error) {
	if v.Memory || v.Mode == 0 && v.GID == 0 {
		return nil, nil // a memory volume is mounted with its mode
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	err := w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeDir, Name: path.Base(filesTarget) + "/", Mode: int64(rootMode(v, 0o755)), Gid: v.GID, ModTime: time.Now(), Format: tar.FormatPAX,
	})
	return &buf, errors.Join(err, w.Close())
}

func rootMode(v sandbox.Volume, usual uint32) uint32 {
	mode := cmp.Or(v.Mode, usual)
	if v.GID != 0 {
		mode |= 0o2000
	}
	return mode
}

// ownedBy gives files that belong to no group the volume's.
func ownedBy(gid int, files []sandbox.File) []sandbox.File {
	if gid == 0 {
		return files
	}
	all := slices.Clone(files)
	for i := range all {
		all[i].GID = cmp.Or(all[i].GID, gid)
	}
	return all
}

// generation puts files into a folder that is named after a time.
func generation(at time.Time, files []sandbox.File) (folder string, moved []sandbox.File) {
	folder = at.UTC().Format(generations)
	moved = []sandbox.File{{Path: folder + "/", Mode: 0o755}}
	for _, f := range files {
		name := path.Join(folder, f.Path)
		if isFolder(f) {
			name += "/"
		}
		f.Path = name
		moved = append(moved, f)
	}
	return folder, moved
}

// links are what an atomic volume shows: the current content, and a link into
// it for each file or folder at its top.
func links(folder string, files []sandbox.File) []*tar.Header {
	all := []*tar.Header{{Typeflag: tar.TypeSymlink, Name: currentLink, Linkname: folder, Mode: 0o777}}
	top := map[string]bool{}
	for _, f := range files {
		first, _, _ := strings.Cut(path.Clean(f.Path), "/")
		top[first] = true
	}
	for _, name := range slices.Sorted(maps.Keys(top)) {
		all = append(all, &tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: path.Join(currentLink, name), Mode: 0o777})
	}
	return all
}

// pack writes an archive of files, with the folders on the way to them that
// are not there yet, and links. Its times are now: a workload that looks
// for changes sees one.
func pack(files []sandbox.File, there map[string]bool, gid int, links []*tar.Header) (io.Reader, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	now := time.Now()
	add := func(h *tar.Header, data []byte) error {
		h.ModTime, h.Format = now, tar.FormatPAX
		return errors.Join(w.WriteHeader(h), write(w, data))
	}
	var all []error
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
		if gid != 0 {
			mode |= 0o2000
		}
		all = append(all, add(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: mode, Gid: gid}, nil))
	}
	for _, f := range files {
		if !isFolder(f) {
			all = append(all, add(&tar.Header{Typeflag: tar.TypeReg, Name: path.Clean(f.Path), Mode: int64(f.Mode), Uid: f.UID, Gid: f.GID, Size: int64(len(f.Data))}, f.Data))
		}
	}
	for _, l := range links {
		all = append(all, add(l, nil))
	}
	return &buf, errors.Join(append(all, w.Close())...)
}

// archive packs files alone.
func archive(files []sandbox.File, there map[string]bool) (io.Reader, error) {
	return pack(files, there, 0, nil)
}

// initial is the content of a new volume below its root; nil when there is
// none.
func initial(v sandbox.Volume, folders []sandbox.File) (io.Reader, error) {
	files := ownedBy(v.GID, v.Files)
	if v.Atomic {
		folder, moved := generation(time.Now(), files)
		return pack(moved, nil, v.GID, links(folder, files))
	}
	if files = append(folders, files...); len(files) == 0 {
		return nil, nil
	}
	return pack(files, nil, v.GID, nil)
}
