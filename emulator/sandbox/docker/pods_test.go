package docker

import (
	"archive/tar"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/distribution/reference"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/mount"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestFittingLogins(t *testing.T) {
	for name, c := range map[string]struct {
		image   string
		servers []string
		want    []string
	}{
		"Docker Hub by any name": {"nginx", []string{"https://index.docker.io/v1/", "docker.io", "registry-1.docker.io", "ghcr.io"},
			[]string{"https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"}},
		"the narrowest first": {"reg.example:5000/team/app/web:1", []string{"reg.example:5000", "reg.example:5000/team/app", "reg.example:5000/team"},
			[]string{"reg.example:5000/team/app", "reg.example:5000/team", "reg.example:5000"}},
		"a path ends at a slash": {"reg.example/teams/web", []string{"reg.example/team", "reg.example/teams/web"}, []string{"reg.example/teams/web"}},
		"another port":           {"reg.example:5000/web", []string{"reg.example"}, nil},
		"a star is one label":    {"a.reg.example/web", []string{"*.reg.example", "*.example"}, []string{"*.reg.example"}},
		"with a scheme":          {"reg.example/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", []string{"http://reg.example/"}, []string{"http://reg.example/"}},
	} {
		ref, err := reference.ParseNormalizedNamed(c.image)
		if err != nil {
			t.Fatal(err)
		}
		var all []sandbox.Registry
		for _, s := range c.servers {
			all = append(all, sandbox.Registry{Server: s})
		}
		var got []string
		for _, l := range fitting(all, ref) {
			got = append(got, l.Server)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestRootText(t *testing.T) {
	for _, c := range []struct{ own, image, want string }{
		{"", "", "container has runAsNonRoot and image will run as root"},
		{"", "0", "container has runAsNonRoot and image will run as root"},
		{":7", "00:7", "container has runAsNonRoot and image will run as root"},
		{"", "101:101", ""},
		{"", "nginx", "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root"},
		{"0", "101", "container's runAsUser breaks non-root policy"},
		{"1000:0", "", ""},
	} {
		if got := rootText(c.own, c.image); got != c.want {
			t.Errorf("%q, image %q: %q, want %q", c.own, c.image, got, c.want)
		}
	}
}

// unpacked lists an archive's entries: name, mode, owner, where a link leads,
// content.
func unpacked(t *testing.T, r io.Reader) [][]any {
	t.Helper()
	var all [][]any
	for a := tar.NewReader(r); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(a)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, []any{h.Name, h.Mode, h.Uid, h.Gid, h.Linkname, string(data)})
	}
}

func TestAtomicContent(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	files := ownedBy(2000, []sandbox.File{{Path: "a", Mode: 0o400, UID: 5, GID: 6, Data: []byte("A")}, {Path: "d/b", Mode: 0o440}})
	folder, moved := generation(at, files)
	content, err := pack(moved, nil, 2000, links(folder, files))
	if err != nil {
		t.Fatal(err)
	}
	now := "..2026_01_02_03_04_05.000000006"
	want := [][]any{
		{now + "/", int64(0o2755), 0, 2000, "", ""},
		{now + "/d/", int64(0o2755), 0, 2000, "", ""},
		{now + "/a", int64(0o400), 5, 6, "", "A"},
		{now + "/d/b", int64(0o440), 0, 2000, "", ""},
		{"..data", int64(0o777), 0, 0, now, ""},
		{"a", int64(0o777), 0, 0, "..data/a", ""},
		{"d", int64(0o777), 0, 0, "..data/d", ""},
	}
	if d := cmp.Diff(want, unpacked(t, content)); d != "" {
		t.Error(d)
	}
}

func TestRootOfAVolume(t *testing.T) {
	for _, v := range []sandbox.Volume{{}, {Memory: true, Mode: 0o777, GID: 5}} {
		if r, err := rootOf(v); r != nil || err != nil {
			t.Errorf("%+v: %v, %v", v, r, err)
		}
	}
	r, err := rootOf(sandbox.Volume{Mode: 0o777, GID: 5})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([][]any{{"volume/", int64(0o2777), 0, 5, "", ""}}, unpacked(t, r)); d != "" {
		t.Error(d)
	}
	if got := tmpfsOptions(sandbox.Volume{Mode: 0o700, GID: 5, Size: 9}); got != "mode=2700,gid=5,size=9" {
		t.Error(got)
	}
	if got := tmpfsOptions(sandbox.Volume{}); got != "mode=0777" {
		t.Error(got)
	}
}

func TestWorkloadOfAPod(t *testing.T) {
	s := &sandbox.Spec{ID: "x", Volumes: []sandbox.Volume{{Name: "e", Empty: true}, {Name: "a", Atomic: true}}}
	c := &sandbox.Container{
		Name: "app", Groups: []int{5, 6}, Seccomp: "unconfined", Stdin: true, StdinOnce: true, Message: &sandbox.Message{Path: "/dev/termination-log", FromLogs: true},
		Mounts: []sandbox.Mount{{Volume: "e", Path: "/e"}, {Volume: "a", Path: "/f", SubPath: "f"}},
	}
	o := workload(s, c, 2, nil, setting{names: newNames("i"), owner: "box", subpaths: true, target: "other", subs: map[string]string{"/f": "..2026/f"}})
	h := o.HostConfig
	if !slices.Equal(h.GroupAdd, []string{"5", "6"}) || !slices.Equal(h.SecurityOpt, []string{"seccomp=unconfined"}) || h.PidMode != "container:other" || !o.Config.StdinOnce {
		t.Errorf("%+v", h)
	}
	if got := o.Config.Labels[labelMessage]; got != "/dev/termination-log logs" {
		t.Errorf("label %q", got)
	}
	want := []mount.Mount{
		{Type: "volume", Source: "neargate-i-x-e", Target: "/e", VolumeOptions: &mount.VolumeOptions{NoCopy: true}},
		{Type: "volume", Source: "neargate-i-x-a", Target: "/f", VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: "..2026/f"}},
		{Type: "volume", Source: "neargate-i-x.messages", Target: "/dev/termination-log", VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: "app.2"}},
	}
	if d := cmp.Diff(want, h.Mounts); d != "" {
		t.Error(d)
	}
}
