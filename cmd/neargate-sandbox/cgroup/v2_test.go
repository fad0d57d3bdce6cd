//go:build linux

package cgroup_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/cmd/neargate-sandbox/cgroup"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// folder writes a folder of files in the shape that the kernel gives them.
func folder(t *testing.T, at string, files map[string]string) {
	t.Helper()
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func wantFiles(t *testing.T, at string, want map[string]string) {
	t.Helper()
	for name, text := range want {
		b, err := os.ReadFile(filepath.Join(at, name))
		if err != nil || string(b) != text {
			t.Errorf("%s holds %q, %v; want %q", name, b, err, text)
		}
	}
}

const slice = "/neargate.slice/neargate-1.slice"

// tree2 is a v2 tree with a group in it, as it looks just after mkdir.
func tree2(t *testing.T) (root string, tree *cgroup.Tree) {
	t.Helper()
	root = t.TempDir()
	folder(t, root, map[string]string{"cgroup.controllers": "cpuset cpu io memory pids\n", "cgroup.subtree_control": "memory pids\n"})
	folder(t, root+"/neargate.slice", map[string]string{"cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "cpu memory pids\n"})
	folder(t, root+slice, map[string]string{
		"cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "",
		"cpu.max": "max 100000\n", "cpu.weight": "100\n", "memory.max": "max\n", "memory.swap.max": "max\n", "pids.max": "max\n",
	})
	tree, err := cgroup.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return root, tree
}

func TestV2Limits(t *testing.T) {
	root, tree := tree2(t)
	g := tunnel.Cgroup{Path: slice, CPUQuota: 50000, CPUShares: 512, MemoryBytes: 512 << 20, PidsMax: 100}
	create := func() {
		t.Helper()
		state, err := tree.Create(g)
		if err != nil || state.Version != 2 || len(state.Warnings) != 0 {
			t.Fatalf("%+v, %v", state, err)
		}
	}
	create()
	wantFiles(t, root, map[string]string{"cgroup.subtree_control": "+cpu"}) // all that was missing
	folder(t, root, map[string]string{"cgroup.subtree_control": "cpu memory pids\n"})
	create() // finds everything there
	wantFiles(t, root, map[string]string{"cgroup.subtree_control": "cpu memory pids\n"})
	wantFiles(t, root+"/neargate.slice", map[string]string{"cgroup.subtree_control": "cpu memory pids\n"})
	wantFiles(t, root+slice, map[string]string{
		"cpu.max": "50000 100000", "cpu.weight": "20", "memory.max": "536870912", "memory.swap.max": "0", "pids.max": "100",
	})
	if _, err := tree.Update(tunnel.Cgroup{Path: slice, CPUQuota: tunnel.Unlimited, CPUPeriod: 50000, MemoryBytes: tunnel.Unlimited, PidsMax: tunnel.Unlimited}); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, root+slice, map[string]string{
		"cpu.max": "max 50000", "cpu.weight": "20", "memory.max": "max", "memory.swap.max": "max", "pids.max": "max",
	})
	if _, err := tree.Update(tunnel.Cgroup{Path: slice, CPUPeriod: 20000}); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, root+slice, map[string]string{"cpu.max": "max 20000"})
}

func TestV2WhatTheKernelLacks(t *testing.T) {
	root, tree := tree2(t)
	folder(t, root+slice, map[string]string{"cgroup.controllers": "memory\n"})
	if err := os.Remove(root + slice + "/memory.swap.max"); err != nil {
		t.Fatal(err)
	}
	state, err := tree.Create(tunnel.Cgroup{Path: slice, CPUQuota: 50000, MemoryBytes: 1 << 30})
	all := strings.Join(state.Warnings, "\n")
	if err != nil || !strings.Contains(all, "cpu") || !strings.Contains(all, "pids") || !strings.Contains(all, "swap") {
		t.Errorf("%q, %v", state.Warnings, err)
	}
	wantFiles(t, root+slice, map[string]string{"memory.max": "1073741824", "cpu.max": "max 100000\n"})
	if _, err := os.Stat(root + slice + "/memory.swap.max"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was made that the kernel did not give: %v", err)
	}
}

func TestV2Stats(t *testing.T) {
	root, tree := tree2(t)
	folder(t, root+slice, map[string]string{
		"cpu.stat":       "usage_usec 1500\nuser_usec 1000\nnr_periods 9\nnr_throttled 3\nthrottled_usec 250\n",
		"memory.current": "4096\n", "memory.peak": "8192\n", "memory.max": "536870912\n",
		"memory.stat": "anon 1\ninactive_file 77\n", "pids.current": "5\n",
		"memory.events": "low 0\nhigh 0\nmax 12\noom 4\noom_kill 2\noom_group_kill 0\n",
	})
	folder(t, root+slice+"/docker-aa.scope", map[string]string{"memory.events": "oom_kill 2\n"})
	folder(t, root+slice+"/docker-bb.scope", map[string]string{"memory.events": "oom_kill 0\n"})
	got, err := tree.Stats(slice)
	want := tunnel.CgroupStats{
		CPUUsage: 1500 * time.Microsecond, CPUThrottled: 250 * time.Microsecond, ThrottledPeriods: 3,
		MemoryUsage: 4096, MemoryPeak: 8192, MemoryInactive: 77, MemoryLimit: 512 << 20, Pids: 5,
		OOMKills: 2, OOMs: 4, Children: map[string]uint64{"docker-aa.scope": 2, "docker-bb.scope": 0},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestV2Remove(t *testing.T) {
	root, tree := tree2(t)
	group := "/neargate.slice/neargate-2.slice"
	folder(t, root+group+"/docker-aa.scope/init.scope", nil)
	for range 2 { // gone already is no error
		if err := tree.Remove(context.Background(), group); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(root + group); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the group is still there: %v", err)
	}
	if _, err := os.Stat(root + "/neargate.slice"); err != nil {
		t.Errorf("its parent went too: %v", err)
	}
}

func TestGone(t *testing.T) {
	_, tree := tree2(t)
	if _, err := tree.Stats("/neargate/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stats: %v", err)
	}
	if _, err := tree.Update(tunnel.Cgroup{Path: "/neargate/none", CPUShares: 2}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("update: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	_, tree := tree2(t)
	for _, g := range []tunnel.Cgroup{
		{Path: ""}, {Path: "/"}, {Path: "neargate/1"}, {Path: "/neargate/../docker"}, {Path: "/docker/1"}, {Path: "/neargate/1/"},
		{Path: slice, CPUQuota: 999}, {Path: slice, CPUQuota: -2}, {Path: slice, CPUPeriod: 1000001}, {Path: slice, CPUPeriod: -1},
		{Path: slice, CPUShares: 1}, {Path: slice, CPUShares: 262145}, {Path: slice, MemoryBytes: -2}, {Path: slice, PidsMax: -2},
	} {
		_, err := tree.Create(g)
		if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.Invalid {
			t.Errorf("%+v: %v", g, err)
		}
	}
	if err := tree.Remove(context.Background(), "/docker"); err == nil {
		t.Error("another program's group may be removed")
	}
	if _, err := cgroup.Open(t.TempDir()); err == nil {
		t.Error("an empty folder is taken for a tree")
	}
}

func TestWeight(t *testing.T) {
	for shares, weight := range map[int64]int64{2: 1, 256: 10, 512: 20, 1024: 39, 4096: 157, 262144: 10000} {
		if got := cgroup.Weight(shares); got != weight {
			t.Errorf("%d shares are weight %d, want %d", shares, got, weight)
		}
	}
}
