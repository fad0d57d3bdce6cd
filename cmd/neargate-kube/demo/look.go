package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// look shows what Kubernetes tells about the pods, as kubectl would: nodes,
// logs, a command inside a pod, and what they use.
func (d *demo) look(ctx context.Context) error {
	pod := d.names()[0]
	for _, show := range []func(context.Context, string) error{d.nodes, d.logs, d.exec, d.top} {
		if err := show(ctx, pod); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) nodes(ctx context.Context, _ string) error {
	list, err := d.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	say("kubectl get nodes")
	return table(func(row func(...any)) {
		for _, n := range list.Items {
			state := "NotReady"
			for _, c := range n.Status.Conditions {
				if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
					state = "Ready"
				}
			}
			row(n.Name, state, n.Status.NodeInfo.KubeletVersion, n.Labels["topology.kubernetes.io/zone"])
		}
	})
}

func (d *demo) logs(ctx context.Context, pod string) error {
	lines := int64(4)
	text, err := d.kube.CoreV1().Pods(space).GetLogs(pod, &corev1.PodLogOptions{TailLines: &lines, Timestamps: true}).DoRaw(ctx)
	if err != nil {
		return err
	}
	say("kubectl logs --timestamps --tail=%d %s", lines, pod)
	show(string(text))
	return nil
}

// exec asks the Service by its name from inside a pod.
func (d *demo) exec(ctx context.Context, pod string) error {
	command := []string{"/web", "get", "http://" + name + "." + space + ".svc.cluster.local/"}
	request := d.kube.CoreV1().RESTClient().Get().Resource("pods").Namespace(space).Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: name, Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	e, err := remotecommand.NewWebSocketExecutor(d.config, "GET", request.URL().String())
	if err != nil {
		return err
	}
	began := time.Now()
	var out, errOut bytes.Buffer
	say("kubectl exec %s -- %s", pod, strings.Join(command, " "))
	if err := e.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &errOut}); err != nil {
		return fmt.Errorf("%w: %s", err, errOut.String())
	}
	show(out.String())
	d.timed("kubectl exec of a program that asks a Service by its name", began)
	return nil
}

func (d *demo) top(ctx context.Context, _ string) error {
	began := time.Now()
	text, err := d.kube.CoreV1().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces/" + space + "/pods").DoRaw(ctx)
	if err != nil {
		return err
	}
	var list v1beta1.PodMetricsList
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	say("kubectl top pods")
	d.timed("kubectl top for the first time, which has to look at the processors for a while", began)
	return table(func(row func(...any)) {
		for _, p := range list.Items {
			for _, c := range p.Containers {
				row(p.Name, fmt.Sprintf("%dm", c.Usage.Cpu().MilliValue()), fmt.Sprintf("%.1f MiB", float64(c.Usage.Memory().Value())/(1<<20)))
			}
		}
	})
}

// table prints rows with their columns below each other.
func table(fill func(row func(cells ...any))) error {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fill(func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(w, "%v\t", c) // into memory
		}
		fmt.Fprintln(w)
	})
	if err := w.Flush(); err != nil {
		return err
	}
	show(text.String())
	return nil
}
