package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// measureFake measures RunTask with the fake runtime, in an empty store and
// with many tasks in it. The engine brings the tasks up at the same time; the
// next measurement begins when all are RUNNING.
func measureFake(ctx context.Context, b *bench) (rows []row, err error) {
	s, err := start(ctx, b.neargate, "--data-dir", "memory", "--runtime", "fake")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	most := slices.Max(b.tasks)
	w, err := newWideWorkload(s, "nginx", most+samples*sample*(len(b.tasks)+1))
	if err != nil {
		return nil, err
	}
	have, first := 0, 0.0
	if first, err = w.rate(ctx, &have); err != nil {
		return nil, err
	}
	var later []string
	for _, n := range b.tasks {
		if err := w.fill(ctx, &have, n); err != nil {
			return nil, err
		}
		rate, err := w.rate(ctx, &have)
		if err != nil {
			return nil, err
		}
		later = append(later, fmt.Sprintf("%.2f × (%.0f calls/s)", first/rate, rate))
	}
	return []row{
		{"RunTask with the fake runtime, 16 clients", fmt.Sprintf("%.0f calls/s", first), "≥ 2,000 calls/s"},
		{"the same with 10,000 and 100,000 tasks in the store", strings.Join(later, ", "), "≤ 1.3 ×"},
	}, nil
}

const (
	clients = 16
	sample  = 4000 // RunTask calls that a rate is measured over
	samples = 3    // of which the median counts
)

// rate measures RunTask and then waits for the tasks to run, so that each
// measurement begins in peace. have counts the tasks.
func (w *workload) rate(ctx context.Context, have *int) (float64, error) {
	var took []time.Duration
	for range samples {
		t, err := parallel(clients, sample, func() error { return w.s.send("RunTask", w.request(), nil) })
		if err != nil {
			return 0, err
		}
		took = append(took, t)
		*have += sample
		if err := w.settle(ctx, *have); err != nil {
			return 0, err
		}
	}
	return sample / quantile(took, 0.5).Seconds(), nil
}

// fill runs tasks, ten with a call, until there are n, and waits for them.
func (w *workload) fill(ctx context.Context, have *int, n int) error {
	if n <= *have {
		return nil
	}
	calls := (n - *have + 9) / 10
	_, err := parallel(clients, calls, func() error { return w.s.send("RunTask", w.ten(), nil) })
	if err != nil {
		return err
	}
	*have += 10 * calls
	return w.settle(ctx, *have)
}
