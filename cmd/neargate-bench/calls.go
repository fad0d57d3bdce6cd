package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// measureCalls measures answers that only read.
func measureCalls(ctx context.Context, b *bench) (rows []row, err error) {
	s, err := start(ctx, b.neargate, "--data-dir", "memory", "--runtime", "fake")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	w, err := newWorkload(s, "nginx")
	if err != nil {
		return nil, err
	}
	p50, err := listClusters(s)
	if err != nil {
		return nil, err
	}
	rate, err := describeHundred(ctx, w)
	return []row{
		{"ListClusters, one client, p50", fmt.Sprintf("%.3f ms", ms(p50)), "≤ 0.3 ms"},
		{"DescribeTasks of 100, 16 clients", fmt.Sprintf("%.0f calls/s", rate), "≥ 1,000 calls/s"},
	}, err
}

func listClusters(s *server) (time.Duration, error) {
	times := make([]time.Duration, 0, 5000)
	for range cap(times) {
		began := time.Now()
		if err := s.send("ListClusters", []byte("{}"), nil); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	return quantile(times[1000:], 0.5), nil
}

func describeHundred(ctx context.Context, w *workload) (float64, error) {
	var arns []string
	for range 100 {
		t, err := w.runOne()
		if err != nil {
			return 0, err
		}
		arns = append(arns, t.TaskArn)
	}
	if err := w.settle(ctx, 100); err != nil {
		return 0, err
	}
	body, err := json.Marshal(object{"tasks": arns})
	if err != nil {
		return 0, err
	}
	const calls = 4000
	took, err := parallel(clients, calls, func() error { return w.s.send("DescribeTasks", body, nil) })
	return calls / took.Seconds(), err
}

// settle waits until n tasks run.
func (w *workload) settle(ctx context.Context, n int) error {
	for ctx.Err() == nil {
		var out struct {
			Clusters []struct{ RunningTasksCount, PendingTasksCount int }
		}
		if err := w.s.call("DescribeClusters", object{}, &out); err != nil {
			return err
		}
		if out.Clusters[0].RunningTasksCount >= n {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ctx.Err()
}
