package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/trial"
)

// This file runs a Deployment behind a load balancer.

func (d *demo) apply(ctx context.Context) error {
	say("kubectl apply: ConfigMap %s, Service %s (LoadBalancer), Deployment %s of 3 replicas", name, name, name)
	began := time.Now()
	if _, err := d.kube.CoreV1().ConfigMaps(space).Create(ctx, configMap(), metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := d.kube.CoreV1().Services(space).Create(ctx, service(), metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := d.kube.AppsV1().Deployments(space).Create(ctx, deployment(3), metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := d.pods.until(ctx, began, "three pods are Ready", ready(3)); err != nil {
		return err
	}
	d.timed("three pods, each on a Fargate node of its own, until all are Ready", began)
	return nil
}

// visit goes to the load balancer's address from outside the cluster, until
// each pod has answered once.
func (d *demo) visit(ctx context.Context) error {
	address, err := d.balancer(ctx)
	if err != nil {
		return err
	}
	say("curl http://%s/ (the load balancer, from this machine, until each pod has answered)", address)
	began, seen := time.Now(), map[string]bool{}
	for len(seen) < 3 {
		body, err := get(ctx, "http://"+address+"/")
		if err != nil && time.Since(began) > 10*time.Second {
			return err
		}
		if err == nil && !seen[body] {
			seen[body] = true
			show(body)
		}
		if err := trial.Pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		if time.Since(began) > 30*time.Second {
			return fmt.Errorf("only %d pods answered behind the load balancer", len(seen))
		}
	}
	return nil
}

// balancer waits for the Service's address.
func (d *demo) balancer(ctx context.Context) (string, error) {
	for range 100 {
		s, err := d.kube.CoreV1().Services(space).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		for _, i := range s.Status.LoadBalancer.Ingress {
			return cmp.Or(i.IP, i.Hostname), nil
		}
		if err := trial.Pause(ctx, 100*time.Millisecond); err != nil {
			return "", err
		}
	}
	return "", errors.New("the Service got no load balancer within ten seconds")
}

func (d *demo) scale(ctx context.Context) error {
	say("kubectl scale deployment %s --replicas=5", name)
	began := time.Now()
	s, err := d.kube.AppsV1().Deployments(space).GetScale(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	s.Spec.Replicas = 5
	if _, err := d.kube.AppsV1().Deployments(space).UpdateScale(ctx, name, s, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err := d.pods.until(ctx, began, "five pods are Ready", ready(5)); err != nil {
		return err
	}
	d.timed("from 3 pods to 5, until all are Ready", began)
	return nil
}

func (d *demo) replace(ctx context.Context) error {
	victim := d.names()[0]
	say("kubectl delete pod %s: the Deployment replaces it", victim)
	began := time.Now()
	if err := d.kube.CoreV1().Pods(space).Delete(ctx, victim, metav1.DeleteOptions{}); err != nil {
		return err
	}
	err := d.pods.until(ctx, began, "the pod is replaced", func(pods map[string]*corev1.Pod) bool {
		return pods[victim] == nil && ready(5)(pods)
	})
	if err == nil {
		d.timed("a pod deleted, until it is gone and another one is Ready", began)
	}
	return err
}

func (d *demo) removeWorkload(ctx context.Context) error {
	say("kubectl delete deployment,service,configmap %s", name)
	began := time.Now()
	if err := d.kube.AppsV1().Deployments(space).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := d.kube.CoreV1().Services(space).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := d.kube.CoreV1().ConfigMaps(space).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := d.pods.until(ctx, began, "all pods are gone", ready(0)); err != nil {
		return err
	}
	d.timed("five pods deleted, until all are gone", began)
	return nil
}

// names are those of the pods there are, in order.
func (d *demo) names() []string { return slices.Sorted(maps.Keys(d.pods.pods)) }

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	r.Close = true // a connection of its own each time, so that each pod gets its turn
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return strings.TrimSpace(string(body)), err
}
