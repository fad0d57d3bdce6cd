package tunnel

import (
	"context"
	"net/netip"
	"time"
)

// The commands that PID 1 understands.
const (
	CommandCgroupCreate = "cgroup.create"
	CommandCgroupUpdate = "cgroup.update"
	CommandCgroupRemove = "cgroup.remove"
	CommandCgroupStats  = "cgroup.stats"
	CommandSetNames     = "dns.set"
	CommandNetworkStats = "network.stats"
)

// Unlimited lifts a limit of a [Cgroup].
const Unlimited = -1

// Cgroup names a control group of the host and the limits it shall have. A
// limit of 0 is left as it is.
type Cgroup struct {
	// Path is the group's place in the host's tree, such as "/neargate/ID" or
	// "/neargate.slice/neargate-ID.slice": what Docker is given as cgroup
	// parent, with a slice written out. An element of it must start with
	// "neargate": no group of another program is ever touched.
	Path string `json:"path"`
	// CPUQuota is the CPU time in microseconds that the group may use in each
	// CPUPeriod, or Unlimited.
	CPUQuota int64 `json:"cpuQuota,omitempty"`
	// CPUPeriod is in microseconds, 1,000 to 1,000,000; 0 is 100,000 where a
	// quota is set.
	CPUPeriod int64 `json:"cpuPeriod,omitempty"`
	// CPUShares is the group's weight among its siblings, 2 to 262,144, 1,024
	// for one vCPU; cgroup v2 gets the weight that runc gives for it.
	CPUShares int64 `json:"cpuShares,omitempty"`
	// MemoryBytes is what the group may use in memory, or Unlimited. It may
	// not swap besides.
	MemoryBytes int64 `json:"memoryBytes,omitempty"`
	// PidsMax is the number of processes and threads, or Unlimited.
	PidsMax int64 `json:"pidsMax,omitempty"`
}

// CgroupState tells what a create or update came to.
type CgroupState struct {
	Version  int      `json:"version"`            // of the kernel's interface: 1 or 2
	Warnings []string `json:"warnings,omitempty"` // limits that this kernel lacks, in sentences
}

// CgroupStats is what a group has used.
type CgroupStats struct {
	CPUUsage         time.Duration `json:"cpuUsage"`         // all processors together
	CPUThrottled     time.Duration `json:"cpuThrottled"`     // time spent waiting for quota
	ThrottledPeriods uint64        `json:"throttledPeriods"` // periods in which the quota ran out
	MemoryUsage      uint64        `json:"memoryUsage"`      // bytes, page cache included
	MemoryPeak       uint64        `json:"memoryPeak"`       // bytes; 0 where the kernel does not tell (v2 before 5.19)
	MemoryInactive   uint64        `json:"memoryInactive"`   // bytes of page cache that would be dropped first
	MemoryLimit      int64         `json:"memoryLimit"`      // bytes, or Unlimited
	Pids             uint64        `json:"pids"`             // processes and threads
	// OOMKills counts processes of the group and of all groups under it that
	// the kernel killed for lack of memory. On cgroup v1 the kernel forgets
	// those of a container when the container's own group goes, which is at
	// its exit; then OOMs still tells.
	OOMKills uint64 `json:"oomKills"`
	// OOMs counts how often the group itself was out of memory with nothing
	// left to reclaim, since it was made.
	OOMs uint64 `json:"ooms"`
	// Children is OOMKills by the name of the group directly under this one:
	// Docker's container id, or its scope.
	Children map[string]uint64 `json:"children,omitempty"`
}

// CgroupCreate makes a group with these limits, on the way its ancestors; one
// that exists gets the limits.
func (s *Session) CgroupCreate(ctx context.Context, g Cgroup) (CgroupState, error) {
	var state CgroupState
	return state, s.Call(ctx, CommandCgroupCreate, g, &state)
}

// CgroupUpdate changes limits of a group; it fails with NotFound when there is
// none, and with Busy when the group uses more memory than it shall have.
func (s *Session) CgroupUpdate(ctx context.Context, g Cgroup) (CgroupState, error) {
	var state CgroupState
	return state, s.Call(ctx, CommandCgroupUpdate, g, &state)
}

// CgroupRemove removes a group and the empty groups under it. That it is gone
// already is no error; Busy says that processes live in it, after some waiting.
func (s *Session) CgroupRemove(ctx context.Context, path string) error {
	return s.Call(ctx, CommandCgroupRemove, Cgroup{Path: path}, nil)
}

// CgroupStats reads a group's counters; NotFound says that there is none.
func (s *Session) CgroupStats(ctx context.Context, path string) (CgroupStats, error) {
	var stats CgroupStats
	return stats, s.Call(ctx, CommandCgroupStats, Cgroup{Path: path}, &stats)
}

// Names changes what the sandbox's resolver answers by itself. Names are
// domain names, absolute with or without the last dot, in any case.
type Names struct {
	// Replace drops all that was known before; otherwise this is a change.
	Replace bool `json:"replace,omitempty"`
	// Zones are the domains in which a name that is not in the table does not
	// exist. A change adds zones.
	Zones []string `json:"zones,omitempty"`
	// Set gives names their addresses, IPv4 and IPv6.
	Set map[string][]netip.Addr `json:"set,omitempty"`
	// Remove takes names out.
	Remove []string `json:"remove,omitempty"`
	// TTL of the names in Set, in seconds.
	TTL uint32 `json:"ttl,omitempty"`
}

// SetNames changes the resolver's table at one go. It fails with Invalid when
// the sandbox runs no resolver.
func (s *Session) SetNames(ctx context.Context, n Names) error {
	return s.Call(ctx, CommandSetNames, n, nil)
}

// Interface is a network interface of the namespace and its counters since the
// namespace was made.
type Interface struct {
	Name      string         `json:"name"`
	MAC       string         `json:"mac,omitempty"`
	MTU       int            `json:"mtu"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	RxBytes   uint64         `json:"rxBytes"`
	RxPackets uint64         `json:"rxPackets"`
	RxErrors  uint64         `json:"rxErrors"`
	RxDropped uint64         `json:"rxDropped"`
	TxBytes   uint64         `json:"txBytes"`
	TxPackets uint64         `json:"txPackets"`
	TxErrors  uint64         `json:"txErrors"`
	TxDropped uint64         `json:"txDropped"`
}

// NetworkStats reads the namespace's interfaces, loopback left out.
func (s *Session) NetworkStats(ctx context.Context) ([]Interface, error) {
	var all []Interface
	return all, s.Call(ctx, CommandNetworkStats, struct{}{}, &all)
}
