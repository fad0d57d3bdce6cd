package ecs

import (
	"net/http"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file shapes usage as Docker's statistics document, which the metadata
// endpoint's stats paths hand out. Members that Neargate does not measure are
// left out.

type containerStatistics struct {
	Read     time.Time        `json:"read"`
	PreRead  time.Time        `json:"preread"`
	Name     string           `json:"name"`
	ID       string           `json:"id"`
	NumProcs int              `json:"num_procs"`
	PIDs     pidsStats        `json:"pids_stats"`
	CPU      cpuStats         `json:"cpu_stats"`
	PreCPU   cpuStats         `json:"precpu_stats"`
	Memory   memoryStats      `json:"memory_stats"`
	Block    blockStats       `json:"blkio_stats"`
	Networks map[string]netIO `json:"networks"`
	Rates    *networkRates    `json:"network_rate_stats,omitempty"`
}

type pidsStats struct {
	Current uint64 `json:"current"`
}

type cpuStats struct {
	Usage  cpuUsage `json:"cpu_usage"`
	System uint64   `json:"system_cpu_usage,omitempty"` // ns
	Online int      `json:"online_cpus,omitempty"`
}

type cpuUsage struct {
	Total uint64 `json:"total_usage"` // ns
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

type networkRates struct {
	Rx float64 `json:"rx_bytes_per_sec"`
	Tx float64 `json:"tx_bytes_per_sec"`
}

// samples keeps the last two readings of each sandbox that is asked about, in
// memory: rates need two.
type samples struct {
	mu        sync.Mutex
	bySandbox map[string]samplePair
}

type samplePair struct{ before, now sandbox.Stats }

// staleAfter is how old a reading can be and still serve as the one before.
const staleAfter = 10 * time.Minute

// add takes a reading in and returns it with the one before, whose time is
// zero when there is none. The same reading again changes nothing.
func (s *samples) add(id string, u sandbox.Stats) samplePair {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.bySandbox[id]
	switch {
	case known && !u.At.After(last.now.At):
		return last
	case known && u.At.Sub(last.now.At) < staleAfter:
		last = samplePair{before: last.now, now: u}
	default:
		last = samplePair{now: u}
		s.forget(u.At)
	}
	if s.bySandbox == nil {
		s.bySandbox = map[string]samplePair{}
	}
	s.bySandbox[id] = last
	return last
}

// forget keeps the map as small as the number of sandboxes that are asked
// about.
func (s *samples) forget(now time.Time) {
	for id, p := range s.bySandbox {
		if now.Sub(p.now.At) >= staleAfter {
			delete(s.bySandbox, id)
		}
	}
}

// stats reads the usage of a request's task.
func (a *API) stats(r *http.Request) (asked, map[string]*containerStatistics, error) {
	q, err := a.asked(r)
	if err != nil {
		return q, nil, err
	}
	usage, err := a.engine.Stats(r.Context(), q.task.ID)
	if err != nil {
		return q, nil, err
	}
	return q, statistics(q.task, a.samples.add(q.task.ID, usage)), nil
}

// statistics makes one document per container, by runtime id. A container
// that does not run has none: its entry is nil, as the agent's null.
func statistics(t *Task, p samplePair) map[string]*containerStatistics {
	all := make(map[string]*containerStatistics, len(t.Containers))
	for i := range t.Containers {
		c := &t.Containers[i]
		all[c.RuntimeID] = nil
		if one, ok := p.now.Containers[c.Name]; ok {
			all[c.RuntimeID] = document(t, c, p, one)
		}
	}
	return all
}

// document makes the statistics of a container. Its memory ends where the
// task's does.
func document(t *Task, c *TaskContainer, p samplePair, one sandbox.ContainerStats) *containerStatistics {
	u := &p.now
	d := &containerStatistics{
		Read: u.At, Name: c.Name, ID: c.RuntimeID, PIDs: pidsStats{Current: one.PIDs}, CPU: cpu(one),
		Memory: memoryStats{
			Usage: one.Memory, Max: one.MemoryMax, Limit: min(one.MemoryLimit, uint64(parse(t.Memory))*mebibyte),
			Stats: map[string]uint64{"cache": one.MemoryCache, "total_cache": one.MemoryCache},
		},
		Block: blockStats{Bytes: []blockEntry{{"Read", one.ReadBytes}, {"Write", one.WrittenBytes}}},
		Networks: map[string]netIO{"eth1": {
			RxBytes: u.RxBytes, RxPackets: u.RxPackets, RxErrors: u.RxErrors, RxDropped: u.RxDropped,
			TxBytes: u.TxBytes, TxPackets: u.TxPackets, TxErrors: u.TxErrors, TxDropped: u.TxDropped,
		}},
	}
	if p.before.At.IsZero() {
		return d
	}
	d.PreRead, d.PreCPU = p.before.At, cpu(p.before.Containers[c.Name])
	d.Rates = &networkRates{
		Rx: perSecond(p.before.RxBytes, u.RxBytes, u.At.Sub(p.before.At)),
		Tx: perSecond(p.before.TxBytes, u.TxBytes, u.At.Sub(p.before.At)),
	}
	return d
}

func cpu(one sandbox.ContainerStats) cpuStats {
	return cpuStats{Usage: cpuUsage{Total: uint64(one.CPU)}, System: uint64(one.SystemCPU), Online: one.OnlineCPUs}
}

// perSecond is how fast a counter grew; 0 when it began anew meanwhile.
func perSecond(before, now uint64, took time.Duration) float64 {
	if now < before || took <= 0 {
		return 0
	}
	return float64(now-before) / took.Seconds()
}
