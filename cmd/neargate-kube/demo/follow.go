package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// follower watches pods and prints what becomes of them.
type follower struct {
	events watch.Interface
	pods   map[string]*corev1.Pod // by name
	began  time.Time
}

func followPods(ctx context.Context, kube kubernetes.Interface) (*follower, error) {
	events, err := kube.CoreV1().Pods(space).Watch(ctx, metav1.ListOptions{})
	return &follower{events: events, pods: map[string]*corev1.Pod{}}, err
}

// stop ends the watch.
func (f *follower) stop() { f.events.Stop() }

// until prints until a condition holds of all pods.
func (f *follower) until(ctx context.Context, began time.Time, what string, holds func(map[string]*corev1.Pod) bool) error {
	f.began = began
	for !holds(f.pods) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case e, ok := <-f.events.ResultChan():
			if !ok {
				return errors.New("the API server ended the watch of pods")
			}
			if pod, ok := e.Object.(*corev1.Pod); ok {
				f.take(e.Type, pod)
			}
		}
	}
	return nil
}

func (f *follower) take(kind watch.EventType, pod *corev1.Pod) {
	before := f.pods[pod.Name]
	if kind == watch.Deleted {
		delete(f.pods, pod.Name)
		f.print(pod, "gone, and its node with it")
		return
	}
	f.pods[pod.Name] = pod
	if text := state(pod); before == nil || state(before) != text {
		f.print(pod, text)
	}
}

func (f *follower) print(pod *corev1.Pod, text string) {
	now := time.Now()
	fmt.Printf("  %s  %+6d ms  %s  %s\n", now.Format("15:04:05.000"), now.Sub(f.began).Milliseconds(), pod.Name, text)
}

// state is what `kubectl get pods -o wide` shows, in few words.
func state(pod *corev1.Pod) string {
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Message != "" {
			return fmt.Sprintf("%s: %s", w.Reason, w.Message)
		}
	}
	switch {
	case pod.DeletionTimestamp != nil:
		return "Terminating"
	case isReady(pod):
		return fmt.Sprintf("Ready at %s on %s", pod.Status.PodIP, pod.Spec.NodeName)
	case pod.Spec.NodeName != "" && pod.Status.Phase == corev1.PodPending:
		return "scheduled on " + pod.Spec.NodeName
	default:
		return string(pod.Status.Phase)
	}
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// ready tells whether exactly so many pods are there, all of them Ready.
func ready(n int) func(map[string]*corev1.Pod) bool {
	return func(pods map[string]*corev1.Pod) bool {
		for _, p := range pods {
			if !isReady(p) {
				return false
			}
		}
		return len(pods) == n
	}
}
