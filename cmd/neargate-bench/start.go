package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
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
		s, err := start(ctx, b.neargate, "--data-dir", dir, "--runtime", "docker")
		if err != nil {
			return nil, err
		}
		times = append(times, s.answered.Sub(s.started))
		if err := s.stop(); err != nil {
			return nil, err
		}
	}
	usual, most, err := idleMemory(ctx, b, dir)
	return []row{
		{"process start → first answered ListClusters, state present", fmt.Sprintf("%.1f ms", ms(quantile(times, 0.5))), "≤ 25 ms, aim 15"},
		{"idle memory", fmt.Sprintf("%.1f MiB (at most %.1f)", mib(usual), mib(most)), "≤ 25 MiB, aim 20"},
	}, err
}

// fill leaves a cluster, a task definition and stopped tasks behind.
func fill(ctx context.Context, b *bench, dir string) error {
	s, err := start(ctx, b.neargate, "--data-dir", dir, "--runtime", "fake")
	if err != nil {
		return err
	}
	return errors.Join(live(ctx, s), s.stop())
}

func live(ctx context.Context, s *server) error {
	w, err := newWorkload(s, "nginx")
	if err != nil {
		return err
	}
	var arns []string
	for range 20 {
		t, err := w.runOne()
		if err != nil {
			return err
		}
		arns = append(arns, t.TaskArn)
	}
	if err := w.settle(ctx, len(arns)); err != nil {
		return err
	}
	for _, arn := range arns {
		if err := s.call("StopTask", object{"task": arn}, nil); err != nil {
			return err
		}
	}
	return w.stopped(ctx, arns)
}

// stopped waits until all of the tasks have ended.
func (w *workload) stopped(ctx context.Context, arns []string) error {
	for ctx.Err() == nil {
		var out struct{ Tasks []task }
		if err := w.s.call("DescribeTasks", object{"tasks": arns}, &out); err != nil {
			return err
		}
		if !slices.ContainsFunc(out.Tasks, func(t task) bool { return t.LastStatus != "STOPPED" }) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ctx.Err()
}

// How long a server is left alone before its memory is looked at, and for how
// long that goes on: longer than everything that it does from time to time.
const (
	idleAfter = 5 * time.Second
	idleFor   = 40 * time.Second
)

// idleMemory returns the median and the most of the resident memory.
func idleMemory(ctx context.Context, b *bench, dir string) (usual, most int64, err error) {
	s, err := start(ctx, b.neargate, "--data-dir", dir, "--runtime", "docker")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var seen []int64
	for began := time.Now(); time.Since(began) < idleAfter+idleFor; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
		n, err := s.memory()
		if err != nil {
			return 0, 0, err
		}
		if time.Since(began) >= idleAfter {
			seen = append(seen, n)
		}
	}
	return quantile(seen, 0.5), slices.Max(seen), nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func mib(n int64) float64 { return float64(n) / (1 << 20) }
