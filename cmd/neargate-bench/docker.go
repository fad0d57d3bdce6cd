package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/docker"
)

const image = "neargate-bench-web:latest"

// measureDocker measures tasks of one container on Docker, each measurement
// next to the same with the Engine API alone.
func measureDocker(ctx context.Context, b *bench) (rows []row, err error) {
	return b.onDocker(ctx, nil, (*dockerBench).measure)
}

// onDocker measures with a server that runs the workload's image on Docker.
func (b *bench) onDocker(ctx context.Context, args []string, measure func(*dockerBench, context.Context) ([]row, error)) (rows []row, err error) {
	program, err := os.ReadFile(b.web)
	if err != nil {
		return nil, fmt.Errorf("%w (`make bench` builds it)", err)
	}
	if err := docker.ImportProgram(ctx, "", image, "web", program); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, docker.RemoveImage(context.WithoutCancel(ctx), "", image)) }()
	plain, err := docker.NewPlain(ctx, "")
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	s, err := start(ctx, b.neargate, append([]string{"--data-dir", "memory"}, args...)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	d := &dockerBench{plain: plain}
	if d.w, err = newWorkload(s, image); err != nil {
		return nil, err
	}
	if err := d.follow(ctx); err != nil {
		return nil, err
	}
	return measure(d, ctx)
}

type dockerBench struct {
	w       *workload
	plain   *docker.Plain
	running <-chan string // ids of tasks, as they become RUNNING
}

func (d *dockerBench) measure(ctx context.Context) ([]row, error) {
	if err := d.warmUp(ctx); err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	for range 15 {
		plain, err := d.plainStart(ctx)
		if err != nil {
			return nil, err
		}
		task, err := d.taskStart(ctx)
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, task), append(theirs, plain)
	}
	ten, tenPlain, err := d.tenAtOnce(ctx)
	if err != nil {
		return nil, err
	}
	o, p := quantile(ours, 0.5), quantile(theirs, 0.5)
	return []row{
		{"RunTask → RUNNING, one container, Docker, warm sandbox",
			fmt.Sprintf("%.2f × (%.0f ms, plain Docker %.0f ms)", float64(o)/float64(p), ms(o), ms(p)), "≤ 1.25 ×"},
		{"ten at once, tasks/s", fmt.Sprintf("%.2f × (%.1f, plain Docker %.1f)", tenPlain.Seconds()/ten.Seconds(), 10/ten.Seconds(), 10/tenPlain.Seconds()), "1 ×"},
	}, nil
}

// warmUp runs ten tasks at once, so that image and network are there and the
// server knows how many sandboxes to keep ready, and gives it time to make
// them.
func (d *dockerBench) warmUp(ctx context.Context) error {
	arns, _, err := d.startTen(ctx)
	if err != nil {
		return err
	}
	for _, arn := range arns {
		if err := d.w.s.call("StopTask", object{"task": arn}, nil); err != nil {
			return err
		}
	}
	return d.rest(ctx, 15*time.Second)
}

func (d *dockerBench) rest(ctx context.Context, t time.Duration) error {
	select {
	case <-time.After(t):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *dockerBench) plainStart(ctx context.Context) (time.Duration, error) {
	took, remove, err := d.plain.Start(ctx, image)
	if err != nil {
		return 0, err
	}
	return took, remove(ctx)
}

// taskStart runs a task, waits for RUNNING as the change feed tells it, stops
// it, and rests until the pool is full again.
func (d *dockerBench) taskStart(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	t, err := d.w.runOne()
	if err != nil {
		return 0, err
	}
	if err := d.await(ctx, t.TaskArn); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if err := d.w.s.call("StopTask", object{"task": t.TaskArn}, nil); err != nil {
		return 0, err
	}
	return took, d.rest(ctx, 2*time.Second)
}

func (d *dockerBench) await(ctx context.Context, arns ...string) error {
	var missing []string
	for _, a := range arns {
		missing = append(missing, a[strings.LastIndexByte(a, '/')+1:])
	}
	for len(missing) > 0 {
		select {
		case id, ok := <-d.running:
			if !ok {
				return errors.New("the change feed ended")
			}
			missing = slices.DeleteFunc(missing, func(m string) bool { return m == id })
		case <-time.After(30 * time.Second):
			return fmt.Errorf("not RUNNING after 30 s: %v", missing)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// tenAtOnce starts ten tasks with one call, and ten plain containers.
func (d *dockerBench) tenAtOnce(ctx context.Context) (ours, theirs time.Duration, err error) {
	if err := d.rest(ctx, 10*time.Second); err != nil {
		return 0, 0, err
	}
	if theirs, err = d.plainTen(ctx); err != nil {
		return 0, 0, err
	}
	_, ours, err = d.startTen(ctx)
	return ours, theirs, err
}

// plainTen starts ten plain containers from ten goroutines.
func (d *dockerBench) plainTen(ctx context.Context) (time.Duration, error) {
	removes := make(chan func(context.Context) error, 10)
	took, err := parallel(10, 10, func() error {
		_, remove, err := d.plain.Start(ctx, image)
		if err == nil {
			removes <- remove
		}
		return err
	})
	close(removes)
	for remove := range removes {
		err = errors.Join(err, remove(ctx))
	}
	return took, err
}

// startTen runs ten tasks with one call and waits until all are RUNNING.
func (d *dockerBench) startTen(ctx context.Context) (arns []string, took time.Duration, err error) {
	var out struct{ Tasks []task }
	began := time.Now()
	if err := d.w.s.send("RunTask", d.w.ten(), &out); err != nil {
		return nil, 0, err
	}
	for _, t := range out.Tasks {
		arns = append(arns, t.TaskArn)
	}
	err = d.await(ctx, arns...)
	return arns, time.Since(began), err
}

// follow reads the change feed for tasks that become RUNNING.
func (d *dockerBench) follow(ctx context.Context) error {
	answer, err := http.Get("http://" + d.w.s.address + "/_neargate/changes?kind=sandbox")
	if err != nil {
		return err
	}
	running := make(chan string, 256)
	d.running = running
	go func() {
		defer close(running)
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var c struct {
				Key  string
				What []string
			}
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if ok && json.Unmarshal([]byte(data), &c) == nil && slices.Contains(c.What, "RUNNING") {
				running <- c.Key
			}
		}
	}()
	return nil
}
