//go:build linux

package volumes_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/neargate/neargate/cmd/neargate-sandbox/volumes"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// TestHostPath: what kubelet checks and makes for each type, with its words.
func TestHostPath(t *testing.T) {
	p := newPlace(t)
	if _, err := p.tree.HostPath(tunnel.HostPath{Path: "/"}); err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(p.folder, ".disk")
	for _, err := range []error{
		os.WriteFile(filepath.Join(disk, "etc/file"), nil, 0o600),
		os.Symlink("log", filepath.Join(disk, "var/link")),
		os.Symlink("/etc", filepath.Join(disk, "var/away")),
		syscall.Mkfifo(filepath.Join(disk, "var/pipe"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(disk, "run/s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ path, kind, want, refused string }{
		{"/", "", ".", ""},
		{"/", "Directory", ".", ""},
		{"/var/log/", "Directory", "var/log", ""},
		{"/var/link/x", "DirectoryOrCreate", "var/log/x", ""},
		{"/data/a/b", "", "data/a/b", ""},
		{"/data/a/c", "DirectoryOrCreate", "data/a/c", ""},
		{"/data/a/c", "DirectoryOrCreate", "data/a/c", ""},
		{"/data/f", "FileOrCreate", "data/f", ""},
		{"/data/f", "FileOrCreate", "data/f", ""},
		{"/etc/file", "", "etc/file", ""},
		{"/etc/file", "File", "etc/file", ""},
		{"/run/s", "Socket", "run/s", ""},
		{"/run/s", "", "run/s", ""},
		{"/etc/file", "Directory", "", "hostPath type check failed: /etc/file is not a directory"},
		{"/etc/file", "DirectoryOrCreate", "", "hostPath type check failed: /etc/file is not a directory"},
		{"/none", "Directory", "", "hostPath type check failed: /none is not a directory"},
		{"/none", "File", "", "hostPath type check failed: /none is not a file"},
		{"/etc", "FileOrCreate", "", "hostPath type check failed: /etc is not a file"},
		{"/none/f", "FileOrCreate", "", "open /none/f: no such file or directory"},
		{"/etc/file", "Socket", "", "hostPath type check failed: /etc/file is not a socket file"},
		{"/var/run/docker.sock", "Socket", "", "hostPath type check failed: /var/run/docker.sock is not a socket file"},
		{"/dev/null", "CharDevice", "", "hostPath type check failed: /dev/null is not a character device"},
		{"/dev/sda", "BlockDevice", "", "hostPath type check failed: /dev/sda is not a block device"},
		{"/var/pipe", "File", "", "hostPath type check failed: /var/pipe is not a file"},
		{"/etc", "Folder", "", "Folder is an invalid volume type"},
		{"/etc/file/x", "", "", "hostPath /etc/file/x: not a directory"},
		{"/var/../etc", "", "", "invalid HostPath `/var/../etc`: must be absolute and must not contain '..'"},
		{"etc", "", "", "invalid HostPath `etc`: must be absolute and must not contain '..'"},
		{"/var/away", "", "", "hostPath /var/away: path escapes from parent"},
	} {
		state, err := p.tree.HostPath(tunnel.HostPath{Path: c.path, Type: c.kind})
		text := ""
		if e, ok := errors.AsType[*tunnel.Error](err); ok && e.Kind == tunnel.Invalid {
			text = e.Text
		} else if err != nil {
			t.Errorf("%s %s: %v", c.path, c.kind, err)
		}
		if state.Path != c.want || text != c.refused {
			t.Errorf("%s %s: %q, %q", c.path, c.kind, state.Path, text)
		}
	}
	for path, want := range map[string]string{"tmp": "1777 0:0 folder", "data/a/c": "755 0:0 folder", "data/f": "644 0:0 "} {
		if got := p.looks(".disk/" + path); got != want {
			t.Errorf("%s is %s", path, got)
		}
	}
}

// TestDiskStays: another process finds what pods have left, and half of a disk
// is no disk.
func TestDiskStays(t *testing.T) {
	p := newPlace(t)
	if err := os.MkdirAll(filepath.Join(p.folder, ".disk.half/rest"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := p.tree.HostPath(tunnel.HostPath{Path: "/data/f", Type: "FileOrCreate"}); err == nil {
		t.Error("a file without its folder is made")
	}
	if _, err := p.tree.HostPath(tunnel.HostPath{Path: "/srv/f", Type: "FileOrCreate"}); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(p.folder, ".disk/mnt")); err != nil {
		t.Error(err)
	}
	tree, err := volumes.Open(p.folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.HostPath(tunnel.HostPath{Path: "/srv/f", Type: "File"}); err != nil {
		t.Error(err)
	}
	if _, err := tree.HostPath(tunnel.HostPath{Path: "/mnt", Type: "Directory"}); err == nil {
		t.Error("what pods have removed is back")
	}
	if _, err := os.Stat(filepath.Join(p.folder, ".disk/rest")); err == nil {
		t.Error("half of a disk was taken for one")
	}
}
