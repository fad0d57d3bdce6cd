//go:build linux

package volumes_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/neargate/neargate/cmd/neargate-sandbox/volumes"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// place is a tree in a folder of its own.
type place struct {
	*testing.T
	tree   *volumes.Tree
	folder string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root to give files away")
	}
	folder := t.TempDir()
	tree, err := volumes.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	return &place{t, tree, folder}
}

// whole is a part that is the whole.
func whole(volume string, v *tunnel.Volume, files ...tunnel.VolumeFile) tunnel.VolumePart {
	return tunnel.VolumePart{Volume: volume, New: v, Folder: "..1", Files: files, First: true, Last: true}
}

func (p *place) write(part tunnel.VolumePart) tunnel.VolumeState {
	p.Helper()
	state, err := p.tree.Write(part)
	if err != nil {
		p.Fatal(err)
	}
	return state
}

// looks tells mode, owner and content, link or kind of something.
func (p *place) looks(path string) string {
	p.Helper()
	path = filepath.Join(p.folder, path)
	s, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "nothing"
	}
	if err != nil {
		p.Fatal(err)
	}
	u := s.Sys().(*syscall.Stat_t)
	about := fmt.Sprintf("%o %d:%d", u.Mode&0o7777, u.Uid, u.Gid)
	switch {
	case s.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		if err != nil {
			p.Fatal(err)
		}
		return "-> " + to
	case s.IsDir():
		return about + " folder"
	}
	text, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	return about + " " + string(text)
}

func (p *place) wants(all map[string]string) {
	p.Helper()
	for path, want := range all {
		if got := p.looks(path); got != want {
			p.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func (p *place) names(folder string) []string {
	p.Helper()
	all, err := os.ReadDir(filepath.Join(p.folder, folder))
	if err != nil {
		p.Fatal(err)
	}
	var names []string
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names
}

func (p *place) text(path string) string {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.folder, path))
	if err != nil {
		p.Fatal(err)
	}
	return string(text)
}

func file(path, data string) tunnel.VolumeFile {
	return tunnel.VolumeFile{Path: path, Mode: 0o644, Data: []byte(data)}
}

func wantKind(t *testing.T, what string, err error, kind tunnel.Kind) {
	t.Helper()
	if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != kind {
		t.Errorf("%s: %v, want %s", what, err, kind)
	}
}

func TestPlainVolume(t *testing.T) {
	p := newPlace(t)
	v := &tunnel.Volume{Mode: 0o2770, GID: 2000}
	p.write(whole("v", v,
		tunnel.VolumeFile{Path: "open", Folder: true, Mode: 0o777},
		tunnel.VolumeFile{Path: "a/b/c", Mode: 0o4640, UID: 5, GID: 6, Data: []byte("C")},
		file("open/x", "X"),
	))
	p.wants(map[string]string{
		"v": "2770 0:2000 folder", "v/open": "2777 0:2000 folder", "v/a": "2755 0:2000 folder", "v/a/b": "2755 0:2000 folder",
		"v/a/b/c": "4640 5:6 C", "v/open/x": "644 0:2000 X",
	})
	if s := p.write(whole("v", v, file("open/x", "again"))); !s.There {
		t.Error("a volume that is whole is made once more")
	}
	if s := p.write(whole("v", nil, file("open/x", "new"), file("d/y", "Y"))); s.There {
		t.Error("nothing is written")
	}
	p.wants(map[string]string{"v/open/x": "644 0:2000 new", "v/d/y": "644 0:2000 Y", "v/a/b/c": "4640 5:6 C"})
	p.write(whole("root", &tunnel.Volume{Mode: 0o755}))
	p.wants(map[string]string{"root": "755 0:0 folder"})
}

func TestHalfAVolumeIsMadeAnew(t *testing.T) {
	p := newPlace(t)
	half := whole("v", &tunnel.Volume{Mode: 0o777}, file("old", "x"))
	half.Last = false
	p.write(half)
	_, err := p.tree.Write(whole("v", nil, file("f", "x")))
	wantKind(t, "writing to half a volume", err, tunnel.NotFound)
	again, err := volumes.Open(p.folder) // another process
	if err != nil {
		t.Fatal(err)
	}
	p.tree = again
	p.write(whole("v", &tunnel.Volume{Mode: 0o700}, file("f", "F")))
	p.wants(map[string]string{"v": "700 0:0 folder", "v/f": "644 0:0 F", "v/old": "nothing"})
	if again, err = volumes.Open(p.folder); err != nil {
		t.Fatal(err)
	}
	p.tree = again
	p.write(whole("v", nil, file("g", "G")))
	p.wants(map[string]string{"v/f": "644 0:0 F", "v/g": "644 0:0 G"})
}

func TestFilesInParts(t *testing.T) {
	p := newPlace(t)
	large := strings.Repeat("0123456789", 1000)
	for i, end := range []int{4000, 8000, 10000} {
		f := file("d/large", large[max(0, i*4000):end])
		f.Offset = int64(i * 4000)
		part := whole("v", &tunnel.Volume{Mode: 0o755, Atomic: true}, f)
		part.First, part.Last = i == 0, end == 10000
		p.write(part)
		if _, err := os.Stat(filepath.Join(p.folder, "v/..data")); (err == nil) != part.Last {
			t.Errorf("content after part %d: %v", i, err)
		}
	}
	if p.text("v/d/large") != large {
		t.Error("the file is another one")
	}
}

func TestAtomicVolume(t *testing.T) {
	p := newPlace(t)
	p.write(whole("v", &tunnel.Volume{Mode: 0o2755, GID: 2000, Atomic: true}, file("a", "1"), file("b", "1"), file("dir/c", "1")))
	p.wants(map[string]string{
		"v/..data": "-> ..1", "v/a": "-> ..data/a", "v/dir": "-> ..data/dir", "v/..1": "2755 0:2000 folder", "v/..1/dir": "2755 0:2000 folder", "v/..1/dir/c": "644 0:2000 1",
	})
	open, err := os.Open(filepath.Join(p.folder, "v/a"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	// What a workload has put there is none of the content.
	if err := errors.Join(os.WriteFile(filepath.Join(p.folder, "v/own"), nil, 0o600), os.Symlink("/etc", filepath.Join(p.folder, "v/elsewhere"))); err != nil {
		t.Fatal(err)
	}
	next := whole("v", nil, file("a", "2"), file("d", "2"))
	next.Folder = "..2"
	p.write(next)
	if got, want := p.names("v"), []string{"..2", "..data", "a", "d", "elsewhere", "own"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	was := make([]byte, 10)
	if n, err := open.Read(was); err != nil || string(was[:n]) != "1" || p.text("v/a") != "2" {
		t.Errorf("what was open before reads %q, %v; now it is %q", was[:n], err, p.text("v/a"))
	}
	for _, bad := range []string{"", "..", "..data", "..data_tmp", "x", "../x"} {
		next.Folder = bad
		if _, err := p.tree.Write(next); err == nil {
			t.Errorf("content called %q: no error", bad)
		}
	}
	if p.text("v/d") != "2" {
		t.Error("a failure has changed the content")
	}
}

func TestNothingLeavesTheFolder(t *testing.T) {
	p := newPlace(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.write(whole("v", &tunnel.Volume{Mode: 0o777}))
	for name, to := range map[string]string{"up": "../..", "abs": filepath.Dir(outside), "file": outside} {
		if err := os.Symlink(to, filepath.Join(p.folder, "v", name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"../x", "/x", "a/../../x", "", ".", "up/x", "abs/x"} {
		if _, err := p.tree.Write(whole("v", nil, file(path, "x"))); err == nil {
			t.Errorf("written to %q", path)
		}
	}
	for _, name := range []string{"", ".", "..", ".about", "a/b", "../v"} {
		_, err := p.tree.Write(whole(name, &tunnel.Volume{Mode: 0o777}))
		wantKind(t, "a volume called "+name, err, tunnel.Invalid)
		_, err = p.tree.SubPath(tunnel.SubPath{Volume: name, Path: "x"})
		wantKind(t, "a sub-path of "+name, err, tunnel.Invalid)
		wantKind(t, "a message called "+name, p.tree.MakeMessage(tunnel.MessageFile{Name: name}), tunnel.Invalid)
		_, err = p.tree.ReadMessage(tunnel.MessageFile{Name: name})
		wantKind(t, "reading a message called "+name, err, tunnel.Invalid)
	}
	for _, path := range []string{"up", "abs", "file", "abs/new", "../v", "/etc"} {
		if s, err := p.tree.SubPath(tunnel.SubPath{Volume: "v", Path: path}); err == nil {
			t.Errorf("sub-path %q leads to %q", path, s.Path)
		}
	}
	p.write(whole("v", nil, file("file", "x"))) // the link itself is replaced
	if text, err := os.ReadFile(outside); err != nil || string(text) != "mine" || p.text("v/file") != "x" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestSubPaths(t *testing.T) {
	p := newPlace(t)
	p.write(whole("v", &tunnel.Volume{Mode: 0o2770, GID: 2000}, file("d/f", "F")))
	p.write(whole("conf", &tunnel.Volume{Mode: 0o755, Atomic: true}, file("a", "1"), file("dir/c", "1")))
	if err := os.Symlink("d/f", filepath.Join(p.folder, "v/link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ volume, path, want string }{
		{"v", "d/f", "d/f"}, {"v", "link", "d/f"}, {"v", "new/deep", "new/deep"}, {"v", "new", "new"},
		{"conf", "a", "..1/a"}, {"conf", "dir/c", "..1/dir/c"}, {"conf", "missing", "missing"},
	} {
		s, err := p.tree.SubPath(tunnel.SubPath{Volume: c.volume, Path: c.path})
		if err != nil || s.Path != c.want {
			t.Errorf("%s of %s leads to %q, %v", c.path, c.volume, s.Path, err)
		}
	}
	p.wants(map[string]string{"v/new": "2770 0:2000 folder", "v/new/deep": "2770 0:2000 folder", "conf/missing": "755 0:0 folder"})
	if _, err := p.tree.SubPath(tunnel.SubPath{Volume: "none", Path: "a"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a volume that is not there: %v", err)
	}
}

func TestMessages(t *testing.T) {
	p := newPlace(t)
	m := tunnel.MessageFile{Name: "app.0"}
	for range 2 {
		if err := p.tree.MakeMessage(m); err != nil {
			t.Fatal(err)
		}
		if got, err := p.tree.ReadMessage(m); err != nil || len(got.Text) > 0 && string(got.Text) != "said" {
			t.Errorf("%q, %v", got.Text, err)
		}
		p.wants(map[string]string{".messages": "700 0:0 folder"})
		path := filepath.Join(p.folder, ".messages/app.0")
		if s, err := os.Stat(path); err != nil || s.Mode().Perm() != 0o666 {
			t.Errorf("%v, %v", s, err)
		}
		if err := os.WriteFile(path, []byte("said"), 0); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := p.tree.ReadMessage(m); err != nil || string(got.Text) != "said" {
		t.Errorf("%q, %v", got.Text, err)
	}
	long := bytes.Repeat([]byte("x"), 2*tunnel.MaxMessage)
	if err := os.WriteFile(filepath.Join(p.folder, ".messages/app.0"), long, 0); err != nil {
		t.Fatal(err)
	}
	if got, err := p.tree.ReadMessage(m); err != nil || len(got.Text) != tunnel.MaxMessage {
		t.Errorf("%d bytes, %v", len(got.Text), err)
	}
	if _, err := p.tree.ReadMessage(tunnel.MessageFile{Name: "other"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
}
