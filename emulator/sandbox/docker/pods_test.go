package docker

import (
	"slices"
	"testing"

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

func TestRootMode(t *testing.T) {
	for _, c := range []struct {
		v    sandbox.Volume
		want uint32
	}{
		{sandbox.Volume{}, 0o755},
		{sandbox.Volume{Mode: 0o777}, 0o777},
		{sandbox.Volume{GID: 5}, 0o2755},
		{sandbox.Volume{Memory: true}, 0o777},
		{sandbox.Volume{Memory: true, Mode: 0o700, GID: 5}, 0o2700},
	} {
		if got := rootMode(c.v); got != c.want {
			t.Errorf("%+v: %o, want %o", c.v, got, c.want)
		}
	}
	if got := tmpfsOptions(sandbox.Volume{Memory: true, Mode: 0o700, GID: 5, Size: 9}); got != "mode=2700,gid=5,size=9" {
		t.Error(got)
	}
	if got := tmpfsOptions(sandbox.Volume{Memory: true}); got != "mode=0777" {
		t.Error(got)
	}
}

// TestKeepers: only what the image knows nothing of is kept by PID 1, and a
// sandbox without any of it comes out of the warm pool.
func TestKeepers(t *testing.T) {
	for name, c := range map[string]struct {
		spec        sandbox.Spec
		kept, keeps bool
	}{
		"a task's":            {sandbox.Spec{Volumes: []sandbox.Volume{{Name: "v"}}}, false, false},
		"memory":              {sandbox.Spec{Volumes: []sandbox.Volume{{Name: "v", Memory: true, Empty: true}}}, false, false},
		"empty":               {sandbox.Spec{Volumes: []sandbox.Volume{{Name: "v", Empty: true}}}, true, true},
		"atomic":              {sandbox.Spec{Volumes: []sandbox.Volume{{Name: "v", Atomic: true}}}, true, true},
		"with files":          {sandbox.Spec{Volumes: []sandbox.Volume{{Name: "v", Files: []sandbox.File{{Path: "f"}}}}}, true, true},
		"with a group":        {sandbox.Spec{Volumes: []sandbox.Volume{{Name: "v", GID: 5}}}, true, true},
		"mounted in part":     {sandbox.Spec{Volumes: []sandbox.Volume{{Name: "v"}}, Containers: []sandbox.Container{{Mounts: []sandbox.Mount{{Volume: "v", SubPath: "x"}}}}}, true, true},
		"open":                {sandbox.Spec{Open: true}, false, true},
		"a pod's":             {sandbox.Spec{Network: sandbox.Network{Cluster: &sandbox.ClusterNetwork{}}}, false, true},
		"termination message": {sandbox.Spec{Containers: []sandbox.Container{{Message: &sandbox.Message{}}}}, false, true},
	} {
		if got := isKept(&c.spec, "v"); got != c.kept {
			t.Errorf("%s: the volume is kept: %v", name, got)
		}
		if got := keeps(&c.spec); got != c.keeps {
			t.Errorf("%s: the sandbox keeps: %v", name, got)
		}
	}
}

func TestWorkloadOfAPod(t *testing.T) {
	s := &sandbox.Spec{ID: "x", Volumes: []sandbox.Volume{{Name: "e", Empty: true}, {Name: "a", Atomic: true}}}
	c := &sandbox.Container{
		Name: "app", Groups: []int{5, 6}, Seccomp: "unconfined", Stdin: true, StdinOnce: true, Message: &sandbox.Message{Path: "/dev/termination-log", FromLogs: true},
		Mounts: []sandbox.Mount{{Volume: "e", Path: "/e"}, {Volume: "a", Path: "/f", SubPath: "f"}},
	}
	o := workload(s, c, 2, nil, setting{names: newNames("i"), owner: "box", kept: "k", subpaths: true, target: "other", subs: map[string]string{"/f": "..2026/f"}})
	h := o.HostConfig
	if !slices.Equal(h.GroupAdd, []string{"5", "6"}) || !slices.Equal(h.SecurityOpt, []string{"seccomp=unconfined"}) || h.PidMode != "container:other" || !o.Config.StdinOnce {
		t.Errorf("%+v", h)
	}
	if got := o.Config.Labels[labelMessage]; got != "logs app.2 /dev/termination-log" {
		t.Errorf("label %q", got)
	}
	want := []mount.Mount{
		{Type: "volume", Source: "k", Target: "/e", VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: "e"}},
		{Type: "volume", Source: "k", Target: "/f", VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: "a/..2026/f"}},
		{Type: "volume", Source: "k", Target: "/dev/termination-log", VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: ".messages/app.2"}},
	}
	if d := cmp.Diff(want, h.Mounts); d != "" {
		t.Error(d)
	}
}
