//go:build linux

// Package cgroup puts the ceiling of a whole task on the host's control group
// tree: one group, named by the caller, under which Docker puts the task's
// containers. It works on the tree's files, as mounted at some path, in the
// manner of cgroup v1 (a hierarchy for each controller) or v2 (one for all).
//
// Facts about the files are from the kernel's
// Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Tree is a mounted control group tree. Its methods may be used from many
// goroutines, as long as no two are at one group at once.
type Tree struct {
	version hierarchy
}

// hierarchy is what differs between the two versions of the interface.
type hierarchy interface {
	number() int
	// makeGroup makes the group and its ancestors.
	makeGroup(group string) (warnings []string, err error)
	// setLimits writes the limits that are not 0.
	setLimits(tunnel.Cgroup) (warnings []string, err error)
	// stats fails with fs.ErrNotExist when there is no such group.
	stats(group string) (tunnel.CgroupStats, error)
	// folders are all places where the group may have a folder.
	folders(group string) ([]string, error)
	// forget releases what is kept about a group.
	forget(group string)
}

// Open looks at the tree mounted at root, such as a bind mount of the host's
// /sys/fs/cgroup, and finds out its version.
func Open(root string) (*Tree, error) {
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		return &Tree{&v2{root: root}}, nil
	}
	v, err := openV1(root)
	if err != nil {
		return nil, err
	}
	return &Tree{v}, nil
}

// Create makes a group with limits; one that exists gets them.
func (t *Tree) Create(g tunnel.Cgroup) (tunnel.CgroupState, error) {
	state := tunnel.CgroupState{Version: t.version.number()}
	if err := check(g); err != nil {
		return state, err
	}
	made, err := t.version.makeGroup(g.Path)
	if err != nil {
		return state, err
	}
	set, err := t.version.setLimits(g)
	state.Warnings = append(made, set...)
	return state, err
}

// Update changes limits of an existing group.
func (t *Tree) Update(g tunnel.Cgroup) (tunnel.CgroupState, error) {
	state := tunnel.CgroupState{Version: t.version.number()}
	if err := check(g); err != nil {
		return state, err
	}
	if _, err := t.version.stats(g.Path); err != nil {
		return state, err
	}
	var err error
	state.Warnings, err = t.version.setLimits(g)
	return state, err
}

// Stats reads a group's counters.
func (t *Tree) Stats(group string) (tunnel.CgroupStats, error) {
	if err := checkPath(group); err != nil {
		return tunnel.CgroupStats{}, err
	}
	return t.version.stats(group)
}

// removeWait is how long Remove waits for a group's last process: the kernel
// empties a group a moment after Docker has reported the container's end.
const removeWait = 2 * time.Second

// Remove removes a group and the empty groups under it, in every hierarchy:
// Docker makes the parent of its containers in all of them.
func (t *Tree) Remove(ctx context.Context, group string) error {
	if err := checkPath(group); err != nil {
		return err
	}
	folders, err := t.version.folders(group)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, removeWait)
	defer cancel()
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := removeAll(folders)
		if err == nil {
			t.version.forget(group)
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("cgroup %s still has processes: %w", group, err)
		}
	}
}

func removeAll(folders []string) error {
	var all error
	for _, f := range folders {
		all = errors.Join(all, removeFolder(f))
	}
	return all
}

// removeFolder removes a group's folder after those under it. The files in it
// are the kernel's and go with it.
func removeFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeFolder(filepath.Join(folder, e.Name())); err != nil {
				return err
			}
		}
	}
	err = syscall.Rmdir(folder)
	if err == nil || err == syscall.ENOENT {
		return nil
	}
	if err == syscall.ENOTEMPTY { // a group was made in it just now
		err = syscall.EBUSY
	}
	return &fs.PathError{Op: "rmdir", Path: folder, Err: err}
}

func check(g tunnel.Cgroup) error {
	if err := checkPath(g.Path); err != nil {
		return err
	}
	for _, limit := range []struct {
		name            string
		value, min, max int64
		unlimited       bool
	}{
		{"cpuQuota", g.CPUQuota, 1000, 1 << 43, true}, // kernel: at least 1 ms
		{"cpuPeriod", g.CPUPeriod, 1000, 1000000, false},
		{"cpuShares", g.CPUShares, 2, 262144, false},
		{"memoryBytes", g.MemoryBytes, 1, 1 << 62, true},
		{"pidsMax", g.PidsMax, 1, 1 << 22, true},
	} {
		if limit.value == 0 || limit.unlimited && limit.value == tunnel.Unlimited {
			continue
		}
		if limit.value < limit.min || limit.value > limit.max {
			return invalid("%s %d is not in %d to %d", limit.name, limit.value, limit.min, limit.max)
		}
	}
	return nil
}

// checkPath lets no group pass that is not Neargate's own.
func checkPath(group string) error {
	if !strings.HasPrefix(group, "/") || path.Clean(group) != group {
		return invalid("cgroup path %q is not absolute and clean", group)
	}
	for element := range strings.SplitSeq(group, "/") {
		if strings.HasPrefix(element, "neargate") {
			return nil
		}
	}
	return invalid("cgroup path %q has no element that starts with neargate", group)
}

func invalid(format string, args ...any) error {
	return &tunnel.Error{Kind: tunnel.Invalid, Text: fmt.Sprintf(format, args...)}
}
