package docker

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Stats implements [sandbox.StatsReader]: one sample of each running
// container, and the counters of the namespace's interfaces.
func (r *Runtime) Stats(ctx context.Context, id string) (sandbox.Stats, error) {
	l, err := r.linkTo(ctx, id)
	if err != nil {
		return sandbox.Stats{}, err
	}
	_, others, err := r.containersOf(ctx, id)
	if err != nil {
		return sandbox.Stats{}, err
	}
	read := r.containerStats
	if slices.ContainsFunc(others, func(c container.Summary) bool { return c.Labels[labelRole] == rolePause }) {
		read = func(ctx context.Context, container string) (sandbox.ContainerStats, error) {
			return r.groupStats(ctx, l, id, container)
		}
	}
	all := sandbox.Stats{At: time.Now(), Containers: map[string]sandbox.ContainerStats{}}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	for _, c := range others {
		if c.Labels[labelRole] != roleWorkload || c.State != container.StateRunning {
			continue
		}
		g.Go(func() error {
			s, err := read(gctx, c.ID)
			if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
				return nil // it has ended meanwhile
			}
			mu.Lock()
			defer mu.Unlock()
			all.Containers[c.Labels[labelContainer]] = s
			return err
		})
	}
	g.Go(func() error { return addNetwork(gctx, l, &all) })
	return all, g.Wait()
}

func addNetwork(ctx context.Context, l *link, all *sandbox.Stats) error {
	t, err := l.get(ctx)
	if err != nil {
		return err
	}
	interfaces, err := t.NetworkStats(ctx)
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		all.RxBytes += i.RxBytes
		all.RxPackets += i.RxPackets
		all.RxErrors += i.RxErrors
		all.RxDropped += i.RxDropped
		all.TxBytes += i.TxBytes
		all.TxPackets += i.TxPackets
		all.TxErrors += i.TxErrors
		all.TxDropped += i.TxDropped
	}
	return nil
}

func (r *Runtime) containerStats(ctx context.Context, id string) (sandbox.ContainerStats, error) {
	s, err := r.daemon.ContainerStats(ctx, id, client.ContainerStatsOptions{})
	if err != nil {
		return sandbox.ContainerStats{}, err
	}
	defer s.Body.Close()
	var sample container.StatsResponse
	if err := json.NewDecoder(s.Body).Decode(&sample); err != nil {
		return sandbox.ContainerStats{}, err
	}
	return statsOf(sample), nil
}

// groupStats reads a container's control group by PID 1. The Engine tells
// nothing of containers that have joined a pause container: it looks for a
// network of that one's, which is the Engine's no more.
func (r *Runtime) groupStats(ctx context.Context, l *link, id, container string) (sandbox.ContainerStats, error) {
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return sandbox.ContainerStats{}, err
	}
	t, err := l.get(ctx)
	if err != nil {
		return sandbox.ContainerStats{}, err
	}
	s, err := t.CgroupStats(ctx, cgroupOf(id, container, f.systemd))
	if e, ok := errors.AsType[*tunnel.Error](err); ok && e.Kind == tunnel.NotFound {
		err = errdefs.ErrNotFound
	}
	return sandbox.ContainerStats{
		CPU: s.CPUUsage, Memory: s.MemoryUsage, MemoryCache: s.MemoryInactive,
		MemoryLimit: uint64(max(s.MemoryLimit, 0)), MemoryMax: s.MemoryPeak, PIDs: s.Pids,
	}, err
}

func statsOf(s container.StatsResponse) sandbox.ContainerStats {
	o := sandbox.ContainerStats{
		CPU:        time.Duration(s.CPUStats.CPUUsage.TotalUsage),
		OnlineCPUs: int(s.CPUStats.OnlineCPUs),
		SystemCPU:  time.Duration(s.CPUStats.SystemUsage),
		Memory:     s.MemoryStats.Usage, MemoryCache: reclaimable(s.MemoryStats.Stats),
		MemoryLimit: s.MemoryStats.Limit, MemoryMax: s.MemoryStats.MaxUsage,
		PIDs: s.PidsStats.Current,
	}
	for _, e := range s.BlkioStats.IoServiceBytesRecursive {
		switch strings.ToLower(e.Op) {
		case "read":
			o.ReadBytes += e.Value
		case "write":
			o.WrittenBytes += e.Value
		}
	}
	return o
}

// reclaimable: page cache that was not used lately, under its name in cgroup
// v1 and in v2.
func reclaimable(m map[string]uint64) uint64 {
	if n, ok := m["total_inactive_file"]; ok {
		return n
	}
	return m["inactive_file"]
}
