package main

import (
	"context"
	"errors"
	"fmt"
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
	w, err := newWorkload(s, "nginx")
	if err != nil {
		return nil, err
	}
	first, err := w.rate(ctx, 0)
	if err != nil {
		return nil, err
	}
	rows = []row{{"RunTask, fake runtime, 16 clients", fmt.Sprintf("%.0f calls/s", first), "2,000 calls/s"}}
	have := sample
	for _, n := range b.tasks {
		if err := w.run(16, n-have); err != nil {
			return nil, err
		}
		if have = n; w.settle(ctx, n) != nil {
			return nil, ctx.Err()
		}
		rate, err := w.rate(ctx, have)
		if err != nil {
			return nil, err
		}
		have += sample
		rows = append(rows, row{fmt.Sprintf("the same with %d tasks in the store", n), fmt.Sprintf("%.0f calls/s (%.2f ×)", rate, first/rate), "1.3 ×"})
	}
	return rows, nil
}

// sample is how many RunTask calls a rate is measured over.
const sample = 4000

// rate measures RunTask and then waits for the tasks to run, so that each
// measurement begins in peace. Have is how many there are before.
func (w *workload) rate(ctx context.Context, have int) (float64, error) {
	took, err := parallel(16, sample, func() error { return w.s.send("RunTask", w.request, nil) })
	if err != nil {
		return 0, err
	}
	return sample / took.Seconds(), w.settle(ctx, have+sample)
}
