package ecs

import (
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file shapes usage as Docker's statistics document, which the metadata
// endpoint's stats paths hand out as it is. Members that Neargate does not
// measure are left out.

type containerStatistics struct {
	Read     time.Time        `json:"read"`
	Name     string           `json:"name"`
	ID       string           `json:"id"`
	NumProcs int              `json:"num_procs"`
	PIDs     pidsStats        `json:"pids_stats"`
	CPU      cpuStats         `json:"cpu_stats"`
	Memory   memoryStats      `json:"memory_stats"`
	Block    blockStats       `json:"blkio_stats"`
	Networks map[string]netIO `json:"networks"`
}

type pidsStats struct {
	Current uint64 `json:"current"`
}

type cpuStats struct {
	Usage struct {
		Total uint64 `json:"total_usage"` // ns
	} `json:"cpu_usage"`
	System uint64 `json:"system_cpu_usage"` // ns
	Online int    `json:"online_cpus"`
}

type memoryStats struct {
	Usage uint64            `json:"usage"`
	Max   uint64            `json:"max_usage"`
	Limit uint64            `json:"limit"`
	Stats map[string]uint64 `json:"stats"`
}

type blockStats struct {
	Bytes []blockEntry `json:"io_service_bytes_recursive"`
}

type blockEntry struct {
	Op    string `json:"op"`
	Value uint64 `json:"value"`
}

type netIO struct {
	RxBytes   uint64 `json:"rx_bytes"`
	RxPackets uint64 `json:"rx_packets"`
	RxErrors  uint64 `json:"rx_errors"`
	RxDropped uint64 `json:"rx_dropped"`
	TxBytes   uint64 `json:"tx_bytes"`
	TxPackets uint64 `json:"tx_packets"`
	TxErrors  uint64 `json:"tx_errors"`
	TxDropped uint64 `json:"tx_dropped"`
}

// statistics makes one document per container, by runtime id. A container
// that does not run has none: its entry is nil, as the agent's null.
func statistics(t *Task, s *sandbox.Sandbox, u sandbox.Stats) map[string]*containerStatistics {
	all := make(map[string]*containerStatistics, len(t.Containers))
	for _, c := range t.Containers {
		all[c.RuntimeID] = nil
		if one, ok := u.Containers[c.Name]; ok {
			all[c.RuntimeID] = document(&c, u, one)
		}
	}
	return all
}

func document(c *TaskContainer, u sandbox.Stats, one sandbox.ContainerStats) *containerStatistics {
	d := &containerStatistics{
		Read: u.At, Name: c.Name, ID: c.RuntimeID, PIDs: pidsStats{Current: one.PIDs},
		Memory: memoryStats{
			Usage: one.Memory, Max: one.MemoryMax, Limit: one.MemoryLimit,
			Stats: map[string]uint64{"cache": one.MemoryCache, "total_cache": one.MemoryCache},
		},
		Block: blockStats{Bytes: []blockEntry{{"Read", one.ReadBytes}, {"Write", one.WrittenBytes}}},
		Networks: map[string]netIO{"eth1": {
			RxBytes: u.RxBytes, RxPackets: u.RxPackets, RxErrors: u.RxErrors, RxDropped: u.RxDropped,
			TxBytes: u.TxBytes, TxPackets: u.TxPackets, TxErrors: u.TxErrors, TxDropped: u.TxDropped,
		}},
	}
	d.CPU.Usage.Total, d.CPU.System, d.CPU.Online = uint64(one.CPU), uint64(one.SystemCPU), one.OnlineCPUs
	return d
}
