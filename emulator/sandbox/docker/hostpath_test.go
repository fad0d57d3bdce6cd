package docker_test

import (
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// TestHostPaths: two pods see the same place on the disk of their node, a
// sub-path of it too, and all of it goes with the node.
func TestHostPaths(t *testing.T) {
	instance := need(t).instance()
	b := newBench(t, func(o *docker.Options) { o.Instance = instance })
	node, _ := b.podWith(runtimetest.Program{})
	b.up(node)
	find := func(path, kind, place, refused string) {
		t.Helper()
		gotPlace, gotRefused, err := b.rt.HostPath(b.ctx, node.ID, path, kind)
		if err != nil || gotPlace != place || gotRefused != refused {
			t.Fatalf("%s %s: %q, %q, %v", path, kind, gotPlace, gotRefused, err)
		}
	}
	find("/data", "DirectoryOrCreate", "data", "")
	find("/data/f", "FileOrCreate", "data/f", "")
	find("/var/run/docker.sock", "Socket", "", "hostPath type check failed: /var/run/docker.sock is not a socket file")
	var pods []*sandbox.Spec
	for range 2 {
		open, whole := b.podWith(runtimetest.Program{},
			sandbox.Volume{Name: "d", Node: node.ID, Path: "data"}, sandbox.Volume{Name: "f", Node: node.ID, Path: "data/f"})
		c := &whole.Containers[0]
		c.Mounts = append(c.Mounts, sandbox.Mount{Volume: "d", Path: "/sub", SubPath: "a/b"})
		b.up(open)
		b.launch(whole)
		pods = append(pods, whole)
	}
	b.performs(pods[0], "write /d/x one", "write /f two", "write /sub/y three")
	b.wants(b.performs(pods[1], "read /d/x", "read /d/f", "read /d/a/b/y"), "one", "two", "three")
	for _, p := range pods {
		b.down(p)
	}
	if got := b.volumes(instance); len(got) != 1 {
		t.Errorf("the node's disk is not what is left: %q", got)
	}
	b.down(node)
	if got := b.volumes(instance); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
	if _, _, err := b.rt.HostPath(b.ctx, node.ID, "/data", ""); err == nil {
		t.Error("a node that is gone has a disk")
	}
}

// TestPathsOutsideTheDisk: what is told to a sandbox never leaves the disk.
func TestPathsOutsideTheDisk(t *testing.T) {
	b := newBench(t, nil)
	for _, path := range []string{"/etc", "../x", "..", "a/../../x"} {
		_, whole := b.podWith(runtimetest.Program{}, sandbox.Volume{Name: "d", Node: "0123", Path: path})
		if _, err := b.rt.Up(b.ctx, whole); err == nil {
			t.Errorf("%s is taken", path)
		}
	}
}

// A node that was served by a sandbox that was ready has its disk there.
func TestHostPathsOfAWarmNode(t *testing.T) {
	b := warmed(t)
	node, _ := b.podWith(runtimetest.Program{})
	b.up(node)
	if place, refused, err := b.rt.HostPath(b.ctx, node.ID, "/data", "DirectoryOrCreate"); place != "data" || refused != "" || err != nil {
		t.Fatalf("%q, %q, %v", place, refused, err)
	}
	_, s := b.podWith(runtimetest.Program{}, sandbox.Volume{Name: "d", Node: node.ID, Path: "data"})
	b.launch(s)
	b.wants(b.performs(s, "write /d/x one", "read /d/x"), "ok", "one")
	b.down(s)
	b.down(node)
}
