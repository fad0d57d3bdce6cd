//go:build linux

package cgroup

import (
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// oomWatch counts how often a v1 group was out of memory, through an eventfd
// that the kernel signals just before it kills. The kernel's own count of
// kills is kept in the container's group only and goes with it.
type oomWatch struct {
	events *os.File
	folder string
	count  atomic.Uint64
}

// watch begins to count the group's events, unless it does already.
func (v *v1) watch(group string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.watches[group] != nil {
		return nil
	}
	w, err := newOOMWatch(v.in("memory", group, ""))
	if err != nil {
		return err
	}
	v.watches[group] = w
	go w.run()
	return nil
}

func newOOMWatch(folder string) (*oomWatch, error) {
	control, err := os.Open(folder + "/memory.oom_control")
	if err != nil {
		return nil, err
	}
	defer control.Close()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	events := os.NewFile(uintptr(fd), "oom events")
	if err := write(folder+"/cgroup.event_control", fmt.Sprintf("%d %d", fd, control.Fd())); err != nil {
		events.Close()
		return nil, err
	}
	return &oomWatch{events: events, folder: folder}, nil
}

// run counts until the watch is closed or the group goes, which the kernel
// signals in the same way.
func (w *oomWatch) run() {
	defer w.events.Close()
	var n [8]byte
	for {
		if _, err := w.events.Read(n[:]); err != nil {
			return
		}
		if !exists(w.folder) {
			return
		}
		w.count.Add(1)
	}
}

func (v *v1) ooms(group string) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if w := v.watches[group]; w != nil {
		return w.count.Load()
	}
	return 0
}

func (v *v1) forget(group string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if w := v.watches[group]; w != nil {
		w.events.Close()
		delete(v.watches, group)
	}
}
