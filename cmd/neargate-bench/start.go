package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// measureStart starts a server with state on disk over and over, and looks at
// its memory when it has been left alone.
func measureStart(ctx context.Context, b *bench) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "neargate-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := fill(ctx, b, dir); err != nil {
		return nil, err
	}
	var times []time.Duration
	for range 20 {
		s, err := start(ctx, b.neargate, "--data-dir", dir, "--runtime", "fake")
		if err != nil {
			return nil, err
		}
		times = append(times, s.answered.Sub(s.started))
		if err := s.stop(); err != nil {
			return nil, err
		}
	}
	memory, err := idleMemory(ctx, b, dir)
	return []row{
		{"process start → first answered ListClusters, state present (median of 20)", fmt.Sprintf("%.1f ms", ms(quantile(times, 0.5))), "25 ms, aim 15"},
		{"idle memory", fmt.Sprintf("%.1f MiB", float64(memory)/(1<<20)), "25 MiB, aim 20"},
	}, err
}

// fill leaves clusters, a task definition and tasks behind.
func fill(ctx context.Context, b *bench, dir string) error {
	s, err := start(ctx, b.neargate, "--data-dir", dir, "--runtime", "fake")
	if err != nil {
		return err
	}
	w, err := newWorkload(s, "nginx")
	if err == nil {
		err = w.run(16, 20)
	}
	return errors.Join(err, s.stop())
}

// idleFor is how long a server is left alone before its memory is read.
const idleFor = 3 * time.Second

func idleMemory(ctx context.Context, b *bench, dir string) (int64, error) {
	s, err := start(ctx, b.neargate, "--data-dir", dir, "--runtime", "docker")
	if err != nil {
		return 0, err
	}
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
	}
	memory, err := s.memory()
	return memory, errors.Join(err, s.stop())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
