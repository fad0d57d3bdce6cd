package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/neargate/neargate/cmd/neargate-kube/trial"
)

// This file makes and removes the cluster and its Fargate profile.

func (d *demo) makeCluster(ctx context.Context) error {
	subnets, err := d.aws.CreateVPC(ctx)
	if err != nil {
		return err
	}
	roleARN, err := d.aws.CreateRole(ctx, "demo-cluster", "eks.amazonaws.com")
	if err != nil {
		return err
	}
	say("aws eks create-cluster --name %s --role-arn %s --resources-vpc-config subnetIds=%s,%s", cluster, roleARN, subnets[0], subnets[1])
	began := time.Now()
	if err := d.aws.CreateCluster(ctx, cluster, roleARN, subnets); err != nil {
		return err
	}
	c, err := d.aws.Follow(ctx, trial.ClusterPath(cluster), "ACTIVE", since(began))
	if err != nil {
		return err
	}
	d.timed("create-cluster until it is ACTIVE, with a Kubernetes API server of its own", began)
	say("It is ACTIVE: Kubernetes %s at %s", c.Version, c.Endpoint)
	if d.config, err = c.Config(ctx, cluster); err != nil {
		return err
	}
	d.kube, err = kubernetes.NewForConfig(d.config)
	return err
}

func (d *demo) makeProfile(ctx context.Context) error {
	roleARN, err := d.aws.CreateRole(ctx, "demo-pods", "eks-fargate-pods.amazonaws.com")
	if err != nil {
		return err
	}
	say("aws eks create-fargate-profile --cluster-name %s --fargate-profile-name %s --selectors namespace=%s", cluster, profile, space)
	began := time.Now()
	if err := d.aws.CreateProfile(ctx, cluster, profile, roleARN, space); err != nil {
		return err
	}
	if _, err = d.aws.Follow(ctx, trial.ProfilePath(cluster, profile), "ACTIVE", since(began)); err == nil {
		d.timed("create-fargate-profile until it is ACTIVE", began)
	}
	return err
}

// removeCluster deletes the profile and the cluster and waits until they are
// gone.
func (d *demo) removeCluster(ctx context.Context) error {
	d.pods.stop()
	say("aws eks delete-fargate-profile --fargate-profile-name %s", profile)
	began := time.Now()
	if err := d.remove(ctx, trial.ProfilePath(cluster, profile)); err != nil {
		return err
	}
	say("aws eks delete-cluster --name %s", cluster)
	if err := d.remove(ctx, trial.ClusterPath(cluster)); err != nil {
		return err
	}
	d.timed("delete-fargate-profile and delete-cluster until both are gone", began)
	return nil
}

func (d *demo) remove(ctx context.Context, path string) error {
	began := time.Now()
	if err := d.aws.Delete(ctx, path); err != nil {
		return err
	}
	_, err := d.aws.Follow(ctx, path, trial.Gone, since(began))
	return err
}

// since prints a status with the time that has gone by.
func since(began time.Time) func(status string) {
	return func(status string) {
		now := time.Now()
		fmt.Printf("  %s  %+6d ms  %s\n", now.Format("15:04:05.000"), now.Sub(began).Milliseconds(), status)
	}
}

// connect asks the cluster what it is.
func (d *demo) connect(ctx context.Context) error {
	version, err := d.kube.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	namespaces, err := d.kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	say("kubectl get namespaces (the server says that it is %s)", version.GitVersion)
	for _, n := range namespaces.Items {
		show(n.Name)
	}
	d.pods, err = followPods(ctx, d.kube)
	return err
}
