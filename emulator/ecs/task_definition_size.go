package ecs

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// This file reads the size of a task as people write it: CPU in units or vCPU,
// memory in MiB or GB.

var (
	vcpuPattern   = regexp.MustCompile(`(?i)^(\d+(?:\.\d+)?|\.\d+) *vcpu$`)
	gbPattern     = regexp.MustCompile(`(?i)^(\d+(?:\.\d+)?|\.\d+) *gb$`)
	numberPattern = regexp.MustCompile(`^\d{1,9}$`)
)

// cpuUnits turns "1 vCPU", ".5 vcpu" or "256" into units as a string of
// digits. What it cannot read it returns as it is; Fargate has no such size.
func cpuUnits(s string) string { return normalSize(s, vcpuPattern) }

// memoryMiB turns "1 GB", "0.5GB" or "512" into MiB as a string of digits.
// What it cannot read it returns as it is.
func memoryMiB(s string) string { return normalSize(s, gbPattern) }

func normalSize(s string, pattern *regexp.Regexp) string {
	s = strings.TrimSpace(s)
	if numberPattern.MatchString(s) {
		return strings.TrimLeft(s[:len(s)-1], "0") + s[len(s)-1:]
	}
	m := pattern.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	f, err := strconv.ParseFloat(m[1], 64)
	if err != nil || f > math.MaxInt32/1024 {
		return s
	}
	return strconv.Itoa(int(math.Round(f * 1024)))
}

// sizeNumber is a normalised size as a number; ok is false when it is not one.
func sizeNumber(s string) (n int, ok bool) {
	if !numberPattern.MatchString(s) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
