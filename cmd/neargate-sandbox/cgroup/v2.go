//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// v2 is cgroup v2: one tree; a group has a controller when its parent hands it
// down through cgroup.subtree_control.
type v2 struct{ root string }

// v2Controllers are handed down to the group and to Docker's groups under it.
var v2Controllers = [...]string{"cpu", "memory", "pids"}

func (v *v2) number() int { return 2 }

func (v *v2) in(group, file string) string { return filepath.Join(v.root, group, file) }

func (v *v2) makeGroup(group string) ([]string, error) {
	if err := v.handDown("/"); err != nil {
		return nil, err
	}
	for _, g := range ancestors(group) {
		if err := mkdir(v.in(g, "")); err != nil {
			return nil, err
		}
		if err := v.handDown(g); err != nil {
			return nil, err
		}
	}
	has, err := words(v.in(group, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	var warnings []string
	for _, c := range v2Controllers {
		if !slices.Contains(has, c) {
			warnings = append(warnings, "cgroup "+group+" does not get the controller "+c)
		}
	}
	return warnings, nil
}

// handDown gives the groups under g the controllers that g has. Each in a
// write of its own: the kernel refuses a write whole.
func (v *v2) handDown(g string) error {
	has, err := words(v.in(g, "cgroup.controllers"))
	if err != nil {
		return err
	}
	file := v.in(g, "cgroup.subtree_control")
	given, err := words(file)
	if err != nil {
		return err
	}
	for _, c := range v2Controllers {
		if slices.Contains(has, c) && !slices.Contains(given, c) {
			if err := write(file, "+"+c); err != nil {
				return fmt.Errorf("handing down cgroup controllers: %w", err)
			}
		}
	}
	return nil
}

func words(file string) ([]string, error) {
	b, err := os.ReadFile(file)
	return strings.Fields(string(b)), err
}

func (v *v2) setLimits(g tunnel.Cgroup) ([]string, error) {
	has, err := words(v.in(g.Path, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	var warnings []string
	for _, c := range []struct {
		name   string
		wanted bool
		set    func(tunnel.Cgroup) ([]string, error)
	}{
		{"cpu", g.CPUQuota != 0 || g.CPUPeriod != 0 || g.CPUShares != 0, v.setCPU},
		{"memory", g.MemoryBytes != 0, v.setMemory},
		{"pids", g.PidsMax != 0, v.setPids},
	} {
		switch {
		case !c.wanted:
		case !slices.Contains(has, c.name):
			warnings = append(warnings, "the "+c.name+" limits of cgroup "+g.Path+" could not be set: it lacks the controller")
		default:
			more, err := c.set(g)
			warnings = append(warnings, more...)
			if err != nil {
				return warnings, err
			}
		}
	}
	return warnings, nil
}

func (v *v2) setCPU(g tunnel.Cgroup) ([]string, error) {
	if g.CPUShares != 0 {
		if err := write(v.in(g.Path, "cpu.weight"), strconv.FormatInt(Weight(g.CPUShares), 10)); err != nil {
			return nil, err
		}
	}
	if g.CPUQuota == 0 && g.CPUPeriod == 0 {
		return nil, nil
	}
	file := v.in(g.Path, "cpu.max")
	now, err := words(file)
	if errors.Is(err, os.ErrNotExist) {
		return []string{"the kernel cannot limit CPU time (CONFIG_CFS_BANDWIDTH)"}, nil
	}
	if err != nil {
		return nil, err
	}
	quota := orMax(g.CPUQuota)
	if g.CPUQuota == 0 && len(now) > 0 {
		quota = now[0]
	}
	return nil, write(file, quota+" "+strconv.FormatInt(period(g), 10))
}

// Weight is the cpu.weight, 1 to 10,000, for v1's cpu.shares, 2 to 262,144: the
// two ranges laid over each other in a straight line, as runc 1.1 does.
func Weight(shares int64) int64 { return 1 + (shares-2)*9999/262142 }

func (v *v2) setMemory(g tunnel.Cgroup) ([]string, error) {
	var warnings []string
	swap, bytes := "0", orMax(g.MemoryBytes)
	if g.MemoryBytes == tunnel.Unlimited {
		swap = "max"
	}
	err := write(v.in(g.Path, "memory.swap.max"), swap)
	if errors.Is(err, os.ErrNotExist) {
		warnings, err = []string{"the kernel does not account swap: the task may swap beyond its memory"}, nil
	}
	if err != nil {
		return nil, err
	}
	return warnings, write(v.in(g.Path, "memory.max"), bytes)
}

func (v *v2) setPids(g tunnel.Cgroup) ([]string, error) {
	return nil, write(v.in(g.Path, "pids.max"), orMax(g.PidsMax))
}

func (v *v2) stats(group string) (tunnel.CgroupStats, error) {
	if _, err := os.Stat(v.in(group, "")); err != nil {
		return tunnel.CgroupStats{}, err
	}
	var r reader
	cpu, memory := r.fields(v.in(group, "cpu.stat")), r.fields(v.in(group, "memory.stat"))
	events := r.fields(v.in(group, "memory.events"))
	s := tunnel.CgroupStats{
		CPUUsage:         time.Duration(cpu["usage_usec"]) * time.Microsecond,
		CPUThrottled:     time.Duration(cpu["throttled_usec"]) * time.Microsecond,
		ThrottledPeriods: cpu["nr_throttled"],
		MemoryUsage:      uint64(r.number(v.in(group, "memory.current"))),
		MemoryPeak:       uint64(r.number(v.in(group, "memory.peak"))),
		MemoryInactive:   memory["inactive_file"],
		MemoryLimit:      r.number(v.in(group, "memory.max")),
		Pids:             uint64(r.number(v.in(group, "pids.current"))),
		OOMKills:         events["oom_kill"],
		OOMs:             events["oom"],
	}
	if s.MemoryLimit == 0 && !exists(v.in(group, "memory.max")) {
		s.MemoryLimit = tunnel.Unlimited
	}
	s.Children = v.children(&r, v.in(group, ""))
	return s, r.err
}

// children reads the kills in each group under folder. memory.events counts
// whole subtrees, and keeps what it counted when a group in it goes.
func (v *v2) children(r *reader, folder string) map[string]uint64 {
	entries, err := os.ReadDir(folder)
	r.note(err)
	var all map[string]uint64
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if all == nil {
			all = map[string]uint64{}
		}
		all[e.Name()] = r.fields(filepath.Join(folder, e.Name(), "memory.events"))["oom_kill"]
	}
	return all
}

func (v *v2) folders(group string) ([]string, error) { return []string{v.in(group, "")}, nil }

func (v *v2) forget(string) {}
