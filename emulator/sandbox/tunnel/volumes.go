package tunnel

import (
	"context"
	"slices"
	"strings"
	"time"
)

// The volumes that PID 1 keeps: folders of one file system, which is mounted
// into the sandbox when it is made. So a volume, and the file with a
// container's termination message, are there after a call, without the help
// of the container engine.

// The commands for that.
const (
	CommandVolumeWrite   = "volume.write"
	CommandVolumeSubPath = "volume.subpath"
	CommandMessageMake   = "message.make"
	CommandMessageRead   = "message.read"
	CommandHostPath      = "hostpath"
)

// MaxMessage is how much of a termination message is read, in bytes.
const MaxMessage = 4096

// maxPart is how many bytes of files travel in one call. It is far below what
// a frame may hold, because PID 1 has them in memory twice.
const maxPart = 1 << 20

// generations is how the folders of an atomic volume are called after the time
// of their content.
const generations = "..2006_01_02_15_04_05.000000000"

// Volume is what a volume is made as.
type Volume struct {
	Mode uint32 `json:"mode"`          // of its root: permission bits, with 02000 for set-group-id
	GID  int    `json:"gid,omitempty"` // of its root, and of files that say no other
	// Atomic volumes change all at once: each content is a folder, and ..data
	// leads to the newest, as a kubelet lays it out.
	Atomic bool `json:"atomic,omitempty"`
}

// VolumeFile is a file or folder in a volume.
type VolumeFile struct {
	Path   string `json:"path"` // within the volume
	Folder bool   `json:"folder,omitempty"`
	Mode   uint32 `json:"mode"`
	UID    int    `json:"uid,omitempty"`
	GID    int    `json:"gid,omitempty"` // 0: the volume's
	// Offset is where Data begins in a file that comes in several parts.
	Offset int64  `json:"offset,omitempty"`
	Data   []byte `json:"data,omitempty"`
}

// VolumePart is a part of what is written to a volume at one go.
type VolumePart struct {
	Volume string `json:"volume"` // one element of a path, which begins with no dot
	// New makes the volume, unless it is there whole; then nothing is done.
	// Without New, a volume that is not there is NotFound.
	New *Volume `json:"new,omitempty"`
	// Folder names the new content of an atomic volume, in all parts of it.
	Folder string       `json:"folder,omitempty"`
	Files  []VolumeFile `json:"files,omitempty"`
	First  bool         `json:"first,omitempty"`
	Last   bool         `json:"last,omitempty"`
}

// VolumeState answers a part.
type VolumeState struct {
	There bool `json:"there,omitempty"` // the volume that was to be made is there: no more parts are wanted
}

// MakeVolume makes a volume with its first files. One that was made before
// stays as it is; one that was made half is made anew.
func (s *Session) MakeVolume(ctx context.Context, name string, v Volume, files []VolumeFile) error {
	return s.writeParts(ctx, VolumePart{Volume: name, New: &v}, files)
}

// WriteVolume puts files into a volume: an atomic one holds nothing else
// afterwards, in others they stand beside what is there. It fails with
// NotFound when there is no such volume.
func (s *Session) WriteVolume(ctx context.Context, name string, files []VolumeFile) error {
	return s.writeParts(ctx, VolumePart{Volume: name}, files)
}

func (s *Session) writeParts(ctx context.Context, p VolumePart, files []VolumeFile) error {
	p.Folder = time.Now().UTC().Format(generations)
	parts := partsOf(files, maxPart)
	for i, part := range parts {
		p.Files, p.First, p.Last = part, i == 0, i == len(parts)-1
		var state VolumeState
		if err := s.Call(ctx, CommandVolumeWrite, p, &state); err != nil || state.There {
			return err
		}
	}
	return nil
}

// partsOf divides files, folders first, into lists with at most size bytes of
// data each. There is always one.
func partsOf(files []VolumeFile, size int) [][]VolumeFile {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b VolumeFile) int {
		switch {
		case a.Folder && b.Folder:
			return strings.Compare(a.Path, b.Path) // outer ones first
		case a.Folder:
			return -1
		case b.Folder:
			return 1
		}
		return 0
	})
	parts := [][]VolumeFile{nil}
	room := size
	add := func(f VolumeFile) {
		last := len(parts) - 1
		parts[last] = append(parts[last], f)
		room -= len(f.Data)
	}
	for _, f := range files {
		for len(f.Data) > room {
			if rest := f.Data[room:]; room > 0 {
				head := f
				head.Data = f.Data[:room]
				add(head)
				f.Offset, f.Data = f.Offset+int64(len(head.Data)), rest
			}
			parts, room = append(parts, nil), size
		}
		add(f)
	}
	return parts
}

// SubPath is a place in a volume that is to be mounted by itself.
type SubPath struct {
	Volume string `json:"volume"`
	Path   string `json:"path"`
}

// SubPathState is what it leads to.
type SubPathState struct {
	Path string `json:"path"` // within the volume, without links
}

// SubPath finds what a path in a volume leads to, following links that stay in
// the volume. What is not there is made: a folder like the volume's root.
func (s *Session) SubPath(ctx context.Context, volume, path string) (string, error) {
	var state SubPathState
	err := s.Call(ctx, CommandVolumeSubPath, SubPath{volume, path}, &state)
	return state.Path, err
}

// MessageFile is the file of a termination message.
type MessageFile struct {
	Name string `json:"name"` // one element of a path, which begins with no dot
}

// Message is what is in it.
type Message struct {
	Text []byte `json:"text,omitempty"`
}

// MakeMessage makes an empty file that every user may write; one that is there
// stays as it is.
func (s *Session) MakeMessage(ctx context.Context, name string) error {
	return s.Call(ctx, CommandMessageMake, MessageFile{name}, nil)
}

// ReadMessage returns the first MaxMessage bytes of a message's file.
func (s *Session) ReadMessage(ctx context.Context, name string) (string, error) {
	var m Message
	err := s.Call(ctx, CommandMessageRead, MessageFile{name}, &m)
	return string(m.Text), err
}

// HostPath is a path on the disk of the node that a sandbox stands for.
type HostPath struct {
	Path string `json:"path"`           // absolute
	Type string `json:"type,omitempty"` // Kubernetes' HostPathType
}

// HostPathState is what it leads to.
type HostPathState struct {
	Path string `json:"path"` // relative to the disk's root, without links; "." is the root
}

// Disk is the folder with a node's disk, beside the volumes.
const Disk = ".disk"

// HostPath makes or checks a path as its type says, and finds what it leads to.
// It fails with Invalid, in kubelet's words, when the path is not of its type.
func (s *Session) HostPath(ctx context.Context, p HostPath) (string, error) {
	var state HostPathState
	err := s.Call(ctx, CommandHostPath, p, &state)
	return state.Path, err
}
