//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// v1 is cgroup v1: folders cpu, memory, …, each a tree of its own, also when
// several controllers share one ("cpu,cpuacct").
type v1 struct {
	root        string
	controllers map[string]string // controller → its folder

	mu      sync.Mutex
	watches map[string]*oomWatch // by group
}

// v1Controllers are those in which Create makes the group.
var v1Controllers = [...]string{"cpu", "cpuacct", "memory", "pids"}

func openV1(root string) (*v1, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	v := &v1{root: root, controllers: map[string]string{}, watches: map[string]*oomWatch{}}
	for _, e := range entries {
		folder := filepath.Join(root, e.Name())
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			continue
		}
		for name := range strings.SplitSeq(e.Name(), ",") {
			v.controllers[name] = folder
		}
	}
	if v.controllers["cpu"] == "" && v.controllers["memory"] == "" {
		return nil, fmt.Errorf("%s is no cgroup tree: neither cgroup.controllers nor folders cpu and memory", root)
	}
	return v, nil
}

func (v *v1) number() int { return 1 }

func (v *v1) in(controller, group, file string) string {
	return filepath.Join(v.controllers[controller], group, file)
}

func (v *v1) makeGroup(group string) ([]string, error) {
	var warnings []string
	for _, c := range v1Controllers {
		if v.controllers[c] == "" {
			warnings = append(warnings, "the kernel has no cgroup controller "+c)
			continue
		}
		for _, g := range ancestors(group) {
			if err := mkdir(v.in(c, g, "")); err != nil {
				return nil, err
			}
			if c == "memory" {
				if err := v.useHierarchy(g); err != nil {
					return nil, err
				}
			}
		}
	}
	if v.controllers["memory"] != "" {
		if err := v.watch(group); err != nil {
			warnings = append(warnings, "out-of-memory events of the whole task cannot be watched: "+err.Error())
		}
	}
	return warnings, nil
}

// useHierarchy makes the limit hold for the groups under g together. Kernels
// since 5.11 know nothing else.
func (v *v1) useHierarchy(g string) error {
	file := v.in("memory", g, "memory.use_hierarchy")
	n, err := number(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || n == 1 {
		return err
	}
	return write(file, "1")
}

func (v *v1) setLimits(g tunnel.Cgroup) ([]string, error) {
	warnings, err := v.setCPU(g)
	if err != nil {
		return warnings, err
	}
	if g.MemoryBytes != 0 && v.controllers["memory"] != "" {
		more, err := v.setMemory(g.Path, g.MemoryBytes)
		warnings = append(warnings, more...)
		if err != nil {
			return warnings, err
		}
	}
	if g.PidsMax != 0 && v.controllers["pids"] != "" {
		return warnings, write(v.in("pids", g.Path, "pids.max"), orMax(g.PidsMax))
	}
	return warnings, nil
}

func (v *v1) setCPU(g tunnel.Cgroup) ([]string, error) {
	if v.controllers["cpu"] == "" {
		return nil, nil // makeGroup has said so
	}
	if g.CPUShares != 0 {
		if err := write(v.in("cpu", g.Path, "cpu.shares"), strconv.FormatInt(g.CPUShares, 10)); err != nil {
			return nil, err
		}
	}
	quota, period := g.CPUQuota, period(g)
	if quota == 0 && period == 0 {
		return nil, nil
	}
	if !exists(v.in("cpu", g.Path, "cpu.cfs_quota_us")) {
		return []string{"the kernel cannot limit CPU time (CONFIG_CFS_BANDWIDTH)"}, nil
	}
	return nil, v.setBandwidth(g.Path, quota, period)
}

// setBandwidth writes period and quota in the order that the kernel takes:
// each write alone must keep this group's share within its parent's and over
// its children's.
func (v *v1) setBandwidth(group string, quota, period int64) error {
	setPeriod := func() error {
		if period == 0 {
			return nil
		}
		return write(v.in("cpu", group, "cpu.cfs_period_us"), strconv.FormatInt(period, 10))
	}
	setQuota := func() error {
		if quota == 0 {
			return nil
		}
		return write(v.in("cpu", group, "cpu.cfs_quota_us"), strconv.FormatInt(quota, 10))
	}
	if err := setPeriod(); errors.Is(err, syscall.EINVAL) {
		return errors.Join(setQuota(), setPeriod())
	} else if err != nil {
		return err
	}
	return setQuota()
}

// setMemory writes the limit, and the same as limit of memory and swap
// together, which must never be the smaller one on the way.
func (v *v1) setMemory(group string, bytes int64) ([]string, error) {
	value := strconv.FormatInt(bytes, 10)
	limit, both := v.in("memory", group, "memory.limit_in_bytes"), v.in("memory", group, "memory.memsw.limit_in_bytes")
	now, err := number(both)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{"the kernel does not account swap: the task may swap beyond its memory"}, write(limit, value)
	}
	if err != nil {
		return nil, err
	}
	if bytes == tunnel.Unlimited || bytes > now {
		limit, both = both, limit
	}
	if err := write(limit, value); err != nil {
		return nil, err
	}
	return nil, write(both, value)
}

// v1Unlimited is what memory.limit_in_bytes shows at least when there is no
// limit: the largest number of bytes in whole pages, of up to 64 KiB.
const v1Unlimited = 1<<63 - 1<<16

func (v *v1) stats(group string) (tunnel.CgroupStats, error) {
	folder := v.in(v.first(), group, "")
	if _, err := os.Stat(folder); err != nil {
		return tunnel.CgroupStats{}, err
	}
	var r reader
	cpu, memory := r.fields(v.in("cpu", group, "cpu.stat")), r.fields(v.in("memory", group, "memory.stat"))
	s := tunnel.CgroupStats{
		CPUUsage:         time.Duration(r.number(v.in("cpuacct", group, "cpuacct.usage"))),
		CPUThrottled:     time.Duration(cpu["throttled_time"]),
		ThrottledPeriods: cpu["nr_throttled"],
		MemoryUsage:      uint64(r.number(v.in("memory", group, "memory.usage_in_bytes"))),
		MemoryPeak:       uint64(r.number(v.in("memory", group, "memory.max_usage_in_bytes"))),
		MemoryInactive:   memory["total_inactive_file"],
		MemoryLimit:      r.number(v.in("memory", group, "memory.limit_in_bytes")),
		Pids:             uint64(r.number(v.in("pids", group, "pids.current"))),
		OOMs:             v.ooms(group),
	}
	if s.MemoryLimit >= v1Unlimited || s.MemoryLimit == 0 {
		s.MemoryLimit = tunnel.Unlimited
	}
	s.OOMKills, s.Children = v.oomKills(&r, v.in("memory", group, ""))
	return s, r.err
}

func (v *v1) first() string {
	if v.controllers["memory"] != "" {
		return "memory"
	}
	return "cpu"
}

// oomKills adds up the kills in a group and in those under it: v1 counts each
// in the group of the process only.
func (v *v1) oomKills(r *reader, folder string) (total uint64, children map[string]uint64) {
	total = r.fields(filepath.Join(folder, "memory.oom_control"))["oom_kill"]
	entries, err := os.ReadDir(folder)
	r.note(err)
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		n, _ := v.oomKills(r, filepath.Join(folder, e.Name()))
		total += n
		if children == nil {
			children = map[string]uint64{}
		}
		children[e.Name()] = n
	}
	return total, children
}

func (v *v1) folders(group string) ([]string, error) {
	entries, err := os.ReadDir(v.root)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if e.IsDir() { // "cpu" may be a link to "cpu,cpuacct"
			all = append(all, filepath.Join(v.root, e.Name(), group))
		}
	}
	return all, nil
}

func period(g tunnel.Cgroup) int64 {
	if g.CPUPeriod == 0 && g.CPUQuota != 0 {
		return 100000
	}
	return g.CPUPeriod
}

func orMax(n int64) string {
	if n == tunnel.Unlimited {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}
