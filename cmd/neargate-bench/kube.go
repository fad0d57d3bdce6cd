package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// measureKube measures clusters of EKS and their pods, each measurement next to
// the same as an ECS task or with plain Docker.
func measureKube(ctx context.Context, b *bench) ([]row, error) {
	if _, err := os.Stat(b.kube); errors.Is(err, os.ErrNotExist) {
		rows := (&kubeResult{}).rows()
		for i := range rows {
			rows[i].result = "not measured: neargate-kube is not built"
		}
		return rows, nil
	}
	return b.onDocker(ctx, []string{"--kube", b.kube}, func(d *dockerBench, ctx context.Context) ([]row, error) {
		k := &kubeBench{dockerBench: d, program: b.kube}
		if err := k.measure(ctx); err != nil {
			return nil, err
		}
		return k.rows(), nil
	})
}

type kubeBench struct {
	*dockerBench
	kubeResult
	program string
	subnets []string // of two zones
	cluster *cluster
}

// kubeResult is what was measured. All lists have one value for each try.
type kubeResult struct {
	created               []time.Duration // CreateCluster → the API answers
	pods, tasks           []time.Duration // created → Running
	deleted               []time.Duration // deleted → gone
	ten, tenTasks, tenPod []time.Duration // ten at once: plain Docker, tasks, a Deployment's pods
	rss, pss              int64
	processor             float64 // of one core, in percent
}

func (r *kubeResult) rows() []row {
	created, pod, task, gone := median(r.created), median(r.pods), median(r.tasks), median(r.deleted)
	ten, tenTasks, plain := median(r.tenPod), median(r.tenTasks), median(r.ten)
	ratio := 0.0
	if ten > 0 {
		ratio = plain.Seconds() / ten.Seconds()
	}
	return []row{
		{"CreateCluster → `kubectl get ns` answers", fmt.Sprintf("%.1f s", created.Seconds()), "≤ 5 s, aim 2.5"},
		{"pod created → Running, image present, against the ECS task of the same run", fmt.Sprintf("%+.0f ms (%.0f ms, task %.0f ms; deleted → gone %.0f ms)", ms(pod)-ms(task), ms(pod), ms(task), ms(gone)), "≤ + 200 ms"},
		{"Deployment scaled 0 → 10, all Ready", fmt.Sprintf("%.2f × (%.1f s, plain Docker %.1f s, ECS tasks %.1f s)", ratio, ten.Seconds(), plain.Seconds(), tenTasks.Seconds()), "1 ×"},
		{"memory of an idle cluster's control plane", fmt.Sprintf("%.0f MiB (PSS; RSS %.0f)", mib(r.pss), mib(r.rss)), "≤ 350 MiB, aim 200"},
		{"processor of an idle cluster's control plane", fmt.Sprintf("%.1f %% of a core", r.processor), "≤ 2 %"},
	}
}

func median(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return quantile(slices.Clone(list), 0.5)
}

const (
	clusters = 3  // made one after the other
	podTries = 15 // pods, and tasks
	tenTries = 3
	idleTime = 30 * time.Second
)

func (k *kubeBench) measure(ctx context.Context) error {
	if err := k.prepare(); err != nil {
		return err
	}
	for i := range clusters {
		began := time.Now()
		c, err := k.newCluster(ctx, fmt.Sprintf("bench-%d", i))
		if err != nil {
			return err
		}
		k.created = append(k.created, time.Since(began))
		if i < clusters-1 {
			if err := k.deleteCluster(ctx, c); err != nil {
				return err
			}
		}
		k.cluster = c
	}
	if err := k.idle(ctx); err != nil {
		return err
	}
	if err := k.newProfile(ctx); err != nil {
		return err
	}
	if err := k.cluster.watch(ctx); err != nil {
		return err
	}
	if err := k.warmUp(ctx); err != nil {
		return err
	}
	if err := k.measurePods(ctx); err != nil {
		return err
	}
	return k.measureTen(ctx)
}

// idle leaves a new cluster alone and then looks at its process.
func (k *kubeBench) idle(ctx context.Context) error {
	if err := k.rest(ctx, idleTime); err != nil {
		return err
	}
	pid, err := childOf(k.w.s.cmd.Process.Pid, k.program)
	if err != nil {
		return err
	}
	before, err := processorTime(pid)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := k.rest(ctx, idleTime); err != nil {
		return err
	}
	after, err := processorTime(pid)
	if err != nil {
		return err
	}
	k.processor = 100 * (after - before).Seconds() / time.Since(began).Seconds()
	k.rss, k.pss, err = memoryOf(pid)
	return err
}

// measurePods starts pods and tasks in turn.
func (k *kubeBench) measurePods(ctx context.Context) error {
	for i := range podTries {
		task, err := k.taskStart(ctx)
		if err != nil {
			return err
		}
		pod, gone, err := k.podStart(ctx, fmt.Sprintf("one-%d", i))
		if err != nil {
			return err
		}
		k.tasks, k.pods, k.deleted = append(k.tasks, task), append(k.pods, pod), append(k.deleted, gone)
	}
	return nil
}

// podStart makes a pod, waits for Running as a watch tells it, deletes it, waits
// until it is gone, and rests as after a task.
func (k *kubeBench) podStart(ctx context.Context, name string) (running, gone time.Duration, err error) {
	began := time.Now()
	if err := k.cluster.call(ctx, "POST", "/api/v1/namespaces/default/pods", pod(name), nil); err != nil {
		return 0, 0, err
	}
	if err := k.cluster.await(ctx, 1, func(p *seenPod) bool { return p.Metadata.Name == name && p.Status.Phase == "Running" }); err != nil {
		return 0, 0, err
	}
	running = time.Since(began)
	began = time.Now()
	if err := k.cluster.call(ctx, "DELETE", "/api/v1/namespaces/default/pods/"+name, nil, nil); err != nil {
		return 0, 0, err
	}
	if err := k.cluster.await(ctx, 0, func(*seenPod) bool { return true }); err != nil {
		return 0, 0, err
	}
	return running, time.Since(began), k.rest(ctx, 2*time.Second)
}

// measureTen scales a Deployment from none to ten and back, beside ten tasks
// and ten plain containers.
func (k *kubeBench) measureTen(ctx context.Context) error {
	if err := k.cluster.call(ctx, "POST", "/apis/apps/v1/namespaces/default/deployments", deployment("ten"), nil); err != nil {
		return err
	}
	for range tenTries {
		tasks, plain, err := k.tenAtOnce(ctx)
		if err != nil {
			return err
		}
		if err := k.stopTasks(ctx); err != nil {
			return err
		}
		pods, err := k.scale(ctx, "ten", 10)
		if err != nil {
			return err
		}
		if _, err := k.scale(ctx, "ten", 0); err != nil {
			return err
		}
		k.tenTasks, k.ten, k.tenPod = append(k.tenTasks, tasks), append(k.ten, plain), append(k.tenPod, pods)
	}
	return nil
}

// stopTasks stops what tenAtOnce has left and rests until the pool is full
// again.
func (k *kubeBench) stopTasks(ctx context.Context) error {
	var out struct{ TaskArns []string }
	if err := k.w.s.call("ListTasks", object{}, &out); err != nil {
		return err
	}
	for _, arn := range out.TaskArns {
		if err := k.w.s.call("StopTask", object{"task": arn}, nil); err != nil {
			return err
		}
	}
	return k.rest(ctx, 10*time.Second)
}

// scale changes the number of replicas and waits until so many are Ready.
func (k *kubeBench) scale(ctx context.Context, name string, n int) (time.Duration, error) {
	began := time.Now()
	path := "/apis/apps/v1/namespaces/default/deployments/" + name + "/scale"
	if err := k.cluster.call(ctx, "PATCH", path, object{"spec": object{"replicas": n}}, nil); err != nil {
		return 0, err
	}
	err := k.cluster.await(ctx, n, func(p *seenPod) bool {
		return n == 0 || strings.HasPrefix(p.Metadata.Name, name+"-") && p.isReady()
	})
	return time.Since(began), err
}

func pod(name string) object {
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": name}, "spec": podSpec()}
}

func podSpec() object {
	return object{"containers": []object{{"name": "web", "image": image, "imagePullPolicy": "IfNotPresent"}}}
}

func deployment(name string) object {
	labels := object{"app": name}
	return object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": name}, "spec": object{
		"replicas": 0, "selector": object{"matchLabels": labels}, "template": object{"metadata": object{"labels": labels}, "spec": podSpec()},
	}}
}
