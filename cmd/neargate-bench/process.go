package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of processor times in /proc, the same on every
// architecture that Go runs on.
const ticksPerSecond = 100

// memoryOf sums up fields of a process's mappings, in bytes.
func memoryOf(pid int) (rss, pss int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "Rss" && name != "Pss" {
			continue
		}
		kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		if name == "Rss" {
			rss = kib << 10
		} else {
			pss = kib << 10
		}
	}
	return rss, pss, nil
}

// processorTime is what a process has used so far, in user and kernel mode.
func processorTime(pid int) (time.Duration, error) {
	f, err := statOf(pid)
	if err != nil {
		return 0, err
	}
	user, err := strconv.Atoi(f[11])
	kernel, err2 := strconv.Atoi(f[12])
	return time.Duration(user+kernel) * time.Second / ticksPerSecond, errors.Join(err, err2)
}

// statOf reads the fields of /proc/PID/stat that come after the name, which may
// hold anything.
func statOf(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(f) < 13 {
		return nil, fmt.Errorf("/proc/%d/stat: %q", pid, text)
	}
	return f, nil
}

// childOf finds the one process that another one has started from a program.
func childOf(parent int, program string) (int, error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			return 0, err
		}
		f, err := statOf(pid)
		if err != nil || f[1] != strconv.Itoa(parent) { // one that has just ended is none of ours
			continue
		}
		if exe, err := os.Readlink(dir + "/exe"); err == nil && filepath.Base(exe) == filepath.Base(program) {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("process %d has no child %s", parent, program)
}
